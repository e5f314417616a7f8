//! Captures: what crossed the links, as a pcapng file (draft-ietf-opsawg-pcapng) that Wireshark
//! and tshark open. Every interface that sent is an interface of the file, named `NODE:DEVICE`
//! or `NODE:CONTAINER:DEVICE`; times are virtual, in nanoseconds.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::Duration;

use pcap_file::pcap::PcapReader;
use pcap_file::pcapng::PcapNgWriter;
use pcap_file::pcapng::blocks::enhanced_packet::EnhancedPacketBlock;
use pcap_file::pcapng::blocks::interface_description::{
    InterfaceDescriptionBlock, InterfaceDescriptionOption,
};
use pcap_file::{DataLink, Endianness};

use crate::session::Session;
use crate::stack::{DevRef, Step};

/// Everything that was put on a wire from record `from` on. One frame is there once for every
/// link it crossed, at the moment it left.
pub fn pcapng(session: &Session, from: u64) -> Vec<u8> {
    const IN_MEMORY: &str = "writing to memory does not fail";
    // The byte order is fixed so that the file is the same everywhere.
    let mut file = PcapNgWriter::with_endianness(Vec::new(), Endianness::Little).expect(IN_MEMORY);
    let mut interfaces: BTreeMap<DevRef, u32> = BTreeMap::new();
    let log = &session.world.log;
    for (seq, record) in log.iter_from(from) {
        let Step::Transmit { dev, .. } = record.step else { continue };
        let at = DevRef { ns: record.ns, dev };
        let known = interfaces.len() as u32;
        let interface_id = *interfaces.entry(at).or_insert(known);
        if interface_id == known {
            file.write_pcapng_block(InterfaceDescriptionBlock {
                linktype: DataLink::ETHERNET,
                snaplen: 0,
                options: vec![
                    InterfaceDescriptionOption::IfName(Cow::Owned(name(session, at))),
                    InterfaceDescriptionOption::IfTsResol(9),
                ],
            })
            .expect(IN_MEMORY);
        }
        let bytes = log.bytes(seq);
        file.write_pcapng_block(EnhancedPacketBlock {
            interface_id,
            timestamp: Duration::from_nanos(record.at.as_nanos()),
            original_len: bytes.len() as u32,
            data: bytes,
            options: vec![],
        })
        .expect(IN_MEMORY);
    }
    file.into_inner()
}

/// Is this the beginning of a file that `tcpdump -w` wrote? (pcap-savefile(5): the magic number of
/// microseconds, little-endian.)
pub fn is_pcap(file: &[u8]) -> bool {
    file.starts_with(&[0xd4, 0xc3, 0xb2, 0xa1])
}

/// What `tcpdump -w` wrote, as a pcapng file with one interface of this name. None if it is no capture.
pub fn from_pcap(file: &[u8], interface: &str) -> Option<Vec<u8>> {
    let mut reader = PcapReader::new(file).ok()?;
    let mut out = PcapNgWriter::with_endianness(Vec::new(), Endianness::Little).ok()?;
    out.write_pcapng_block(InterfaceDescriptionBlock {
        linktype: DataLink::ETHERNET,
        snaplen: reader.header().snaplen,
        options: vec![
            InterfaceDescriptionOption::IfName(Cow::Borrowed(interface)),
            InterfaceDescriptionOption::IfTsResol(9),
        ],
    })
    .ok()?;
    while let Some(Ok(packet)) = reader.next_packet() {
        out.write_pcapng_block(EnhancedPacketBlock {
            interface_id: 0,
            timestamp: packet.timestamp,
            original_len: packet.orig_len,
            data: Cow::Borrowed(&packet.data),
            options: vec![],
        })
        .ok()?;
    }
    Some(out.into_inner())
}

fn name(session: &Session, at: DevRef) -> String {
    let place = session.place_of_ns(at.ns).unwrap_or_else(|| format!("ns{}", at.ns.0));
    let device = session.world.namespace(at.ns).and_then(|ns| ns.device(at.dev));
    match device {
        Some(device) => format!("{place}:{}", device.name),
        None => format!("{place}:if{}", at.dev.0),
    }
}
