//! What people type, and what they see.

use super::*;
use crate::sim::Progress;
use crate::stack::Step;

/// Two computers and a cable.
pub(super) fn pair() -> Session {
    let mut s = Session::new(7);
    for (id, addr) in [("a", "10.0.0.1/24"), ("b", "10.0.0.2/24")] {
        s.add_node(computer(id, addr)).unwrap();
    }
    s.add_link(&link(("a", "eth0"), ("b", "eth0"))).unwrap();
    s
}

fn computer(id: &str, addr: &str) -> NodeConfig {
    let text = format!(
        r#"{{"id": "{id}", "kind": "computer", "ports": [{{"name": "eth0", "address": "{addr}"}}], "gateway": "10.0.0.254"}}"#
    );
    serde_json::from_str(&text).unwrap()
}

fn link(a: (&str, &str), b: (&str, &str)) -> LinkConfig {
    let end = |(node, port): (&str, &str)| (node.to_owned(), port.parse().unwrap());
    LinkConfig { a: end(a), b: end(b), latency_us: 50, loss_per_mille: 0, down: false }
}

pub(super) fn run(s: &mut Session, line: &str) -> Job {
    s.run_line("a", line, Duration::from_secs(60)).unwrap()
}

/// stdout, stderr and status of each line, typed one after the other at one place.
#[track_caller]
pub(super) fn check(table: &[(&str, &str, &str, i32)]) {
    let mut s = pair();
    for (line, stdout, stderr, exit) in table {
        let job = run(&mut s, line);
        assert_eq!(job.stdout(), *stdout, "stdout of {line}");
        assert_eq!(job.stderr(), *stderr, "stderr of {line}");
        assert_eq!(job.exit, Some(*exit), "status of {line}");
    }
}

#[test]
fn lists_and_pipelines_run_as_in_bash() {
    check(&[
        ("echo hello world", "hello world\n", "", 0),
        ("", "", "", 0),
        ("true && echo yes || echo no", "yes\n", "", 0),
        ("false && echo yes || echo no", "no\n", "", 0),
        ("false; echo $?", "1\n", "", 0),
        ("false", "", "", 1),
        ("echo $?", "1\n", "", 0),
        ("echo -e 'b\\na\\nc' | sort | head -n 2", "a\nb\n", "", 0),
        ("echo a b c | wc -w", "3\n", "", 0),
        ("true | false", "", "", 1),
        ("false | true", "", "", 0),
        ("echo one two | cut -d ' ' -f 2 | tr a-z A-Z", "TWO\n", "", 0),
        ("echo -e 'x10\\nx9\\nx1' | sort -V", "x1\nx9\nx10\n", "", 0),
        ("echo -e 'a 2\\nb 1' | sort -k 2 -n", "b 1\na 2\n", "", 0),
        ("echo -e 'a\\na\\nb' | uniq -c", "      2 a\n      1 b\n", "", 0),
        ("echo -e 'tcp x\\nudp y' | grep -v tcp", "udp y\n", "", 0),
        ("echo abc | grep x", "", "", 1),
        ("echo 10.0.0.1 and 10.0.0.2 | grep -oE '[0-9.]+'", "10.0.0.1\n10.0.0.2\n", "", 0),
    ]);
}

#[test]
fn substitutions_and_variables_expand() {
    check(&[
        ("echo $(echo a; echo b) c", "a b c\n", "", 0),
        ("echo \"$(echo a; echo b)\"", "a\nb\n", "", 0),
        ("echo $(echo $(echo deep))", "deep\n", "", 0),
        ("X=1; echo \"<$X>\" '$X' ${X}2", "<1> $X 12\n", "", 0),
        ("echo $X", "1\n", "", 0),
        ("echo $NOTHING x", "x\n", "", 0),
        ("export Y='a  b'; printenv Y; echo $Y", "a  b\na b\n", "", 0),
        ("W=$(echo -e 'a  b\\nc'); V=$W; echo \"$V\"", "a  b\nc\n", "", 0),
        ("Z=2 printenv Z; echo \"[$Z]\"", "2\n[]\n", "", 0),
        ("env Q=3 printenv Q", "3\n", "", 0),
        ("echo $(false)$?", "1\n", "", 0),
        ("hostname; echo $HOSTNAME", "a\na\n", "", 0),
    ]);
}

