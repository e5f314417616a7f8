//! Scripts: loops, conditions, sub-shells, arithmetic. The expected texts were read off bash 5.2
//! and busybox 1.35.

use super::tests::{check, pair, run};
use super::*;
use crate::sim::Progress;

#[test]
fn loops_and_conditions_run_as_in_bash() {
    check(&[
        ("for i in 1 2 3; do echo $i; done", "1\n2\n3\n", "", 0),
        ("for i in $(seq 1 3); do echo n$i; done | sort -r", "n3\nn2\nn1\n", "", 0),
        ("for i in {1..3} x; do printf '%s,' $i; done", "1,2,3,x,", "", 0),
        ("for i in; do echo never; done; echo $?", "0\n", "", 0),
        ("i=0; while [ $i -lt 3 ]; do echo $i; i=$((i+1)); done; echo end $i", "0\n1\n2\nend 3\n", "", 0),
        ("until [ $i -eq 1 ]; do i=$((i-1)); [ $i = 2 ] && continue; echo $i; done", "1\n", "", 0),
        ("while true; do echo once; break; done; echo $?", "once\n0\n", "", 0),
        ("i=0; while [ $i -lt 2 ]; do i=$((i+1)); false; done; echo $?", "1\n", "", 0),
        (
            "for i in 1 2 3; do for j in a b; do if [ $j = b ]; then continue 2; fi; echo $i$j; done; done",
            "1a\n2a\n3a\n",
            "",
            0,
        ),
        (
            "for i in 1 2 3; do for j in a b; do [ $i$j = 2b ] && break 2; echo $i$j; done; done",
            "1a\n1b\n2a\n",
            "",
            0,
        ),
        ("for i in 1 2 3; do echo $i; [ $i = 2 ] && exit 7; done; echo never", "1\n2\n", "", 7),
        ("if false; then echo a; elif true; then echo b; else echo c; fi", "b\n", "", 0),
        ("if ! true; then echo a; else echo c; fi", "c\n", "", 0),
        ("if false; then echo a; fi; echo $?", "0\n", "", 0),
        ("! true; echo $?; ! false; echo $?", "1\n0\n", "", 0),
        ("case abc in x|a*) echo yes;; *) echo no;; esac", "yes\n", "", 0),
        ("case q in a) echo a;; esac; echo $?", "0\n", "", 0),
        ("true && for i in 1 2; do echo $i; done || echo never", "1\n2\n", "", 0),
        ("for i in 1 2; do echo out; echo err >&2; done 2>/dev/null", "out\nout\n", "", 0),
        ("echo $(if true; then echo a; fi) \"$(for i in 1 2; do echo $i; done)\"", "a 1\n2\n", "", 0),
    ]);
}

#[test]
fn sub_shells_keep_their_variables_to_themselves_and_groups_share_them() {
    check(&[
        ("( x=1; echo $x ); echo \"<$x>\"", "1\n<>\n", "", 0),
        ("x=5; { x=6; }; echo $x; { x=7; } > /dev/null; echo $x", "6\n7\n", "", 0),
        ("(exit 3); echo $?", "3\n", "", 0),
        ("cd /tmp; (cd /etc; pwd); pwd; cd /", "/etc\n/tmp\n", "", 0),
        ("y=1; sh -c 'echo \"<$y>\"'", "<>\n", "", 0),
        ("sh -c 'echo $0 $1 $#; shift; echo $1' name one two", "name one 2\ntwo\n", "", 0),
        ("sh -c 'for a in \"$@\"; do echo \"[$a]\"; done' name 'one x' two", "[one x]\n[two]\n", "", 0),
    ]);
}

#[test]
fn lines_are_read_one_by_one() {
    check(&[
        ("seq 3 | while read n; do echo got $n; done", "got 1\ngot 2\ngot 3\n", "", 0),
        ("printf 'a b c\\nd e\\n' | while read x y; do echo \"$y-$x\"; done", "b c-a\ne-d\n", "", 0),
        ("printf 'x\\ny\\n' > /f; while read l; do k=$k$l; done < /f; echo $k", "xy\n", "", 0),
        ("read a < /f; echo $a; read b < /dev/null; echo $?", "x\n1\n", "", 0),
        ("seq 2 | { read a; cat; echo $a; }", "2\n1\n", "", 0),
        ("(sleep 1; echo late) | { read a; echo got $a; }", "got late\n", "", 0),
    ]);
}

