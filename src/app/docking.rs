//! Docker on the canvas: the form of a container, what can be done to a container that is there, and
//! the command that each of them is. What a form cannot judge by itself is tried ([`super::rehearsal`]).

use super::forms::{IMAGES, Problem};
use super::{App, Selection, oneword};
use crate::docker::{ContainerState, Engine, cli};
use crate::session::{Node, Session};
use crate::shell::{self, WordPart, quote};
use crate::wire::Ipv4Addr;

/// A new container.
#[derive(Debug, Clone, PartialEq)]
pub struct ContainerForm {
    /// The Docker host.
    pub host: String,
    /// The first network, as `--network` wants it; `bridge` is the default one.
    pub network: String,
    /// Further networks.
    pub more: Vec<String>,
    /// The networks that the host has.
    pub networks: Vec<String>,
    /// Containers whose network it could share.
    pub neighbours: Vec<String>,
    /// Index into [`IMAGES`].
    pub image: usize,
    /// `--name`.
    pub name: String,
    /// What is published, apart by blanks or commas; empty: nothing.
    pub publish: String,
    /// `NAME=VALUE`, apart by blanks (a value with blanks in quotes).
    pub env: String,
    /// What it runs; empty: what its image says.
    pub command: String,
    /// `--restart`; empty: no.
    pub restart: String,
    /// Names that are taken.
    pub taken: Vec<String>,
}

/// What is wrong with a field of a container.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ContainerProblems {
    /// Of the name.
    pub name: Option<Problem>,
    /// Of the published ports.
    pub publish: Option<Problem>,
    /// Of what it runs.
    pub command: Option<Problem>,
}

impl ContainerForm {
    /// For a host of a running lab.
    pub fn at(node: &Node, engine: &Engine, network: &str, image: usize) -> Self {
        let taken = engine.containers().iter().map(|c| c.name.clone()).collect();
        let mut form = Self::new(&node.config.id, network, networks(engine), image, taken);
        let runs = engine.containers().iter().filter(|c| c.state == ContainerState::Running);
        form.neighbours = runs.map(|c| c.name.clone()).collect();
        form
    }
    /// With a free name.
    pub fn new(host: &str, network: &str, networks: Vec<String>, image: usize, taken: Vec<String>) -> Self {
        let image = image.min(IMAGES.len() - 1);
        let label = IMAGES[image].label;
        let mut names = std::iter::once(label.to_owned()).chain((2..).map(|n| format!("{label}{n}")));
        let name = names.find(|n| !taken.contains(n)).unwrap_or_default();
        Self {
            host: host.to_owned(),
            network: network.to_owned(),
            more: Vec::new(),
            networks,
            neighbours: Vec::new(),
            image,
            name,
            publish: String::new(),
            env: environment(image),
            command: IMAGES[image].command.to_owned(),
            restart: String::new(),
            taken,
        }
    }
    /// Takes another image; name, environment and command are that one's.
    pub fn take_image(&mut self, image: usize) {
        let fresh = Self::new(&self.host, &self.network, Vec::new(), image, self.taken.clone());
        (self.image, self.name) = (fresh.image, fresh.name);
        (self.env, self.command) = (fresh.env, fresh.command);
    }
    /// Is it attached to this network?
    pub fn is_on(&self, network: &str) -> bool {
        self.network == network || self.more.iter().any(|n| n == network)
    }
    /// Attaches it to the network, or takes it off; one always stays. The host's network, none at all and
    /// that of another container go with no other.
    pub fn toggle(&mut self, network: &str) {
        if self.network == network {
            if !self.more.is_empty() {
                self.network = self.more.remove(0);
            } else if is_alone(network) {
                self.take_network("bridge");
            }
        } else if is_alone(network) || is_alone(&self.network) {
            self.take_network(network);
        } else if self.is_on(network) {
            self.more.retain(|n| n != network);
        } else {
            self.more.push(network.to_owned());
        }
    }
    /// Attaches it to this network and to no other.
    pub fn take_network(&mut self, network: &str) {
        network.clone_into(&mut self.network);
        self.more.clear();
    }
    /// Whose network it shares.
    pub fn shares(&self) -> Option<&str> {
        self.network.strip_prefix("container:")
    }
    /// What is wrong, field by field.
    pub fn problems(&self) -> ContainerProblems {
        let name = if !valid_name(&self.name) {
            Some("form.bad_name")
        } else if self.taken.contains(&self.name) {
            Some("form.name_taken")
        } else {
            None
        };
        let good = published(&self.publish).all(valid_publish);
        ContainerProblems {
            name,
            publish: (!good).then_some("form.bad_publish"),
            command: oneword::words(&self.command).is_none().then_some("form.bad_command"),
        }
    }
    /// Nothing is wrong with what was typed, as far as the form can tell.
    pub fn is_ready(&self) -> bool {
        self.problems() == ContainerProblems::default()
    }
    /// The command that it is. Docker does not take the default bridge and others in one
    /// `docker run`: the others are connected to afterwards.
    pub fn command(&self) -> String {
        let name = self.name.trim();
        let mut words = vec!["docker run -d --name".to_owned(), name.to_owned()];
        let all = || std::iter::once(&self.network).chain(&self.more);
        let later: Vec<&String> =
            if self.is_on("bridge") { all().filter(|n| *n != "bridge").collect() } else { Vec::new() };
        if !self.is_on("bridge") {
            words.extend(all().map(|n| format!("--network {}", quote(n))));
        }
        words.extend(published(&self.publish).map(|p| format!("-p {p}")));
        words.extend(oneword::values(&self.env).map(|e| format!("-e {e}")));
        if !self.restart.is_empty() {
            words.push(format!("--restart {}", self.restart));
        }
        words.push(IMAGES[self.image].reference.to_owned());
        let command = self.command.trim();
        if !command.is_empty() {
            words.push(command.to_owned());
        }
        words.extend(later.iter().map(|n| format!("&& docker network connect {} {name}", quote(n))));
        words.join(" ")
    }
}

