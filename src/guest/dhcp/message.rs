//! A DHCP message as owned data; smoltcp's `wire` has the format.

use std::net::Ipv4Addr;

use crate::wire::Mac;
use crate::wire::fmt::{DhcpMessageType, DhcpOption, DhcpPacket, DhcpRepr};

/// Option 12 (RFC 2132 §3.14).
const HOST_NAME: u8 = 12;
/// What a client asks for: subnet mask, router, DNS servers, lease time.
const WANTED: &[u8] = &[1, 3, 6, 51];

/// A message. Fields that do not apply are unspecified or None.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Message {
    pub(super) kind: DhcpMessageType,
    pub(super) xid: u32,
    /// Seconds since the client began.
    pub(super) secs: u16,
    pub(super) mac: Mac,
    /// The client's address, while it has one.
    pub(super) client: Ipv4Addr,
    /// The address that is given.
    pub(super) yours: Ipv4Addr,
    pub(super) requested: Option<Ipv4Addr>,
    pub(super) server: Option<Ipv4Addr>,
    pub(super) mask: Option<Ipv4Addr>,
    pub(super) router: Option<Ipv4Addr>,
    pub(super) resolvers: Vec<Ipv4Addr>,
    pub(super) lease_secs: Option<u32>,
    pub(super) host: String,
}

impl Message {
    pub(super) fn new(kind: DhcpMessageType, xid: u32, mac: Mac) -> Self {
        Self {
            kind,
            xid,
            secs: 0,
            mac,
            client: Ipv4Addr::UNSPECIFIED,
            yours: Ipv4Addr::UNSPECIFIED,
            requested: None,
            server: None,
            mask: None,
            router: None,
            resolvers: Vec::new(),
            lease_secs: None,
            host: String::new(),
        }
    }

    /// The bytes after the UDP header.
    pub(super) fn bytes(&self) -> Vec<u8> {
        let from_client = matches!(
            self.kind,
            DhcpMessageType::Discover
                | DhcpMessageType::Request
                | DhcpMessageType::Decline
                | DhcpMessageType::Release
        );
        let asks = matches!(self.kind, DhcpMessageType::Discover | DhcpMessageType::Request);
        let host = [DhcpOption { kind: HOST_NAME, data: self.host.as_bytes() }];
        let named = asks && !self.host.is_empty() && self.host.len() <= 255;
        let repr = DhcpRepr {
            message_type: self.kind,
            transaction_id: self.xid,
            secs: self.secs,
            client_hardware_address: self.mac.into(),
            client_ip: self.client,
            your_ip: self.yours,
            server_ip: Ipv4Addr::UNSPECIFIED,
            router: self.router,
            subnet_mask: self.mask,
            relay_agent_ip: Ipv4Addr::UNSPECIFIED,
            // The stack takes nothing for an address that it does not have yet (RFC 2131 §4.1).
            broadcast: self.client.is_unspecified() && from_client,
            requested_ip: self.requested,
            client_identifier: from_client.then(|| self.mac.into()),
            server_identifier: self.server,
            parameter_request_list: asks.then_some(WANTED),
            dns_servers: (!self.resolvers.is_empty())
                .then(|| self.resolvers.iter().copied().take(3).collect()),
            max_size: None,
            lease_duration: self.lease_secs,
            renew_duration: None,
            rebind_duration: None,
            additional_options: if named { &host } else { &[] },
        };
        let mut bytes = vec![0; repr.buffer_len()];
        repr.emit(&mut DhcpPacket::new_unchecked(&mut bytes[..])).expect("the buffer is as long as it says");
        bytes
    }

    /// None if it is not a DHCP message.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let packet = DhcpPacket::new_checked(bytes).ok()?;
        let repr = DhcpRepr::parse(&packet).ok()?;
        let host = packet.options().find(|o| o.kind == HOST_NAME);
        let host = host.and_then(|o| std::str::from_utf8(o.data).ok()).unwrap_or_default();
        Some(Self {
            kind: repr.message_type,
            xid: repr.transaction_id,
            secs: repr.secs,
            mac: repr.client_hardware_address.into(),
            client: repr.client_ip,
            yours: repr.your_ip,
            requested: repr.requested_ip,
            server: repr.server_identifier,
            mask: repr.subnet_mask,
            router: repr.router,
            resolvers: repr.dns_servers.into_iter().flatten().collect(),
            lease_secs: repr.lease_duration,
            host: host.chars().filter(|c| c.is_ascii_alphanumeric() || "-._".contains(*c)).collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_message_is_read_as_it_was_written() {
        let mut offer = Message::new(DhcpMessageType::Offer, 7, Mac([2, 0, 0, 0, 0, 1]));
        offer.yours = Ipv4Addr::new(192, 168, 0, 100);
        offer.server = Some(Ipv4Addr::new(192, 168, 0, 1));
        offer.mask = Some(Ipv4Addr::new(255, 255, 255, 0));
        offer.resolvers = vec![Ipv4Addr::new(8, 8, 8, 8)];
        offer.lease_secs = Some(3600);
        assert_eq!(Message::parse(&offer.bytes()), Some(offer));
        let mut discover = Message::new(DhcpMessageType::Discover, 8, Mac([2; 6]));
        discover.host = "laptop".into();
        assert_eq!(Message::parse(&discover.bytes()), Some(discover));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let _ = Message::parse(&bytes);
        }
    }
}
