//! Rules as text: what goes in, what comes out, what is refused and how.

use super::*;

/// What iptables-save prints for a rule given to `-A` in the chain FOO of its table.
const PRINTED: &[(&str, &str)] = &[
    ("-p tcp --dport 80 -j ACCEPT", "-p tcp -m tcp --dport 80 -j ACCEPT"),
    ("-p 6 -m tcp", "-p tcp -m tcp"),
    ("-p udp -m udp -j DROP", "-p udp -m udp -j DROP"),
    ("-p tcp --syn -j DROP", "-p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN -j DROP"),
    ("-p tcp ! --syn", "-p tcp -m tcp ! --tcp-flags FIN,SYN,RST,ACK SYN"),
    ("-p tcp --tcp-flags ALL NONE", "-p tcp -m tcp --tcp-flags FIN,SYN,RST,PSH,ACK,URG NONE"),
    ("-p tcp --tcp-option 5", "-p tcp -m tcp --tcp-option 5"),
    ("-p tcp --dport :80", "-p tcp -m tcp --dport 0:80"),
    ("-p tcp --dport 80:", "-p tcp -m tcp --dport 80:65535"),
    ("-p tcp ! --dport http --sport 0:65535", "-p tcp -m tcp ! --dport 80"),
    ("-p tcp -m multiport --dports 80,443,1000:2000", "-p tcp -m multiport --dports 80,443,1000:2000"),
    ("-p tcp -m multiport ! --ports 80,443", "-p tcp -m multiport ! --ports 80,443"),
    ("-p icmp --icmp-type echo-request", "-p icmp -m icmp --icmp-type 8"),
    ("-p icmp -m icmp --icmp-type any", "-p icmp -m icmp --icmp-type any"),
    ("-p icmp -m icmp ! --icmp-type 3/4", "-p icmp -m icmp ! --icmp-type 3/4"),
    (
        "-m comment --comment \"hello world\" -p tcp --dport 80 -m conntrack --ctstate NEW,ESTABLISHED -j ACCEPT",
        "-p tcp -m comment --comment \"hello world\" -m tcp --dport 80 -m conntrack --ctstate NEW,ESTABLISHED -j ACCEPT",
    ),
    ("-m conntrack --ctstate ESTABLISHED,RELATED", "-m conntrack --ctstate RELATED,ESTABLISHED"),
    (
        "-m conntrack --ctorigdstport 80 --ctproto tcp --ctdir ORIGINAL",
        "-m conntrack --ctproto 6 --ctorigdstport 80 --ctdir ORIGINAL",
    ),
    ("-m conntrack --ctorigdst 1.2.3.4", "-m conntrack --ctorigdst 1.2.3.4"),
    ("-m state --state NEW,RELATED -j ACCEPT", "-m state --state NEW,RELATED -j ACCEPT"),
    (
        "-m addrtype --dst-type LOCAL,BROADCAST ! --src-type UNICAST --limit-iface-in",
        "-m addrtype ! --src-type UNICAST --dst-type LOCAL,BROADCAST --limit-iface-in",
    ),
    ("-m mark ! --mark 1/0xff", "-m mark ! --mark 0x1/0xff"),
    ("-m mac --mac-source 00:11:22:33:44:55", "-m mac --mac-source 00:11:22:33:44:55"),
    ("-m limit --limit 5/min", "-m limit --limit 5/min"),
    ("-m limit --limit 5/second --limit-burst 10", "-m limit --limit 5/sec --limit-burst 10"),
    ("-m limit", "-m limit --limit 3/hour"),
    ("-j LOG --log-prefix \"a b \" --log-level info", "-j LOG --log-prefix \"a b \" --log-level 6"),
    (
        "-j LOG --log-prefix ab --log-level warning --log-uid --log-ip-options",
        "-j LOG --log-prefix ab --log-ip-options --log-uid",
    ),
    ("-i eth+ ! -o br0 -s 1.2.3.4/24", "-s 1.2.3.0/24 -i eth+ ! -o br0"),
    ("-i + -s 0/0", ""),
    ("! -i +", "! -i +"),
    ("-s 10.0.0.1/255.0.255.0 -d 1.2.3.4/31", "-s 10.0.0.0/255.0.255.0 -d 1.2.3.4/31"),
    ("-s 10/8", "-s 10.0.0.0/8"),
    ("! -s 10.0.0.1", "! -s 10.0.0.1/32"),
    ("-p 47", "-p 47"),
    ("-p 200", "-p 200"),
    ("! -p tcp", "! -p tcp"),
    ("-p all", ""),
    ("-f", "-f"),
    ("! -f", "! -f"),
    ("-j REJECT", "-j REJECT --reject-with icmp-port-unreachable"),
    ("-p tcp -j REJECT --reject-with tcp-reset", "-p tcp -j REJECT --reject-with tcp-reset"),
    ("-j REJECT --reject-with host-unreach", "-j REJECT --reject-with icmp-host-unreachable"),
    ("-j REJECT --reject-with icmp-admin-prohibited", "-j REJECT --reject-with icmp-admin-prohibited"),
    ("-g AAA", "-g AAA"),
    ("--jump AAA --source 10.0.0.1 --destination 10.0.0.2", "-s 10.0.0.1/32 -d 10.0.0.2/32 -j AAA"),
    ("--so 1.2.3.4 --pro tcp", "-s 1.2.3.4/32 -p tcp"),
    ("-j MARK --set-mark 5", "-j MARK --set-xmark 0x5/0xffffffff"),
    ("-j MARK --set-mark 0x5/0xf0", "-j MARK --set-xmark 0x5/0xf5"),
    ("-j MARK --or-mark 5", "-j MARK --set-xmark 0x5/0x5"),
    ("-j MARK --and-mark 5", "-j MARK --set-xmark 0x0/0xfffffffa"),
    ("-j MARK --xor-mark 5", "-j MARK --set-xmark 0x5/0x0"),
    ("-t raw -j CT --notrack", "-j CT --notrack"),
    ("-t raw -j NOTRACK", "-j NOTRACK"),
    ("-t nat -p tcp -j DNAT --to-destination 1.2.3.4:80", "-p tcp -j DNAT --to-destination 1.2.3.4:80"),
    (
        "-t nat -p tcp -j DNAT --to 1.2.3.4-1.2.3.9:80-90 --random --persistent",
        "-p tcp -j DNAT --to-destination 1.2.3.4-1.2.3.9:80-90 --random --persistent",
    ),
    ("-t nat -p tcp -j DNAT --to-destination :80", "-p tcp -j DNAT --to-destination :80"),
    (
        "-t nat -p tcp --dport 7000:7010 -j DNAT --to-destination 1.2.3.4:8000-8010/7000",
        "-p tcp -m tcp --dport 7000:7010 -j DNAT --to-destination 1.2.3.4:8000-8010/7000",
    ),
    (
        "-t nat -p udp -j SNAT --to-source 1.2.3.4-1.2.3.6:1000-2000 --random-fully --random",
        "-p udp -j SNAT --to-source 1.2.3.4-1.2.3.6:1000-2000 --random --random-fully",
    ),
    (
        "-t nat -p tcp -j MASQUERADE --to-ports 1024-2000 --random",
        "-p tcp -j MASQUERADE --to-ports 1024-2000 --random",
    ),
    ("-t nat -j MASQUERADE --random-fully", "-j MASQUERADE --random-fully"),
    ("-t nat -p tcp -j REDIRECT --to-ports 8080", "-p tcp -j REDIRECT --to-ports 8080"),
    ("-t nat -j REDIRECT", "-j REDIRECT"),
];

