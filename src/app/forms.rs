//! Forms: a new container, a new network. A form holds what was typed,
//! says what is wrong with it, and becomes an edit or a docker command.

use crate::wire::Ipv4Net;

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
