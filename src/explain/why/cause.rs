//! The causes that are told apart, with what they speak of.

use std::net::Ipv4Addr;

use super::Works;
use crate::stack::DropReason;
use crate::wire::{Endpoint, IfIndex, Ipv4Net, Protocol};

/// Why an attempt failed.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)] // of the fields: they are what the cause's sentence speaks of
pub enum Cause {
    // ---- links and addresses
    /// No cable, or nothing at its other end.
    NoLink {
        place: String,
        dev: String,
    },
    /// A computer's cable leads into a router's outer socket, and nobody else is out there.
    WrongSocket {
        place: String,
        dev: String,
        router: String,
    },
    /// An interface is switched off.
    DeviceDown {
        place: String,
        dev: String,
    },
    /// An interface has no address: nobody has given it one.
    NoAddress {
        place: String,
        dev: String,
    },
    /// A container without any network (`--network none`, or disconnected).
    NoNetwork {
        container: String,
    },
    /// No default route.
    NoGateway {
        place: String,
        dst: Ipv4Addr,
    },
    /// The default route leads to an address that is no router there.
    WrongGateway {
        place: String,
        gateway: Ipv4Addr,
        right: Option<Ipv4Addr>,
    },
    /// The prefix makes strangers look like neighbours, or neighbours like strangers.
    WrongSubnet {
        place: String,
        net: Ipv4Net,
        right: Ipv4Net,
    },
    /// Two machines have the same address on one segment.
    DuplicateAddress {
        addr: Ipv4Addr,
        one: String,
        other: String,
    },
    /// Nobody answers for the address.
    NoNeighbour {
        place: String,
        addr: Ipv4Addr,
        dev: String,
    },
    /// Somebody was asked for while nobody could answer, and is there now: the question was given up just then.
    AskedTooEarly {
        place: String,
        addr: Ipv4Addr,
    },
    /// A cable loses frames.
    Lossy {
        place: String,
        dev: String,
    },
    /// Frames go round in circles.
    Storm {
        place: String,
    },

    // ---- routes
    NoRoute {
        place: String,
        dst: Ipv4Addr,
    },
    /// A private address has no place on the internet.
    PrivateOnInternet {
        place: String,
        dst: Ipv4Addr,
    },
    Ttl {
        place: String,
        ttl: u8,
    },
    /// Two routers give the packet to one another until its time is up.
    RoutingLoop {
        one: String,
        other: String,
        dst: Ipv4Addr,
    },
    ForwardingOff {
        place: String,
    },
    /// A packet left with an address that nobody can answer.
    MasqueradeOff {
        place: String,
        src: Ipv4Addr,
        subnet: Ipv4Net,
    },
    /// A router lets its LAN out without translating.
    NatOff {
        router: String,
        src: Ipv4Addr,
    },
    /// The answer came from an address that was not asked, or by a way that refuses it.
    ReplyElsewhere {
        place: String,
        asked: Ipv4Addr,
        answered: Ipv4Addr,
    },
    /// The answer leaves by another router than the one that brought (and translated) the question.
    AnswerAway {
        place: String,
        came: String,
        gateway: Ipv4Addr,
        went: String,
    },
    /// The reverse path filter: the answer would leave by another interface.
    ReversePath {
        place: String,
        dev: String,
        src: Ipv4Addr,
        right: String,
    },
    /// A rule asks for the client's address, and somebody on the way has put another in its place.
    SourceHidden {
        place: String,
        client: Ipv4Addr,
        seen: Ipv4Addr,
        by: String,
        rule: String,
    },
    Mtu {
        place: String,
        dev: String,
        mtu: u16,
    },
    /// A router has said how much fits, and the sender remembers.
    PathMtu {
        place: String,
        dst: Ipv4Addr,
        mtu: u16,
    },
    /// A router's "too long" never reached the sender: a black hole.
    MtuFiltered {
        place: String,
        dev: String,
        mtu: u16,
        filter: String,
    },

