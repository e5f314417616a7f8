//! Which commands change the state of the lab, and so belong into its list.

use crate::docker::{Request, Response, SwarmRequest, cli};
use crate::shell::{Script, Word, WordPart, join, parse};

/// True if the command, should it succeed, changes rules, addresses, routes, links or sysctls.
pub(super) fn of_words(words: &[String]) -> bool {
    let mut words: Vec<&str> = words.iter().map(String::as_str).collect();
    if words.first() == Some(&"sudo") {
        words.remove(0);
    }
    let Some((name, args)) = words.split_first() else { return false };
    match *name {
        "iptables" => args.iter().any(|a| {
            matches!(
                *a,
                "--append"
                    | "--insert"
                    | "--delete"
                    | "--replace"
                    | "--flush"
                    | "--new-chain"
                    | "--delete-chain"
                    | "--policy"
                    | "--rename-chain"
            ) || (a.len() == 2
                && a.starts_with('-')
                && a.ends_with(['A', 'I', 'D', 'R', 'F', 'N', 'X', 'P', 'E']))
        }),
        "ip" => {
            let mut rest = args.iter().skip_while(|a| a.starts_with('-'));
            let object = rest.next().copied().unwrap_or_default();
            let verb = rest.next().copied().unwrap_or_default();
            let object = ["address", "route", "rule", "link", "neighbour"]
                .iter()
                .any(|o| !object.is_empty() && (o.starts_with(object) || object == "neighbor"));
            let reads = ["show", "list", "lst", "get", "help"];
            object && !verb.is_empty() && !reads.iter().any(|r| r.starts_with(verb))
        }
        "dhclient" => true,
        "systemctl" | "service" => args.iter().any(|a| a.contains("restart")),
        "route" => args.iter().any(|a| matches!(*a, "add" | "del" | "delete")),
        "ifconfig" => args.iter().filter(|a| !a.starts_with('-')).count() > 1,
        "sysctl" => args.iter().any(|a| *a == "-w" || a.contains('=')),
        "sh" | "bash" | "ash" => {
            let line = args.iter().find(|a| !a.starts_with('-'));
            args.first().is_some_and(|a| a.contains('c'))
                && line.and_then(|l| parse(l).ok()).is_some_and(|s| in_script(&s))
        }
        _ => false,
    }
}

/// What to remember of a docker command that was carried out.
pub(super) fn of_docker(request: &Request, response: &Response, words: &[String]) -> Option<String> {
    match request {
        Request::Exec { command, .. } => of_words(command).then(|| join(words)),
        _ if response.exit != 0 || !cli::mutates(request) => None,
        // Opened again, the lab must not wait for it: what was attached runs detached.
        Request::Run(spec) if !spec.detach => {
            let mut spec = spec.clone();
            spec.detach = true;
            (!spec.remove).then(|| cli::render(&Request::Run(spec)))
        }
        _ => Some(join(words)),
    }
}

/// Is it `docker swarm leave`?
pub(super) const fn leaves_swarm(request: &Request) -> bool {
    matches!(request, Request::Swarm(SwarmRequest::Leave { .. }))
}

fn in_script(script: &Script) -> bool {
    let commands = script.items.iter().flat_map(|(_, p)| &p.commands);
    commands.into_iter().any(|c| {
        let inside = c.compound.as_ref().is_some_and(|c| c.scripts().into_iter().any(in_script));
        inside || of_words(&c.words.iter().map(literal).collect::<Vec<_>>())
    })
}

fn literal(word: &Word) -> String {
    word.parts.iter().map(|p| if let WordPart::Text(t) = p { t.as_str() } else { "" }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_changes_the_lab_is_remembered() {
        for (line, expect) in [
            ("iptables -t nat -A POSTROUTING -j MASQUERADE", true),
            ("iptables -I DOCKER-USER -s 10.0.0.0/8 -j DROP", true),
            ("iptables -L -n -v", false),
            ("iptables -S", false),
            ("iptables --policy FORWARD DROP", true),
            ("ip route add 10.0.0.0/8 via 192.168.0.1", true),
            ("ip r", false),
            ("route add default gw 10.0.0.1", true),
            ("route -n", false),
            ("ifconfig eth0 down", true),
            ("ifconfig eth0", false),
            ("ip -4 addr show eth0", false),
            ("ip a add 10.0.0.1/24 dev eth0", true),
            ("ip link set eth0 down", true),
            ("ip route get 8.8.8.8", false),
            ("ip rule add from 10.0.0.2 table 100", true),
            ("ip rule", false),
            ("sysctl -w net.ipv4.ip_forward=0", true),
            ("sysctl net.ipv4.ip_forward", false),
            ("sudo ip neigh flush all", true),
            ("sh -c ip\\ link\\ set\\ eth0\\ down", true),
            ("sh -c 'for i in 1 2; do ip link set eth$i down; done'", true),
            ("sh -c 'for i in 1 2; do ping eth$i; done'", false),
            ("ping 8.8.8.8", false),
        ] {
            let script = parse(line).unwrap();
            let words: Vec<_> = script.items[0].1.commands[0].words.iter().map(literal).collect();
            assert_eq!(of_words(&words), expect, "{line}");
        }
    }
}
