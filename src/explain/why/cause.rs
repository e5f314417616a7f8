//! The causes that are told apart, with what they speak of.

use std::net::Ipv4Addr;

use super::Works;
use crate::stack::DropReason;
use crate::wire::{Endpoint, IfIndex, Ipv4Net, Mac, Protocol};

/// Why an attempt failed.
///
/// What the fields are called everywhere: `place` is whose doing it is, a node or a container as its terminal
/// is called (`h1`, `h1:web`); `host` and `router` are nodes' ids; `container` and `network` are names, `dev` is
/// an interface's; `dst`, `port` and `proto` are what was called, `name` what was asked for, and `server` who was
/// asked; `rule` is as `iptables -S` prints it, without its chain; `words` are the tool's own. Of two parties `from`
/// called and `to` was called; of `one` and `other` neither is more to blame.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)] // of fields that are called as above
pub enum Cause {
    // ---- links and addresses
    /// No cable, or nothing at its other end.
    NoLink { place: String, dev: String },
    /// A computer's cable leads into a router's outer socket, and nobody else is out there.
    WrongSocket { place: String, dev: String, router: String },
    /// An interface is switched off.
    DeviceDown { place: String, dev: String },
    /// An interface has no address: nobody has given it one.
    NoAddress { place: String, dev: String },
    /// A container without any network (`--network none`, or disconnected).
    NoNetwork { container: String },
    /// No default route.
    NoGateway { place: String, dst: Ipv4Addr },
    /// The default route leads to an address that is no router there.
    WrongGateway {
        place: String,
        /// Where it leads.
        gateway: Ipv4Addr,
        /// The router that is there, if there is one.
        right: Option<Ipv4Addr>,
    },
    /// The prefix makes strangers look like neighbours, or neighbours like strangers.
    WrongSubnet {
        place: String,
        /// Its address and prefix length.
        net: Ipv4Net,
        /// The neighbours', likewise.
        right: Ipv4Net,
    },
    /// Two machines have the same address on one segment.
    DuplicateAddress { addr: Ipv4Addr, one: String, other: String },
    /// Nobody answers for the address.
    NoNeighbour {
        place: String,
        /// Whom for.
        addr: Ipv4Addr,
        dev: String,
    },
    /// Somebody was asked for while nobody could answer, and is there now: the question was given up just then.
    AskedTooEarly {
        place: String,
        /// Whom for.
        addr: Ipv4Addr,
    },
    /// A cable loses frames.
    Lossy { place: String, dev: String },
    /// Frames go round in circles.
    Storm {
        /// Whose bridge stopped it.
        place: String,
    },

    // ---- routes
    /// No route leads to the destination.
    NoRoute { place: String, dst: Ipv4Addr },
    /// A private address has no place on the internet.
    PrivateOnInternet { place: String, dst: Ipv4Addr },
    /// The time to live ran out: too many routers on the way, or too small a number to begin with.
    Ttl {
        place: String,
        /// What the packet began with.
        ttl: u8,
    },
    /// Two routers give the packet to one another until its time is up.
    RoutingLoop { one: String, other: String, dst: Ipv4Addr },
    /// A machine that is to pass packets on does not (net.ipv4.ip_forward is 0).
    ForwardingOff { place: String },
    /// A packet left with an address that nobody can answer.
    MasqueradeOff {
        /// The host that let it out.
        place: String,
        /// The sender's inner address.
        src: Ipv4Addr,
        /// The network that is not masqueraded.
        subnet: Ipv4Net,
    },
    /// A router lets its LAN out without translating.
    NatOff { router: String, src: Ipv4Addr },
    /// The answer came from an address that was not asked, or by a way that refuses it.
    ReplyElsewhere {
        place: String,
        /// The address that was asked.
        asked: Ipv4Addr,
        /// The one that answered.
        answered: Ipv4Addr,
    },
    /// The answer leaves by another router than the one that brought (and translated) the question.
    AnswerAway {
        /// Who was asked, and answers.
        place: String,
        /// The router that brought the question.
        came: String,
        /// Its address on that side.
        gateway: Ipv4Addr,
        /// The router that the answer went to.
        went: String,
    },
    /// The reverse path filter: the answer would leave by another interface.
    ReversePath {
        place: String,
        /// Where it came in.
        dev: String,
        /// Its source.
        src: Ipv4Addr,
        /// The interface that the answer would leave by.
        right: String,
    },
    /// A rule asks for the client's address, and somebody on the way has put another in its place.
    SourceHidden {
        place: String,
        /// The client's address, which the rules let in.
        client: Ipv4Addr,
        /// The one that arrived.
        seen: Ipv4Addr,
        /// Who translated it.
        by: String,
        rule: String,
    },
    /// A packet with DF is longer than an interface on the way takes.
    Mtu {
        place: String,
        dev: String,
        /// What it takes, in bytes.
        mtu: u16,
    },
    /// A router has said how much fits, and the sender remembers.
    PathMtu {
        place: String,
        dst: Ipv4Addr,
        /// What it was told, in bytes.
        mtu: u16,
    },
    /// A router's "too long" never reached the sender: a black hole.
    MtuFiltered {
        place: String,
        /// Its interface to the next link.
        dev: String,
        /// What that takes, in bytes.
        mtu: u16,
        /// Whose firewall dropped the router's message.
        filter: String,
    },

