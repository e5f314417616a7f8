//! What the sentence of a cause speaks of, by the names that the locale files use.

use super::Cause;

/// A value of a sentence.
type Arg = (&'static str, String);

fn ports(all: &[u16]) -> String {
    all.iter().map(u16::to_string).collect::<Vec<_>>().join(", ")
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
            Self::NoNetwork { container } | Self::NotStarted { container } | Self::Paused { container } => {
                vec![("container", container)]
            }
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
            Self::RouteRefuses { place, prefix, dst } => {
                vec![("place", place), ("prefix", prefix.to_string()), ("dst", dst.to_string())]
            }
            Self::WrongNeighbour { place, addr, mac, right, .. } => vec![
                ("place", place),
                ("addr", addr.to_string()),
                ("mac", mac.to_string()),
                ("right", right.to_string()),
            ],
            Self::RouteAstray { place, prefix, dev, dst } => {
                vec![("place", place), ("prefix", prefix.to_string()), ("dev", dev), ("dst", dst.to_string())]
            }
            Self::OtherAddress { place, port, addr, asked } => vec![
                ("place", place),
                ("port", port.to_string()),
                ("addr", addr.to_string()),
                ("asked", asked.to_string()),
            ],
            Self::OtherSwarm { one, other, network } => {
                vec![("one", one), ("other", other), ("network", network)]
            }
            Self::NotInSwarm { host, network, manager } => {
                vec![("host", host), ("network", network), ("manager", manager)]
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
}
