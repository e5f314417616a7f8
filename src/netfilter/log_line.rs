//! The line that the LOG target writes to the kernel's log (nf_log_syslog.c).

use std::fmt::Write;

use super::Meta;
use super::packet::{ICMP, TCP, UDP, View, is_icmp_error, is_icmp_query};
use super::rule::LogSpec;
use crate::wire::{IfIndex, IfName, Ipv4Addr};

/// `--log-tcp-sequence` and so on: bits of [`LogSpec::flags`].
const TCP_SEQUENCE: u8 = 1;
const TCP_OPTIONS: u8 = 2;
const IP_OPTIONS: u8 = 4;

/// The line, without the time in front.
pub(super) fn line(
    spec: &LogSpec,
    packet: &[u8],
    view: &View,
    meta: &Meta,
    name: impl Fn(IfIndex) -> IfName,
) -> Box<str> {
    let mut out = String::from(&*spec.prefix);
    let name = |dev: Option<IfIndex>| dev.map(&name).unwrap_or_default();
    // Writing to a String cannot fail.
    let _ = write!(out, "IN={} OUT={} ", name(meta.in_dev), name(meta.out_dev));
    if meta.in_dev.is_some() {
        out += "MAC=";
        if let Some(ether) = meta.ether {
            let bytes: Vec<_> = ether.iter().map(|b| format!("{b:02x}")).collect();
            out += &bytes.join(":");
        }
        out.push(' ');
    }
    ip(&mut out, packet, view, spec.flags);
    if meta.mark != 0 {
        let _ = write!(out, "MARK={:#x} ", meta.mark);
    }
    out.into()
}

fn ip(out: &mut String, packet: &[u8], view: &View, flags: u8) {
    let b = &packet[view.l3..];
    let fragment = u16::from_be_bytes([b[6], b[7]]);
    let _ = write!(
        out,
        "SRC={} DST={} LEN={} TOS=0x{:02X} PREC=0x{:02X} TTL={} ID={} ",
        Ipv4Addr::from(view.src),
        Ipv4Addr::from(view.dst),
        view.len,
        b[1] & 0x1e,
        b[1] & 0xe0,
        b[8],
        u16::from_be_bytes([b[4], b[5]]),
    );
    for (bit, name) in [(0x8000, "CE "), (0x4000, "DF "), (0x2000, "MF ")] {
        if fragment & bit != 0 {
            *out += name;
        }
    }
    if view.fragment {
        let _ = write!(out, "FRAG:{} ", fragment & 0x1fff);
    }
    if flags & IP_OPTIONS != 0 && view.l4 > view.l3 + 20 {
        options(out, &packet[view.l3 + 20..view.l4]);
    }
    match view.proto {
        TCP => tcp(out, packet, view, flags),
        UDP => ports(out, packet, view),
        ICMP => icmp(out, packet, view),
        other => {
            let _ = write!(out, "PROTO={other} ");
        }
    }
}

fn options(out: &mut String, bytes: &[u8]) {
    *out += "OPT (";
    for byte in bytes {
        let _ = write!(out, "{byte:02X}");
    }
    *out += ") ";
}

fn tcp(out: &mut String, packet: &[u8], view: &View, flags: u8) {
    *out += "PROTO=TCP ";
    if view.fragment || !view.complete {
        return;
    }
    let t = &packet[view.l4..];
    let _ = write!(out, "SPT={} DPT={} ", view.sport, view.dport);
    if flags & TCP_SEQUENCE != 0 {
        let word = |at: usize| u32::from_be_bytes([t[at], t[at + 1], t[at + 2], t[at + 3]]);
        let _ = write!(out, "SEQ={} ACK={} ", word(4), word(8));
    }
    let reserved = u16::from_be_bytes([t[12], t[13]]) >> 6 & 0x3f;
    let _ = write!(out, "WINDOW={} RES=0x{reserved:02x} ", u16::from_be_bytes([t[14], t[15]]));
    for (bit, name) in [
        (0x80, "CWR "),
        (0x40, "ECE "),
        (0x20, "URG "),
        (0x10, "ACK "),
        (0x08, "PSH "),
        (0x04, "RST "),
        (0x02, "SYN "),
        (0x01, "FIN "),
    ] {
        if view.flags & bit != 0 {
            *out += name;
        }
    }
    let _ = write!(out, "URGP={} ", u16::from_be_bytes([t[18], t[19]]));
    let header = usize::from(t[12] >> 4) * 4;
    if flags & TCP_OPTIONS != 0 && header > 20 && t.len() >= header {
        options(out, &t[20..header]);
    }
}

fn ports(out: &mut String, packet: &[u8], view: &View) {
    *out += "PROTO=UDP ";
    if view.fragment || !view.complete {
        return;
    }
    let t = &packet[view.l4..];
    let _ = write!(out, "SPT={} DPT={} LEN={} ", view.sport, view.dport, u16::from_be_bytes([t[4], t[5]]));
}

fn icmp(out: &mut String, packet: &[u8], view: &View) {
    *out += "PROTO=ICMP ";
    if view.fragment || !view.complete {
        return;
    }
    let t = &packet[view.l4..];
    let word = |at: usize| u16::from_be_bytes([t[at], t[at + 1]]);
    let _ = write!(out, "TYPE={} CODE={} ", view.icmp_type, view.icmp_code);
    match view.icmp_type {
        kind if is_icmp_query(kind) => {
            let _ = write!(out, "ID={} SEQ={} ", word(4), word(6));
        }
        5 => {
            let _ = write!(out, "GATEWAY={}.{}.{}.{} ", t[4], t[5], t[6], t[7]);
        }
        12 => {
            let _ = write!(out, "PARAMETER={} ", t[4]);
        }
        _ => {}
    }
    // What is quoted inside a quotation is not shown.
    if !is_icmp_error(view.icmp_type) || view.l3 != 0 {
        return;
    }
    if let Some(inner) = View::read(packet, view.l4 + 8, true) {
        out.push('[');
        ip(out, packet, &inner, 0);
        *out += "] ";
    }
    if (view.icmp_type, view.icmp_code) == (3, 4) {
        let _ = write!(out, "MTU={} ", word(6));
    }
}
