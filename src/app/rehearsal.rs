//! What docker says against a form that is open: its command is tried in a copy of the lab, and what
//! was printed is told at the field that it is about, with what would mend it.
//!
//! Nothing here knows what docker refuses. The words are the tool's; only to which field they belong,
//! and what helps, is looked up by what they contain.

use super::docking::ContainerForm;
use super::netform::{NetworkForm, modes};
use super::{Action, App, Dialog};
use crate::docker::{ContainerState, Engine};
use crate::explain::why::{Remedy, diagnose};
use crate::explain::{Lang, text};
use crate::session::{Job, Node, Session};
use crate::time::Duration;

/// How long a command may take in a rehearsal, in virtual time, and how many events.
const LIMIT: (Duration, u64) = (Duration::from_secs(30), 20_000);
/// How long a container is watched after its start. A web server tries a taken port for some seconds.
const WATCHED: (Duration, u64) = (Duration::from_secs(4), 4_000);

/// The part of a form that is spoken of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    /// `--name`, or the name of a network.
    Name,
    /// `--driver`
    Driver,
    /// The mode of macvlan or ipvlan.
    Mode,
    /// `-o parent`: the host's interface.
    Parent,
    /// `--subnet`
    Subnet,
    /// `--gateway`
    Gateway,
    /// `--ip-range`
    Range,
    /// Other `-o`.
    Options,
    /// `--network`
    Networks,
    /// `-p`
    Publish,
    /// `-e`
    Env,
    /// What runs in the container.
    Command,
    /// The command as a whole.
    Line,
}

/// What would mend it, as a button.
#[derive(Debug, Clone, PartialEq)]
pub struct Offer {
    /// What stands on it: a value, or a command.
    pub label: String,
    /// What it does.
    pub act: Action,
}

/// What docker says.
#[derive(Debug, Clone, PartialEq)]
pub struct Told {
    /// What it is about.
    pub field: Field,
    /// In the tool's words.
    pub words: String,
    /// What helps, in the page's language.
    pub advice: Option<String>,
    /// The same as a button.
    pub offer: Option<Offer>,
    /// It would not be carried out. Otherwise it would, and this is what there is to know.
    pub refused: bool,
}

/// The last rehearsal: of what, at which moment, and what came of it.
#[derive(Debug, Default)]
pub struct Rehearsal {
    key: Option<(String, String, u64)>,
    told: Option<Told>,
}

/// What is found in docker's words, the field that they are about, and the key of what helps. The
/// first that fits counts. Docker quotes names that people gave: these are phrases of its own, and
/// none is a word that a network or a container could be called.
const ABOUT: [(&str, Field, &str); 39] = [
    ("port publishing and the container type network mode", Field::Publish, "advice.shared_ports"),
    ("port is already allocated", Field::Publish, "advice.port"),
    ("address already in use", Field::Publish, "advice.port"),
    ("ports are discarded", Field::Publish, "advice.host_publish"),
    ("invalid publish", Field::Publish, ""),
    ("not manually attachable", Field::Networks, "advice.attachable"),
    ("network namespace of a non running container", Field::Networks, "advice.start"),
    ("attach to network", Field::Networks, ""),
    ("attaching to network failed", Field::Networks, "advice.manager_away"),
    ("no available IPv4 addresses", Field::Networks, ""),
    ("conflicting options", Field::Networks, ""),
    ("container name", Field::Name, "advice.name"),
    ("network with name", Field::Name, ""),
    ("already in use", Field::Networks, "advice.host_port"),
    ("executable file not found", Field::Command, ""),
    ("invalid environment variable", Field::Env, ""),
    ("not a swarm manager", Field::Driver, "advice.swarm"),
    ("swarm is not active", Field::Driver, "advice.swarm"),
    ("already using parent interface", Field::Parent, "advice.parent_used"),
    ("was not found on the host", Field::Parent, "advice.parent"),
    ("invalid subinterface vlan name", Field::Parent, "advice.parent"),
    ("parent interface", Field::Parent, "advice.parent"),
    ("parent link", Field::Parent, "advice.parent"),
    ("vlan id must be", Field::Parent, "advice.vlan"),
    ("a valid vlan id", Field::Parent, "advice.vlan"),
    ("vlan link", Field::Parent, ""),
    ("mode '", Field::Mode, ""),
    ("Pool overlaps", Field::Subnet, "advice.subnet"),
    ("overlaps with", Field::Subnet, "advice.subnet"),
    ("pools have been fully", Field::Subnet, "advice.subnet"),
    ("invalid subnet", Field::Subnet, ""),
    ("overlapping subnet", Field::Subnet, ""),
    ("invalid ip-range", Field::Range, ""),
    ("no matching subnet for range", Field::Range, ""),
    ("no matching subnet for gateway", Field::Gateway, ""),
    ("ip-range or gateway", Field::Subnet, ""),
    ("failed to allocate gateway", Field::Gateway, ""),
    ("gateway mode", Field::Options, ""),
    ("com.docker.network.", Field::Options, ""),
];