    // ---- routers and firewalls
    RouterClosed {
        router: String,
        proto: Protocol,
        port: u16,
        outer: bool,
    },
    ForwardStale {
        router: String,
        port: u16,
        to: Endpoint,
    },
    HairpinOff {
        router: String,
        addr: Ipv4Addr,
        port: u16,
    },
    Firewall {
        place: String,
        chain: String,
        rule: String,
    },
    FirewallPolicy {
        place: String,
        chain: String,
    },
    ForwardPolicy {
        place: String,
    },
    /// It worked, although the host's own firewall says no: a published port does not ask INPUT.
    PastFirewall {
        host: String,
        container: String,
        port: u16,
        to: Endpoint,
    },
    DockerUser {
        place: String,
        rule: String,
    },

    // ---- Docker networks
    OtherBridge {
        from: String,
        from_network: String,
        to: String,
        to_network: String,
    },
    Internal {
        container: String,
        network: String,
    },
    IccOff {
        network: String,
        from: String,
        to: String,
    },
    DirectAccess {
        host: String,
        container: String,
        addr: Ipv4Addr,
    },
    OtherHost {
        container: String,
        addr: Ipv4Addr,
        host: String,
    },
    MacvlanHost {
        container: String,
        host: String,
        driver: String,
    },
    /// A macvlan or ipvlan network with another subnet than the LAN behind its parent.
    MacvlanSubnet {
        network: String,
        subnet: Ipv4Net,
        host: String,
        dev: String,
        right: Ipv4Net,
    },
    /// A macvlan or ipvlan network whose parent is no way to a LAN: none was named, or a bridge.
    MacvlanParent {
        network: String,
        host: String,
        parent: String,
    },
    /// A macvlan mode that keeps containers on one parent apart.
    MacvlanMode {
        network: String,
        mode: String,
        from: String,
        to: String,
    },
    /// An ipvlan network in L3 mode that a machine on the LAN has no route to.
    IpvlanRoute {
        place: String,
        network: String,
        subnet: Ipv4Net,
        host: String,
        via: Ipv4Addr,
    },
    /// Two containers on networks that are no bridges: overlay, macvlan, ipvlan.
    OtherNetwork {
        from: String,
        from_network: String,
        to: String,
        to_network: String,
    },
    /// The bridge of a network has lost the gateway's address.
    GatewayLost {
        place: String,
        dev: String,
        gateway: Ipv4Addr,
        network: String,
    },
    /// `--network container:NAME` of one that does not run any more, or is gone.
    OwnerStopped {
        container: String,
        owner: String,
    },
    /// … of one that was started anew since, with another namespace.
    OwnerRestarted {
        container: String,
        owner: String,
    },
    Overlap {
        network: String,
        subnet: Ipv4Net,
        dst: Ipv4Addr,
    },
    /// The host itself is not on an overlay network, only its containers are.
    OverlayHost {
        container: String,
        network: String,
        host: String,
    },
    /// The subnet asked for is taken.
    SubnetTaken {
        words: String,
    },
    /// No subnet is left for a network that did not ask for one.
    PoolsUsedUp {
        words: String,
    },
    /// Of a container's networks the default route goes by one that leads nowhere.
    DefaultElsewhere {
        container: String,
        network: String,
        gateway: Ipv4Addr,
        other: String,
    },
    NoSwarm,
    /// A worker was asked for what only managers do.
    NotManager {
        host: String,
        manager: String,
    },
    /// Nobody manages a swarm where one was to be joined.
    NoManager {
        host: String,
        to: Endpoint,
    },
    /// A member does not get through to a manager (2377) or to another member (7946), and by what.
    SwarmUnreached {
        place: String,
        to: Endpoint,
        by: Box<Cause>,
    },
    /// A member gave the others an address at which they do not reach it.
    WrongAdvertised {
        host: String,
        addr: Ipv4Addr,
        right: Ipv4Addr,
    },
    /// A host has left the swarm, and its containers have lost the overlay networks.
    SwarmLeft {
        host: String,
        container: String,
    },
    /// An overlay network that takes services only.
    NotAttachable {
        network: String,
    },
    OverlayNoPeer {
        place: String,
        peer: Ipv4Addr,
    },