#[test]
fn rules_print_as_iptables_save_prints_them() {
    for (given, printed) in PRINTED {
        let table = given.split("-t ").nth(1).and_then(|t| t.split(' ').next()).unwrap_or("filter");
        let mut m = Machine::new(&[&format!("-t {table} -N FOO"), &format!("-t {table} -N AAA")]);
        m.run(&format!("-A FOO {given}")).unwrap_or_else(|e| panic!("{given}: {e}"));
        let kind = TableKind::ALL.into_iter().find(|k| k.name() == table).expect("a table");
        let saved = m.nf.save(&[kind], false);
        let line = saved.lines().find(|l| l.starts_with("-A")).expect("a rule");
        assert_eq!(line.trim_end(), format!("-A FOO {printed}").trim_end(), "from {given}");
        let rule = &m.nf.table(kind).chain_named("FOO").expect("the chain").rules[0];
        assert_eq!(m.nf.rule_text(rule.id), line);
    }
}

#[test]
fn what_is_saved_restores_to_the_same() {
    let mut m = Machine::new(&[
        "-N FOO",
        "-N AAA",
        "-t nat -N FOO",
        "-t raw -N FOO",
        "-P FORWARD DROP",
        "-A FORWARD -j FOO",
    ]);
    for (given, _) in PRINTED {
        m.run(&format!("-A FOO {given}")).expect("a good rule");
    }
    m.run("-A FOO -c 12 3456 -j ACCEPT").expect("counters");
    let saved = m.nf.save(&TableKind::ALL, true);
    let mut other = Machine::new(&[]);
    other.nf.restore(&saved, false).expect("what was saved");
    assert_eq!(other.nf.save(&TableKind::ALL, true), saved);
    assert!(saved.contains("[12:3456] -A FOO -j ACCEPT\n"));
}