/// Where a form shows what is said about `field`: there if it has such a field, at its line if it is
/// nothing but a line. None: what is said cannot be about that field.
fn place(form: &Dialog, field: Field) -> Option<Field> {
    use Field::{
        Command, Driver, Env, Gateway, Line, Mode, Name, Networks, Options, Parent, Publish, Range, Subnet,
    };
    let has = match (form, field) {
        (_, Line) => true,
        (Dialog::Network(f), Mode) => !modes(&f.driver).is_empty(),
        (Dialog::Network(f), Parent) => f.on_parent(),
        (Dialog::Network(_), field) => matches!(field, Name | Driver | Subnet | Gateway | Range | Options),
        (_, field) => matches!(field, Name | Networks | Publish | Env | Command),
    };
    has.then_some(if matches!(form, Dialog::Command(_)) { Line } else { field })
}

impl App {
    /// What docker says against the form that is open.
    pub fn told(&self) -> Option<&Told> {
        self.rehearsal.told.as_ref().filter(|_| self.dialog.is_some())
    }

    /// The form is not to be sent as it is.
    pub(super) fn is_refused(&self) -> bool {
        self.told().is_some_and(|t| t.refused)
    }

    /// Tries the command of the form that is open, unless that was just done.
    pub(super) fn rehearse(&mut self) {
        let line = match &self.dialog {
            Some(Dialog::Container(f)) => f.is_ready().then(|| (f.host.clone(), f.command())),
            Some(Dialog::Network(f)) => f.is_ready().then(|| (f.host.clone(), f.command())),
            Some(Dialog::Command(f)) => Some((f.host.clone(), f.line.clone())),
            _ => None,
        };
        let Some((host, line)) = line else { return self.rehearsal = Rehearsal::default() };
        let key = Some((host.clone(), line.clone(), self.timeline.live().world.events_handled()));
        if self.rehearsal.key == key {
            return;
        }
        let mut copy = self.timeline.fork();
        let told = copy.run_line_within(&host, &line, LIMIT.0, LIMIT.1).ok().and_then(|job| {
            let form = self.dialog.as_ref()?;
            let (words, refused) = said(&mut copy, form, &job)?;
            Some(self.explained(&copy, form, &job, words, refused))
        });
        self.rehearsal = Rehearsal { key, told };
    }

    /// Finds the field that docker's words are about, and what helps.
    fn explained(&self, copy: &Session, form: &Dialog, job: &Job, words: String, refused: bool) -> Told {
        let mut fitting = ABOUT.iter().filter(|(part, ..)| words.contains(part));
        let about = fitting.find_map(|(_, field, key)| Some((place(form, *field)?, *key)));
        let (field, key) = about.unwrap_or((Field::Line, ""));
        let mut told = Told { field, words, advice: None, offer: None, refused };
        let live = self.timeline.live();
        let Some(node) = live.node(&job.place).ok() else { return told };
        let offer = match (form, key) {
            (Dialog::Network(f), _) => for_network(live, f, key, copy, job),
            (Dialog::Container(f), _) => for_container(self.settings.lang, node, f, key, &told.words),
            _ => None,
        };
        let manager = manager_of(live, node).filter(|m| *m != job.place);
        let key = match (key, manager) {
            ("advice.swarm", Some(_)) => "advice.manager",
            (key, _) => key,
        };
        told.advice = (!key.is_empty()).then(|| {
            let name = manager.or(offer.as_ref().map(|o| o.label.as_str())).unwrap_or_default();
            text(self.settings.lang, key, &[("name", name), ("host", &job.place)])
        });
        told.offer = offer;
        told
    }
}

