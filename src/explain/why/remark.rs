//! What is to be said about a command that worked: that a firewall was gone round.

use super::atlas::Atlas;
use super::story::{Life, Role, Story};
use super::{Cause, Found};
use crate::netfilter::{Hook, NatKind, NfStep, TableKind};
use crate::stack::{NetNs, Step};
use crate::wire::{Endpoint, Flow, Ipv4Net};

/// A published port that the host's INPUT chain would not have let in, had it been asked.
pub(super) fn find(atlas: Atlas<'_>, story: &Story) -> Option<Found> {
    let asks = story.lives.iter().filter(|l| l.role == Role::Ask && l.parent.is_none());
    asks.filter_map(|life| past_firewall(atlas, story, life)).next()
}

fn past_firewall(atlas: Atlas<'_>, story: &Story, life: &Life) -> Option<Found> {
    story.records_of(life).find_map(|(seq, record)| {
        let Step::Nf(NfStep::Translated { kind: NatKind::Destination, before, after, first: true, .. }) =
            &record.step
        else {
            return None;
        };
        // Who asks from the host itself does not come in by INPUT.
        let node = atlas.node(record.ns).filter(|n| n.engine.is_some() && n.ns != life.ns)?;
        let ns = atlas.ns(record.ns)?;
        let container = atlas.container_with(after.dst.addr).into_iter().find(|(n, _)| n.ns == node.ns)?.1;
        let came = story.records_of(life).filter(|(_, r)| r.ns == record.ns);
        let dev =
            came.filter_map(|(_, r)| if let Step::Received { dev } = r.step { Some(dev) } else { None });
        let dev = dev.last().map(|d| atlas.dev_name(record.ns, d)).unwrap_or_default();
        shuts_out(ns, before, &dev).then(|| Found {
            cause: Cause::PastFirewall {
                host: node.config.id.clone(),
                container: container.name.clone(),
                port: before.dst.port,
                to: after.dst,
            },
            seq,
            packet: Some(life.id),
        })
    })
}

/// Would INPUT have dropped the first packet of this conversation? Read from the words of its rules:
/// one that asks for more than addresses, protocol and port counts as not meant.
fn shuts_out(ns: &NetNs, flow: &Flow, dev: &str) -> bool {
    let Some(chain) = ns.nf.table(TableKind::Filter).base(Hook::Input) else { return false };
    let verdict = chain.rules.iter().find_map(|r| verdict(ns.nf.rule_text(r.id), flow, dev));
    verdict.unwrap_or(chain.policy == Some(false))
}

/// What a rule says of the conversation: true, it is shut out; None, it is not about it.
fn verdict(rule: &str, flow: &Flow, dev: &str) -> Option<bool> {
    let mut words = rule.split_whitespace();
    let inside = |text: &str, end: Endpoint| text.parse::<Ipv4Net>().is_ok_and(|n| n.contains(&end.addr));
    let mut target = None;
    while let Some(word) = words.next() {
        let fits = match word {
            "-A" => words.next().is_some(),
            "-m" => matches!(words.next(), Some("tcp" | "udp" | "comment")),
            "--comment" => words.next().is_some(),
            "-i" => words.next() == Some(dev),
            "-p" => words.next() == Some(flow.proto.to_string().as_str()),
            "--dport" => words.next()?.parse() == Ok(flow.dst.port),
            "-s" => inside(words.next()?, flow.src),
            "-d" => inside(words.next()?, flow.dst),
            "-j" => {
                target = words.next();
                true
            }
            _ => target == Some("REJECT"),
        };
        if !fits {
            return None;
        }
    }
    match target? {
        "DROP" | "REJECT" => Some(true),
        "ACCEPT" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Protocol;

    #[test]
    fn a_rule_is_read_as_one_about_the_conversation_or_not() {
        let end = |text: &str, port| Endpoint::new(text.parse().expect("an address"), port);
        let flow =
            Flow { src: end("192.168.0.20", 40000), dst: end("192.168.0.10", 8080), proto: Protocol::Tcp };
        for (rule, wanted) in [
            ("-A INPUT -p tcp -m tcp --dport 8080 -j DROP", Some(true)),
            ("-A INPUT -p tcp -m tcp --dport 22 -j DROP", None),
            ("-A INPUT -p udp -m udp --dport 8080 -j DROP", None),
            ("-A INPUT -s 192.168.0.0/24 -j ACCEPT", Some(false)),
            ("-A INPUT -s 10.0.0.0/8 -j ACCEPT", None),
            ("-A INPUT -j REJECT --reject-with icmp-port-unreachable", Some(true)),
            ("-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT", None),
            ("-A INPUT -i lo -j ACCEPT", None),
            ("-A INPUT -i eth0 -p tcp -m tcp --dport 8080 -j DROP", Some(true)),
            ("-A INPUT -j ufw-before-input", None),
        ] {
            assert_eq!(verdict(rule, &flow, "eth0"), wanted, "{rule}");
        }
    }
}