#[test]
fn chains_stand_in_the_order_of_iptables_save() {
    let mut m = Machine::new(&["-N DOCKER-USER", "-N DOCKER", "-N DOCKER-CT", "-N AAA"]);
    assert_eq!(
        m.nf.save(&[TableKind::Filter, TableKind::Nat], false),
        "*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n:AAA - [0:0]\n:DOCKER - [0:0]\n\
         :DOCKER-CT - [0:0]\n:DOCKER-USER - [0:0]\nCOMMIT\n"
    );
    m.run("-t nat -A POSTROUTING -j MASQUERADE").expect("a rule");
    assert!(m.nf.save(&[TableKind::Nat], false).starts_with(
        "*nat\n:PREROUTING ACCEPT [0:0]\n:INPUT ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n:POSTROUTING ACCEPT [0:0]\n"
    ));
}

const TRY: &str = "\nTry `iptables -h' or 'iptables --help' for more information.";

#[test]
fn mistakes_get_iptables_own_words() {
    let usage = |text: &str| (format!("iptables v1.8.13 (nf_tables): {text}{TRY}"), 2);
    let plain = |text: &str| (format!("iptables: {text}"), 1);
    let kernel = |text: &str| (format!("iptables v1.8.13 (nf_tables):  {text}"), 4);
    let table: &[(&str, (String, u8))] = &[
        ("-A FOO -j DROP", plain("No chain/target/match by that name.")),
        ("-A INPUT -j NOPE", usage("Chain 'NOPE' does not exist")),
        ("-A INPUT --bogus", usage("unknown option \"--bogus\"")),
        ("-A INPUT --dport 80", usage("unknown option \"--dport\"")),
        ("-A INPUT -p tcp --dport 99999", usage("invalid port/service `99999' specified")),
        ("-A INPUT -p tcp --dport 80:70", usage("invalid portrange (min > max)")),
        ("-A INPUT -p tcp --dport 80 --dport 81", usage("Only one `--destination-port' allowed")),
        ("-A INPUT -m nosuch", usage("Couldn't load match `nosuch':No such file or directory\n")),
        ("-D INPUT 7", plain("No chain/target/match by that name.")),
        ("-I INPUT 5 -j DROP", plain("Index of insertion too big.")),
        ("-I INPUT 0 -j DROP", usage("Invalid rule number `0'")),
        ("-N INPUT", plain("Chain already exists.")),
        ("-N ACCEPT", usage("chain name may not clash with target name")),
        ("-N -foo", usage("chain name not allowed to start with `-'")),
        ("-D INPUT -s 1.2.3.4 -j DROP", plain("Bad rule (does a matching rule exist in that chain?).")),
        ("-C INPUT -j ACCEPT", plain("Bad rule (does a matching rule exist in that chain?).")),
        ("-X FOO", plain("No chain/target/match by that name.")),
        ("-F FOO", plain("No chain/target/match by that name.")),
        ("-A INPUT -s 1.2.3.400", usage("host/network `1.2.3.400' not found")),
        ("-A INPUT -s 1.2.3.4/33", usage("invalid mask `33' specified")),
        ("-A INPUT -o eth0 -j ACCEPT", usage("Can't use --out-interface with INPUT")),
        ("-A OUTPUT -i eth0", usage("Can't use --in-interface with OUTPUT")),
        ("-A INPUT -p foo", usage("unknown protocol \"foo\" specified")),
        ("-A INPUT -m conntrack --ctstate FOO", usage("Bad ctstate \"FOO\"")),
        ("-A INPUT -m conntrack", usage("conntrack: At least one option is required")),
        ("-A INPUT -m addrtype", usage("addrtype: you must specify --src-type or --dst-type")),
        ("-A INPUT -m mark", usage("mark: option \"--mark\" must be specified\n")),
        ("-A INPUT -m limit --limit 5/fortnight", usage("bad rate \"5/fortnight\"'")),
        ("-A INPUT -j", usage("option \"-j\" requires an argument")),
        ("-j DROP", usage("no command specified")),
        ("-P INPUT REJECT", plain("Bad policy name. Run `dmesg' for more information.")),
        ("-P NOPE DROP", plain("Bad built-in chain name.")),
        ("-P FORWARD", usage("-P requires a chain and a policy")),
        ("-A INPUT -j REJECT --reject-with foo", usage("unknown reject type \"foo\"")),
        ("-A INPUT -j DROP -j ACCEPT", usage("multiple --jump options not allowed")),
        ("-A INPUT -A FORWARD", usage("Cannot use -A with -A")),
        ("-F INPUT -j DROP", usage("Illegal option `-j' with this command")),
        ("-t nat -A PREROUTING -j DNAT", usage("DNAT: option \"--to-destination\" must be specified\n")),
        ("-t nat -A PREROUTING -p tcp -j DNAT --to-destination foo", usage("Bad IP address \"foo\"")),
        (
            "-t nat -A PREROUTING -j DNAT --to-destination 1.2.3.4:80",
            usage("Need TCP, UDP, SCTP or DCCP with port specification"),
        ),
        (
            "-A INPUT -i averyveryverylongname",
            usage("interface name `averyveryverylongname' must be shorter than 16 characters"),
        ),
        (
            "-A INPUT -j SNAT --to-source 9.9.9.9",
            kernel("RULE_APPEND failed (Invalid argument): rule in chain INPUT"),
        ),
        (
            "-t nat -I OUTPUT -j SNAT --to-source 9.9.9.9",
            kernel("RULE_INSERT failed (Invalid argument): rule in chain OUTPUT"),
        ),
        (
            "-A INPUT -j REJECT --reject-with tcp-reset",
            kernel("RULE_APPEND failed (Invalid argument): rule in chain INPUT"),
        ),
        (
            "-A INPUT -m icmp --icmp-type 8",
            kernel("RULE_APPEND failed (Invalid argument): rule in chain INPUT"),
        ),
    ];
    for (command, (message, exit)) in table {
        let mut m = Machine::new(&[]);
        m.run("-P OUTPUT ACCEPT").expect("the filter table");
        let before = m.nf.save(&TableKind::ALL, true);
        let error = m.run(command).expect_err(command);
        assert_eq!((error.message.as_str(), error.exit), (message.as_str(), *exit), "{command}");
        let after = m.nf.save(&TableKind::ALL, true);
        assert!(after.starts_with(&before) || after.ends_with(&before), "{command} changed something");
    }
}