    // ---- ports
    PublishedLocally {
        container: String,
        port: u16,
    },
    /// A port is published, and the rule that passes it on is not there.
    RulesMissing {
        host: String,
        container: String,
        port: u16,
    },
    /// `-p` of a container whose network has no doors to publish: macvlan, ipvlan, the host's own.
    PublishIgnored {
        container: String,
        network: String,
        port: u16,
        to: Endpoint,
    },
    /// Another host publishes that port.
    PublishedOtherHost {
        container: String,
        host: String,
        port: u16,
        place: String,
    },
    /// Somebody listens on that port, with the other protocol.
    OtherProtocol {
        place: String,
        port: u16,
        proto: Protocol,
        open: Protocol,
    },
    NotPublished {
        container: String,
        port: u16,
        published: Option<u16>,
    },
    WrongContainerPort {
        container: String,
        host_port: u16,
        port: u16,
        listens: Vec<u16>,
    },
    PortsSwapped {
        container: String,
        host_port: u16,
        port: u16,
    },
    HostPortInside {
        container: String,
        host_port: u16,
        port: u16,
    },
    AppOnLoopback {
        place: String,
        port: u16,
    },
    NothingListens {
        place: String,
        proto: Protocol,
        port: u16,
        listens: Vec<u16>,
    },
    AppExited {
        container: String,
        code: i32,
    },
    NotStarted {
        container: String,
    },
    PortTaken {
        place: String,
        port: u16,
        by: Option<String>,
    },
    Localhost {
        container: String,
        port: u16,
        found: Option<String>,
    },
    NoAnswer {
        place: String,
    },

    // ---- names
    HostNameMissing {
        container: String,
        name: String,
    },
    NoNamesOnBridge {
        container: String,
        name: String,
    },
    NameElsewhere {
        container: String,
        name: String,
        network: String,
    },
    NameOnHost {
        place: String,
        name: String,
    },
    /// The name of a container that shares the network of another one, or of its host.
    NameShared {
        name: String,
        owner: String,
    },
    NameUnknown {
        name: String,
        server: Ipv4Addr,
    },
    /// The name stands in /etc/hosts, and the tool asks DNS servers only.
    OnlyInHosts {
        place: String,
        name: String,
    },
    SearchDomain {
        name: String,
        asked: String,
    },
    NoNameServer {
        place: String,
    },
    /// Nobody serves names there.
    NameServerDead {
        place: String,
        server: Ipv4Addr,
    },
    /// A server got the question and kept silent.
    NameServerSilent {
        place: String,
        server: Ipv4Addr,
    },
    /// SERVFAIL: a server could not find out.
    NameServerFailed {
        place: String,
        name: String,
        server: Ipv4Addr,
    },
    /// REFUSED: a server does not answer for such a name, or not for this client.
    NameRefused {
        place: String,
        name: String,
        server: Ipv4Addr,
    },

    // ---- commands
    NoProgram {
        place: String,
        program: String,
    },
    /// An option of `docker run` stands behind the image, where the container's own command begins.
    OptionAfterImage {
        option: String,
        image: String,
    },
    /// A tool or the engine refused the command; its own words say why.
    Refused {
        words: String,
    },
    /// It worked: what carried it.
    Works {
        works: Works,
        from: String,
        place: String,
        by: String,
    },
    /// A packet was dropped for a reason that needs no further cause.
    Dropped {
        place: String,
        dev: Option<IfIndex>,
        reason: DropReason,
    },
}

/// A value of a sentence.
type Arg = (&'static str, String);

fn ports(all: &[u16]) -> String {
    all.iter().map(u16::to_string).collect::<Vec<_>>().join(", ")
}

/// Each cause and its key, once: [`Cause::key`] and [`Cause::KEYS`].
macro_rules! keys {
    ($($cause:pat $(if $when:expr)? => $key:literal,)*) => {
        impl Cause {
            /// The keys of all causes of a failure, in the order of [`Cause`]. Those of [`Cause::Works`],
            /// which is none, are [`Works::KEYS`].
            pub const KEYS: &'static [&'static str] = &[$($key),*];

            /// Its key in the locale files, after `why.`: `not_published`.
            pub fn key(&self) -> &'static str {
                match self {
                    $($cause $(if $when)? => $key,)*
                    Self::Works { works, .. } => works.key(),
                }
            }
        }
    };
}

