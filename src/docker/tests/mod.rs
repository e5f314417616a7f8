//! The engine on a World: what it prints, which rules it writes, what it leaves behind.

mod names;
mod residue;
mod transcripts;

use super::cli::{self, Parsed};
use super::{DaemonConfig, Engine, Response};
use crate::guest::{self, MachineId};
use crate::netfilter::TableKind;
use crate::sim::{Event, World};
use crate::stack::{DeviceKind, NsId, Route, RouteKind, Scope};
use crate::time::{Duration, Instant};
use crate::wire::{Ipv4Net, Mac};

/// A host on a LAN with an engine, alone in its World.
struct Lab {
    world: World,
    engine: Engine,
    host: MachineId,
}

impl Lab {
    fn new(config: DaemonConfig) -> Self {
        let mut world = World::new(7);
        let ns = world.add_namespace();
        let host = world.add_machine(ns, "h1");
        world
            .with(ns, |ns, cx| {
                let eth0 =
                    ns.add_device("eth0".parse()?, Mac([2, 0, 0, 0, 0, 1]), DeviceKind::Ethernet, cx)?;
                ns.add_addr(eth0, "192.168.0.10/24".parse()?, cx)?;
                ns.set_up(eth0, true, cx)?;
                let route = Route {
                    prefix: Ipv4Net::default(),
                    kind: RouteKind::Unicast,
                    via: Some("192.168.0.1".parse()?),
                    dev: Some(eth0),
                    src: None,
                    scope: Scope::Global,
                    kernel: false,
                    metric: 0,
                };
                ns.add_route(route, cx)?;
                Ok::<(), Box<dyn std::error::Error>>(())
            })
            .expect("the namespace is there")
            .expect("a plain set-up");
        let machine = world.machine_mut(host).expect("the machine is there");
        machine.files.put("/etc/resolv.conf", "nameserver 192.168.0.1\n").expect("room");
        machine.files.put("/etc/hosts", "127.0.0.1\tlocalhost\n").expect("room");
        let engine = Engine::with_config(&mut world, host, config);
        Self { world, engine, host }
    }

    fn docker(&mut self, line: &str) -> Response {
        let words = sh_words(line);
        let response = match cli::parse(&words[1..]) {
            Ok(Parsed::Request(request)) => self.engine.request(&mut self.world, &request),
            Ok(Parsed::Help(help)) => Response { note: help.note, ..Response::ok(help.text) },
            Err(e) => Response { stderr: e.message, exit: e.exit, ..Response::default() },
        };
        self.settle();
        response
    }

    fn ok(&mut self, line: &str) -> String {
        let response = self.docker(line);
        assert_eq!((response.exit, response.stderr.as_str()), (0, ""), "{line}");
        response.stdout
    }

    /// Lets a moment pass and the engine hear of what happened in it.
    fn settle(&mut self) {
        let until = Instant(self.world.now().as_nanos() + Duration::from_millis(200).as_nanos());
        for _ in 0..64 {
            self.world.run(until, 10_000);
            let events = self.world.take_events();
            if events.is_empty() {
                break;
            }
            for event in events {
                match event {
                    Event::Effect(pid, effect) => {
                        self.engine.on_effect(&mut self.world, pid, &effect);
                    }
                    Event::Exited(pid, code, _) => self.engine.on_exit(&mut self.world, pid, code),
                    Event::Detached(..) | Event::Due(_) => {}
                }
            }
        }
    }

    fn serve(&mut self, spec: &str) {
        let argv: Vec<String> = ["serve", spec].map(str::to_owned).into();
        let program = guest::start(&argv).expect("serve exists");
        self.world.spawn(self.host, program, false, false);
        self.settle();
    }

    fn ns(&self) -> NsId {
        self.world.machine(self.host).expect("the host is there").ns
    }

    /// The table as iptables-save prints it, without counters, bridges by their networks' names.
    fn rules(&self, table: TableKind) -> Vec<String> {
        let mut text = self.world.namespace(self.ns()).expect("the host is there").nf.save(&[table], false);
        for net in self.engine.networks() {
            text = text.replace(&format!("br-{}", &net.id[..12]), &format!("br-{}", net.name));
        }
        text.lines()
            .filter(|l| l.starts_with([':', '-']))
            .map(|l| l.split(" [").next().unwrap_or(l).to_owned())
            .collect()
    }

    /// Everything of the host that a container could leave behind.
    fn host_state(&self) -> String {
        let ns = self.world.namespace(self.ns()).expect("the host is there");
        let devices: Vec<String> = ns.devices().map(|d| d.name.to_string()).collect();
        let listening = ns.sockets().iter().map(|s| s.local.to_string()).collect::<Vec<_>>();
        let rules: Vec<String> = [TableKind::Raw, TableKind::Nat, TableKind::Filter]
            .into_iter()
            .flat_map(|t| self.rules(t))
            .filter(|line| line.starts_with('-'))
            .collect();
        let routes: Vec<String> = ns.routes().iter().map(|r| format!("{} {:?}", r.prefix, r.dev)).collect();
        format!(
            "{devices:?}\n{listening:?}\n{rules:#?}\n{routes:?}\n{} namespaces\n{} processes\n{:?}",
            self.world.namespaces().count(),
            self.world.processes().count(),
            self.engine.ipam,
        )
    }
}

/// Words as sh splits them, as far as the cases need: single quotes.
fn sh_words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quoted = false;
    for c in line.chars() {
        match c {
            '\'' => {
                quoted = !quoted;
                word.get_or_insert_default();
            }
            ' ' if !quoted => words.extend(word.take()),
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}