/// What docker printed that there is to know, and whether it refused. Of a container that started:
/// what it said before it ended by itself.
fn said(copy: &mut Session, form: &Dialog, job: &Job) -> Option<(String, bool)> {
    let printed = job.stderr();
    let mut lines = printed.lines().map(str::trim).filter(|l| !l.is_empty());
    let line = lines.next().map(|first| match lines.next() {
        // `invalid network config:`, and beneath it what is wrong.
        Some(second) if first.ends_with(':') => format!("{first} {second}"),
        _ => first.to_owned(),
    });
    if job.exit != Some(0) {
        return Some((line.or_else(|| job.stdout().lines().next().map(str::to_owned))?, true));
    }
    let Dialog::Container(form) = form else { return line.map(|l| (l, false)) };
    let until = copy.world.now() + WATCHED.0;
    copy.run_through(until, WATCHED.1);
    let node = copy.node(&form.host).ok()?;
    let container = node.engine.as_ref()?.container(form.name.trim())?;
    let ended = matches!(container.state, ContainerState::Exited { .. });
    let last = |job: Job| {
        job.stderr().lines().chain(job.stdout().lines()).find(|l| l.contains("in use")).map(str::to_owned)
    };
    let why = ended.then(|| {
        copy.run_line_within(&form.host, &format!("docker logs {}", form.name.trim()), LIMIT.0, LIMIT.1)
    });
    why.and_then(Result::ok).and_then(last).or(line).map(|words| (words, false))
}

/// The manager of the swarm that a node is in.
fn manager_of<'a>(session: &'a Session, node: &Node) -> Option<&'a str> {
    let at = node.engine.as_ref()?.swarm_manager()?;
    let has = |n: &&Node| {
        let ns = session.world.namespace(n.ns);
        ns.into_iter().flat_map(|ns| ns.devices()).flat_map(|d| &d.addrs).any(|a| a.addr() == at)
    };
    session.nodes().iter().find(has).map(|n| n.config.id.as_str())
}

fn open(form: Dialog) -> Action {
    Action::Dialog(Some(Box::new(form)))
}

/// What mends the form of a network.
fn for_network(live: &Session, form: &NetworkForm, key: &str, copy: &Session, job: &Job) -> Option<Offer> {
    let node = live.node(&form.host).ok()?;
    let with = |label: &str, change: &dyn Fn(&mut NetworkForm)| {
        let mut form = form.clone();
        change(&mut form);
        Some(Offer { label: label.to_owned(), act: open(Dialog::Network(form)) })
    };
    match key {
        "advice.swarm" => match manager_of(live, node).filter(|m| *m != form.host) {
            Some(manager) => with(manager, &|f| f.move_to(live, manager)),
            None => {
                let Remedy::Lines(lines) = diagnose(copy, job)?.fix?.remedy else { return None };
                let (place, line) = lines.into_iter().next()?;
                Some(Offer { label: line.clone(), act: Action::Run { place, line } })
            }
        },
        "advice.parent" => {
            let other = form.uplinks.iter().find(|u| u.name != form.parent)?;
            with(&other.name, &|f| f.take_parent(&other.name))
        }
        "advice.parent_used" | "advice.vlan" => {
            let base = form.parent.split('.').next().unwrap_or_default();
            let taken = |name: &str| form.uplinks.iter().any(|u| u.name == name);
            let free = (1..=99).map(|n| format!("{base}.{}", n * 10)).find(|name| !taken(name))?;
            with(&free, &|f| f.take_parent(&free))
        }
        "advice.subnet" => {
            let mut bare = form.clone();
            (bare.gateway, bare.range) = (String::new(), String::new());
            let mut job = job.clone();
            job.line = bare.command();
            let again = diagnose(copy, &job)?.fix?.again.1;
            let mut words = again.split_whitespace().skip_while(|w| *w != "--subnet");
            let free = words.nth(1)?.to_owned();
            bare.subnet.clone_from(&free);
            Some(Offer { label: free, act: open(Dialog::Network(bare)) })
        }
        _ => None,
    }
}

