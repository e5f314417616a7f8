//! One sentence for each kind of step, and one for each reason to drop a packet.

use std::net::Ipv4Addr;

use super::{Lang, text};
use crate::netfilter::{CtDirection, CtState, MatchedTarget, NatKind, NfStep, RuleId};
use crate::session::Session;
use crate::stack::{ConfigChange, DropReason, Errno, NeighState, NetNs, NsId, Pid, Record, Step};
use crate::wire::IfIndex;

/// What happened in `record`, as one sentence in `lang`. `session` gives names to numbers
/// (places, interfaces, programs, rules). Empty for records that are not worth a sentence.
pub fn sentence(record: &Record, session: &Session, lang: Lang) -> String {
    Teller { session, lang, ns: record.ns }.step(&record.step)
}

/// Why a packet died in `ns`, as one sentence.
pub fn drop_reason(
    reason: DropReason,
    dev: Option<IfIndex>,
    ns: NsId,
    session: &Session,
    lang: Lang,
) -> String {
    Teller { session, lang, ns }.dropped(reason, dev)
}

struct Teller<'a> {
    session: &'a Session,
    lang: Lang,
    ns: NsId,
}

impl Teller<'_> {
    fn say(&self, key: &str, args: &[(&str, &str)]) -> String {
        let place = self.place(self.ns);
        let mut all = vec![("place", place.as_str())];
        all.extend_from_slice(args);
        text(self.lang, key, &all)
    }

    fn place(&self, ns: NsId) -> String {
        self.session.place_of_ns(ns).unwrap_or_else(|| format!("#{}", ns.0))
    }

    fn namespace(&self) -> Option<&NetNs> {
        self.session.world.namespace(self.ns)
    }

    fn dev(&self, dev: IfIndex) -> String {
        let device = self.namespace().and_then(|ns| ns.device(dev));
        device.map_or_else(|| format!("if{}", dev.0), |d| d.name.to_string())
    }

    fn program(&self, pid: Pid) -> String {
        match self.session.world.process_name(pid) {
            Some(name) => name.to_owned(),
            None => text(self.lang, "step.process", &[]),
        }
    }

    /// The MTU of the interface by which this namespace would send to `addr`.
    fn mtu_to(&self, addr: Ipv4Addr) -> Option<u32> {
        let ns = self.namespace()?;
        let (route, _) = ns.route_for(&crate::stack::RouteKey::to(addr, None)).ok()?;
        Some(ns.device(route.dev?)?.mtu)
    }

    fn rule(&self, rule: RuleId) -> String {
        self.namespace().map(|ns| ns.nf.rule_text(rule).to_owned()).unwrap_or_default()
    }

    fn chain(&self, chain: crate::netfilter::ChainId) -> String {
        self.namespace().map(|ns| ns.nf.chain_name(chain).to_owned()).unwrap_or_default()
    }

    fn step(&self, step: &Step) -> String {
        match step {
            Step::Sent { by: None } => self.say("step.sent", &[]),
            Step::Sent { by: Some(pid) } => self.say("step.sent.by", &[("program", &self.program(*pid))]),
            Step::Copied { .. } => self.say("step.copied", &[]),
            Step::Transmit { dev, to, .. } => {
                let args = [("dev", &*self.dev(*dev)), ("peer", &*self.place(to.ns))];
                self.say("step.transmit", &args)
            }
            Step::Handed { dev, to, .. } => {
                let there = Teller { ns: to.ns, ..*self };
                let args =
                    [("dev", &*self.dev(*dev)), ("to", &*there.dev(to.dev)), ("peer", &*self.place(to.ns))];
                self.say("step.handed", &args)
            }
            Step::Encapsulated { vni, remote, added, .. } => self.say(
                "step.encapsulated",
                &[("vni", &vni.to_string()), ("remote", &remote.to_string()), ("bytes", &added.to_string())],
            ),
            Step::Decapsulated { vni, remote, removed, .. } => self.say(
                "step.decapsulated",
                &[
                    ("vni", &vni.to_string()),
                    ("remote", &remote.to_string()),
                    ("bytes", &removed.to_string()),
                ],
            ),
            Step::Vlan { id, tagged, .. } => {
                let key = if *tagged { "step.vlan.tagged" } else { "step.vlan.untagged" };
                self.say(key, &[("id", &id.to_string())])
            }
            Step::Received { dev } => self.say("step.received", &[("dev", &self.dev(*dev))]),
            Step::Held { next_hop, .. } => self.say("step.held", &[("next_hop", &next_hop.to_string())]),
            Step::Delivered { socket } => self.delivered(*socket),
            Step::DeliveredToKernel => self.say("step.kernel", &[]),
            Step::Absorbed => self.say("step.absorbed", &[]),
            Step::Dropped { dev, reason } => self.dropped(*reason, *dev),
            Step::Unsent { to, errno: Errno::MsgSize, .. } if self.mtu_to(to.addr).is_some() => {
                let mtu = self.mtu_to(to.addr).unwrap_or_default().to_string();
                self.say("step.unsent.too_long", &[("to", &to.addr.to_string()), ("mtu", &mtu)])
            }
            Step::Unsent { to, errno, .. } => {
                self.say("step.unsent", &[("to", &to.addr.to_string()), ("error", &errno.to_string())])
            }
            Step::Learned { bridge, port, mac } => self.say(
                "step.learned",
                &[("bridge", &self.dev(*bridge)), ("port", &self.dev(*port)), ("mac", &mac.to_string())],
            ),
            Step::Bridged { bridge, port } => {
                self.say("step.bridged", &[("bridge", &self.dev(*bridge)), ("port", &self.dev(*port))])
            }
            Step::Flooded { bridge, ports } => {
                self.say("step.flooded", &[("bridge", &self.dev(*bridge)), ("ports", &ports.to_string())])
            }
            Step::BridgedUp { bridge } => self.say("step.bridged_up", &[("bridge", &self.dev(*bridge))]),
            Step::Routed { dst, prefix, via, dev } => {
                let (dst, dev, prefix) = (dst.to_string(), self.dev(*dev), prefix.to_string());
                let mut args = vec![("dst", dst.as_str()), ("prefix", &prefix), ("dev", &dev)];
                let via = via.map(|v| v.to_string());
                let Some(via) = &via else { return self.say("step.routed", &args) };
                args.push(("via", via));
                self.say("step.routed.via", &args)
            }
            Step::RoutedLocal { dst } => self.say("step.routed.local", &[("dst", &dst.to_string())]),
            Step::TtlDecremented { left } => self.say("step.ttl", &[("left", &left.to_string())]),
            Step::IcmpErrorSent { icmp_type, code, .. } => {
                self.say("step.icmp_error", &[("kind", &icmp_kind(self.lang, *icmp_type, *code))])
            }
            Step::ResetSent { .. } => self.say("step.reset", &[]),
            Step::AddressConflict { addr, mac, .. } => {
                self.say("step.address_conflict", &[("addr", &addr.to_string()), ("mac", &mac.to_string())])
            }
            Step::Neighbour { addr, mac, state, .. } => self.neighbour(*addr, *mac, *state),
            Step::Nf(step) => self.netfilter(step),
            Step::Tcp { local, remote, to, .. } => self.say(
                "step.tcp",
                &[
                    ("local", &local.to_string()),
                    ("remote", &remote.to_string()),
                    ("state", &format!("{to:?}").to_uppercase()),
                ],
            ),
            Step::NobodyListens { flow } => self.say("step.nobody", &[("port", &flow.dst.port.to_string())]),
            Step::Retransmit { attempt, .. } => {
                self.say("step.retransmit", &[("attempt", &attempt.to_string())])
            }
            Step::Started { name, .. } => self.say("step.started", &[("program", name)]),
            Step::Exited { pid, code } => {
                self.say("step.exited", &[("program", &self.program(*pid)), ("code", &code.to_string())])
            }
            Step::Printed { .. } => String::new(),
            Step::Config(change) => self.config(change),
        }
    }

    fn delivered(&self, socket: crate::stack::SocketId) -> String {
        let owner = self.namespace().and_then(|ns| ns.socket_info(socket)).and_then(|info| info.owner);
        match owner.and_then(|pid| self.session.world.process_name(pid)) {
            Some(name) => self.say("step.delivered", &[("program", name)]),
            None => self.say("step.delivered.socket", &[]),
        }
    }

    fn neighbour(&self, addr: Ipv4Addr, mac: Option<crate::wire::Mac>, state: NeighState) -> String {
        let addr = addr.to_string();
        match (state, mac) {
            (NeighState::Incomplete, _) => self.say("step.neigh.incomplete", &[("addr", &addr)]),
            (NeighState::Failed, _) => self.say("step.neigh.failed", &[("addr", &addr)]),
            (NeighState::Reachable, Some(mac)) => {
                self.say("step.neigh.reachable", &[("addr", &addr), ("mac", &mac.to_string())])
            }
            _ => {
                let state = format!("{state:?}").to_uppercase();
                self.say("step.neigh.other", &[("addr", &addr), ("state", &state)])
            }
        }
    }

    fn netfilter(&self, step: &NfStep) -> String {
        match step {
            NfStep::Enter { hook, table } => {
                self.say("step.nf.enter", &[("hook", hook.chain_name()), ("table", table.name())])
            }
            NfStep::Matched { rule, target, .. } => {
                let key = match target {
                    MatchedTarget::Drop => "step.nf.drop",
                    MatchedTarget::Reject => "step.nf.reject",
                    MatchedTarget::Accept => "step.nf.accept",
                    _ => "step.nf.matched",
                };
                self.say(key, &[("rule", &self.rule(*rule))])
            }
            NfStep::Policy { chain, accept, .. } => {
                let key = if *accept { "step.nf.policy.accept" } else { "step.nf.policy.drop" };
                self.say(key, &[("chain", &self.chain(*chain))])
            }
            NfStep::Tracked { state, .. } => match state {
                CtState::New => self.say("step.nf.new", &[]),
                CtState::Established => self.say("step.nf.established", &[]),
                CtState::Related => self.say("step.nf.related", &[]),
                CtState::Invalid | CtState::Untracked => self.say("step.nf.invalid", &[]),
            },
            NfStep::Invalid => self.say("step.nf.invalid", &[]),
            NfStep::Translated { kind, before, after, first, dir } => {
                let key = match (kind, dir, first) {
                    (NatKind::Source, CtDirection::Original, true) => "step.nf.snat",
                    (NatKind::Source, CtDirection::Original, false) => "step.nf.snat.again",
                    (NatKind::Destination, CtDirection::Original, true) => "step.nf.dnat",
                    (NatKind::Destination, CtDirection::Original, false) => "step.nf.dnat.again",
                    // A reply has its source changed where the original had its destination changed.
                    (NatKind::Source, CtDirection::Reply, _) => "step.nf.undnat",
                    (NatKind::Destination, CtDirection::Reply, _) => "step.nf.unsnat",
                };
                let (from, to) = match kind {
                    NatKind::Source => (before.src, after.src),
                    NatKind::Destination => (before.dst, after.dst),
                };
                self.say(key, &[("before", &from.to_string()), ("after", &to.to_string())])
            }
            NfStep::Confirmed { .. } => self.say("step.nf.confirmed", &[]),
            NfStep::Updated { .. } => self.say("step.nf.updated", &[]),
            NfStep::Destroyed { .. } => self.say("step.nf.destroyed", &[]),
            NfStep::Logged { line } => self.say("step.nf.logged", &[("line", line)]),
        }
    }

    fn config(&self, change: &ConfigChange) -> String {
        match change {
            ConfigChange::DeviceAdded { name, .. } => {
                self.say("step.config.device_added", &[("dev", name.as_str())])
            }
            ConfigChange::DeviceRemoved { name, .. } => {
                self.say("step.config.device_removed", &[("dev", name.as_str())])
            }
            ConfigChange::DeviceUp { name, up, .. } => {
                let key = if *up { "step.config.up" } else { "step.config.down" };
                self.say(key, &[("dev", name.as_str())])
            }
            ConfigChange::Master { name, master: Some(master), .. } => {
                self.say("step.config.master", &[("dev", name.as_str()), ("master", master.as_str())])
            }
            ConfigChange::Master { name, master: None, .. } => {
                self.say("step.config.nomaster", &[("dev", name.as_str())])
            }
            ConfigChange::AddressAdded { name, addr, .. } => {
                self.say("step.config.addr_added", &[("dev", name.as_str()), ("addr", &addr.to_string())])
            }
            ConfigChange::AddressRemoved { name, addr, .. } => {
                self.say("step.config.addr_removed", &[("dev", name.as_str()), ("addr", &addr.to_string())])
            }
            ConfigChange::RouteAdded { route } => self.say("step.config.route_added", &[("route", route)]),
            ConfigChange::RouteRemoved { route } => {
                self.say("step.config.route_removed", &[("route", route)])
            }
            ConfigChange::RuleAdded { rule } => self.say("step.config.rule_added", &[("rule", rule)]),
            ConfigChange::RuleRemoved { rule } => self.say("step.config.rule_removed", &[("rule", rule)]),
            ConfigChange::Rules { command } => self.say("step.config.rules", &[("command", command)]),
            ConfigChange::Sysctl { key, value } => {
                self.say("step.config.sysctl", &[("key", key), ("value", value)])
            }
        }
    }

    fn dropped(&self, reason: DropReason, dev: Option<IfIndex>) -> String {
        use DropReason as R;
        let dev = dev.map(|d| self.dev(d)).unwrap_or_default();
        let on_dev = |key| self.say(key, &[("dev", &dev)]);
        let plain = |key| self.say(key, &[]);
        match reason {
            R::NoCarrier => on_dev("drop.no_carrier"),
            R::DeviceDown => on_dev("drop.device_down"),
            R::LinkLoss => plain("drop.link_loss"),
            R::LinkDown => plain("drop.link_down"),
            R::TooBigForDevice => on_dev("drop.too_big"),
            R::NotForMe { mac } => self.say("drop.not_for_me", &[("mac", &mac.to_string())]),
            R::Malformed => plain("drop.malformed"),
            R::BadChecksum => plain("drop.bad_checksum"),
            R::UnknownEtherType => plain("drop.unknown_ethertype"),
            R::SamePort => plain("drop.same_port"),
            R::NoStation { mac } => self.say("drop.no_station", &[("mac", &mac.to_string())]),
            R::NotTheStation { mac } => self.say("drop.not_the_station", &[("mac", &mac.to_string())]),
            R::StormLimit => plain("drop.storm"),
            R::NoTunnelEnd { mac } => self.say("drop.no_tunnel_end", &[("mac", &mac.to_string())]),
            R::UnknownNetwork { vni } => self.say("drop.unknown_network", &[("vni", &vni.to_string())]),
            R::NoArpReply { next_hop } => {
                self.say("drop.no_arp_reply", &[("next_hop", &next_hop.to_string())])
            }
            R::NeighbourQueueFull => plain("drop.neigh_queue"),
            R::ArpNotMine => plain("drop.arp_not_mine"),
            R::TtlExceeded => plain("drop.ttl"),
            R::NoRoute { dst } => self.say("drop.no_route", &[("dst", &dst.to_string())]),
            R::UnreachableRoute { dst } if dst.is_private() => {
                self.say("drop.unreachable_private", &[("dst", &dst.to_string())])
            }
            R::UnreachableRoute { dst } => self.say("drop.unreachable_route", &[("dst", &dst.to_string())]),
            R::ForwardingOff => plain("drop.forwarding_off"),
            R::NotMine { dst } => self.say("drop.not_mine", &[("dst", &dst.to_string())]),
            R::Martian { src } => self.say("drop.martian", &[("src", &src.to_string())]),
            R::ReversePath { src } => self.say("drop.reverse_path", &[("src", &src.to_string())]),
            R::FragmentationNeeded { mtu } => self.say("drop.frag_needed", &[("mtu", &mtu.to_string())]),
            R::ReassemblyTimeout => plain("drop.reassembly"),
            R::Broadcast => plain("drop.broadcast"),
            R::Rule { rule, .. } => self.say("drop.rule", &[("rule", &self.rule(rule))]),
            R::Policy { chain, .. } => self.say("drop.policy", &[("chain", &self.chain(chain))]),
            R::Rejected { rule, .. } => self.say("drop.rejected", &[("rule", &self.rule(rule))]),
            R::NatExhausted => plain("drop.nat_exhausted"),
            R::ConntrackFull => plain("drop.conntrack_full"),
            R::PortClosed { port } => self.say("drop.port_closed", &[("port", &port.to_string())]),
            R::UnknownProtocol => plain("drop.unknown_protocol"),
            R::SocketBufferFull => plain("drop.buffer_full"),
            R::BacklogFull => plain("drop.backlog_full"),
            R::OutOfWindow => plain("drop.out_of_window"),
            R::StaleSegment => plain("drop.stale"),
            R::NoMatchingSocket => plain("drop.no_socket"),
            R::QueueFull => plain("drop.queue_full"),
            R::NamespaceGone => plain("drop.namespace_gone"),
        }
    }
}

/// ICMP types 3 and 11 in words (RFC 792, RFC 1812 §5.2.7.1).
fn icmp_kind(lang: Lang, icmp_type: u8, code: u8) -> String {
    let key = match (icmp_type, code) {
        (3, 0) => "icmp.net_unreachable",
        (3, 1) => "icmp.host_unreachable",
        (3, 2) => "icmp.protocol_unreachable",
        (3, 3) => "icmp.port_unreachable",
        (3, 4) => "icmp.frag_needed",
        (3, 9 | 10 | 13) => "icmp.prohibited",
        (11, _) => "icmp.ttl",
        _ => "icmp.other",
    };
    text(lang, key, &[("type", &icmp_type.to_string()), ("code", &code.to_string())])
}