/// The networks that a container of a host can be run in: the default one first, `host` and `none` last.
/// Those of its swarm may not have been used there yet.
fn networks(engine: &Engine) -> Vec<String> {
    let local = engine.networks().iter().map(|n| n.name.as_str());
    let mut all: Vec<&str> = local.filter(|n| !matches!(*n, "ingress" | "docker_gwbridge")).collect();
    let of_swarm: Vec<&str> = engine.attachable().filter(|n| !all.contains(n)).collect();
    all.extend(of_swarm);
    all.sort_by_key(|n| match *n {
        "bridge" => 0,
        "host" | "none" => 2,
        _ => 1,
    });
    all.into_iter().map(str::to_owned).collect()
}

/// A network that goes with no other.
fn is_alone(network: &str) -> bool {
    matches!(network, "host" | "none") || network.starts_with("container:")
}

/// `-e A=b -e C=d` → `A=b C=d`.
fn environment(image: usize) -> String {
    IMAGES[image].options.replace("-e ", "")
}

/// The single publications of a field.
fn published(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| c == ',' || c.is_whitespace()).filter(|p| !p.is_empty())
}

/// `PORT`, `HOST:PORT`, `ADDRESS:HOST:PORT`, `ADDRESS::PORT`, ranges, `/udp`.
fn valid_publish(text: &str) -> bool {
    let (ports, proto) = text.split_once('/').unwrap_or((text, "tcp"));
    let parts: Vec<&str> = ports.split(':').collect();
    let range = |t: &str| match t.split_once('-') {
        Some((a, b)) => port(a).zip(port(b)).is_some_and(|(a, b)| a <= b),
        None => port(t).is_some(),
    };
    let fits = match parts[..] {
        [inside] => range(inside),
        [outside, inside] => range(outside) && range(inside),
        [addr, outside, inside] => {
            addr.parse::<Ipv4Addr>().is_ok() && (outside.is_empty() || range(outside)) && range(inside)
        }
        _ => false,
    };
    fits && matches!(proto, "tcp" | "udp")
}

/// A port, 1 to 65535.
fn port(text: &str) -> Option<u16> {
    text.trim().parse::<u16>().ok().filter(|&p| p != 0)
}

/// `[a-zA-Z0-9][a-zA-Z0-9_.-]+`, as the engine wants it.
pub(super) fn valid_name(name: &str) -> bool {
    let mut chars = name.chars();
    chars.next().is_some_and(|c| c.is_ascii_alphanumeric())
        && name.len() >= 2
        && chars.all(|c| c.is_ascii_alphanumeric() || "_.-".contains(c))
}

