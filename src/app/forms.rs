//! Forms: the router's settings, a new container, a new network. A form holds what was typed,
//! says what is wrong with it, and becomes an edit or a docker command.

use std::collections::BTreeSet;

use crate::session::{Forward, RouterConfig};
use crate::wire::{Ipv4Addr, Ipv4Net};

/// An image of the palette.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Image {
    /// What it is called on the palette, and the first part of a new container's name.
    pub label: &'static str,
    /// As `docker run` wants it.
    pub reference: &'static str,
    /// Options it cannot do without.
    pub options: &'static str,
    /// A command that keeps it running.
    pub command: &'static str,
    /// The port it serves.
    pub port: Option<u16>,
}

/// The palette's images.
pub const IMAGES: [Image; 6] = [
    Image { label: "nginx", reference: "nginx", options: "", command: "", port: Some(80) },
    Image { label: "whoami", reference: "traefik/whoami", options: "", command: "", port: Some(80) },
    Image { label: "tomcat", reference: "tomcat", options: "", command: "", port: Some(8080) },
    Image { label: "redis", reference: "redis", options: "", command: "", port: Some(6379) },
    Image {
        label: "postgres",
        reference: "postgres",
        options: "-e POSTGRES_PASSWORD=secret",
        command: "",
        port: Some(5432),
    },
    Image { label: "alpine", reference: "alpine", options: "", command: "sleep infinity", port: None },
];

/// What is wrong with a field: a key of the locale.
pub type Problem = &'static str;

/// A row of the router's form, as typed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[allow(missing_docs)]
pub struct ForwardRow {
    pub udp: bool,
    pub port: String,
    pub to: String,
    pub to_port: String,
}

/// The router's form.
#[derive(Debug, Clone, PartialEq)]
pub struct RouterForm {
    /// Which router.
    pub node: String,
    /// Network address translation.
    pub nat: bool,
    /// Public ports are drawn at random.
    pub random_ports: bool,
    /// Port forwards.
    pub rows: Vec<ForwardRow>,
    /// Its LAN, to check addresses against.
    pub lan: Option<Ipv4Net>,
    base: RouterConfig,
}

/// A field of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum ForwardField {
    Port,
    To,
    ToPort,
}

impl RouterForm {
    /// Filled with what the router has.
    pub fn new(node: &str, config: &RouterConfig, lan: Option<Ipv4Net>) -> Self {
        let row = |f: &Forward| ForwardRow {
            udp: f.proto == "udp",
            port: f.port.to_string(),
            to: f.to.to_string(),
            to_port: f.to_port.to_string(),
        };
        Self {
            node: node.to_owned(),
            nat: config.nat,
            random_ports: config.random_ports,
            rows: config.forwards.iter().map(row).collect(),
            lan,
            base: config.clone(),
        }
    }
    /// What is wrong: row, field, why.
    pub fn problems(&self) -> Vec<(usize, ForwardField, Problem)> {
        let mut out = Vec::new();
        let mut taken = BTreeSet::new();
        for (i, row) in self.rows.iter().enumerate() {
            match port(&row.port) {
                None => out.push((i, ForwardField::Port, "form.bad_port")),
                Some(p) if !taken.insert((row.udp, p)) => {
                    out.push((i, ForwardField::Port, "form.port_taken"))
                }
                Some(_) => {}
            }
            match row.to.trim().parse::<Ipv4Addr>() {
                Err(_) => out.push((i, ForwardField::To, "form.bad_address")),
                Ok(a) if self.lan.is_some_and(|lan| !lan.contains(&a)) => {
                    out.push((i, ForwardField::To, "form.not_in_lan"));
                }
                Ok(a) if self.lan.is_some_and(|lan| lan.addr() == a) => {
                    out.push((i, ForwardField::To, "form.router_itself"));
                }
                Ok(_) => {}
            }
            if port(&row.to_port).is_none() {
                out.push((i, ForwardField::ToPort, "form.bad_port"));
            }
        }
        out
    }
    /// The settings, if nothing is wrong.
    pub fn config(&self) -> Option<RouterConfig> {
        if !self.problems().is_empty() {
            return None;
        }
        let forward = |r: &ForwardRow| {
            Some(Forward {
                proto: if r.udp { "udp" } else { "tcp" }.to_owned(),
                port: port(&r.port)?,
                last: None,
                to: r.to.trim().parse().ok()?,
                to_port: port(&r.to_port)?,
            })
        };
        let forwards = self.rows.iter().map(forward).collect::<Option<Vec<_>>>()?;
        Some(RouterConfig { nat: self.nat, random_ports: self.random_ports, forwards, ..self.base.clone() })
    }
}

/// A port, 1 to 65535.
fn port(text: &str) -> Option<u16> {
    text.trim().parse::<u16>().ok().filter(|&p| p != 0)
}

/// A new container.
#[derive(Debug, Clone, PartialEq)]
pub struct ContainerForm {
    /// The Docker host.
    pub host: String,
    /// The network, as `--network` wants it; `bridge` is the default one.
    pub network: String,
    /// The networks that the host has.
    pub networks: Vec<String>,
    /// Index into [`IMAGES`].
    pub image: usize,
    /// `--name`.
    pub name: String,
    /// `-p HOST:CONTAINER`; empty: not published.
    pub publish: String,
    /// Names that are taken.
    pub taken: Vec<String>,
}

