//! Programs that talk over the network: probes (`ping`, `curl` …) and servers.

mod app;
mod arping;
mod curl;
mod dig;
mod getent;
mod http;
mod icmp_text;
mod listener;
mod nc;
mod ping;
mod proxy;
mod query;
mod serve;
mod service;
mod stream;
mod tcpdump;
mod traceroute;
mod usage;
mod wget;

use super::dhcp;
use super::dns::{DNSD_OPTIONS, DnsServer};
use super::options::Opt;
use super::{Entry, Program, ProgramInfo};

const fn entry(
    name: &'static str,
    usage: &'static str,
    options: &'static [Opt],
    help: [&'static str; 2],
    make: fn(&[String]) -> Box<dyn Program>,
) -> Entry {
    Entry { info: ProgramInfo { name, usage, options, help }, make }
}

/// The table of these programs.
pub const PROGRAMS: &[Entry] = &[
    entry(
        "ping",
        "ping [options] <destination>",
        ping::OPTIONS,
        ["send ICMP echo requests to a host", "호스트에 ICMP 에코 요청 보내기"],
        ping::Ping::start,
    ),
    entry(
        "traceroute",
        "traceroute [-n] [-q nqueries] [-w wait] [-m max_ttl] host",
        traceroute::OPTIONS,
        ["print the route that packets take to a host", "패킷이 지나가는 경로 출력"],
        traceroute::Traceroute::start,
    ),
    entry(
        "arping",
        "arping [-c count] [-w timeout] [-I device] destination",
        arping::OPTIONS,
        ["ask on the link who has an address", "같은 링크에서 주소의 주인 묻기 (ARP)"],
        arping::Arping::start,
    ),
    entry(
        "curl",
        "curl [options...] <url>",
        curl::OPTIONS,
        ["transfer a URL", "URL 내용 가져오기"],
        curl::Curl::start,
    ),
    entry(
        "wget",
        "wget [OPTION]... [URL]...",
        wget::OPTIONS,
        ["download a URL", "URL 내려받기"],
        wget::Wget::start,
    ),
    entry(
        "nc",
        "nc [-lukzvnNd] [-p source_port] [-s sourceaddr] [-w timeout] [destination] [port]",
        nc::OPTIONS,
        ["talk over TCP or UDP, or wait for somebody to", "TCP나 UDP로 직접 주고받기, 연결 기다리기"],
        nc::Nc::start,
    ),
    entry(
        "tcpdump",
        "tcpdump [-nevqtA] [-i interface] [-c count] [-w file] [-r file] [expression]",
        tcpdump::OPTIONS,
        ["show the packets that pass an interface", "인터페이스를 지나는 패킷 보기"],
        tcpdump::Tcpdump::start,
    ),
    entry(
        "nslookup",
        "nslookup [-opt ...] host [server]",
        query::NSLOOKUP_OPTIONS,
        ["ask a DNS server for a name", "DNS 서버에 이름 묻기"],
        query::Query::nslookup,
    ),
    entry(
        "dig",
        "dig [@server] [domain] [q-type] [q-opt]",
        dig::OPTIONS,
        ["ask a DNS server, and show the whole answer", "DNS 서버에 묻고 응답 전체 보기"],
        dig::Dig::start,
    ),
    entry(
        "getent",
        "getent database [key ...]",
        getent::OPTIONS,
        ["look a name up as programs do", "프로그램이 하듯 이름 찾기"],
        getent::Getent::start,
    ),
    entry(
        "serve",
        "serve [tcp:PORT | tcp:ADDR:PORT | udp:PORT | udp:ADDR:PORT]...",
        &[],
        ["answer with what the server sees of the request", "서버가 본 요청 정보를 그대로 답하는 서버"],
        serve::Serve::start,
    ),
    entry(
        "udpq",
        "udpq HOST PORT [SOURCE_PORT]",
        &[],
        ["send one datagram and wait for the answer", "데이터그램 하나를 보내고 응답 기다리기"],
        serve::UdpQuery::start,
    ),
    entry(
        "docker-proxy",
        "docker-proxy -proto tcp|udp -host-ip ADDR -host-port PORT -container-ip ADDR -container-port PORT",
        proxy::OPTIONS,
        ["carry a published port into a container", "공개한 포트를 컨테이너로 이어 주기"],
        proxy::DockerProxy::start,
    ),
    entry(
        "dnsd",
        "dnsd [--listen ADDR[:PORT]] [--zone FILE] [--forward ADDR]...",
        DNSD_OPTIONS,
        ["answer DNS questions", "DNS 질문에 답하는 서버"],
        DnsServer::start,
    ),
    entry(
        "dhclient",
        "dhclient [-1dqrvx] [-e VAR=VALUE] [interface...]",
        dhcp::DHCLIENT_OPTIONS,
        ["get an address by DHCP, or give it back (-r)", "DHCP로 주소 받기, 돌려주기(-r)"],
        dhcp::Client::start,
    ),
    entry(
        "dhcpd",
        "dhcpd [-f] [-cf FILE] [interface]",
        dhcp::DHCPD_OPTIONS,
        ["give addresses away by DHCP", "DHCP로 주소를 나눠 주는 서버"],
        dhcp::Server::start,
    ),
    entry(
        "nginx",
        "nginx [-p PORT] [--title TEXT]",
        service::OPTIONS,
        ["a web server", "웹 서버"],
        service::Server::start,
    ),
    entry(
        "httpd",
        "httpd [-p PORT] [--title TEXT]",
        service::OPTIONS,
        ["a web server", "웹 서버"],
        service::Server::start,
    ),
    entry(
        "httpd-foreground",
        "httpd-foreground [-p PORT] [--title TEXT]",
        service::OPTIONS,
        ["a web server", "웹 서버"],
        service::Server::start,
    ),
    entry(
        "catalina.sh",
        "catalina.sh [-p PORT] [--title TEXT]",
        service::OPTIONS,
        ["Tomcat, on port 8080", "톰캣 (8080번 포트)"],
        service::Server::start,
    ),
    entry(
        "whoami",
        "whoami [-p PORT] [--title TEXT]",
        service::OPTIONS,
        ["a web server that tells what it sees", "본 것을 그대로 알려 주는 웹 서버"],
        service::Server::start,
    ),
    entry(
        "redis-server",
        "redis-server [-p PORT]",
        service::OPTIONS,
        ["Redis, on port 6379", "레디스 (6379번 포트)"],
        service::Server::start,
    ),
    entry(
        "postgres",
        "postgres [-p PORT]",
        service::OPTIONS,
        ["PostgreSQL, on port 5432", "PostgreSQL (5432번 포트)"],
        service::Server::start,
    ),
    entry(
        "mysqld",
        "mysqld [-p PORT]",
        service::OPTIONS,
        ["MySQL, on port 3306", "MySQL (3306번 포트)"],
        service::Server::start,
    ),
    entry(
        "mongod",
        "mongod [-p PORT]",
        service::OPTIONS,
        ["MongoDB, on port 27017", "MongoDB (27017번 포트)"],
        service::Server::start,
    ),
    entry(
        "node",
        "node SCRIPT.js",
        &[],
        ["a server in JavaScript, on $HOST:$PORT", "자바스크립트 서버 ($HOST:$PORT)"],
        service::Server::start,
    ),
    entry(
        "python",
        "python -m http.server [PORT] [--bind ADDRESS] | SCRIPT.py",
        &[],
        ["a server in Python", "파이썬 서버"],
        service::Server::start,
    ),
    entry(
        "python3",
        "python3 -m http.server [PORT] [--bind ADDRESS] | SCRIPT.py",
        &[],
        ["a server in Python", "파이썬 서버"],
        service::Server::start,
    ),
    entry(
        "listen",
        "listen [ADDR:]PORT...",
        service::OPTIONS,
        ["accept connections and echo what comes", "연결을 받아 온 것을 되돌려 보내기"],
        service::Server::start,
    ),
];