    // ---- routers and firewalls
    /// A home router got it from outside, and no port forward says where that goes.
    RouterClosed {
        router: String,
        proto: Protocol,
        port: u16,
        /// There is another router behind it, which was never asked.
        outer: bool,
    },
    /// A port forward leads to where nobody is (any more).
    ForwardStale {
        router: String,
        /// The forward's outer port.
        port: u16,
        /// Where it leads.
        to: Endpoint,
    },
    /// The public address was called from inside, and the router forwards for calls from outside only.
    HairpinOff { router: String, addr: Ipv4Addr, port: u16 },
    /// A rule that somebody wrote by hand stopped it.
    Firewall {
        place: String,
        /// The chain's name; empty if the rule is gone since.
        chain: String,
        rule: String,
    },
    /// No rule let it pass, and the chain's policy is DROP.
    FirewallPolicy { place: String, chain: String },
    /// The same of FORWARD: who passes packets on is not the one they are for.
    ForwardPolicy { place: String },
    /// It worked, although the host's own firewall says no: a published port does not ask INPUT.
    PastFirewall {
        host: String,
        container: String,
        /// The published port.
        port: u16,
        /// Where it leads: the container.
        to: Endpoint,
    },
    /// A rule of the chain that Docker leaves to its users (DOCKER-USER) stopped it.
    DockerUser { place: String, rule: String },

