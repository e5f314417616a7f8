//! Does a TCP segment lie in the window that its receiver announced? After Guido van Rooij,
//! "Real Stateful TCP Packet Filtering in IP Filter", as in tcp_in_window of
//! nf_conntrack_proto_tcp.c. The machine sees the segments of both sides, but some may be lost
//! behind it, so the bounds are a little wider than a receiver's own.

use super::CtDirection;
use super::tcp_track::{Segment, before};

/// An acknowledgement may be this old (MAXACKWINCONST).
const MAX_ACK_WINDOW: u32 = 66_000;
/// Largest shift of RFC 7323.
const MAX_SCALE: u8 = 14;

/// What one side has sent and was allowed to send.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Side {
    /// The highest end of its segments.
    end: u32,
    /// The highest end that the other side allows.
    max_end: u32,
    /// The largest window that it announced; 0: it has not yet sent anything.
    max_window: u32,
    /// The highest acknowledgement that it sent.
    max_ack: Option<u32>,
    /// The shift of its windows, if its SYN named one.
    scale: Option<u8>,
    /// Its SYN allowed selective acknowledgements.
    sack: bool,
    /// It sent data that was not acknowledged yet.
    unacked: bool,
    /// It was picked up in its middle: nothing it sends is outside.
    liberal: bool,
}

impl Side {
    /// What a SYN's options say.
    pub fn with_options(segment: &Segment<'_>) -> Self {
        let mut side = Self::default();
        side.read_options(segment.options);
        side
    }

    fn read_options(&mut self, options: &[u8]) {
        (self.scale, self.sack) = (None, false);
        for_each_option(options, |kind, data| match (kind, data) {
            (3, &[shift]) => self.scale = Some(shift.min(MAX_SCALE)),
            (4, []) => self.sack = true,
            _ => {}
        });
    }

    fn shift(&self) -> u8 {
        self.scale.unwrap_or(0)
    }
}

/// Calls `f` with each option's kind and data, as far as they are whole.
fn for_each_option(mut options: &[u8], mut f: impl FnMut(u8, &[u8])) {
    while let Some(&kind) = options.first() {
        match kind {
            0 => return,
            1 => options = &options[1..],
            _ => {
                let len = usize::from(options.get(1).copied().unwrap_or(0));
                let Some(data) = options.get(2..len) else { return };
                f(kind, data);
                options = &options[len..];
            }
        }
    }
}

/// Where a segment lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fit {
    /// In the window; it has been taken into account.
    Inside,
    /// Outside, but nothing is known for sure: it passes and changes the state all the same.
    Liberal,
    /// Outside in a harmless way: it passes without a change.
    Ignored,
    /// Outside.
    Outside,
}

/// Both sides of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Windows([Side; 2]);

impl Windows {
    /// Of a connection that `segment` begins, or (`middle`) shows in its middle.
    pub fn begin(segment: &Segment<'_>, middle: bool) -> Self {
        let window = u32::from(segment.window).max(1);
        let mut side = Side { end: segment.end, max_end: segment.end, max_window: window, ..Side::default() };
        if middle {
            side.max_end = segment.end.wrapping_add(window);
            (side.sack, side.liberal) = (true, true);
            return Self([side, Side { sack: true, liberal: true, ..Side::default() }]);
        }
        side.read_options(segment.options);
        Self([side, Side::default()])
    }

    /// The highest acknowledgement that the side `dir` sent.
    pub fn max_ack(&self, dir: CtDirection) -> Option<u32> {
        self.0[dir.side()].max_ack
    }

    /// Behind the last byte that the side which began has sent.
    pub fn first_end(&self) -> u32 {
        self.0[0].end
    }

    /// True if somebody waits for an acknowledgement.
    pub fn awaits_ack(&self) -> bool {
        self.0[0].unacked || self.0[1].unacked
    }

    /// The connection was begun anew by a SYN (with these options, end and window) that was not
    /// looked at; the side `dir` answers it.
    pub fn restart(&mut self, dir: CtDirection, syn: Side, end: u32, window: u16) {
        let max_window = u32::from(window).max(1);
        self.0[dir.other().side()] = Side { end, max_end: end, max_window, ..syn };
        let liberal = self.0[dir.side()].liberal;
        self.0[dir.side()] = Side { liberal, ..Side::default() };
    }