keys! {
    Self::NoLink { .. } => "no_link",
    Self::WrongSocket { .. } => "wrong_socket",
    Self::DeviceDown { .. } => "device_down",
    Self::NoAddress { .. } => "no_address",
    Self::NoNetwork { .. } => "no_network",
    Self::NoGateway { .. } => "no_gateway",
    Self::WrongGateway { .. } => "wrong_gateway",
    Self::WrongSubnet { .. } => "wrong_subnet",
    Self::DuplicateAddress { .. } => "duplicate_address",
    Self::NoNeighbour { .. } => "no_neighbour",
    Self::AskedTooEarly { .. } => "asked_too_early",
    Self::Lossy { .. } => "lossy",
    Self::Storm { .. } => "storm",
    Self::NoRoute { .. } => "no_route",
    Self::PrivateOnInternet { .. } => "private_on_internet",
    Self::Ttl { .. } => "ttl",
    Self::RoutingLoop { .. } => "routing_loop",
    Self::ForwardingOff { .. } => "forwarding_off",
    Self::MasqueradeOff { .. } => "masquerade_off",
    Self::NatOff { .. } => "nat_off",
    Self::ReplyElsewhere { .. } => "reply_elsewhere",
    Self::AnswerAway { .. } => "answer_away",
    Self::ReversePath { .. } => "reverse_path",
    Self::SourceHidden { .. } => "source_hidden",
    Self::Mtu { .. } => "mtu",
    Self::PathMtu { .. } => "path_mtu",
    Self::MtuFiltered { .. } => "mtu_filtered",
    Self::RouterClosed { outer: false, .. } => "router_closed",
    Self::RouterClosed { outer: true, .. } => "router_closed_outer",
    Self::ForwardStale { .. } => "forward_stale",
    Self::HairpinOff { .. } => "hairpin_off",
    Self::Firewall { .. } => "firewall",
    Self::FirewallPolicy { .. } => "firewall_policy",
    Self::ForwardPolicy { .. } => "forward_policy",
    Self::PastFirewall { .. } => "past_firewall",
    Self::DockerUser { .. } => "docker_user",
    Self::OtherBridge { .. } => "other_bridge",
    Self::Internal { .. } => "internal",
    Self::IccOff { .. } => "icc_off",
    Self::DirectAccess { .. } => "direct_access",
    Self::OtherHost { .. } => "other_host",
    Self::MacvlanHost { .. } => "macvlan_host",
    Self::MacvlanSubnet { .. } => "macvlan_subnet",
    Self::MacvlanParent { .. } => "macvlan_parent",
    Self::MacvlanMode { .. } => "macvlan_mode",
    Self::IpvlanRoute { .. } => "ipvlan_route",
    Self::OtherNetwork { .. } => "other_network",
    Self::GatewayLost { .. } => "gateway_lost",
    Self::OwnerStopped { .. } => "owner_stopped",
    Self::OwnerRestarted { .. } => "owner_restarted",
    Self::Overlap { .. } => "overlap",
    Self::OverlayHost { .. } => "overlay_host",
    Self::SubnetTaken { .. } => "subnet_taken",
    Self::PoolsUsedUp { .. } => "pools_used_up",
    Self::DefaultElsewhere { .. } => "default_elsewhere",
    Self::NoSwarm => "no_swarm",
    Self::NotManager { .. } => "not_manager",
    Self::NoManager { .. } => "no_manager",
    Self::SwarmUnreached { .. } => "swarm_unreached",
    Self::WrongAdvertised { .. } => "wrong_advertised",
    Self::SwarmLeft { .. } => "swarm_left",
    Self::NotAttachable { .. } => "not_attachable",
    Self::OverlayNoPeer { .. } => "overlay_no_peer",
    Self::PublishedLocally { .. } => "published_locally",
    Self::RulesMissing { .. } => "rules_missing",
    Self::PublishIgnored { .. } => "publish_ignored",
    Self::PublishedOtherHost { .. } => "published_other_host",
    Self::OtherProtocol { .. } => "other_protocol",
    Self::NotPublished { published: None, .. } => "not_published",
    Self::NotPublished { published: Some(_), .. } => "published_elsewhere",
    Self::WrongContainerPort { .. } => "wrong_container_port",
    Self::PortsSwapped { .. } => "ports_swapped",
    Self::HostPortInside { .. } => "host_port_inside",
    Self::AppOnLoopback { .. } => "app_on_loopback",
    Self::NothingListens { listens, .. } if listens.is_empty() => "nothing_listens",
    Self::NothingListens { .. } => "other_port_listens",
    Self::AppExited { .. } => "app_exited",
    Self::NotStarted { .. } => "not_started",
    Self::PortTaken { by: Some(_), .. } => "port_taken",
    Self::PortTaken { by: None, .. } => "port_taken_somehow",
    Self::Localhost { found: Some(_), .. } => "localhost",
    Self::Localhost { found: None, .. } => "localhost_nobody",
    Self::NoAnswer { .. } => "no_answer",
    Self::HostNameMissing { .. } => "host_name_missing",
    Self::NoNamesOnBridge { .. } => "no_names_on_bridge",
    Self::NameElsewhere { .. } => "name_elsewhere",
    Self::NameOnHost { .. } => "name_on_host",
    Self::NameShared { .. } => "name_shared",
    Self::NameUnknown { .. } => "name_unknown",
    Self::OnlyInHosts { .. } => "only_in_hosts",
    Self::SearchDomain { .. } => "search_domain",
    Self::NoNameServer { .. } => "no_name_server",
    Self::NameServerDead { .. } => "name_server_dead",
    Self::NameServerSilent { .. } => "name_server_silent",
    Self::NameServerFailed { .. } => "name_server_failed",
    Self::NameRefused { .. } => "name_refused",
    Self::NoProgram { .. } => "no_program",
    Self::OptionAfterImage { .. } => "option_after_image",
    Self::Refused { .. } => "refused",
    Self::Dropped { .. } => "dropped",
}

