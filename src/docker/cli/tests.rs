//! The docker command line: its words, its options, its mistakes.

use super::super::{EndpointSpec, NetworkCreate};
use super::*;
use proptest::prelude::*;

fn words(line: &str) -> Vec<String> {
    line.split_whitespace().map(str::to_owned).collect()
}

fn refused(line: &str) -> CliError {
    match parse(&words(line)) {
        Err(e) => e,
        Ok(other) => panic!("{line}: {other:?}"),
    }
}

fn request(line: &str) -> Request {
    match parse(&words(line)) {
        Ok(Parsed::Request(r)) => r,
        other => panic!("{line}: {other:?}"),
    }
}

#[test]
fn a_run_line_with_networking_flags_is_read_whole() {
    let Request::Run(spec) = request(
        "run -dit --name web -h box --network net1 --network-alias www --ip 10.0.0.9 -p8080:80 -e A=b nginx nginx -g x",
    ) else {
        panic!("not a run")
    };
    assert!(spec.detach && spec.interactive && spec.tty);
    assert_eq!(spec.name.as_deref(), Some("web"));
    assert_eq!(spec.hostname.as_deref(), Some("box"));
    let net = EndpointSpec {
        aliases: vec!["www".into()],
        ip: Some("10.0.0.9".into()),
        ..EndpointSpec::from("net1")
    };
    assert_eq!(spec.networks, [net]);
    assert_eq!(spec.publish[0].host, Some((8080, 8080)));
    assert_eq!(spec.env, [("A".into(), "b".into())]);
    assert_eq!(spec.image, "nginx");
    assert_eq!(spec.command, ["nginx", "-g", "x"]);
}

#[test]
fn an_unknown_flag_is_refused_in_dockers_words_and_the_near_one_is_named() {
    let e = refused("network create --driver bridge --subnet 10.0.0.0/24 --gatway 10.0.0.1 second-bridge");
    assert_eq!(e.exit, 125);
    assert_eq!(
        e.message,
        "unknown flag: --gatway\n\nUsage:  docker network create [OPTIONS] NETWORK\n\n\
         Run 'docker network create --help' for more information\n"
    );
    assert_eq!(e.note, "Did you mean --gateway?\n");
    let e = refused("network create -net");
    assert_eq!(e.exit, 125);
    assert_eq!(
        e.message,
        "unknown shorthand flag: 'n' in -net\n\nUsage:  docker network create [OPTIONS] NETWORK\n\n\
         Run 'docker network create --help' for more information\n"
    );
}