#[test]
fn a_variable_that_doubles_itself_comes_to_an_end() {
    // 16 bytes doubled 14 times would be the bound, and `a=` with them is more.
    let line = format!("a={}{}", "x".repeat(16), "; a=$a$a".repeat(14));
    let job = run(&mut pair(), &line);
    assert_eq!((job.exit, job.stderr().as_str()), (Some(126), "bash: Argument list too long\n"));
}

#[test]
fn redirections_reach_files_and_each_other() {
    check(&[
        ("echo one > /tmp/x; echo two >> /tmp/x; cat /tmp/x", "one\ntwo\n", "", 0),
        ("wc -l < /tmp/x", "2\n", "", 0),
        ("cat nothing 2>/dev/null", "", "", 1),
        ("cat nothing 2>&1 | wc -l", "1\n", "", 0),
        ("cat nothing", "", "cat: nothing: No such file or directory\n", 1),
        ("echo oops >&2", "", "oops\n", 0),
        ("cat < nothing", "", "bash: nothing: No such file or directory\n", 1),
        ("cd /tmp; pwd; cat x | tail -n 1; cd", "/tmp\ntwo\n", "", 0),
        ("cd /nowhere", "", "bash: cd: /nowhere: No such file or directory\n", 1),
        (
            "echo x | tee /tmp/y; cat /tmp/y; rm /tmp/y; cat /tmp/y",
            "x\nx\n",
            "cat: /tmp/y: No such file or directory\n",
            1,
        ),
        ("ls /tmp", "x\n", "", 0),
    ]);
}

#[test]
fn shells_within_shells_run() {
    check(&[
        ("sh -c 'echo inner | tr a-z A-Z'", "INNER\n", "", 0),
        ("sh -c 'exit 3'; echo $?", "3\n", "", 0),
        ("echo 'echo from stdin' | sh", "from stdin\n", "", 0),
        ("bash -c 'cat' < /etc/hostname", "a\n", "", 0),
        ("echo b | sh -c 'cat; echo c' | sort -r", "c\nb\n", "", 0),
        ("exit 4; echo no", "", "", 4),
    ]);
}

#[test]
fn an_unknown_word_gets_the_shells_answer_and_the_nearest_one() {
    check(&[
        ("sleeep 1", "", "bash: sleeep: command not found\n", 127),
        ("xyzzyq", "", "bash: xyzzyq: command not found\n", 127),
        ("echo 'x", "", "bash: unexpected EOF while looking for matching `''\n", 2),
        ("| x", "", "bash: syntax error near unexpected token `|'\n", 2),
    ]);
    let mut s = pair();
    assert_eq!(run(&mut s, "sleeep 2>/dev/null | cat").notes(), "did you mean \"sleep\"?\n");
    s.lang = Lang::Ko;
    assert!(run(&mut s, "sleeep").notes().ends_with("혹시 \"sleep\"인가요?\n"));
    assert!(run(&mut s, "help").stdout().contains("정해진 시간만큼 기다려요"));
}

#[test]
fn help_begins_with_network_tools_ends_with_signs_and_names_no_server_of_an_image() {
    let mut s = pair();
    let help = run(&mut s, "help").stdout();
    let mut words: Vec<_> = help.lines().filter_map(|l| l.split_whitespace().next()).collect();
    assert_eq!(words.pop(), Some("help"), "what else there is to know");
    assert_eq!(words[..3], ["ping", "curl", "wget"]);
    assert_eq!(words[words.len() - 3..], [":", "[", "[["]);
    let at = |word| words.iter().position(|w| *w == word);
    assert!(at("ip") < at("cat") && at("cat") < at("cd"), "{words:?}");
    assert_eq!((at("catalina.sh"), at("postgres")), (None, None));
    assert!(run(&mut s, "help nginx").stdout().contains("nginx [-p PORT]"), "still there for who asks");
}