impl Cause {
    /// The values of its sentences. [`Cause::Dropped`] has its own sentence by reason.
    pub(super) fn args(&self) -> Vec<Arg> {
        match self.clone() {
            Self::NoLink { place, dev }
            | Self::DeviceDown { place, dev }
            | Self::NoAddress { place, dev } => {
                vec![("place", place), ("dev", dev)]
            }
            Self::WrongSocket { place, dev, router } => {
                vec![("place", place), ("dev", dev), ("router", router)]
            }
            Self::OptionAfterImage { option, image } => vec![("option", option), ("image", image)],
            Self::AskedTooEarly { place, addr } => vec![("place", place), ("addr", addr.to_string())],
            Self::Lossy { place, dev } => vec![("place", place), ("dev", dev)],
            Self::Storm { place } | Self::NoAnswer { place } | Self::NoNameServer { place } => {
                vec![("place", place)]
            }
            Self::NoNetwork { container } | Self::NotStarted { container } => vec![("container", container)],
            Self::NoGateway { place, dst }
            | Self::NoRoute { place, dst }
            | Self::PrivateOnInternet { place, dst } => vec![("place", place), ("dst", dst.to_string())],
            Self::WrongGateway { place, gateway, .. } => {
                vec![("place", place), ("gateway", gateway.to_string())]
            }
            Self::WrongSubnet { place, net, right } => {
                vec![("place", place), ("net", net.to_string()), ("right", right.trunc().to_string())]
            }
            Self::DuplicateAddress { addr, one, other } => {
                vec![("addr", addr.to_string()), ("one", one), ("other", other)]
            }
            Self::NoNeighbour { place, addr, dev } => {
                vec![("place", place), ("addr", addr.to_string()), ("dev", dev)]
            }
            Self::RoutingLoop { one, other, dst } => {
                vec![("one", one), ("other", other), ("dst", dst.to_string())]
            }
            Self::Ttl { place, ttl } => vec![("place", place), ("ttl", ttl.to_string())],
            Self::ForwardingOff { place } | Self::ForwardPolicy { place } => vec![("place", place)],
            Self::MasqueradeOff { place, src, subnet } => {
                vec![("place", place), ("src", src.to_string()), ("subnet", subnet.to_string())]
            }
            Self::NatOff { router, src } => vec![("router", router), ("src", src.to_string())],
            Self::ReplyElsewhere { place, asked, answered } => {
                vec![("place", place), ("asked", asked.to_string()), ("answered", answered.to_string())]
            }
            Self::AnswerAway { place, came, went, .. } => {
                vec![("place", place), ("came", came), ("went", went)]
            }
            Self::ReversePath { place, dev, src, right } => {
                vec![("place", place), ("dev", dev), ("src", src.to_string()), ("right", right)]
            }
            Self::SourceHidden { place, client, seen, by, rule } => vec![
                ("place", place),
                ("client", client.to_string()),
                ("seen", seen.to_string()),
                ("by", by),
                ("rule", rule),
            ],
            Self::Mtu { place, dev, mtu } => vec![("place", place), ("dev", dev), ("mtu", mtu.to_string())],
            Self::PathMtu { place, dst, mtu } => {
                vec![("place", place), ("dst", dst.to_string()), ("mtu", mtu.to_string())]
            }
            Self::MtuFiltered { place, dev, mtu, filter } => {
                vec![("place", place), ("dev", dev), ("mtu", mtu.to_string()), ("filter", filter)]
            }
            Self::RouterClosed { router, proto, port, .. } => {
                vec![("router", router), ("proto", proto.to_string()), ("port", port.to_string())]
            }
            Self::ForwardStale { router, port, to } => {
                vec![("router", router), ("port", port.to_string()), ("to", to.to_string())]
            }
            Self::HairpinOff { router, addr, port } => {
                vec![("router", router), ("addr", addr.to_string()), ("port", port.to_string())]
            }
            Self::Firewall { place, chain, rule } => vec![("place", place), ("chain", chain), ("rule", rule)],
            Self::FirewallPolicy { place, chain } => vec![("place", place), ("chain", chain)],
            Self::PastFirewall { host, container, port, .. } => {
                vec![("host", host), ("container", container), ("port", port.to_string())]
            }
            Self::DockerUser { place, rule } => vec![("place", place), ("rule", rule)],
            Self::OtherBridge { from, from_network, to, to_network }
            | Self::OtherNetwork { from, from_network, to, to_network } => {
                vec![("from", from), ("from_network", from_network), ("to", to), ("to_network", to_network)]
            }
            Self::Internal { container, network } => vec![("container", container), ("network", network)],
            Self::IccOff { network, from, to } => vec![("network", network), ("from", from), ("to", to)],
            Self::DirectAccess { host, container, addr } => {
                vec![("host", host), ("container", container), ("addr", addr.to_string())]
            }
            Self::OtherHost { container, addr, host } => {
                vec![("container", container), ("addr", addr.to_string()), ("host", host)]
            }
            Self::OverlayHost { container, network, host } => {
                vec![("container", container), ("network", network), ("host", host)]
            }
            Self::PublishIgnored { container, network, port, to } => vec![
                ("container", container),
                ("network", network),
                ("port", port.to_string()),
                ("to", to.to_string()),
            ],
            Self::PublishedOtherHost { container, host, port, place } => {
                vec![("container", container), ("host", host), ("port", port.to_string()), ("place", place)]
            }
            Self::OtherProtocol { place, port, proto, open } => vec![
                ("place", place),
                ("port", port.to_string()),
                ("proto", proto.to_string()),
                ("open", open.to_string()),
            ],
            Self::MacvlanHost { container, host, driver } => {
                vec![("container", container), ("host", host), ("driver", driver)]
            }
            Self::MacvlanSubnet { network, subnet, host, dev, right } => vec![
                ("network", network),
                ("subnet", subnet.to_string()),
                ("host", host),
                ("dev", dev),
                ("right", right.to_string()),
            ],
            Self::MacvlanParent { network, host, parent } => {
                vec![("network", network), ("host", host), ("parent", parent)]
            }
            Self::MacvlanMode { network, mode, from, to } => {
                vec![("network", network), ("mode", mode), ("from", from), ("to", to)]
            }
            Self::IpvlanRoute { place, network, subnet, host, via } => vec![
                ("place", place),
                ("network", network),
                ("subnet", subnet.to_string()),
                ("host", host),
                ("via", via.to_string()),
            ],
            Self::GatewayLost { place, dev, gateway, network } => {
                vec![("place", place), ("dev", dev), ("gateway", gateway.to_string()), ("network", network)]
            }
            Self::OwnerStopped { container, owner } | Self::OwnerRestarted { container, owner } => {
                vec![("container", container), ("owner", owner)]
            }
            Self::NotManager { host, manager } => vec![("host", host), ("manager", manager)],
            Self::NoManager { host, to } => vec![("host", host), ("to", to.to_string())],
            Self::SwarmUnreached { place, to, .. } => vec![("place", place), ("to", to.to_string())],
            Self::WrongAdvertised { host, addr, .. } => vec![("host", host), ("addr", addr.to_string())],
            Self::SwarmLeft { host, container } => vec![("host", host), ("container", container)],
            Self::NotAttachable { network } => vec![("network", network)],
            Self::RulesMissing { host, container, port } => {
                vec![("host", host), ("container", container), ("port", port.to_string())]
            }
            Self::NameShared { name, owner } => vec![("name", name), ("owner", owner)],
            Self::Overlap { network, subnet, dst } => {
                vec![("network", network), ("subnet", subnet.to_string()), ("dst", dst.to_string())]
            }
            Self::SubnetTaken { words } | Self::PoolsUsedUp { words } | Self::Refused { words } => {
                vec![("words", words)]
            }
            Self::DefaultElsewhere { container, network, gateway, other } => vec![
                ("container", container),
                ("network", network),
                ("gateway", gateway.to_string()),
                ("other", other),
            ],
            Self::NoSwarm => vec![],
            Self::OverlayNoPeer { place, peer } => vec![("place", place), ("peer", peer.to_string())],
            Self::PublishedLocally { container, port } => {
                vec![("container", container), ("port", port.to_string())]
            }
            Self::NotPublished { container, port, published } => vec![
                ("container", container),
                ("port", port.to_string()),
                ("published", published.map(|p| p.to_string()).unwrap_or_default()),
            ],
            Self::WrongContainerPort { container, host_port, port, listens } => vec![
                ("container", container),
                ("host_port", host_port.to_string()),
                ("port", port.to_string()),
                ("listens", ports(&listens)),
            ],
            Self::PortsSwapped { container, host_port, port }
            | Self::HostPortInside { container, host_port, port } => vec![
                ("container", container),
                ("host_port", host_port.to_string()),
                ("port", port.to_string()),
            ],
            Self::AppOnLoopback { place, port } => vec![("place", place), ("port", port.to_string())],
            Self::NothingListens { place, proto, port, listens } => vec![
                ("place", place),
                ("proto", proto.to_string()),
                ("port", port.to_string()),
                ("listens", ports(&listens)),
            ],
            Self::AppExited { container, code } => vec![("container", container), ("code", code.to_string())],
            Self::PortTaken { place, port, by } => {
                vec![("place", place), ("port", port.to_string()), ("by", by.unwrap_or_default())]
            }
            Self::Localhost { container, port, found } => vec![
                ("container", container),
                ("port", port.to_string()),
                ("found", found.unwrap_or_default()),
            ],
            Self::HostNameMissing { container, name } | Self::NoNamesOnBridge { container, name } => {
                vec![("container", container), ("name", name)]
            }
            Self::NameElsewhere { container, name, network } => {
                vec![("container", container), ("name", name), ("network", network)]
            }
            Self::NameOnHost { place, name } | Self::OnlyInHosts { place, name } => {
                vec![("place", place), ("name", name)]
            }
            Self::NameUnknown { name, server } => vec![("name", name), ("server", server.to_string())],
            Self::NameServerFailed { place, name, server } | Self::NameRefused { place, name, server } => {
                vec![("place", place), ("name", name), ("server", server.to_string())]
            }
            Self::SearchDomain { name, asked } => vec![("name", name), ("asked", asked)],
            Self::NameServerDead { place, server } | Self::NameServerSilent { place, server } => {
                vec![("place", place), ("server", server.to_string())]
            }
            Self::NoProgram { place, program } => vec![("place", place), ("program", program)],
            Self::Works { from, place, by, .. } => vec![("from", from), ("place", place), ("by", by)],
            Self::Dropped { .. } => vec![],
        }
    }

    /// The lesson or clinic case that teaches it: its id in `lessons/`. None where there is nothing
    /// to learn about networks: a program that an image lacks, a refusal in its own words.
    pub fn lesson(&self) -> Option<&'static str> {
        super::lessons::lesson_of(self.key())
    }

    /// Its key in the locale files for what is behind it, the third length: `why.no_link.background`.
    pub fn background_key(&self) -> String {
        format!("why.{}.background", self.key())
    }
}
