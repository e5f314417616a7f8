//! `-p`: `[[HOST-IP:]HOST-PORT[-LAST]:]PORT[-LAST][/PROTO]`, with the refusals in docker's words
//! (github.com/docker/go-connections, nat.ParsePortSpec).

use super::super::PortSpec;
use crate::wire::Protocol;
use std::net::{IpAddr, Ipv4Addr};

/// Reads one `-p`.
///
/// # Errors
/// In docker's words.
pub(super) fn parse(raw: &str) -> Result<PortSpec, String> {
    let raw = &standard_notation(raw)?;
    let parts: Vec<&str> = raw.split(':').collect();
    let n = parts.len();
    let (ip, host, container) = match n {
        1 => (String::new(), "", parts[0]),
        2 => (String::new(), parts[0], parts[1]),
        _ => (parts[..n - 2].join(":"), parts[n - 2], parts[n - 1]),
    };
    let (proto, container) = split_proto(container);
    let host_ip = host_address(&ip)?;
    if container.is_empty() {
        return Err(format!("No port specified: {raw}<empty>"));
    }
    let inside = range(container).ok_or_else(|| format!("Invalid containerPort: {container}"))?;
    let outside = if host.is_empty() {
        None
    } else {
        Some(range(host).ok_or_else(|| format!("Invalid hostPort: {host}"))?)
    };
    if let Some((first, last)) = outside
        && last - first != inside.1 - inside.0
        && inside.0 != inside.1
    {
        return Err(format!("Invalid ranges specified for container and host Ports: {container} and {host}"));
    }
    let proto = match proto.to_ascii_lowercase().as_str() {
        "tcp" => Protocol::Tcp,
        "udp" => Protocol::Udp,
        "sctp" => return Err("SCTP is not emulated here; publish tcp or udp".to_owned()),
        _ => return Err(format!("Invalid proto: {proto}")),
    };
    // Host port 0 means "any free one", as leaving it out does.
    Ok(PortSpec { host_ip, host: outside.filter(|&h| h != (0, 0)), container: inside, proto })
}

/// `published=8080,target=80,protocol=tcp` → `8080:80/tcp`.
fn standard_notation(raw: &str) -> Result<String, String> {
    if !raw.contains('=') {
        return Ok(raw.to_owned());
    }
    let (mut published, mut target, mut protocol) = ("", "", "tcp");
    for field in raw.split(',') {
        match field.split_once('=') {
            Some(("published", v)) => published = v,
            Some(("target", v)) => target = v,
            Some(("protocol", v)) => protocol = v,
            Some((key, _)) if !key.is_empty() => {}
            _ => {
                return Err(format!("invalid publish opts format (should be name=value but got '{field}')"));
            }
        }
    }
    Ok(format!("{published}:{target}/{protocol}"))
}

/// A container port with its protocol: `80/tcp`.
fn split_proto(port: &str) -> (&str, &str) {
    match port.split_once('/') {
        Some((number, "")) => ("tcp", number),
        Some(("", _)) | None if port.is_empty() => ("", ""),
        Some(("", _)) => ("", ""),
        // What stands behind a second slash is not looked at.
        Some((number, proto)) => (proto.split('/').next().unwrap_or(proto), number),
        None => ("tcp", port),
    }
}

fn host_address(ip: &str) -> Result<Option<Ipv4Addr>, String> {
    if ip.is_empty() {
        return Ok(None);
    }
    let bare = match ip.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        Some(bare) => bare,
        None if ip.contains(':') => {
            return Err(format!("Invalid ip address {ip}: address {ip}:: too many colons in address"));
        }
        None => ip,
    };
    match bare.parse() {
        Ok(IpAddr::V4(addr)) => Ok(Some(addr)),
        Ok(IpAddr::V6(_)) => {
            Err(format!("IPv6 is not yet emulated here; publish {bare}'s port on 0.0.0.0 or 127.0.0.1"))
        }
        Err(_) => Err(format!("Invalid ip address: {bare}")),
    }
}