/// What docker's command line says against a line, its first sentence; None if it takes it.
fn refusal(line: &str) -> Option<String> {
    let script = shell::parse(line).ok()?;
    let command = script.items.first()?.1.commands.first()?;
    let text = |part: &WordPart| match part {
        WordPart::Text(text) => text.clone(),
        _ => String::new(),
    };
    let words: Vec<String> = command.words.iter().map(|w| w.parts.iter().map(text).collect()).collect();
    let error = cli::parse(words.get(1..)?).err()?;
    error.message.lines().next().map(str::to_owned)
}

// ---- what is there

/// A container that is selected, and what can be done to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContainerCard {
    /// The Docker host.
    pub host: String,
    /// Name.
    pub name: String,
    /// Image.
    pub image: String,
    /// `running`, `paused`, `exited`, `created`.
    pub state: &'static str,
    /// Its networks with its addresses there.
    pub networks: Vec<(String, String)>,
    /// Networks that it could be connected to.
    pub others: Vec<String>,
    /// Published ports.
    pub ports: Vec<String>,
}

impl ContainerCard {
    /// Of the container at `NODE:CONTAINER`.
    pub fn new(session: &Session, place: &str) -> Option<Self> {
        let (host, name) = place.split_once(':')?;
        let engine = session.node(host).ok()?.engine.as_ref()?;
        let c = engine.container(name)?;
        let state = match c.state {
            ContainerState::Running => "running",
            ContainerState::Paused => "paused",
            ContainerState::Created => "created",
            _ => "exited",
        };
        let networks: Vec<_> =
            c.endpoints.iter().map(|e| (e.network.clone(), e.addr.addr().to_string())).collect();
        // Who has the host's network, none, or another's, can join no other.
        let alone = is_alone(c.network_mode());
        let free = |n: &&String| !alone && !is_alone(n) && networks.iter().all(|(on, _)| on != *n);
        let others = self::networks(engine).iter().filter(free).cloned().collect();
        let ports = c.ports.iter().filter(|p| p.host_ip.is_ipv4());
        let ports =
            ports.map(|p| format!("{}:{} → {}/{}", p.host_ip, p.host_port, p.port, p.proto)).collect();
        Some(Self {
            host: host.to_owned(),
            name: name.to_owned(),
            image: c.image.clone(),
            state,
            networks,
            others,
            ports,
        })
    }
    /// What can be done, as far as docker's command line takes it: key of the word, the command.
    pub fn acts(&self) -> Vec<(&'static str, String)> {
        let docker = |verb: &str| format!("docker {verb} {}", self.name);
        let mut acts = match self.state {
            "running" => vec![
                ("dock.stop", docker("stop")),
                ("dock.restart", docker("restart")),
                ("dock.pause", docker("pause")),
                ("dock.rm", docker("rm -f")),
            ],
            "paused" => vec![("dock.unpause", docker("unpause")), ("dock.rm", docker("rm -f"))],
            _ => vec![("dock.start", docker("start")), ("dock.rm", docker("rm"))],
        };
        acts.retain(|(_, line)| refusal(line).is_none());
        acts
    }
    /// Connects it to a network.
    pub fn connect(&self, network: &str) -> String {
        format!("docker network connect {} {}", quote(network), self.name)
    }
    /// Takes it off a network.
    pub fn disconnect(&self, network: &str) -> String {
        format!("docker network disconnect {} {}", quote(network), self.name)
    }
}

impl App {
    /// The container that is selected, as it is now.
    pub fn selected_container(&self) -> Option<ContainerCard> {
        let Some(Selection::Container(place)) = &self.selection else { return None };
        ContainerCard::new(self.live(), place)
    }
}

/// A command that a drag stands for, to be looked at before it runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandForm {
    /// Where it runs.
    pub host: String,
    /// Key of its title; `a` and `b` fill `{a}` and `{b}`.
    pub title: &'static str,
    /// See `title`.
    pub a: String,
    /// See `title`.
    pub b: String,
    /// The command.
    pub line: String,
}