impl ContainerForm {
    /// With a free name.
    pub fn new(host: &str, network: &str, networks: Vec<String>, image: usize, taken: Vec<String>) -> Self {
        let image = image.min(IMAGES.len() - 1);
        let label = IMAGES[image].label;
        let mut names = std::iter::once(label.to_owned()).chain((2..).map(|n| format!("{label}{n}")));
        let name = names.find(|n| !taken.contains(n)).unwrap_or_default();
        Self {
            host: host.to_owned(),
            network: network.to_owned(),
            networks,
            image,
            name,
            publish: String::new(),
            taken,
        }
    }
    /// What is wrong with the name, and with the published port.
    pub fn problems(&self) -> (Option<Problem>, Option<Problem>) {
        let name = if !valid_name(&self.name) {
            Some("form.bad_name")
        } else if self.taken.contains(&self.name) {
            Some("form.name_taken")
        } else {
            None
        };
        let publish = self.publish.trim();
        let pair = publish.split_once(':').and_then(|(h, c)| Some((port(h)?, port(c)?)));
        (name, (!publish.is_empty() && pair.is_none()).then_some("form.bad_publish"))
    }
    /// The command that it is.
    pub fn command(&self) -> String {
        let image = IMAGES[self.image];
        let mut words = vec!["docker run -d --name".to_owned(), self.name.trim().to_owned()];
        if self.network != "bridge" {
            words.push(format!("--network {}", self.network));
        }
        if !self.publish.trim().is_empty() {
            words.push(format!("-p {}", self.publish.trim()));
        }
        let rest = [image.options, image.reference, image.command];
        words.extend(rest.into_iter().filter(|w| !w.is_empty()).map(str::to_owned));
        words.join(" ")
    }
}

/// `[a-zA-Z0-9][a-zA-Z0-9_.-]+`, as the engine wants it.
fn valid_name(name: &str) -> bool {
    let mut chars = name.chars();
    chars.next().is_some_and(|c| c.is_ascii_alphanumeric())
        && name.len() >= 2
        && chars.all(|c| c.is_ascii_alphanumeric() || "_.-".contains(c))
}

/// A new network.
#[derive(Debug, Clone, PartialEq)]
pub struct NetworkForm {
    /// The Docker host.
    pub host: String,
    /// Name.
    pub name: String,
    /// `--subnet`; empty: Docker chooses.
    pub subnet: String,
    /// Names that are taken.
    pub taken: Vec<String>,
}

impl NetworkForm {
    /// With a free name.
    pub fn new(host: &str, taken: Vec<String>) -> Self {
        let mut names = (2..).map(|n| format!("net{n}"));
        let name = names.find(|n| !taken.contains(n)).unwrap_or_default();
        Self { host: host.to_owned(), name, subnet: String::new(), taken }
    }
    /// What is wrong with the name, and with the subnet.
    pub fn problems(&self) -> (Option<Problem>, Option<Problem>) {
        let name = if !valid_name(&self.name) {
            Some("form.bad_name")
        } else if self.taken.contains(&self.name) {
            Some("form.name_taken")
        } else {
            None
        };
        let subnet = self.subnet.trim();
        let bad = !subnet.is_empty() && subnet.parse::<Ipv4Net>().is_err();
        (name, bad.then_some("form.bad_subnet"))
    }
    /// The command that it is.
    pub fn command(&self) -> String {
        let subnet = match self.subnet.trim() {
            "" => String::new(),
            subnet => format!("--subnet {subnet} "),
        };
        format!("docker network create {subnet}{}", self.name.trim())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn router() -> RouterForm {
        let config = RouterConfig::new("wan0".parse().unwrap(), "lan0".parse().unwrap());
        RouterForm::new("router", &config, Some("192.168.0.1/24".parse().unwrap()))
    }

    #[test]
    fn a_forward_is_checked_field_by_field() {
        for (port, to, to_port, wanted) in [
            ("8080", "192.168.0.10", "80", None),
            ("0", "192.168.0.10", "80", Some((ForwardField::Port, "form.bad_port"))),
            ("65536", "192.168.0.10", "80", Some((ForwardField::Port, "form.bad_port"))),
            ("80", "172.17.0.2", "80", Some((ForwardField::To, "form.not_in_lan"))),
            ("80", "192.168.0.1", "80", Some((ForwardField::To, "form.router_itself"))),
            ("80", "web", "80", Some((ForwardField::To, "form.bad_address"))),
            ("80", "192.168.0.10", "", Some((ForwardField::ToPort, "form.bad_port"))),
        ] {
            let mut form = router();
            form.rows.push(ForwardRow {
                udp: false,
                port: port.into(),
                to: to.into(),
                to_port: to_port.into(),
            });
            let found = form.problems();
            assert_eq!(found.first().map(|p| (p.1, p.2)), wanted, "{port} {to} {to_port}");
            assert_eq!(form.config().is_some(), wanted.is_none());
        }
    }

    #[test]
    fn the_same_public_port_twice_is_refused_but_tcp_and_udp_may_share_it() {
        let row =
            |udp| ForwardRow { udp, port: "53".into(), to: "192.168.0.10".into(), to_port: "53".into() };
        let mut form = router();
        form.rows = vec![row(false), row(true)];
        assert!(form.problems().is_empty());
        form.rows.push(row(true));
        assert_eq!(form.problems(), [(2, ForwardField::Port, "form.port_taken")]);
    }

    #[test]
    fn a_dragged_container_is_a_docker_command() {
        let form = ContainerForm::new("h", "second-bridge", vec![], 1, vec!["whoami".into()]);
        assert_eq!(form.command(), "docker run -d --name whoami2 --network second-bridge traefik/whoami");
        let mut form = ContainerForm::new("h", "bridge", vec![], 2, vec![]);
        form.publish = "8080:8080".into();
        assert_eq!(form.command(), "docker run -d --name tomcat -p 8080:8080 tomcat");
        form.publish = "8080:x".into();
        assert_eq!(form.problems(), (None, Some("form.bad_publish")));
    }
}