#[test]
fn an_argument_that_belongs_to_nothing_is_named() {
    let error = Machine::new(&[]).run("-A INPUT -j ACCEPT extra").expect_err("extra");
    assert_eq!(error.message, format!("Bad argument `extra'{TRY}"));
}

#[test]
fn chains_in_a_circle_are_refused() {
    let mut m = Machine::new(&["-N A", "-N B", "-A A -j B", "-A B -j A"]);
    let error = m.run("-A INPUT -j A").expect_err("a circle");
    let text = "iptables v1.8.13 (nf_tables):  RULE_APPEND failed (Too many links): rule in chain INPUT";
    assert_eq!((error.message.as_str(), error.exit), (text, 4));
    assert!(m.nf.table(TableKind::Filter).base(Hook::Input).expect("INPUT").rules.is_empty());
}

#[test]
fn a_chain_in_use_is_not_deleted() {
    let mut m = Machine::new(&["-N A", "-A INPUT -j A"]);
    let busy = "iptables v1.8.13 (nf_tables):  CHAIN_DEL failed (Device or resource busy): chain A";
    assert_eq!(m.run("-X A").expect_err("in use").message, busy);
    m.run("-F INPUT").expect("flush");
    m.run("-X A").expect("no longer in use");
    assert!(m.nf.table(TableKind::Filter).chain_named("A").is_none());
}