#[test]
fn a_command_takes_its_virtual_time_and_no_more() {
    let mut s = pair();
    let begin = s.world.now();
    let job = run(&mut s, "sleep 2; sleep 0.5");
    assert_eq!(job.exit, Some(0));
    assert_eq!(s.world.now() - begin, Duration::from_millis(2500));
}

#[test]
fn ctrl_c_ends_the_whole_line() {
    let mut s = pair();
    let id = s.exec("a", "sleep infinity; echo never").unwrap();
    assert_eq!(s.run(s.world.now() + Duration::from_secs(5), 1_000), Progress::Quiet);
    assert_eq!(s.job(id).unwrap().exit, None);
    s.interrupt(id);
    let job = s.job(id).unwrap();
    assert_eq!((job.exit, job.stdout().as_str()), (Some(130), ""));
}

#[test]
fn what_runs_longer_than_its_limit_is_interrupted() {
    let mut s = pair();
    let job = s.run_line("a", "sleep 100", Duration::from_secs(3)).unwrap();
    assert_eq!(job.exit, Some(130));
    assert!(s.world.now() <= Instant::ZERO + Duration::from_secs(4));
}

#[test]
fn a_background_command_is_not_waited_for() {
    let mut s = pair();
    let job = run(&mut s, "sleep 1000 & echo next");
    assert_eq!((job.exit, job.stdout().as_str()), (Some(0), "next\n"));
    assert!(s.world.now() < Instant::ZERO + Duration::from_secs(1));
}

#[test]
fn wait_lets_what_runs_in_the_background_end_first() {
    let mut s = pair();
    let job = run(&mut s, "(sleep 2; echo two) & (sleep 1; echo one) & wait; echo done; wait; wait 7");
    assert_eq!((job.exit, job.stdout().as_str()), (Some(127), "one\ntwo\ndone\n"));
    assert_eq!(job.stderr(), "bash: wait: pid 7 is not a child of this shell\n");
    let mut s = pair();
    let first = run(&mut s, "sleep 3 &");
    assert!(first.exit == Some(0) && s.world.now() < Instant::ZERO + Duration::from_secs(1));
    let job = run(&mut s, "wait; echo $?");
    assert_eq!(job.stdout(), "0\n", "what an earlier line started counts, too");
    assert!(s.world.now() >= Instant::ZERO + Duration::from_secs(3));
    let job = s.run_line("a", "sleep 100 & wait", Duration::from_secs(3)).unwrap();
    assert_eq!(job.exit, Some(130), "Ctrl-C ends it");
}

#[test]
fn timeout_ends_programs_and_shells_and_nothing_that_is_done_before() {
    let mut s = pair();
    let line = "timeout 2 sleep 9; echo $?; timeout 1 sh -c 'sleep 5; echo no'; echo $?; \
                timeout 5 sh -c 'exit 3'; echo $?; timeout 3 true; echo $?; timeout -s KILL 1 sleep 9; echo $?";
    let job = run(&mut s, line);
    assert_eq!(job.stdout(), "124\n124\n3\n0\n137\n");
    assert!(s.world.now() < Instant::ZERO + Duration::from_secs(5));
    check(&[(
        "timeout 1",
        "",
        "timeout: missing operand\nTry 'timeout --help' for more information.\n",
        125,
    )]);
}

#[test]
fn double_brackets_compare_with_patterns_and_split_nothing() {
    check(&[
        ("x='a b'; [[ $x == 'a b' ]] && echo yes", "yes\n", "", 0),
        ("x=; [[ $x == a ]]", "", "", 1),
        ("[[ web-1 == web-* && 2 -gt 1 ]] && echo both", "both\n", "", 0),
        ("[[ web-1 != db* || ( a == b ) ]] && echo one", "one\n", "", 0),
        ("[[ a < b ]] && echo less", "less\n", "", 0),
        ("if [[ ! -f /nope ]]; then echo none; fi", "none\n", "", 0),
        ("[[ -n a && ( a == b || -z x ) ]]", "", "", 1),
    ]);
}

#[test]
fn the_reader_of_a_pipe_may_leave_first() {
    check(&[("sh -c 'echo 1; echo 2; echo 3' | head -n 1", "1\n", "", 0), ("sleep 5 | true", "", "", 0)]);
}

