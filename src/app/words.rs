//! Words that the page explains: which term of `lessons/terms.json` a text of the interface, a
//! header field or a token of a rule is about. The page marks the text with it (`data-word`), and
//! `www/words.js` shows the explanation on hover, focus or long press.

/// The term that a text of the interface is about, by the text's key.
pub fn of_key(key: &str) -> Option<&'static str> {
    Some(match key {
        // the inspector
        "inspector.packet" => "packet",
        "inspector.nat" => "nat table",
        "inspector.iptables" | "router.rules" | "daemon.iptables" => "iptables",
        "inspector.routes" | "inspector.routes_title" => "route",
        "inspector.arp" | "inspector.neighbours" => "arp",
        "inspector.sockets" | "inspector.sockets_title" => "socket",
        "inspector.dhcp" | "router.dhcp" | "machine.how" | "inspector.server" => "dhcp",
        "inspector.dns" => "dns",
        "inspector.dev" | "inspector.devices" => "network interface",
        "inspector.via" | "machine.gateway" | "network.gateway" => "gateway",
        "inspector.to" | "machine.address" | "router.lan_address" => "prefix",
        "inspector.src" => "preferred source",
        "inspector.address" | "machine.address_alone" | "daemon.bip" => "ip address",
        "inspector.mac" | "router.mac" => "mac address",
        "inspector.state" => "state",
        "inspector.proto" | "router.protocol" => "protocol",
        "inspector.local" | "inspector.remote" => "endpoint",
        "inspector.port" => "bridge port",
        "inspector.bridge" => "bridge",
        "inspector.fdb" => "fdb",
        "inspector.conntrack" => "connection tracking",
        "inspector.original" => "original direction",
        "inspector.reply" => "reply direction",
        "inspector.header" => "header",
        "inspector.envelope" => "vxlan",
        "inspector.rewrite" | "router.nat" => "nat",
        "inspector.rules" => "rule",
        "inspector.bytes" | "inspector.inside" => "frame",
        "inspector.held" | "inspector.given" | "inspector.left" | "router.lease" => "lease",
        "inspector.resolvers" | "machine.resolvers" | "daemon.dns" => "resolver",
        "inspector.dns_server" | "router.dns" | "router.upstream" | "dns.whom" => "dns server",
        "inspector.records" | "inspector.value" | "dns.records" | "dns.value" => "record",
        "inspector.cache" | "dns.cache" => "cache",
        "inspector.ttl" | "dns.ttl" => "dns ttl",
        "inspector.type" | "dns.type" => "record type",
        // the list of packets
        "packets.from" => "src",
        "packets.to" => "dst",
        // forms
        "router.wan" => "wan",
        "router.lan" => "lan",
        "router.public_port" | "router.ports" => "public port",
        "router.inside_address" => "private address",
        "router.inside_port" => "port",
        "router.forwards" => "port forwarding",
        "router.hairpin" => "hairpin nat",
        "router.first" | "router.last" => "dhcp range",
        "machine.wifi" => "wi-fi",
        "dns.root_servers" => "root server",
        "link.latency" => "latency",
        "link.loss" => "loss",
        "container.image" => "image",
        "container.networks" => "docker network",
        "container.publish" => "publish a port",
        "container.env" => "environment variable",
        "container.restart" => "restart policy",
        "network.driver" => "driver",
        "network.subnet" => "subnet",
        "network.range" => "ip range",
        "network.internal" => "internal",
        "network.icc" | "daemon.icc" => "icc",
        "network.options" => "driver option",
        "daemon.ip_forward" => "ip forwarding",
        "daemon.ip_masq" => "masquerade",
        "daemon.mtu" => "mtu",
        "daemon.pools" => "address pool",
        "daemon.userland_proxy" => "userland proxy",
        "daemon.guard" => "firewall",
        // the walk through the firewall
        "fw.station.conntrack" => "connection tracking",
        "fw.station.bridge" => "bridge",
        "fw.station.route" | "fw.table" => "route",
        "fw.policy" => "policy",
        _ => return None,
    })
}