/// `80` or `8000-8010`.
pub(super) fn range(text: &str) -> Option<(u16, u16)> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let number = |s: &str| -> Option<u16> {
        if s.bytes().all(|b| b.is_ascii_digit()) { s.parse().ok() } else { None }
    };
    let (first, last) = (number(first)?, number(last)?);
    (first <= last).then_some((first, last))
}

/// Why it is no range (github.com/docker/go-connections, nat.ParsePortRange).
fn bad_range(text: &str) -> String {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let wrong = |t: &str| super::values::refusal("uint16", "", t);
    wrong(first)
        .or_else(|| wrong(last))
        .unwrap_or_else(|| format!("Invalid range specified for the Port: {text}"))
}

/// `--expose`: `80`, `80/udp`, `8000-8010`.
///
/// # Errors
/// In docker's words.
pub(super) fn expose(text: &str) -> Result<Vec<(u16, Protocol)>, String> {
    if text.contains(':') {
        return Err(format!("invalid port format for --expose: {text}"));
    }
    let (proto, ports) = split_proto(text);
    let proto = match proto.to_ascii_lowercase().as_str() {
        "tcp" => Protocol::Tcp,
        "udp" => Protocol::Udp,
        "sctp" => Protocol::Other(132),
        // Nobody looks at it here: to the engine it is protocol 0 (libnetwork/types, ParseProtocol).
        _ => Protocol::Other(0),
    };
    let (first, last) = range(ports)
        .ok_or_else(|| format!("invalid range format for --expose: {text}, error: {}", bad_range(ports)))?;
    Ok((first..=last).map(|port| (port, proto)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn spec(host: Option<(u16, u16)>, container: (u16, u16)) -> PortSpec {
        PortSpec { host_ip: None, host, container, proto: Protocol::Tcp }
    }

    #[test]
    fn every_form_of_publishing_is_read() {
        let cases = [
            ("80", spec(None, (80, 80))),
            (":80", spec(None, (80, 80))),
            ("0:80", spec(None, (80, 80))),
            ("8080:80", spec(Some((8080, 8080)), (80, 80))),
            ("8000-8001:80", spec(Some((8000, 8001)), (80, 80))),
            ("7000-7002:80-82", spec(Some((7000, 7002)), (80, 82))),
            ("published=8080,target=80", spec(Some((8080, 8080)), (80, 80))),
            ("5000:5000/udp", PortSpec { proto: Protocol::Udp, ..spec(Some((5000, 5000)), (5000, 5000)) }),
            ("127.0.0.1::80", PortSpec { host_ip: Some(Ipv4Addr::LOCALHOST), ..spec(None, (80, 80)) }),
        ];
        for (text, want) in cases {
            assert_eq!(parse(text), Ok(want), "{text}");
        }
    }

    #[test]
    fn refusals_are_in_dockers_words() {
        let cases = [
            ("99999:80", "Invalid hostPort: 99999"),
            ("abc:80", "Invalid hostPort: abc"),
            ("-1:80", "Invalid hostPort: -1"),
            ("8080:80/foo", "Invalid proto: foo"),
            ("8080:", "No port specified: 8080:<empty>"),
            ("8080:x", "Invalid containerPort: x"),
            ("300.1.1.1:8080:80", "Invalid ip address: 300.1.1.1"),
            ("localhost:8080:80", "Invalid ip address: localhost"),
            ("8080:80:90:100", "Invalid ip address 8080:80: address 8080:80:: too many colons in address"),
            ("7000-7002:80-81", "Invalid ranges specified for container and host Ports: 80-81 and 7000-7002"),
        ];
        for (text, want) in cases {
            assert_eq!(parse(text), Err(want.to_owned()), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_the_port_parser_panic(text in "\\PC{0,24}") {
            let _ = parse(&text);
            let _ = expose(&text);
        }
    }
}