#[test]
fn parameters_and_arithmetic_expand_as_in_bash() {
    check(&[
        (
            "x=abc; echo ${#x} ${x:-d} ${y:-d} ${x:+e} ${x%c} ${x#a} ${y:=z} $y",
            "3 abc d e ab bc z z\n",
            "",
            0,
        ),
        (
            "f=/usr/bin/x.tar.gz; echo ${f##*/} ${f%.*} ${f%%.*}",
            "x.tar.gz /usr/bin/x.tar /usr/bin/x\n",
            "",
            0,
        ),
        ("i=1; echo $((i++)) $i $((++i)) $i \"$((i * 2))\"", "1 2 3 3 6\n", "", 0),
        ("i=1; echo $((i++)) $(echo $i) $i", "1 1 2\n", "", 0),
        ("a=1 b=$a; echo $b; false; x=1; echo $?; x=$(false); echo $?", "1\n0\n1\n", "", 0),
        ("echo {a,b}{1..2} {x} '{c,d}'", "a1 a2 b1 b2 {x} {c,d}\n", "", 0),
        ("echo $((1/0)); echo next", "", "bash: 1/0: division by 0 (error token is \"0\")\n", 1),
        ("echo ${nope:?gone}; echo next", "", "bash: nope: gone\n", 1),
    ]);
}

#[test]
fn what_makes_no_sense_is_refused_in_bashs_words() {
    let token = |t: &str| format!("bash: syntax error near unexpected token `{t}'\n");
    check(&[
        ("if true; fi", "", &token("fi"), 2),
        ("for i in 1; echo", "", &token("echo"), 2),
        ("done", "", &token("done"), 2),
        ("while true; do", "", "bash: syntax error: unexpected end of file\n", 2),
        ("[ a -eq 1 ]; echo $?", "2\n", "bash: [: a: integer expression expected\n", 0),
        ("[ 1 -eq 1; echo $?", "2\n", "bash: [: missing `]'\n", 0),
        ("break; echo $?", "0\n", "bash: break: only meaningful in a `for', `while', or `until' loop\n", 0),
        ("read 1x", "", "bash: read: `1x': not a valid identifier\n", 1),
    ]);
}

#[test]
fn a_loop_for_ever_is_a_matter_of_virtual_time() {
    for line in ["while true; do true; done", "while :; do x=$(echo a); done", "until false; do (:); done"] {
        let mut s = pair();
        let job = s.run_line("a", &format!("{line}; echo never"), Duration::from_secs(2)).unwrap();
        assert_eq!((job.exit, job.stdout().as_str()), (Some(130), ""), "{line}");
        assert!(s.world.now() >= Instant::ZERO + Duration::from_secs(2), "{line}");
        assert!(s.world.now() <= Instant::ZERO + Duration::from_secs(3), "{line}");
    }
}

#[test]
fn ctrl_c_ends_a_loop_and_what_runs_in_it() {
    let mut s = pair();
    let id = s.exec("a", "while true; do sleep 1; echo round; done; echo never").unwrap();
    assert_eq!(s.run(s.world.now() + Duration::from_millis(2500), 1_000), Progress::Time);
    s.interrupt(id);
    let job = s.job(id).unwrap();
    assert_eq!((job.exit, job.stdout().as_str()), (Some(130), "round\nround\n"));
}

#[test]
fn a_loop_without_end_leaves_nothing_behind() {
    let mut s = pair();
    let before = s.world.processes().count();
    s.run_line("a", "while true; do echo x | cat > /dev/null; done", Duration::from_secs(5)).unwrap();
    assert_eq!(s.world.processes().count(), before);
    assert_eq!(run(&mut s, "echo well").stdout(), "well\n");
}

#[test]
fn commands_in_a_loop_that_change_the_lab_are_remembered_one_by_one() {
    let mut s = pair();
    let job = run(&mut s, "for n in 1 2; do ip addr add 10.9.$n.1/24 dev eth0; done");
    assert_eq!(job.mutations, ["ip addr add 10.9.1.1/24 dev eth0", "ip addr add 10.9.2.1/24 dev eth0"]);
    let line = "for n in 3 4; do ip addr add 10.9.$n.1/24 dev eth0; done";
    let job = run(&mut s, &format!("sh -c '{line}'"));
    assert_eq!(job.mutations, [format!("sh -c '{line}'")]);
}