#[test]
fn what_is_printed_stands_in_the_log_at_its_moment() {
    let mut s = pair();
    let job = run(&mut s, "echo early; sleep 1; echo late");
    for (seq, _, text) in &job.output {
        let record = s.world.log.get(*seq).expect("kept");
        let Step::Printed { text: noted, .. } = &record.step else { panic!("{:?}", record.step) };
        assert_eq!(&**noted, text);
        let expect = if text == "late\n" { 1_000_000_000 } else { 0 };
        assert_eq!(record.at.as_nanos(), expect, "{text}");
    }
    assert_eq!(job.output.len(), 2);
}

#[test]
fn output_without_end_is_cut() {
    let mut s = pair();
    run(&mut s, "echo 0123456789012345678901234567890123456789012345678901234567890123456789 > /x");
    for _ in 0..12 {
        run(&mut s, "cat /x /x > /y; cat /y > /x");
    }
    let job = run(&mut s, "cat /x /x /x /x /x /x /x /x");
    let len = job.stdout().len();
    assert!(len < 3 << 20 && job.stdout().ends_with("[netpier: output cut here]\n"), "{len}");
}

#[test]
fn a_pipe_that_nobody_reads_is_cut() {
    let mut s = pair();
    let job = run(&mut s, "seq 999999999999 | sleep 60");
    assert_eq!(job.exit, Some(0));
    let notes: Vec<&str> = job.output.iter().filter(|o| o.1 == Stream::Note).map(|o| o.2.as_str()).collect();
    assert_eq!(notes, ["[netpier: the pipe is cut here]\n"]);
    assert!(job.piped < (9 << 20), "{}", job.piped);
}

#[test]
fn widths_and_ranges_of_any_size_are_survived() {
    let mut s = pair();
    let wide = run(&mut s, "printf '%.70000d|%70000d|%-70000s|%070000d' 1 2 3 4").stdout();
    assert_eq!(wide.len(), 4 * 4096 + 3);
    let ends = run(&mut s, "echo {-9000000000000000000..9000000000000000000..9000000000000000000}").stdout();
    assert_eq!(ends, "-9000000000000000000 0 9000000000000000000\n");
    let zeros = "0".repeat(70_000);
    let job = run(&mut s, &format!("echo {{{zeros}1..2}}"));
    assert_eq!((job.exit, job.stdout().len()), (Some(0), 2 * 255 + 2));
}

#[test]
fn places_that_are_not_there_are_named_with_the_nearest() {
    let s = pair();
    assert_eq!(s.place("aa").unwrap_err().to_string(), "there is no node \"aa\"; did you mean \"a\"?");
    assert_eq!(s.place("a:web").unwrap_err().to_string(), "there is no container \"web\" on \"a\"");
}

#[test]
fn nodes_that_cannot_be_are_refused_and_nothing_is_made() {
    let mut s = pair();
    let namespaces = s.world.namespaces().count();
    for (config, expect) in [
        (computer("a", "10.0.0.3/24"), "id \"a\" is taken"),
        (computer("c", "10.0.1.1/24"), "gateway: Nexthop has invalid gateway"),
        (computer("C", "10.0.0.3/24"), "id \"C\": lower-case letters, digits and hyphens only"),
    ] {
        assert_eq!(s.add_node(config).unwrap_err().to_string(), expect);
    }
    assert_eq!((s.nodes().len(), s.world.namespaces().count()), (2, namespaces));
    let error = s.add_link(&link(("a", "eth0"), ("b", "eth0"))).unwrap_err();
    assert_eq!(
        error.to_string(),
        "port eth0 of a or port eth0 of b has a cable already; pull that one first"
    );
    s.remove_link("b", "eth0".parse().unwrap()).unwrap();
    s.remove_node("b").unwrap();
    assert_eq!(s.nodes().len(), 1);
}