/// The term that a token of a rule, a chain, a table or a connection's state is about.
pub fn of_token(token: &str) -> Option<&'static str> {
    Some(match token {
        "PREROUTING" => "prerouting",
        "INPUT" => "input",
        "FORWARD" => "forward",
        "OUTPUT" => "output",
        "POSTROUTING" => "postrouting",
        "DOCKER" | "DOCKER-FORWARD" | "DOCKER-BRIDGE" | "DOCKER-CT" | "DOCKER-INTERNAL" => "docker chain",
        "DOCKER-USER" => "docker-user",
        "DOCKER_OUTPUT" | "DOCKER_POSTROUTING" => "docker dns",
        "raw" | "mangle" | "nat" | "filter" => "table",
        "MASQUERADE" => "masquerade",
        "DNAT" => "dnat",
        "SNAT" => "snat",
        "REDIRECT" => "redirect",
        "ACCEPT" => "accept",
        "DROP" => "drop",
        "REJECT" => "reject",
        "RETURN" => "return",
        "LOG" => "log",
        "addrtype" | "--dst-type" | "LOCAL" => "addrtype",
        "conntrack" | "--ctstate" => "connection tracking",
        "NEW" | "ESTABLISHED" | "RELATED" | "RELATED,ESTABLISHED" | "INVALID" => "connection state",
        "-i" | "-o" => "interface match",
        "--dport" | "--sport" => "port",
        "-s" | "-d" => "address match",
        _ => return None,
    })
}

/// A rule cut at the tokens that are explained: text, and the term if there is one. Put together
/// again it is the same text.
pub fn rule(text: &str) -> Vec<(&str, Option<&'static str>)> {
    let mut pieces = Vec::new();
    let mut plain = 0;
    for token in text.split_whitespace() {
        let Some(term) = of_token(token) else { continue };
        // The tokens are parts of `text`, in order, so the next one is found after the last.
        let Some(at) = find_token(text, plain, token) else { continue };
        if at > plain {
            pieces.push((&text[plain..at], None));
        }
        pieces.push((&text[at..at + token.len()], Some(term)));
        plain = at + token.len();
    }
    if plain < text.len() {
        pieces.push((&text[plain..], None));
    }
    pieces
}

/// Where a whole token begins, at or after `from`.
fn find_token(text: &str, from: usize, token: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let blank = |i: usize| bytes.get(i).is_none_or(u8::is_ascii_whitespace);
    let mut at = from;
    loop {
        at += text.get(at..)?.find(token)?;
        if (at == 0 || blank(at - 1)) && blank(at + token.len()) {
            return Some(at);
        }
        at += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::fs;

    fn read(path: &str) -> String {
        fs::read_to_string(format!("{}/{path}", env!("CARGO_MANIFEST_DIR"))).unwrap()
    }

    fn terms() -> BTreeSet<String> {
        let terms: Vec<serde_json::Value> = serde_json::from_str(&read("lessons/terms.json")).unwrap();
        let words = terms.iter().flat_map(|t| t["words"].as_array().unwrap());
        words.map(|w| w.as_str().unwrap().to_owned()).collect()
    }

    /// Quoted words after `=>` and field names, from the sources themselves.
    fn quoted(source: &str, before: &str) -> Vec<String> {
        let parts = source.split(before).skip(1);
        parts.filter_map(|p| p.split('"').next()).map(str::to_owned).collect()
    }

    #[test]
    fn every_word_that_the_page_marks_is_explained() {
        let (terms, own) = (terms(), read("src/app/words.rs"));
        let own = own.split("#[cfg(test)]").next().unwrap().to_owned();
        let mut marked = quoted(&own, "=> \"");
        marked.extend(quoted(&read("src/app/decode.rs"), "Field { name: \""));
        marked.extend(["icmp type", "arp", "icmp", "dns", "tcp", "udp", "vxlan"].map(str::to_owned));
        assert!(marked.len() > 80, "{}", marked.len());
        let missing: Vec<_> = marked.iter().filter(|w| !terms.contains(*w)).collect();
        assert!(missing.is_empty(), "not in lessons/terms.json: {missing:?}");
    }

    #[test]
    fn no_word_is_explained_twice_and_each_is_in_both_languages() {
        let all: Vec<serde_json::Value> = serde_json::from_str(&read("lessons/terms.json")).unwrap();
        let mut seen = BTreeSet::new();
        for term in &all {
            for word in term["words"].as_array().unwrap() {
                let word = word.as_str().unwrap();
                assert_eq!(word, word.to_lowercase());
                assert!(seen.insert(word.to_owned()), "{word} twice");
            }
            let korean = |key: &str| term[key].as_str().unwrap().chars().any(|c| ('가'..='힣').contains(&c));
            assert!(korean("ko") && !korean("en"), "{term}");
        }
    }

    #[test]
    fn a_rule_is_cut_at_whole_tokens_and_stays_the_same_text() {
        let text = "-A DOCKER ! -i docker0 -p tcp -m tcp --dport 8080 -j DNAT --to-destination 172.17.0.2:80";
        let pieces = rule(text);
        assert_eq!(pieces.iter().map(|p| p.0).collect::<String>(), text);
        let marked: Vec<_> = pieces.iter().filter(|p| p.1.is_some()).map(|p| p.0).collect();
        assert_eq!(marked, ["DOCKER", "-i", "--dport", "DNAT"]);
        assert_eq!(rule("ACCEPTED"), [("ACCEPTED", None)]);
    }
}
