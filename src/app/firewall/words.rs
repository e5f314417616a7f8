//! A rule in few words: `-p tcp -m tcp --dport 8080 -j DNAT --to-destination A` becomes
//! `tcp dport 8080 → A`. What is not known here stays as it was typed.

/// Short form of a rule as `iptables-save` prints it, with or without its `-A CHAIN`.
pub fn short(text: &str) -> String {
    let text = text.strip_prefix("-A ").and_then(|t| t.split_once(' ')).map_or(text, |(_, rest)| rest);
    let mut words = split(text).into_iter().peekable();
    let mut out: Vec<String> = Vec::new();
    let mut target = String::new();
    while let Some(word) = words.next() {
        let mut value = || words.next().unwrap_or_default();
        match word.as_str() {
            "-m" => {
                value();
            }
            "--comment" => out.push(format!("“{}”", value())),
            "-p" => out.push(value()),
            "-s" => out.push(format!("src {}", bare(&value()))),
            "-d" => out.push(format!("dst {}", bare(&value()))),
            "--ctstate" | "--state" => out.push(value()),
            "-j" | "-g" => target = value(),
            "--to-destination" | "--to-source" | "--to-ports" => target = format!("{target} {}", value()),
            "--reject-with" => target = format!("{target} {}", value()),
            other => out.push(other.trim_start_matches("--").to_owned()),
        }
    }
    // Where it leads, or what becomes of the packet.
    let shown = match target.split_once(' ') {
        Some(("DNAT" | "REDIRECT", to)) => format!("→ {to}"),
        Some(("SNAT", to)) => format!("SNAT → {to}"),
        _ if BUILT_IN.contains(&target.split(' ').next().unwrap_or_default()) => target,
        _ if target.is_empty() => target,
        _ => format!("→ {target}"),
    };
    if !shown.is_empty() {
        out.push(shown);
    }
    out.join(" ")
}

/// Targets that are no chains.
const BUILT_IN: [&str; 16] = [
    "ACCEPT",
    "DROP",
    "RETURN",
    "REJECT",
    "LOG",
    "MARK",
    "MASQUERADE",
    "SNAT",
    "DNAT",
    "REDIRECT",
    "CT",
    "NOTRACK",
    "NFLOG",
    "NETMAP",
    "TTL",
    "TCPMSS",
];

/// One host's address needs no `/32`.
fn bare(address: &str) -> &str {
    address.strip_suffix("/32").unwrap_or(address)
}

/// Words apart by blanks; what stands in double quotes is one.
fn split(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let (mut word, mut quoted, mut begun) = (String::new(), false, false);
    for c in text.chars() {
        match c {
            '"' => (quoted, begun) = (!quoted, true),
            ' ' if !quoted => {
                if begun {
                    words.push(std::mem::take(&mut word));
                }
                begun = false;
            }
            c => {
                begun = true;
                word.push(c);
            }
        }
    }
    if begun {
        words.push(word);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_said_in_few_words() {
        for (rule, wanted) in [
            ("-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER", "dst-type LOCAL → DOCKER"),
            (
                "-A DOCKER ! -i docker0 -p tcp -m tcp --dport 8080 -j DNAT --to-destination 172.17.0.3:8080",
                "! -i docker0 tcp dport 8080 → 172.17.0.3:8080",
            ),
            ("-A DOCKER -i docker0 -j RETURN", "-i docker0 RETURN"),
            (
                "-A DOCKER-CT -o docker0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
                "-o docker0 RELATED,ESTABLISHED ACCEPT",
            ),
            (
                "-A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE",
                "src 172.17.0.0/16 ! -o docker0 MASQUERADE",
            ),
            ("-A PREROUTING -d 172.17.0.2/32 ! -i docker0 -j DROP", "dst 172.17.0.2 ! -i docker0 DROP"),
            (
                "-A FORWARD -s 10.0.0.0/8 -m comment --comment \"private source\" -j DROP",
                "src 10.0.0.0/8 “private source” DROP",
            ),
            ("-A INPUT -j REJECT --reject-with icmp-port-unreachable", "REJECT icmp-port-unreachable"),
            ("-A INPUT -p icmp", "icmp"),
        ] {
            assert_eq!(short(rule), wanted);
        }
    }
}