#[test]
fn names_and_texts_outlive_rules_and_chains() {
    let mut m = Machine::new(&["-N A", "-A A -s 10.0.0.1 -j DROP"]);
    let chain = m.nf.table(TableKind::Filter).chain_named("A").expect("A");
    let (chain, rule) = (chain.id, chain.rules[0].id);
    m.run("-F A").expect("flush");
    m.run("-X A").expect("delete");
    m.run("-N B").expect("new");
    m.run("-A B -j ACCEPT").expect("rule");
    assert_eq!(m.nf.chain_name(chain), "A");
    assert_eq!(m.nf.rule_text(rule), "-A A -s 10.0.0.1/32 -j DROP");
}

#[test]
fn rules_are_inserted_replaced_and_deleted_by_number_and_by_text() {
    let mut m = Machine::new(
        &[
            "-A INPUT -s 10.0.0.1 -j ACCEPT",
            "-I INPUT -s 10.0.0.2 -j ACCEPT",
            "-I INPUT 2 -s 10.0.0.3 -j ACCEPT",
            "-R INPUT 1 -s 10.0.0.4,10.0.0.5 -j DROP",
        ][..3],
    );
    m.run("-R INPUT 1 -s 10.0.0.4 -j DROP").expect("replace");
    m.run("-A INPUT -s 10.0.0.6,10.0.0.7 -j DROP").expect("two at once");
    m.run("-D INPUT -s 10.0.0.3/32 -j ACCEPT").expect("by text");
    m.run("-D INPUT 2").expect("by number");
    let saved = m.nf.save(&[TableKind::Filter], false);
    let rules: Vec<_> = saved.lines().filter(|l| l.starts_with("-A")).collect();
    let left = [
        "-A INPUT -s 10.0.0.4/32 -j DROP",
        "-A INPUT -s 10.0.0.6/32 -j DROP",
        "-A INPUT -s 10.0.0.7/32 -j DROP",
    ];
    assert_eq!(rules, left);
}

#[test]
fn a_restore_that_fails_changes_nothing_and_names_the_line() {
    let mut m = Machine::new(&["-A INPUT -s 10.0.0.1 -j ACCEPT"]);
    let before = m.nf.save(&TableKind::ALL, true);
    let error =
        m.nf.restore("*filter\n:INPUT DROP [0:0]\n-A INPUT -s nobody -j DROP\nCOMMIT\n", false)
            .expect_err("nobody");
    assert!(error.message.contains("host/network `nobody' not found"), "{error}");
    assert!(error.message.contains("\nError occurred at line: 3\nTry `iptables-restore -h'"), "{error}");
    assert_eq!(m.nf.save(&TableKind::ALL, true), before);
}
