//! Programs that show and change the machine itself: `ip`, `iptables`, `ss`, `cat` …
//!
//! Two kinds make most of them: [`once::Once`], which does all at once, and [`text::Filter`], which
//! reads lines from files or stdin.

mod archive;
mod awk;
mod basic;
mod conntrack;
mod cut;
mod fdb;
mod files;
mod fixed;
mod grep;
mod host;
mod ip;
mod iptables;
mod neighbours;
mod nettools;
mod once;
mod print;
mod proc_net;
mod sed;
mod seq;
mod sleep;
mod sort;
mod ss;
mod ss_filter;
mod sys_net;
mod sysctl;
mod test;
mod text;
mod timeout;
mod who;
mod with_env;

pub use files::absolute_path;
pub use sysctl::{read_proc, write_proc};
pub use test::{FileKind, TestError, kind_of, test};
pub use timeout::Limit;
pub use with_env::{with_creds, with_env};

use super::options::{Opt, OptError};
use super::{Entry, Program, ProgramInfo, Sys};

const fn entry(
    name: &'static str,
    usage: &'static str,
    options: &'static [Opt],
    help: [&'static str; 2],
    make: fn(&[String]) -> Box<dyn Program>,
) -> Entry {
    Entry { info: ProgramInfo { name, usage, options, help }, make }
}

/// What comes with every shell, be it coreutils and grep or busybox: an image that has `sh` has these.
pub const WITH_EVERY_SHELL: &[&str] = &[
    "[", "awk", "cat", "cut", "date", "echo", "env", "false", "grep", "head", "hostname", "id", "ls",
    "mkdir", "printenv", "printf", "pwd", "rm", "sed", "seq", "sleep", "sort", "tail", "tar", "tee", "test",
    "timeout", "touch", "tr", "true", "uname", "uniq", "wc",
];

/// Do the programs here come from busybox, as in alpine?
fn is_busybox(sys: &Sys<'_>) -> bool {
    sys.files.get("/bin/busybox").is_some()
}

/// What net-tools and busybox say to a bad option: `texts` are their usage texts. Their exit status.
fn usage(sys: &mut Sys<'_>, program: &str, error: &OptError, texts: [&str; 2], busybox: bool) -> i32 {
    let version = if busybox { "BusyBox v1.37.0 multi-call binary.\n\n" } else { "" };
    sys.err(format!("{program}: {error}\n{version}{}", texts[usize::from(busybox)]));
    if busybox { 1 } else { 3 }
}

/// The table of these programs.
pub const PROGRAMS: &[Entry] = &[
    entry(
        "awk",
        "awk [-F SEP] [-v NAME=VALUE] 'PATTERN {ACTION}' [FILE]…",
        awk::OPTIONS,
        ["picks fields out of lines", "줄에서 필드를 골라 처리해요"],
        awk::awk,
    ),
    entry(
        "timeout",
        "timeout [-s SIGNAL] SECONDS COMMAND…",
        timeout::OPTIONS,
        ["ends a command when its time is over", "정해진 시간이 지나면 명령을 끝내요"],
        timeout::timeout,
    ),
    entry("cat", "cat [FILE]…", &[], ["prints files", "파일 내용을 보여줘요"], basic::cat),
    entry(
        "cut",
        "cut -d C -f LIST [FILE]…",
        cut::CUT,
        ["prints fields of each line", "줄마다 필드를 골라내요"],
        cut::cut,
    ),
    entry("date", "date [+FORMAT]", print::DATE, ["prints the time", "시각을 보여줘요"], print::date),
    entry(
        "echo",
        "echo [-n] [-e] [TEXT]…",
        &[],
        ["prints its arguments", "글자를 그대로 보여줘요"],
        basic::echo,
    ),
    entry(
        "env",
        "env [NAME=VALUE]… [COMMAND]",
        &[],
        ["prints the environment", "환경 변수를 보여줘요"],
        host::env,
    ),
    entry("false", "false", &[], ["fails", "실패로 끝나요"], basic::no),
    entry(
        "grep",
        "grep [OPTION]… PATTERN [FILE]…",
        grep::OPTIONS,
        ["prints the lines that match", "일치하는 줄을 찾아요"],
        grep::grep,
    ),
    entry(
        "head",
        "head [-n N] [FILE]…",
        basic::HEAD,
        ["prints the first lines", "처음 몇 줄을 보여줘요"],
        basic::head,
    ),
    entry(
        "hostname",
        "hostname [-f|-d|-s|-i|-I]",
        host::HOSTNAME,
        ["prints the host's name", "호스트 이름을 보여줘요"],
        host::hostname,
    ),
    entry(
        "ip",
        "ip [-4] [-o] [-br] addr|link|neigh|route [show|add|del|…]",
        ip::OPTIONS,
        ["shows and changes addresses, links, routes, neighbours", "주소, 링크, 경로, 이웃을 보고 바꿔요"],
        ip::ip,
    ),
    entry("id", "id [-u|-g] [-n]", who::ID, ["prints user and group", "사용자와 그룹을 보여줘요"], who::id),
    entry("pwd", "pwd", &[], ["prints the working directory", "작업 디렉터리를 보여줘요"], who::pwd),
    entry(
        "sed",
        "sed [-n] [-E] SCRIPT [FILE]…",
        sed::OPTIONS,
        ["changes lines", "줄의 내용을 바꿔요"],
        sed::sed,
    ),
    entry(
        "mkdir",
        "mkdir [-p] DIRECTORY…",
        files::MKDIR,
        ["makes directories", "디렉터리를 만들어요"],
        files::mkdir,
    ),
    entry("ls", "ls [-l] [PATH]…", files::LS, ["lists files", "파일 목록을 보여줘요"], files::ls),
    entry(
        "printenv",
        "printenv [NAME]…",
        &[],
        ["prints environment variables", "환경 변수를 보여줘요"],
        host::printenv,
    ),
    entry(
        "printf",
        "printf FORMAT [ARGUMENT]…",
        &[],
        ["prints its arguments by a format", "형식에 맞춰 인자를 보여줘요"],
        print::printf,
    ),
    entry("rm", "rm [-f] [-r] FILE…", files::RM, ["removes files", "파일을 지워요"], files::rm),
    entry(
        "seq",
        "seq [-w] [-s STRING] [-f FORMAT] [FIRST [STEP]] LAST",
        seq::OPTIONS,
        ["prints numbers", "숫자를 차례로 보여줘요"],
        seq::seq,
    ),
    entry("sleep", "sleep SECONDS", &[], ["waits", "정해진 시간만큼 기다려요"], sleep::sleep),
    entry(
        "sort",
        "sort [-n] [-r] [-u] [-V] [-k N] [FILE]…",
        sort::OPTIONS,
        ["sorts lines", "줄을 정렬해요"],
        sort::sort,
    ),
    entry(
        "tail",
        "tail [-n N] [FILE]…",
        basic::TAIL,
        ["prints the last lines", "마지막 몇 줄을 보여줘요"],
        basic::tail,
    ),
    entry(
        "tar",
        "tar -t|-x|-c [-O] [-f ARCHIVE] [-C DIRECTORY] [FILE]…",
        archive::OPTIONS,
        ["lists, unpacks and makes archives", "여러 파일을 묶고 풀어요"],
        archive::tar,
    ),
    entry(
        "tee",
        "tee [-a] FILE…",
        files::TEE,
        ["copies its input to files", "입력을 파일에도 써요"],
        files::tee,
    ),
    entry("test", "test EXPRESSION", &[], ["tests a condition", "조건을 검사해요"], test::program),
    entry("touch", "touch FILE…", &[], ["makes empty files", "빈 파일을 만들어요"], files::touch),
    entry("tr", "tr [-d] [-s] SET1 [SET2]", cut::TR, ["replaces characters", "글자를 바꿔요"], cut::tr),
    entry("true", "true", &[], ["succeeds", "성공으로 끝나요"], basic::yes),
    entry(
        "uname",
        "uname [-a]",
        host::UNAME,
        ["prints the system's name", "시스템 이름을 보여줘요"],
        host::uname,
    ),
    entry(
        "uniq",
        "uniq [-c] [FILE]",
        sort::UNIQ,
        ["drops repeated lines", "반복되는 줄을 합쳐요"],
        sort::uniq,
    ),
    entry(
        "wc",
        "wc [-l] [-w] [-c] [FILE]…",
        basic::WC,
        ["counts lines, words and bytes", "줄, 단어, 바이트 수를 세요"],
        basic::wc,
    ),
    entry(
        "arp",
        "arp [-n] [-a] [-i DEVICE]",
        neighbours::ARP,
        ["shows the neighbours", "이웃(ARP) 표를 보여줘요"],
        neighbours::arp,
    ),
    entry(
        "bridge",
        "bridge fdb|link [show]",
        &[],
        ["shows bridges' ports and addresses", "브리지의 포트와 주소 표를 보여줘요"],
        neighbours::bridge,
    ),
    entry(
        "conntrack",
        "conntrack -L|-D|-F|-C [-p PROTO] [-s ADDRESS] [-d ADDRESS]",
        conntrack::OPTIONS,
        ["shows tracked connections", "추적 중인 연결을 보여줘요"],
        conntrack::conntrack,
    ),
    entry(
        "iptables",
        "iptables [-t TABLE] -A|-I|-D|-L|-S|-F … [CHAIN] [RULE]",
        iptables::OPTIONS,
        ["shows and changes firewall and NAT rules", "방화벽과 NAT 규칙을 보고 바꿔요"],
        iptables::iptables,
    ),
    entry(
        "iptables-restore",
        "iptables-restore < FILE",
        &[],
        ["replaces tables by saved ones", "저장한 규칙으로 되돌려요"],
        iptables::restore,
    ),
    entry(
        "iptables-save",
        "iptables-save [-t TABLE] [-c]",
        iptables::SAVE,
        ["prints all rules", "모든 규칙을 저장할 모양으로 보여줘요"],
        iptables::save,
    ),
    entry(
        "ifconfig",
        "ifconfig [-a] [-s] [INTERFACE [up|down|ADDRESS [netmask MASK]|mtu N]]",
        nettools::IFCONFIG,
        ["shows and sets interfaces (an older `ip addr`)", "인터페이스를 보고 바꿔요 (옛날식 ip addr)"],
        nettools::ifconfig,
    ),
    entry(
        "netstat",
        "netstat [-t] [-u] [-l] [-a] [-n] [-p] | -r [-n] | -i",
        nettools::NETSTAT,
        ["shows sockets, routes, counters (an older `ss`)", "소켓, 경로, 통계를 보여줘요 (옛날식 ss)"],
        nettools::netstat,
    ),
    entry(
        "route",
        "route [-n] [add|del [-net|-host] TARGET [netmask MASK] [gw GATEWAY] [[dev] IF]]",
        nettools::ROUTE,
        ["shows and changes routes (an older `ip route`)", "경로를 보고 바꿔요 (옛날식 ip route)"],
        nettools::route,
    ),
    entry(
        "ss",
        "ss [-t] [-u] [-l] [-a] [-n] [-p]",
        ss::OPTIONS,
        ["shows sockets", "소켓을 보여줘요"],
        ss::ss,
    ),
    entry(
        "sysctl",
        "sysctl [-w] NAME[=VALUE]…",
        sysctl::OPTIONS,
        ["shows and changes kernel settings", "커널 설정을 보고 바꿔요"],
        sysctl::sysctl,
    ),
];