/// What mends the form of a container.
fn for_container(lang: Lang, node: &Node, form: &ContainerForm, key: &str, words: &str) -> Option<Offer> {
    let engine = node.engine.as_ref()?;
    let with = |label: String, change: &dyn Fn(&mut ContainerForm, &str)| {
        let mut form = form.clone();
        change(&mut form, &label);
        Some(Offer { label, act: open(Dialog::Container(form)) })
    };
    match key {
        "advice.port" => {
            let taken =
                words.split(|c: char| !c.is_ascii_digit() && c != ':').filter_map(|w| w.rsplit_once(':'));
            let port = taken.filter_map(|(_, port)| port.parse::<u16>().ok()).find(|p| *p > 0)?;
            let free = free_port(engine, port)?;
            let publish = form.publish.replacen(&format!("{port}:"), &format!("{free}:"), 1);
            (publish != form.publish).then(|| with(publish, &|f, to| to.clone_into(&mut f.publish)))?
        }
        "advice.shared_ports" | "advice.host_publish" => {
            with(text(lang, "advice.without", &[("name", "-p")]), &|f, _| f.publish.clear())
        }
        "advice.start" => {
            let owner = form.network.strip_prefix("container:")?;
            let line = format!("docker start {owner}");
            Some(Offer { label: line.clone(), act: Action::Run { place: form.host.clone(), line } })
        }
        "advice.host_port" => with("docker0".to_owned(), &|f, _| f.take_network("bridge")),
        _ => None,
    }
}

/// The next port above one that is taken that nobody has published.
fn free_port(engine: &Engine, taken: u16) -> Option<u16> {
    let used = |p: u16| engine.containers().iter().flat_map(|c| &c.ports).any(|x| x.host_port == p);
    (taken.checked_add(1)?..=u16::MAX).find(|p| !used(*p))
}

#[cfg(test)]
mod tests {
    use super::super::Theme;
    use super::super::store::Memory;
    use super::*;
    use crate::lab::Lab;

    /// A built-in lab, after some lines.
    fn lab(name: &str, lines: &[&str]) -> App {
        let mut app = App::new(Box::new(Memory::default()), (Lang::En, Theme::Light)).unwrap();
        app.open_lab(Lab::builtin(name).unwrap(), "toast.opened");
        for line in lines {
            let (place, line) = line.split_once(": ").unwrap();
            let job = app.timeline.edit(|s| s.run_line(place, line, LIMIT.0)).unwrap();
            assert_eq!(job.exit, Some(0), "{line}: {}", job.stderr());
        }
        app
    }

    fn network(app: &mut App, host: &str, change: impl FnOnce(&mut NetworkForm)) -> Option<Told> {
        let mut form = NetworkForm::at(app.live(), app.live().node(host).unwrap());
        change(&mut form);
        app.act(open(Dialog::Network(form)));
        app.told().cloned()
    }

    fn container(app: &mut App, host: &str, change: impl FnOnce(&mut ContainerForm)) -> Option<Told> {
        let node = app.live().node(host).unwrap();
        let mut form = ContainerForm::at(node, node.engine.as_ref().unwrap(), "bridge", 0);
        change(&mut form);
        app.act(open(Dialog::Container(form)));
        app.told().cloned()
    }

    /// What is said is about `field`, contains `words`, and what is offered mends it.
    #[track_caller]
    fn mended(app: &mut App, told: Option<Told>, field: Field, words: &str, offer: &str) {
        let told = told.expect("something is said");
        assert!(told.field == field && told.words.contains(words), "{told:?}");
        assert!(told.advice.is_some(), "{told:?}");
        let offered = told.offer.expect("a way out");
        assert_eq!(offered.label, offer);
        app.act(offered.act);
        super::super::tests::settle(app);
        assert_eq!(app.told(), None, "it helps");
    }

    #[test]
    fn what_docker_says_of_a_network_is_told_at_its_field_and_what_is_offered_mends_it() {
        let mut app = lab("host-network", &[]);
        let told = network(&mut app, "docker-host", |f| f.subnet = "172.17.0.0/24".into());
        mended(&mut app, told, Field::Subnet, "Pool overlaps", "10.201.0.0/24");
        let told = network(&mut app, "docker-host", |f| {
            f.take_driver("macvlan");
            f.take_parent("eth7.10");
        });
        mended(&mut app, told, Field::Parent, "was not found on the host: eth7", "eth0");
        let told = network(&mut app, "docker-host", |f| {
            f.take_driver("macvlan");
            f.take_parent("eth0.5000");
        });
        mended(&mut app, told, Field::Parent, "vlan id must be between 1-4094", "eth0.10");
        let told = network(&mut app, "docker-host", |f| f.take_driver("overlay"));
        let offer = "docker swarm init --advertise-addr 192.168.0.10";
        mended(&mut app, told, Field::Driver, "not a swarm manager", offer);
    }

    #[test]
    fn a_worker_makes_its_overlay_at_the_manager() {
        let mut app = lab("overlay", &[]);
        let told = network(&mut app, "host2", |f| f.take_driver("overlay"));
        mended(&mut app, told, Field::Driver, "not a swarm manager", "host1");
        let Some(Dialog::Network(form)) = &app.dialog else { panic!("no form") };
        assert_eq!(form.host, "host1");
    }