#[test]
fn other_refusals_are_in_dockers_words() {
    let cases = [
        ("foo", 1, "docker: unknown command: docker foo\n\nRun 'docker --help' for more information\n"),
        ("rnu nginx", 1, "docker: unknown command: docker rnu\n\nRun 'docker --help' for more information\n"),
        (
            "network crate x",
            1,
            "docker: unknown command: docker network crate\n\nUsage:  docker network\n\n\
             Run 'docker network --help' for more information\n",
        ),
        (
            "network create",
            1,
            "docker: 'docker network create' requires 1 argument\n\nUsage:  docker network create [OPTIONS] NETWORK\n\n\
             Run 'docker network create --help' for more information\n",
        ),
        (
            "run -p abc:80 lab",
            125,
            "docker: Invalid hostPort: abc\n\nRun 'docker run --help' for more information\n",
        ),
        (
            "run --dns 1.2.3 lab",
            125,
            "invalid argument \"1.2.3\" for \"--dns\" flag: IP address is not correctly formatted: 1.2.3\n\n\
             Usage:  docker run [OPTIONS] IMAGE [COMMAND] [ARG...]\n\nRun 'docker run --help' for more information\n",
        ),
        (
            "run --add-host foo lab",
            125,
            "invalid argument \"foo\" for \"--add-host\" flag: bad format for add-host: \"foo\"\n\n\
             Usage:  docker run [OPTIONS] IMAGE [COMMAND] [ARG...]\n\nRun 'docker run --help' for more information\n",
        ),
        (
            "run --network-alias foo lab",
            125,
            "docker: network-scoped aliases are only supported for user-defined networks\n\n\
             Run 'docker run --help' for more information\n",
        ),
        (
            "run --mac-address zz:42 lab",
            125,
            "docker: zz:42 is not a valid mac address\n\nRun 'docker run --help' for more information\n",
        ),
        (
            "network create --gateway 10.0.4.1 n",
            1,
            "every ip-range or gateway must have a corresponding subnet\n",
        ),
        (
            "network create --subnet 10.0.3.0/24 --gateway 10.0.4.1 n",
            1,
            "no matching subnet for gateway 10.0.4.1\n",
        ),
        (
            "network create --subnet 10.0.3.0/24 --ip-range 10.0.4.0/28 n",
            1,
            "no matching subnet for range 10.0.4.0/28\n",
        ),
        (
            "cp a",
            1,
            "docker: 'docker cp' requires 2 arguments\n\nUsage:  docker cp [OPTIONS] CONTAINER:SRC_PATH DEST_PATH|-\n\tdocker cp [OPTIONS] SRC_PATH|- CONTAINER:DEST_PATH\n\nRun 'docker cp --help' for more information\n",
        ),
        ("save lab", 1, "docker save is not part of netpier. Nearest: docker images\n"),
        (
            "system events -q",
            125,
            "unknown shorthand flag: 'q' in -q\n\nUsage:  docker system events [OPTIONS]\n\n\
             Run 'docker system events --help' for more information\n",
        ),
        (
            "network -Z",
            125,
            "unknown shorthand flag: 'Z' in -Z\n\nUsage:  docker network\n\n\
             Run 'docker network --help' for more information\n",
        ),
        (
            "compose up",
            1,
            "docker: unknown command: docker compose\n\nRun 'docker --help' for more information\n",
        ),
    ];
    for (line, exit, message) in cases {
        let e = refused(line);
        assert_eq!((e.exit, e.message.as_str()), (exit, message), "{line}");
    }
}

#[test]
fn every_command_has_help_that_names_all_its_flags() {
    for command in commands() {
        let mut line: Vec<String> = command.path.iter().map(|w| (*w).to_owned()).collect();
        line.push("--help".into());
        let Ok(Parsed::Help(help)) = parse(&line) else { panic!("{line:?}") };
        let text = help.text;
        assert!(text.starts_with(&format!("Usage:  docker {} ", command.path.join(" "))));
        for flag in command.flags().filter(|f| !f.help.is_empty()) {
            assert!(text.contains(&format!("--{}", flag.name)), "{} of {line:?}", flag.name);
        }
    }
}

#[test]
fn completion_offers_commands_flags_and_the_kind_of_name() {
    let done = |line: &str, last: &str| complete(&words(line), last);
    assert_eq!(done("", "net"), (vec!["network".into()], Wants::Nothing));
    assert_eq!(done("network", "co"), (vec!["connect".into()], Wants::Nothing));
    assert_eq!(done("network create", "--gat"), (vec!["--gateway".into()], Wants::Nothing));
    assert_eq!(done("run --network", "x"), (vec![], Wants::Network));
    assert_eq!(done("run -d", ""), (vec![], Wants::Image));
    assert_eq!(done("exec -it", "w"), (vec![], Wants::Container));
    assert_eq!(done("network connect net1", ""), (vec![], Wants::Container));
}

/// Splits a rendered line as sh does, as far as `render` quotes.
fn sh_split(line: &str) -> Vec<String> {
    let mut out = vec![];
    let mut word: Option<String> = None;
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match c {
            ' ' => out.extend(word.take()),
            '\'' => {
                let w = word.get_or_insert_default();
                w.extend(chars.by_ref().take_while(|&c| c != '\''));
            }
            '\\' => word.get_or_insert_default().extend(chars.next()),
            c => word.get_or_insert_default().push(c),
        }
    }
    out.extend(word);
    out
}