    // ---- Docker networks
    /// Docker keeps different bridges apart (DOCKER-ISOLATION-STAGE-1 and -2, or the raw table).
    OtherBridge { from: String, from_network: String, to: String, to_network: String },
    /// A network made with `--internal` has no way out, and none in.
    Internal { container: String, network: String },
    /// Neighbours on a bridge that may not talk (com.docker.network.bridge.enable_icc=false).
    IccOff { network: String, from: String, to: String },
    /// A container's own address was called from outside its host.
    DirectAccess { host: String, container: String, addr: Ipv4Addr },
    /// The container that was called lives behind another host.
    OtherHost { container: String, addr: Ipv4Addr, host: String },
    /// A host and its own macvlan or ipvlan containers do not hear one another.
    MacvlanHost {
        container: String,
        host: String,
        /// `macvlan` or `ipvlan`.
        driver: String,
    },
    /// A macvlan or ipvlan network with another subnet than the LAN behind its parent.
    MacvlanSubnet {
        network: String,
        subnet: Ipv4Net,
        host: String,
        /// Its parent interface.
        dev: String,
        /// The LAN's.
        right: Ipv4Net,
    },
    /// A macvlan or ipvlan network whose parent is no way to a LAN: none was named, or a bridge.
    MacvlanParent {
        network: String,
        host: String,
        /// The parent interface: none of the host's sockets, nor on one.
        parent: String,
    },
    /// A macvlan mode that keeps containers on one parent apart.
    MacvlanMode {
        network: String,
        /// `private`, `vepa` or `passthru`.
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
        /// The host's address: the way to it.
        via: Ipv4Addr,
    },
    /// Two containers on networks that are no bridges: overlay, macvlan, ipvlan.
    OtherNetwork { from: String, from_network: String, to: String, to_network: String },
    /// A route that refuses what it is for: unreachable, prohibit, blackhole.
    RouteRefuses {
        place: String,
        /// The route's.
        prefix: Ipv4Net,
        dst: Ipv4Addr,
    },
    /// A neighbour table names a MAC address that is not the neighbour's.
    WrongNeighbour {
        place: String,
        /// Whose entry.
        addr: Ipv4Addr,
        /// What the table says.
        mac: Mac,
        dev: String,
        /// The neighbour's own.
        right: Mac,
    },
    /// A route of a host's own leads what is for a container somewhere else.
    RouteAstray {
        place: String,
        /// The route's.
        prefix: Ipv4Net,
        dev: String,
        dst: Ipv4Addr,
    },
    /// The bridge of a network has lost the gateway's address.
    GatewayLost {
        place: String,
        dev: String,
        /// The address that is not there.
        gateway: Ipv4Addr,
        network: String,
    },
    /// `--network container:NAME` of one that does not run any more, or is gone.
    OwnerStopped {
        container: String,
        /// The container whose network it shares.
        owner: String,
    },
    /// … of one that was started anew since, with another namespace.
    OwnerRestarted {
        container: String,
        /// The container whose network it shares.
        owner: String,
    },
    /// A Docker network's subnet lies over the address of somebody real.
    Overlap {
        network: String,
        subnet: Ipv4Net,
        /// Who is meant, and is out of reach.
        dst: Ipv4Addr,
    },
    /// The host itself is not on an overlay network, only its containers are.
    OverlayHost { container: String, network: String, host: String },
    /// The subnet asked for is taken.
    SubnetTaken { words: String },
    /// No subnet is left for a network that did not ask for one.
    PoolsUsedUp { words: String },
    /// Of a container's networks the default route goes by one that leads nowhere.
    DefaultElsewhere {
        container: String,
        /// The one that the default route goes by.
        network: String,
        /// The address that it leads to.
        gateway: Ipv4Addr,
        /// A network that would lead out.
        other: String,
    },
    /// An overlay network was asked for, and the host is in no swarm.
    NoSwarm,
    /// A worker was asked for what only managers do.
    NotManager {
        host: String,
        /// A manager to ask.
        manager: String,
    },
    /// Nobody manages a swarm where one was to be joined.
    NoManager {
        host: String,
        /// Where it asked.
        to: Endpoint,
    },
    /// A member does not get through to a manager (2377) or to another member (7946), and by what.
    SwarmUnreached {
        place: String,
        /// Whom it does not reach.
        to: Endpoint,
        /// What stops it.
        by: Box<Cause>,
    },
    /// A member gave the others an address at which they do not reach it.
    WrongAdvertised {
        host: String,
        /// The address that it gave.
        addr: Ipv4Addr,
        /// One at which it is reached.
        right: Ipv4Addr,
    },
    /// A host has left the swarm, and its containers have lost the overlay networks.
    SwarmLeft { host: String, container: String },
    /// Two hosts with networks of one name, each in a swarm of its own.
    OtherSwarm { one: String, other: String, network: String },
    /// A network of a swarm was asked for on a host that is in none.
    NotInSwarm {
        host: String,
        network: String,
        /// A manager of a swarm to join.
        manager: String,
    },
    /// An overlay network that takes services only.
    NotAttachable { network: String },
    /// An envelope was sent to a host where nobody opens it.
    OverlayNoPeer {
        /// The host that sent it.
        place: String,
        /// The address that it was sent to.
        peer: Ipv4Addr,
    },