impl CommandForm {
    /// A container dragged onto another bridge of its host.
    pub fn connect(session: &Session, place: &str, network: &str) -> Option<Self> {
        let card = ContainerCard::new(session, place)?;
        let free = card.others.iter().any(|n| n == network);
        free.then(|| Self {
            host: card.host.clone(),
            title: "dock.connect_title",
            a: card.name.clone(),
            b: network.to_owned(),
            line: card.connect(network),
        })
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
        assert_eq!(form.problems().publish, Some("form.bad_publish"));
    }

    #[test]
    fn all_fields_of_a_container_are_in_its_command_and_docker_takes_it() {
        let mut form = ContainerForm::new("h", "bridge", vec![], 4, vec![]);
        form.toggle("second-bridge");
        form.publish = "5432:5432, 127.0.0.1:53:53/udp 9000-9001:9000-9001".into();
        form.env = "POSTGRES_PASSWORD=secret GREETING=\"hello there\"".into();
        form.restart = "always".into();
        assert_eq!(
            form.command(),
            "docker run -d --name postgres -p 5432:5432 -p 127.0.0.1:53:53/udp -p 9000-9001:9000-9001 \
             -e POSTGRES_PASSWORD=secret -e GREETING=\"hello there\" --restart always postgres \
             && docker network connect second-bridge postgres"
        );
        assert!(form.is_ready(), "{:?}", form.problems());
        assert_eq!(refusal(&form.command()), None);
        form.toggle("bridge");
        assert!(form.command().starts_with("docker run -d --name postgres --network second-bridge -p "));
        assert_eq!((form.network.as_str(), form.more.len()), ("second-bridge", 0));
        form.toggle("second-bridge");
        assert_eq!(form.network, "second-bridge", "one always stays");
    }

    #[test]
    fn nothing_that_is_typed_or_named_becomes_a_second_command() {
        let mut form = ContainerForm::new("h", "a; id", vec![], 0, vec![]);
        form.more = vec!["$(id)".into()];
        form.env = "A=b;id".into();
        assert_eq!(
            form.command(),
            "docker run -d --name nginx --network 'a; id' --network '$(id)' -e 'A=b;id' nginx"
        );
        form.toggle("bridge");
        assert!(form.command().ends_with("&& docker network connect '$(id)' nginx"), "{}", form.command());
        assert!(form.is_ready());
        form.command = "sleep 9; docker rm -f web".into();
        assert_eq!(form.problems().command, Some("form.bad_command"));
        form.command = "sh -c 'sleep 9; date'".into();
        assert!(form.is_ready());
    }

    #[test]
    fn the_networks_of_nobody_else_go_with_no_other() {
        let mut form = ContainerForm::new("h", "bridge", vec![], 0, vec![]);
        form.toggle("lan");
        form.toggle("host");
        assert_eq!(form.command(), "docker run -d --name nginx --network host nginx");
        form.toggle("container:web");
        assert_eq!(form.shares(), Some("web"));
        form.toggle("lan");
        assert_eq!(form.command(), "docker run -d --name nginx --network lan nginx");
        form.toggle("none");
        form.toggle("none");
        assert_eq!(form.network, "bridge");
    }

    #[test]
    fn a_container_is_offered_the_networks_that_it_can_join() {
        let others = |lab: &str, place: &str| {
            let session = crate::lab::Lab::builtin(lab).unwrap().boot().unwrap();
            ContainerCard::new(&session, place).unwrap().others
        };
        assert!(others("host-network", "docker-host:web").is_empty(), "it has the host's network for good");
        assert_eq!(others("macvlan", "docker-host:web"), ["bridge"]);
        assert_eq!(others("overlay", "host1:web"), ["bridge"], "docker_gwbridge is none of its own");
    }

    #[test]
    fn publications_are_checked_one_by_one() {
        for (text, good) in [
            ("80", true),
            ("8080:80", true),
            ("127.0.0.1:8080:80", true),
            ("127.0.0.1::80", true),
            ("53:53/udp", true),
            ("8000-8010:8000-8010", true),
            ("0:80", false),
            ("80:", false),
            ("8080:80/sctp", false),
            ("8010-8000:80", false),
            ("host:80:80", false),
        ] {
            assert_eq!(valid_publish(text), good, "{text}");
        }
    }
}