fn back(line: &str) -> Request {
    match parse(&sh_split(line)[1..]) {
        Ok(Parsed::Request(r)) => r,
        other => panic!("{line}: {other:?}"),
    }
}

#[test]
fn a_rendered_line_parses_to_the_same_request() {
    let lines = [
        "run -d --name web -p 8080:80 nginx",
        "run -it --rm --network net1 --ip 10.0.0.5 --network-alias db --mac-address 02:42:ac:11:00:99 alpine sh -c x",
        "run -d --network name=a,alias=x --network name=b,ip=10.0.0.9,gw-priority=2 lab",
        "run -d -p 127.0.0.1::80 -p 8000-8001:80/udp -P --expose 90/udp -e A=b --add-host h:host-gateway lab",
        "run -d --dns 1.1.1.1 --dns-search x.org --dns-option ndots:2 --link web:db --restart always lab",
        "create --name c --entrypoint sh lab",
        "start a b",
        "stop -t 0 a",
        "restart a",
        "kill -s INT a",
        "ps -a -q --filter name=x --format {{.Names}}",
        "rm -f a b",
        "exec -it web sh -c date",
        "inspect -f {{.Id}} a",
        "port web 80/tcp",
        "logs --tail 3 web",
        "images -q",
        "pull nginx",
        "version",
        "network create --driver bridge --subnet 10.0.0.0/24 --gateway 10.0.0.1 --internal --opt a=b second-bridge",
        "network ls -q",
        "network inspect bridge",
        "network rm -f a",
        "network connect --ip 10.0.0.7 --alias x net1 web",
        "network disconnect net1 web",
        "network prune -f",
    ];
    for line in lines {
        let first = request(line);
        assert_eq!(back(&render(&first)), first, "{line} became {}", render(&first));
    }
    assert_eq!(render(&request(lines[0])), format!("docker {}", lines[0]));
    let odd = Request::NetworkCreate(NetworkCreate { name: "my 'net".into(), ..NetworkCreate::default() });
    assert_eq!(back(&render(&odd)), odd);
}

proptest! {
    #[test]
    fn no_line_makes_the_parser_panic(line in proptest::collection::vec("(-{0,2}[a-z=]{0,8}|[0-9.:/-]{0,9}|\\PC{0,6})", 0..7)) {
        let commands = ["run", "network", "create", "exec", "ps"];
        for first in commands {
            let mut words = vec![first.to_owned()];
            words.extend(line.iter().cloned());
            let _ = parse(&words);
            let _ = complete(&words, "-");
        }
    }
}

#[test]
fn the_long_form_of_a_network_takes_everything_and_gives_the_line_back() {
    let asked = "name=Net1,ip=10.0.0.9,link-local-ip=169.254.1.1,\"driver-opt=a.b=1,c.d=2\",gw-priority=3";
    let Request::Run(spec) = request(&format!("run -d --network {asked} lab")) else { panic!("not a run") };
    let net = EndpointSpec {
        ip: Some("10.0.0.9".into()),
        link_local: vec!["169.254.1.1".into()],
        driver_opts: vec![("a.b".into(), "1,c.d=2".into())],
        gw_priority: 3,
        ..EndpointSpec::from("net1")
    };
    assert_eq!(spec.networks, [net]);
    let line = render(&Request::Run(spec.clone())).replace('\'', "");
    assert_eq!(request(line.strip_prefix("docker ").unwrap_or_default()), Request::Run(spec));
    for (bad, why) in [
        ("name=n,driver-opt=x", "invalid key value pair format in driver options"),
        ("name=n,x=y", "invalid field key x"),
        ("ip=10.0.0.1", "network name/id is not specified"),
    ] {
        assert!(refused(&format!("run --network {bad} lab")).message.contains(why), "{bad}");
    }
}