    #[test]
    fn what_docker_says_of_a_container_is_told_at_its_field_and_what_is_offered_mends_it() {
        let first = "docker-host: docker run -d --name first -p 8080:80 nginx";
        let mut app = lab("host-network", &[first, "docker-host: docker run -d --name off alpine true"]);
        let told = container(&mut app, "docker-host", |f| f.publish = "8080:80".into());
        mended(&mut app, told, Field::Publish, "port is already allocated", "8081:80");
        let told = container(&mut app, "docker-host", |f| {
            f.take_network("host");
            f.publish = "8090:80".into();
            f.take_image(1);
        });
        assert!(told.as_ref().is_some_and(|t| !t.refused), "a warning: {told:?}");
        let told = container(&mut app, "docker-host", |f| {
            f.take_network("container:first");
            f.publish = "8090:80".into();
        });
        let told = told.expect("docker refuses");
        assert!(told.refused && told.field == Field::Publish, "{told:?}");
        // Another web server in the same room would end by itself.
        let told = container(&mut app, "docker-host", |f| f.take_network("host"));
        mended(&mut app, told, Field::Networks, "bind() to 0.0.0.0:80 failed", "docker0");
        let told = container(&mut app, "docker-host", |f| f.take_network("container:off"));
        let told = told.expect("docker refuses");
        assert!(told.refused && told.words.contains("non running container"), "{told:?}");
    }

    #[test]
    fn a_name_in_what_docker_says_does_not_choose_the_field() {
        let names = ["gateway-net", "swarm-net", "subnet-net", "parent-net", "environment-net"];
        for name in names {
            let create = format!("docker-host: docker network create --subnet 10.77.0.0/30 {name}");
            let fill = format!("docker-host: docker run -d --name full --network {name} nginx");
            let mut app = lab("host-network", &[&create, &fill]);
            let told =
                container(&mut app, "docker-host", |f| f.take_network(name)).expect("the pool is full");
            assert!(told.refused && told.words.contains(name), "{told:?}");
            assert_eq!((told.field, told.advice), (Field::Networks, None), "{name}");
        }
    }

    #[test]
    fn what_is_about_no_field_of_the_form_is_told_at_its_line() {
        let mut app = lab("host-network", &[]);
        let node = app.live().node("docker-host").unwrap();
        let engine = node.engine.as_ref().unwrap();
        let of_container = Dialog::Container(ContainerForm::at(node, engine, "bridge", 0));
        let mut net = NetworkForm::at(app.live(), node);
        let bridge = Dialog::Network(net.clone());
        net.take_driver("macvlan");
        let macvlan = Dialog::Network(net);
        let job = app.timeline.edit(|s| s.run_line("docker-host", "true", LIMIT.0)).unwrap();
        let copy = app.timeline.fork();
        let field = |form: &Dialog, words: &str| app.explained(&copy, form, &job, words.into(), true).field;
        let parent = "-o parent interface was not found on the host: eth7";
        for (form, words, at) in [
            (&of_container, "failed to allocate gateway (10.0.0.1)", Field::Line),
            (&of_container, parent, Field::Line),
            (&of_container, "something new", Field::Line),
            (&bridge, parent, Field::Line),
            (&bridge, "requested mode 'x' is not valid", Field::Line),
            (&bridge, "invalid environment variable: =", Field::Line),
            (&macvlan, parent, Field::Parent),
            (&macvlan, "failed to allocate gateway (10.0.0.1)", Field::Gateway),
        ] {
            assert_eq!(field(form, words), at, "{words}");
        }
        let told = network(&mut app, "docker-host", |f| f.subnet = "10.9.0.5/24".into()).expect("refused");
        assert!(told.field == Field::Subnet && told.words.contains("it should be 10.9.0.0/24"), "{told:?}");
    }

    #[test]
    fn an_overlay_that_only_services_may_join_is_told_at_the_networks() {
        let closed = "host1: docker network create -d overlay closed";
        let mut app = lab("overlay", &[closed]);
        let told = container(&mut app, "host2", |f| f.take_network("closed")).expect("docker refuses");
        assert!(
            told.refused && told.field == Field::Networks && told.words.contains("not manually attachable"),
            "{told:?}"
        );
        let there = container(&mut app, "host2", |f| f.take_network("overlay1"));
        assert_eq!(there, None, "the attachable one can be joined");
    }
}
