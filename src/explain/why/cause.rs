//! The causes that are told apart, with what they speak of.

use std::net::Ipv4Addr;

use super::Works;
use crate::stack::DropReason;
use crate::wire::{Endpoint, IfIndex, Ipv4Net, Mac, Protocol};

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
    /// A route that refuses what it is for: unreachable, prohibit, blackhole.
    RouteRefuses {
        place: String,
        prefix: Ipv4Net,
        dst: Ipv4Addr,
    },
    /// A neighbour table names a MAC address that is not the neighbour's.
    WrongNeighbour {
        place: String,
        addr: Ipv4Addr,
        mac: Mac,
        dev: String,
        right: Mac,
    },
    /// A route of a host's own leads what is for a container somewhere else.
    RouteAstray {
        place: String,
        prefix: Ipv4Net,
        dev: String,
        dst: Ipv4Addr,
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
    /// Two hosts with networks of one name, each in a swarm of its own.
    OtherSwarm {
        one: String,
        other: String,
        network: String,
    },
    /// A network of a swarm was asked for on a host that is in none.
    NotInSwarm {
        host: String,
        network: String,
        manager: String,
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
    /// A port is served at one address of a machine, and another one was asked.
    OtherAddress {
        place: String,
        port: u16,
        addr: Ipv4Addr,
        asked: Ipv4Addr,
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
    Paused {
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
    Self::RouteRefuses { .. } => "route_refuses",
    Self::WrongNeighbour { .. } => "wrong_neighbour",
    Self::RouteAstray { .. } => "route_astray",
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
    Self::OtherSwarm { .. } => "other_swarm",
    Self::NotInSwarm { .. } => "not_in_swarm",
    Self::NotAttachable { .. } => "not_attachable",
    Self::OverlayNoPeer { .. } => "overlay_no_peer",
    Self::PublishedLocally { .. } => "published_locally",
    Self::OtherAddress { .. } => "other_address",
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
    Self::Paused { .. } => "paused",
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