#[test]
fn ip_prints_as_iproute2_does() {
    check(&[
        (
            "ip -4 -o addr",
            "1: lo    inet 127.0.0.1/8 scope host lo\\       valid_lft forever preferred_lft forever\n\
             2: eth0    inet 10.0.0.1/24 scope global eth0\\       valid_lft forever preferred_lft forever\n",
            "",
            0,
        ),
        (
            "ip route",
            "default via 10.0.0.254 dev eth0 \n10.0.0.0/24 dev eth0 proto kernel scope link src 10.0.0.1 \n",
            "",
            0,
        ),
        ("ip -br a | head -n 1", "lo               UNKNOWN        127.0.0.1/8 \n", "", 0),
        ("ip route get 10.0.0.2", "10.0.0.2 dev eth0 src 10.0.0.1 uid 0 \n    cache \n", "", 0),
        ("ip route get 8.8.8.8", "8.8.8.8 via 10.0.0.254 dev eth0 src 10.0.0.1 uid 0 \n    cache \n", "", 0),
        ("ip route get 10.0.0.1", "local 10.0.0.1 dev lo src 10.0.0.1 uid 0 \n    cache <local> \n", "", 0),
        ("ip foo", "", "Object \"foo\" is unknown, try \"ip help\".\n", 1),
        ("ip addr show eth9", "", "Device \"eth9\" does not exist.\n", 1),
        ("ip link set eth9 up", "", "Cannot find device \"eth9\"\n", 1),
        ("ip addr add 10.0.0.1/24 dev eth0", "", "Error: ipv4: Address already assigned.\n", 2),
        (
            "ip addr add 10.9.0.1/24 dev eth0; ip route show 10.9.0.0/24",
            "10.9.0.0/24 dev eth0 proto kernel scope link src 10.9.0.1 \n",
            "",
            0,
        ),
        ("ip route add 10.7.0.0/24 via 10.8.0.1", "", "Error: Nexthop has invalid gateway.\n", 2),
        (
            "ip route add 10.7.0.0/24 via 10.0.0.9 && ip route show 10.7.0.0/24",
            "10.7.0.0/24 via 10.0.0.9 dev eth0 \n",
            "",
            0,
        ),
        ("ip route add 10.7.0.0/24 via 10.0.0.9", "", "RTNETLINK answers: File exists\n", 2),
        (
            "ip route del 10.7.0.0/24 && ip route del 10.7.0.0/24",
            "",
            "RTNETLINK answers: No such process\n",
            2,
        ),
        ("ip route add 10.7.0.1/24 via 10.0.0.9", "", "Error: Invalid prefix for given prefix length.\n", 2),
        ("ip addr add x dev eth0", "", "Error: any valid prefix is expected rather than \"x\".\n", 1),
        (
            "ip addr del 10.9.0.1/24 dev eth0; ip addr del 10.9.0.1/24 dev eth0",
            "",
            "Error: ipv4: Address not found.\n",
            2,
        ),
        (
            "ip link set eth0 down; ip route; ip route get 8.8.8.8",
            "",
            "RTNETLINK answers: Network is unreachable\n",
            2,
        ),
    ]);
}

#[test]
fn only_lines_that_changed_the_lab_are_remembered() {
    let mut s = pair();
    for (line, expect) in [
        ("ip addr add 10.9.0.1/24 dev eth0", vec!["ip addr add 10.9.0.1/24 dev eth0"]),
        ("ip addr add 10.9.0.1/24 dev eth0", vec![]),
        ("ip addr; echo x", vec![]),
        (
            "D=eth0; ip link set $D down && ip link set $D up",
            vec!["ip link set eth0 down", "ip link set eth0 up"],
        ),
    ] {
        assert_eq!(run(&mut s, line).mutations, expect, "{line}");
    }
}

#[test]
fn words_are_completed_by_what_fits_there() {
    let mut s = pair();
    run(&mut s, "echo x > /tmp/file.txt");
    for (line, expect) in [
        ("sle", vec!["sleep"]),
        ("echo x | gre", vec!["grep"]),
        ("cat /tm", vec!["/tmp/"]),
        ("cat /tmp/", vec!["/tmp/file.txt"]),
        ("echo > /tmp/f", vec!["/tmp/file.txt"]),
        ("ip ro", vec!["route"]),
        ("ip addr show dev e", vec!["eth0"]),
        ("grep --inv", vec!["--invert-match"]),
    ] {
        assert_eq!(s.complete("a", line), expect, "{line}");
    }
}