    /// Looks at a segment. `opening`: the state is SYN_SENT or SYN_RECV; `asked`: SYN_SENT.
    pub fn fit(&mut self, dir: CtDirection, segment: &Segment<'_>, opening: bool, asked: bool) -> Fit {
        let [first, second] = &mut self.0;
        let (sender, receiver) = match dir {
            CtDirection::Original => (first, second),
            CtDirection::Reply => (second, first),
        };
        let (mut seq, mut ack, mut end) = (segment.seq, segment.ack, segment.end);
        let mut sack = if receiver.sack { highest_sack(segment) } else { ack };
        if sender.max_window == 0 {
            if segment.has_syn() {
                restart_sender(sender, receiver, dir, segment);
                if !segment.has_ack() {
                    return Fit::Inside;
                }
            } else {
                pick_up(sender, receiver, segment, sack);
            }
        } else if segment.has_syn() && before(sender.end, end) && opening {
            restart_sender(sender, receiver, dir, segment);
            if dir == CtDirection::Reply && !segment.has_ack() {
                return Fit::Inside;
            }
        }
        // Without an acknowledgement, or with none in a reset: take it as right.
        if !segment.has_ack() || (segment.has_rst() && ack == 0) {
            (ack, sack) = (receiver.end, receiver.end);
        }
        if segment.has_rst() && seq == 0 && asked {
            (seq, end) = (sender.end, sender.end);
        }
        match bounds(sender, receiver, seq, end, sack) {
            Fit::Inside => {}
            _ if sender.liberal => return Fit::Liberal,
            fit => return fit,
        }
        let shift = if segment.has_syn() { 0 } else { sender.shift() };
        take_in(
            sender,
            receiver,
            segment,
            Taken { ack, sack, end, window: u32::from(segment.window) << shift },
        );
        Fit::Inside
    }
}

/// The four conditions of the paper.
fn bounds(sender: &mut Side, receiver: &Side, seq: u32, end: u32, sack: u32) -> Fit {
    let oldest_ack = receiver.end.wrapping_sub(sender.max_window.max(MAX_ACK_WINDOW)).wrapping_sub(1);
    let oldest_end = sender.end.wrapping_sub(receiver.max_window).wrapping_sub(1);
    let recent = before(oldest_end, end);
    if !before(seq, sender.max_end.wrapping_add(1)) {
        // A little more than allowed, otherwise right: remember it, its answer will come.
        let over = end.wrapping_sub(sender.max_end).wrapping_add(1);
        let otherwise_right = receiver.max_window != 0
            && recent
            && before(oldest_ack, sack)
            && over <= receiver.max_window
            && before(sack, receiver.end.wrapping_add(1));
        if otherwise_right {
            (sender.end, sender.unacked) = (end, true);
            return Fit::Ignored;
        }
        return Fit::Outside;
    }
    if !before(sack, receiver.end.wrapping_add(1)) {
        return Fit::Outside;
    }
    if receiver.max_window != 0 && !recent {
        return Fit::Ignored;
    }
    if !before(oldest_ack, sack) {
        return Fit::Ignored;
    }
    Fit::Inside
}

/// What a segment in the window tells, its window already shifted.
struct Taken {
    ack: u32,
    sack: u32,
    end: u32,
    window: u32,
}

fn take_in(sender: &mut Side, receiver: &mut Side, segment: &Segment<'_>, taken: Taken) {
    let Taken { ack, sack, end, window } = taken;
    sender.max_window = sender.max_window.max(window.wrapping_add(sack.wrapping_sub(ack)));
    if before(sender.end, end) {
        (sender.end, sender.unacked) = (end, true);
    }
    if segment.has_ack() && sender.max_ack.is_none_or(|max| before(max, ack)) {
        sender.max_ack = Some(ack);
    }
    if receiver.max_window != 0 && before(sender.max_end, end) {
        receiver.max_window = receiver.max_window.wrapping_add(end.wrapping_sub(sender.max_end));
    }
    let allowed = sack.wrapping_add(window);
    if before(receiver.max_end.wrapping_sub(1), allowed) {
        receiver.max_end = allowed.wrapping_add(u32::from(window == 0));
    }
    if ack == receiver.end {
        receiver.unacked = false;
    }
}

/// A SYN tells where a side begins. Windows are shifted only if both SYNs said so (RFC 7323 §2.2).
fn restart_sender(sender: &mut Side, receiver: &mut Side, dir: CtDirection, segment: &Segment<'_>) {
    (sender.end, sender.max_end) = (segment.end, segment.end);
    sender.max_window = u32::from(segment.window).max(1);
    if !segment.options.is_empty() {
        sender.read_options(segment.options);
        (sender.max_ack, sender.unacked) = (None, false);
    }
    if dir == CtDirection::Reply && !(sender.scale.is_some() && receiver.scale.is_some()) {
        sender.scale = sender.scale.map(|_| 0);
        receiver.scale = receiver.scale.map(|_| 0);
    }
}

/// The first segment of a side that is not its SYN: its history is lost.
fn pick_up(sender: &mut Side, receiver: &mut Side, segment: &Segment<'_>, sack: u32) {
    sender.end = segment.end;
    sender.max_window = (u32::from(segment.window) << sender.shift()).max(1);
    sender.max_end = segment.end.wrapping_add(sender.max_window);
    if receiver.max_window == 0 {
        (receiver.end, receiver.max_end) = (sack, sack);
    } else if sack == receiver.end.wrapping_add(1) {
        // Probably the answer to a keep-alive.
        receiver.end = sack;
    }
}

/// The highest sequence number that is acknowledged, selectively or not (RFC 2018).
fn highest_sack(segment: &Segment<'_>) -> u32 {
    let mut highest = segment.ack;
    for_each_option(segment.options, |kind, data| {
        if kind == 5 && data.len() >= 8 && data.len() % 8 == 0 {
            for block in data.chunks_exact(8) {
                let right = u32::from_be_bytes([block[4], block[5], block[6], block[7]]);
                if before(highest, right) {
                    highest = right;
                }
            }
        }
    });
    highest
}