    // ---- ports
    /// The port is published on 127.0.0.1 only.
    PublishedLocally { container: String, port: u16 },
    /// A port is served at one address of a machine, and another one was asked.
    OtherAddress {
        place: String,
        port: u16,
        /// The address at which it is served.
        addr: Ipv4Addr,
        /// The one that was called.
        asked: Ipv4Addr,
    },
    /// A port is published, and the rule that passes it on is not there.
    RulesMissing { host: String, container: String, port: u16 },
    /// `-p` of a container whose network has no doors to publish: macvlan, ipvlan, the host's own.
    PublishIgnored {
        container: String,
        network: String,
        /// The published port.
        port: u16,
        /// Where the container answers.
        to: Endpoint,
    },
    /// Another host publishes that port.
    PublishedOtherHost {
        container: String,
        /// Where it is published.
        host: String,
        port: u16,
        /// The host that was called.
        place: String,
    },
    /// Somebody listens on that port, with the other protocol.
    OtherProtocol {
        /// Who was called.
        place: String,
        port: u16,
        /// The protocol that was used.
        proto: Protocol,
        /// The one that is served.
        open: Protocol,
    },
    /// The container serves the port, and it is not published.
    NotPublished {
        container: String,
        /// The port that was called; the container's, if that could be told.
        port: u16,
        /// The host port that leads to it, if there is one: another than was called.
        published: Option<u16>,
    },
    /// A published port leads to a port that the program does not listen on.
    WrongContainerPort {
        container: String,
        host_port: u16,
        /// The container's port that it leads to.
        port: u16,
        /// What the program listens on.
        listens: Vec<u16>,
    },
    /// `-p` the wrong way round: the program listens on what was given as the host port.
    PortsSwapped {
        container: String,
        /// The published port, on which the program listens.
        host_port: u16,
        /// The container's port that it leads to.
        port: u16,
    },
    /// Between containers the published port was called; there the own one counts.
    HostPortInside {
        container: String,
        /// The published port, which was called.
        host_port: u16,
        /// The container's own, which it leads to.
        port: u16,
    },
    /// The program listens on 127.0.0.1 only.
    AppOnLoopback { place: String, port: u16 },
    /// Nobody listens on that port.
    NothingListens { place: String, proto: Protocol, port: u16, listens: Vec<u16> },
    /// The container ended.
    AppExited {
        container: String,
        /// Exit status of its first process.
        code: i32,
    },
    /// The container was made, and never started.
    NotStarted { container: String },
    /// Its programs stand still (`docker pause`); its kernel takes what comes all the same.
    Paused { container: String },
    /// A program was to listen where another one does already.
    PortTaken {
        place: String,
        port: u16,
        /// The container or program that has it, where that is known.
        by: Option<String>,
    },
    /// `localhost` was called, meaning another place than the caller's own.
    Localhost {
        container: String,
        port: u16,
        /// Who serves the port, if one does.
        found: Option<String>,
    },
    /// It arrived, and no answer came.
    NoAnswer {
        /// Where it arrived.
        place: String,
    },

    // ---- names
    /// `host.docker.internal`, which Docker on Linux gives only to who asks for it.
    HostNameMissing { container: String, name: String },
    /// On the default bridge containers have no names.
    NoNamesOnBridge { container: String, name: String },
    /// The name is that of a container on a network where the asker is not.
    NameElsewhere {
        container: String,
        name: String,
        /// Where the named container is.
        network: String,
    },
    /// The name is that of a container, and no container asked.
    NameOnHost { place: String, name: String },
    /// The name of a container that shares the network of another one, or of its host.
    NameShared {
        name: String,
        /// The container whose network and names it has, or the host.
        owner: String,
    },
    /// No server knows the name.
    NameUnknown { name: String, server: Ipv4Addr },
    /// The name stands in /etc/hosts, and the tool asks DNS servers only.
    OnlyInHosts { place: String, name: String },
    /// The name is only the beginning of a full one, and no search domain adds the rest.
    SearchDomain {
        name: String,
        /// A full name that begins with it.
        asked: String,
    },
    /// There is no server to ask (/etc/resolv.conf names none).
    NoNameServer { place: String },
    /// Nobody serves names there.
    NameServerDead { place: String, server: Ipv4Addr },
    /// A server got the question and kept silent.
    NameServerSilent { place: String, server: Ipv4Addr },
    /// SERVFAIL: a server could not find out.
    NameServerFailed { place: String, name: String, server: Ipv4Addr },
    /// REFUSED: a server does not answer for such a name, or not for this client.
    NameRefused { place: String, name: String, server: Ipv4Addr },

    // ---- commands
    /// There is no such program.
    NoProgram {
        place: String,
        /// Its name.
        program: String,
    },
    /// An option of `docker run` stands behind the image, where the container's own command begins.
    OptionAfterImage {
        /// The option.
        option: String,
        /// The image.
        image: String,
    },
    /// A tool or the engine refused the command; its own words say why.
    Refused { words: String },
    /// It worked: what carried it.
    Works {
        /// What carried it.
        works: Works,
        /// Who asked.
        from: String,
        /// Who answered.
        place: String,
        /// Who helped on the way, in order; empty where nobody did.
        by: String,
    },
    /// A packet was dropped for a reason that needs no further cause.
    Dropped {
        place: String,
        dev: Option<IfIndex>,
        /// Why.
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
