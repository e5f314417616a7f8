//! Comparing what was recorded with what the emulator printed, where some things are random.
//!
//! A recorded text holds masks: `<id:web>`, `<sid:web>`, `<id>`, `<id25>`, `<token>` (`<token:manager>` where
//! there are several), `veth#1`. They,
//! MAC addresses, interface indexes, ephemeral ports and ICMP identifiers match *some* value of
//! the right form, and what stood for one value once stands for it everywhere in the fixture, and
//! for nothing else: a one-to-one mapping. So do the ids of sandboxes (`gateway_ca5b3f3ac149`).
//! Durations match any duration, and moments of an engine's clock any moment.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

/// What a mask stands for. Values of different kinds never meet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A container or network, by name; its full id or the beginning of it.
    Id,
    /// A join token.
    Token,
    /// The host's end of a veth pair.
    Veth,
    /// A MAC address, in lower case.
    Mac,
    /// An interface's number.
    IfIndex,
    /// An ephemeral or translated port.
    Port,
    /// The identifier of an ICMP echo.
    IcmpId,
}

/// The mapping of one fixture.
#[derive(Debug, Clone, Default)]
pub struct Masks {
    there: BTreeMap<(Kind, String), String>,
    back: BTreeMap<(Kind, String), String>,
    /// Numbers that commands name, or that were printed as published ports: exact as ports.
    fixed: BTreeSet<u32>,
    /// The host that is looked at: each numbers its interfaces by itself.
    pub place: String,
}

/// What kind of text is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// What tools print.
    Plain,
    /// Lines of `conntrack -L`: `sport=` and `dport=` are ports.
    Conntrack,
}

/// Ports that traceroute counts up, one for each question.
const TRACEROUTE: std::ops::RangeInclusive<u32> = 33434..=33534;

impl Masks {
    /// No value known yet. The numbers and MAC addresses in `commands` are exact; of what was
    /// `printed`, where published ports are named, the numbers.
    pub fn new<'a>(commands: impl Iterator<Item = &'a str>, printed: impl Iterator<Item = &'a str>) -> Self {
        let mut masks = Self::default();
        for text in commands {
            masks.fix_numbers(text);
            for (at, _) in text.char_indices() {
                if let Some(len) = mac_at(text, at) {
                    let mac = text[at..at + len].to_lowercase();
                    masks.bind(Kind::Mac, &mac, &mac);
                }
            }
        }
        printed.for_each(|text| masks.fix_numbers(text));
        for mac in ["ff:ff:ff:ff:ff:ff", "00:00:00:00:00:00"] {
            masks.bind(Kind::Mac, mac, mac);
        }
        masks
    }

    fn fix_numbers(&mut self, text: &str) {
        let numbers = text.split(|c: char| !c.is_ascii_digit()).filter_map(|n| n.parse::<u32>().ok());
        self.fixed.extend(numbers.filter(|n| *n <= u32::from(u16::MAX)));
    }

    /// Maps `expected` to `actual`, or says whether that is what they are mapped to already.
    pub fn bind(&mut self, kind: Kind, expected: &str, actual: &str) -> bool {
        let there = self.there.get(&(kind, expected.to_owned()));
        let back = self.back.get(&(kind, actual.to_owned()));
        match (there, back) {
            (None, None) => {
                self.there.insert((kind, expected.to_owned()), actual.to_owned());
                self.back.insert((kind, actual.to_owned()), expected.to_owned());
                true
            }
            (Some(known), Some(_)) if known == actual => true,
            // A container or network of that name that was there before.
            (_, Some(back)) => kind == Kind::Id && back == expected,
            _ => false,
        }
    }

    /// A port: exact if it is a service's or was chosen by hand, otherwise mapped.
    pub fn port(&mut self, expected: u32, actual: u32) -> bool {
        let exact = |p: u32| p < 1024 || self.fixed.contains(&p);
        // An ephemeral port, theirs or ours, may lie where traceroute's do, by chance.
        let traced = |p: u32| TRACEROUTE.contains(&p);
        if exact(expected) || exact(actual) || (traced(expected) && traced(actual)) {
            return expected == actual;
        }
        self.bind(Kind::Port, &expected.to_string(), &actual.to_string())
    }

    /// A container or network of this name was made (again): another id from now on.
    pub fn renew(&mut self, name: &str) {
        self.there.remove(&(Kind::Id, name.to_owned()));
    }

    /// A container's or network's id, whole or its first 12 digits.
    fn id(&mut self, name: &str, actual: &str) -> bool {
        // Tasks of a service have names with ids in them: one mask may stand for several.
        name.contains("<id25>") || self.bind(Kind::Id, name, &actual[..12])
    }

    /// The command with the masks in it replaced by what they stand for; a mask that is not yet
    /// known stays.
    pub fn fill_in(&self, command: &str) -> String {
        let mut text = String::new();
        let mut at = 0;
        while at < command.len() {
            if let Some((mask, len)) = mask_at(command, at)
                && let Mask::Token(name) = mask
                && let Some(value) = self.there.get(&(Kind::Token, name.to_owned()))
            {
                text.push_str(value);
                at += len;
                continue;
            }
            let c = command[at..].chars().next().expect("at is within the text, on a boundary");
            text.push(c);
            at += c.len_utf8();
        }
        text
    }

    /// True if `actual` is what `expected` says. Mappings are kept only if it is.
    pub fn same_text(&mut self, expected: &str, actual: &str, style: Style) -> bool {
        let mut trial = self.clone();
        let same = trial.walk(expected, actual, style).is_some_and(|rest| rest == actual.len());
        if same {
            *self = trial;
        }
        same
    }

    /// As [`Masks::same_text`], but a text recorded up to `limit` characters only is a prefix.
    pub fn same_output(&mut self, expected: &str, actual: &str, limit: usize) -> bool {
        let expected = expected.trim_end_matches('\n');
        let actual = if actual.trim().is_empty() { "" } else { actual.trim_end_matches('\n') };
        let mut trial = self.clone();
        let same = trial.walk(expected, actual, Style::Plain).is_some_and(|rest| {
            // Masks are as long as what they stand for, give or take a duration.
            rest == actual.len() || actual[..rest].chars().count() + 8 >= limit
        });
        if same {
            *self = trial;
        }
        same
    }

    /// Lists compared as multisets: every line of one has its partner in the other.
    pub fn same_lines(&mut self, expected: &[&str], actual: &[&str], style: Style) -> bool {
        let expected: Vec<Value> = expected.iter().map(|&l| l.into()).collect();
        let actual: Vec<Value> = actual.iter().map(|&l| l.into()).collect();
        self.same_multiset(&expected, &actual, style)
    }

    /// As [`Masks::same_lines`], for JSON values.
    pub fn same_multiset(&mut self, expected: &[Value], actual: &[Value], style: Style) -> bool {
        if expected.len() != actual.len() {
            return false;
        }
        let mut used = vec![false; actual.len()];
        let mut tries = 200_000;
        let found = self.partners(expected, actual, style, &mut used, &mut tries);
        if let Some(masks) = found {
            *self = masks;
            return true;
        }
        false
    }

    fn partners(
        &self,
        expected: &[Value],
        actual: &[Value],
        style: Style,
        used: &mut [bool],
        tries: &mut u32,
    ) -> Option<Self> {
        let Some((first, rest)) = expected.split_first() else { return Some(self.clone()) };
        for (i, candidate) in actual.iter().enumerate() {
            if used[i] || *tries == 0 {
                continue;
            }
            *tries -= 1;
            let mut trial = self.clone();
            if trial.same_value(first, candidate, style) {
                used[i] = true;
                if let Some(masks) = trial.partners(rest, actual, style, used, tries) {
                    return Some(masks);
                }
                used[i] = false;
            }
        }
        None
    }

    /// JSON values, texts in them by the masks. Objects by their keys, lists in order.
    pub fn same_value(&mut self, expected: &Value, actual: &Value, style: Style) -> bool {
        match (expected, actual) {
            (Value::String(e), Value::String(a)) => self.same_text(e, a, style),
            (Value::Array(e), Value::Array(a)) => {
                e.len() == a.len() && e.iter().zip(a).all(|(e, a)| self.same_value(e, a, style))
            }
            (Value::Object(e), Value::Object(a)) => {
                e.len() == a.len()
                    && e.iter().all(|(key, e)| match a.get(key) {
                        Some(a) => self.same_value(e, a, style),
                        None => a.iter().any(|(k, a)| {
                            let mut trial = self.clone();
                            let same = trial.same_text(key, k, style) && trial.same_value(e, a, style);
                            if same {
                                *self = trial;
                            }
                            same
                        }),
                    })
            }
            (e, a) => e == a,
        }
    }

    /// Walks both texts; returns how far `actual` was used when `expected` is at its end.
    fn walk(&mut self, expected: &str, actual: &str, style: Style) -> Option<usize> {
        let (mut e, mut a) = (0, 0);
        while e < expected.len() {
            if let Some((mask, len)) = mask_at(expected, e) {
                a += self.masked(&mask, &expected[e..e + len], actual, a)?;
                e += len;
                continue;
            }
            if style == Style::Conntrack
                && let Some(len) = port_field_at(expected, e)
            {
                let other = port_field_at(actual, a)?;
                let (name, port) = expected[e..e + len].split_once('=')?;
                let (other_name, other_port) = actual[a..a + other].split_once('=')?;
                if name != other_name || !self.port(port.parse().ok()?, other_port.parse().ok()?) {
                    return None;
                }
                e += len;
                a += other;
                continue;
            }
            let c = expected[e..].chars().next()?;
            if !actual[a..].starts_with(c) {
                return None;
            }
            e += c.len_utf8();
            a += c.len_utf8();
        }
        Some(a)
    }

    /// Matches one mask at `at`; returns how many bytes it takes there.
    fn masked(&mut self, mask: &Mask<'_>, expected: &str, actual: &str, at: usize) -> Option<usize> {
        let rest = &actual[at..];
        let hex = |n: usize| {
            let digits = rest.bytes().take_while(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(b)).count();
            (digits == n).then_some(n)
        };
        let base36 = |n: usize| {
            let digits = rest.bytes().take_while(|b| b.is_ascii_lowercase() || b.is_ascii_digit()).count();
            (digits == n).then_some(n)
        };
        let len = match mask {
            // A network of a swarm has 25 letters and digits.
            Mask::Id(_) | Mask::AnyId => hex(64).or_else(|| base36(25)),
            Mask::ShortId(_) | Mask::AnyShortId => hex(12),
            Mask::Id25 => base36(25),
            Mask::Token(_) => rest
                .starts_with("SWMTKN-")
                .then(|| rest.bytes().take_while(|b| b.is_ascii_alphanumeric() || *b == b'-').count()),
            Mask::Registry => Some(rest.find(['/', ' ']).unwrap_or(rest.len())).filter(|n| *n > 0),
            Mask::Veth => rest.strip_prefix("veth").and_then(|digits| {
                let n = digits.bytes().take_while(u8::is_ascii_hexdigit).count();
                (n == 7).then_some(11)
            }),
            Mask::Mac => mac_at(actual, at),
            Mask::IfIndex => if_index_at(actual, at),
            Mask::Duration => duration_at(actual, at),
            Mask::Moment => moment_at(actual, at),
        }?;
        let value = &rest[..len];
        let same = match mask {
            Mask::Id(name) | Mask::ShortId(name) => self.id(name, value),
            // Tokens for workers and for managers have one mask: commands mean the first that was printed.
            Mask::Token("") => {
                self.bind(Kind::Token, "", value) || !self.back.contains_key(&(Kind::Token, value.to_owned()))
            }
            Mask::Token(name) => self.bind(Kind::Token, name, value),
            Mask::Veth => self.bind(Kind::Veth, expected, value),
            Mask::Mac => self.bind(Kind::Mac, &expected.to_lowercase(), &value.to_lowercase()),
            Mask::IfIndex => {
                let (e, a) = (format!("{} {expected}", self.place), format!("{} {value}", self.place));
                self.bind(Kind::IfIndex, &e, &a)
            }
            Mask::AnyId | Mask::AnyShortId | Mask::Id25 | Mask::Registry | Mask::Duration | Mask::Moment => {
                true
            }
        };
        same.then_some(len)
    }
}

/// What stands in a recorded text in place of something random.
enum Mask<'a> {
    Id(&'a str),
    ShortId(&'a str),
    AnyId,
    AnyShortId,
    Id25,
    Token(&'a str),
    Registry,
    Veth,
    Mac,
    IfIndex,
    Duration,
    Moment,
}

/// The mask at `at` of a recorded text, and its length.
fn mask_at(text: &str, at: usize) -> Option<(Mask<'_>, usize)> {
    let rest = &text[at..];
    if rest.starts_with('<') {
        let mut depth = 0;
        let end = rest.bytes().position(|b| {
            depth += i32::from(b == b'<') - i32::from(b == b'>');
            depth == 0
        })?;
        let mask = match &rest[1..end] {
            "id" => Mask::AnyId,
            "sid" => Mask::AnyShortId,
            "id25" => Mask::Id25,
            "token" => Mask::Token(""),
            "registry" => Mask::Registry,
            inside => match inside.split_once(':')? {
                ("id", name) => Mask::Id(name),
                ("token", name) => Mask::Token(name),
                ("sid", name) => Mask::ShortId(name),
                _ => return None,
            },
        };
        return Some((mask, end + 1));
    }
    // A sandbox has a random id of its own, which the recorder did not mask.
    let digits = rest.bytes().take_while(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(b)).count();
    if digits == 12 && text[..at].ends_with("gateway_") {
        return Some((Mask::ShortId(&rest[..digits]), digits));
    }
    if let Some(number) = rest.strip_prefix("veth#") {
        let digits = number.bytes().take_while(u8::is_ascii_digit).count();
        return (digits > 0).then_some((Mask::Veth, 5 + digits));
    }
    if let Some(len) = mac_at(text, at) {
        return Some((Mask::Mac, len));
    }
    if let Some(len) = if_index_at(text, at) {
        return Some((Mask::IfIndex, len));
    }
    if let Some(len) = moment_at(text, at) {
        return Some((Mask::Moment, len));
    }
    duration_at(text, at).map(|len| (Mask::Duration, len))
}

fn is_word(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b == b'_'
}

/// True if a word may begin at `at`.
fn begins_word(text: &str, at: usize) -> bool {
    at == 0 || !is_word(text.as_bytes()[at - 1])
}

/// The length of a MAC address at `at`.
fn mac_at(text: &str, at: usize) -> Option<usize> {
    const LEN: usize = 17;
    let bytes = text.as_bytes();
    let mac = bytes.get(at..at + LEN)?;
    let formed =
        mac.iter().enumerate().all(|(i, b)| if i % 3 == 2 { *b == b':' } else { b.is_ascii_hexdigit() });
    let ends = bytes.get(at + LEN).is_none_or(|b| !is_word(*b) && *b != b':');
    (formed && ends && begins_word(text, at)).then_some(LEN)
}

/// The length of the number in `13: eth0` at the beginning of a line, or in `eth0@if13`.
fn if_index_at(text: &str, at: usize) -> Option<usize> {
    if text[..at].ends_with("@if") {
        return Some(text[at..].bytes().take_while(u8::is_ascii_digit).count()).filter(|n| *n > 0);
    }
    if at > 0 && text.as_bytes()[at - 1] != b'\n' {
        return None;
    }
    let digits = text[at..].bytes().take_while(u8::is_ascii_digit).count();
    let name = text[at + digits..].strip_prefix(": ")?;
    (digits > 0 && name.starts_with(|c: char| c.is_ascii_alphabetic())).then_some(digits)
}

/// The length of `0.543ms`, `12.1 ms`, or of the number (or `N`) in `after 12 ms`.
fn duration_at(text: &str, at: usize) -> Option<usize> {
    if !begins_word(text, at) {
        return None;
    }
    let rest = &text[at..];
    let number = match rest.strip_prefix('N') {
        Some(_) => 1,
        None => rest.bytes().take_while(|b| b.is_ascii_digit() || *b == b'.').count(),
    };
    if number == 0 {
        return None;
    }
    // The four times of ping's last line, `0.2/0.3/0.4/0.1 ms`: each is one.
    if rest[number..].starts_with('/') && rest[..number].contains('.') {
        let all = rest.bytes().take_while(|b| b.is_ascii_digit() || matches!(b, b'.' | b'/')).count();
        return rest[all..].starts_with(" ms").then_some(number);
    }
    let unit = rest[number..].trim_start_matches(' ');
    let in_unit = ["ms", "milliseconds"].iter().any(|u| {
        unit.strip_prefix(u).is_some_and(|after| !after.starts_with(|c: char| c.is_ascii_alphanumeric()))
    });
    (in_unit && unit.len() + 1 >= rest[number..].len()).then_some(number)
}

/// The length of `2026-11-25T08:36:33.598143952Z` at `at`: a moment of an engine's own clock. Zeros at the
/// fraction's end are left out, and so may be the whole fraction.
fn moment_at(text: &str, at: usize) -> Option<usize> {
    const FORM: &str = "0000-00-00T00:00:00";
    let found = text.get(at..at + FORM.len())?;
    let fits = |(a, b): (u8, u8)| if b == b'0' { a.is_ascii_digit() } else { a == b };
    let rest = &text[at + FORM.len()..];
    let digits = |t: &str| t.bytes().take_while(u8::is_ascii_digit).count();
    let fraction = rest.strip_prefix('.').map(digits).filter(|n| (1..=9).contains(n)).map_or(0, |n| n + 1);
    let whole = begins_word(text, at) && found.bytes().zip(FORM.bytes()).all(fits);
    (whole && rest[fraction..].starts_with('Z')).then_some(FORM.len() + fraction + 1)
}

/// The length of `sport=40000` or `dport=80` at `at`.
fn port_field_at(text: &str, at: usize) -> Option<usize> {
    let rest = text.get(at..)?;
    let number = rest.strip_prefix("sport=").or_else(|| rest.strip_prefix("dport="))?;
    let digits = number.bytes().take_while(u8::is_ascii_digit).count();
    (digits > 0 && begins_word(text, at)).then_some(6 + digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID_A: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    const ID_B: &str = "fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210";

    fn plain(masks: &mut Masks, expected: &str, actual: &str) -> bool {
        masks.same_text(expected, actual, Style::Plain)
    }

    #[test]
    fn a_named_id_is_the_same_one_each_time_short_or_long() {
        let mut masks = Masks::default();
        assert!(plain(&mut masks, "<id:web>", ID_A));
        assert!(plain(&mut masks, "br-<sid:web>: x", &format!("br-{}: x", &ID_A[..12])));
        assert!(!plain(&mut masks, "<sid:web>", &ID_B[..12]));
        assert!(!plain(&mut masks, "<id:cli>", ID_A), "two names, one id");
        assert!(plain(&mut masks, "<id:cli>", ID_B));
    }

    #[test]
    fn masks_demand_the_right_form() {
        for (expected, wrong) in [
            ("<id:web>", "0123"),
            ("<sid:web>", ID_A),
            ("<id>", "sha256"),
            ("<id25>", "tooshort"),
            ("veth#1", "veth12"),
            ("02:00:c0:a8:00:0a", "02:00:c0:a8:00"),
            ("after N ms", "after a while"),
            ("plain", "plain text"),
        ] {
            assert!(!plain(&mut Masks::default(), expected, wrong), "{expected} against {wrong}");
        }
    }

    #[test]
    fn random_values_match_by_a_one_to_one_mapping() {
        let mut masks = Masks::default();
        assert!(plain(&mut masks, "[5A:7A:8A:6C:14:D2] veth#1", "[0e:00:00:00:00:01] vethabcdef0"));
        assert!(plain(&mut masks, "5a:7a:8a:6c:14:d2", "0E:00:00:00:00:01"));
        assert!(!plain(&mut masks, "5a:7a:8a:6c:14:d3", "0e:00:00:00:00:01"));
        assert!(!plain(&mut masks, "veth#2", "vethabcdef0"));
        assert!(plain(&mut masks, "13: eth0 x\n14: eth1", "2: eth0 x\n3: eth1"));
        assert!(!plain(&mut masks, "15: eth2", "3: eth2"));
        assert!(plain(&mut masks, "gateway_ca5b3f3ac149", "gateway_0123456789ab"));
        assert!(!plain(&mut masks, "gateway_ca5b3f3ac14a", "gateway_0123456789ab"));
        assert!(!plain(&mut masks, "gateway_ingress-sbox", "gateway_0123456789ab"));
    }

    #[test]
    fn durations_match_any_duration() {
        let mut masks = Masks::default();
        assert!(plain(&mut masks, "[x]  0.543ms\nSent 1", "[x]  12.1ms\nSent 1"));
        assert!(plain(&mut masks, "port 81 after N ms: no", "port 81 after 0 ms: no"));
        assert!(!plain(&mut masks, "Sent 1 probes", "Sent 2 probes"));
    }

    #[test]
    fn a_port_that_was_chosen_is_exact_and_any_other_is_some_other() {
        let mut masks =
            Masks::new(["curl --local-port 40000 http://198.51.100.80/"].into_iter(), [].into_iter());
        assert!(masks.port(40000, 40000));
        assert!(!masks.port(40000, 40001));
        assert!(masks.port(7488, 53506));
        assert!(masks.port(7488, 53506));
        assert!(!masks.port(7488, 53507));
        assert!(!masks.port(7489, 40000), "translated means: not the one the client chose");
        assert!(masks.port(80, 80) && !masks.port(80, 81));
    }

    #[test]
    fn addresses_that_were_typed_are_exact_and_those_that_were_printed_are_not() {
        let (typed, printed) = ("02:42:ac:11:00:99", "8a:dc:4a:f9:9b:19");
        let mut masks = Masks::new([typed].into_iter(), [printed].into_iter());
        assert!(!plain(&mut masks, typed, "02:00:00:00:00:01"));
        assert!(plain(&mut masks, typed, typed));
        assert!(plain(&mut masks, printed, "02:00:00:00:00:01"));
    }

    #[test]
    fn conntrack_lines_match_in_any_order_with_one_mapping_for_all() {
        let expected = [
            "tcp 6 src=10.0.0.1 sport=38638 dport=80 sport=80 dport=38638",
            "tcp 6 src=10.0.0.1 sport=38690 dport=80 sport=80 dport=38690",
        ];
        let good = [
            "tcp 6 src=10.0.0.1 sport=50001 dport=80 sport=80 dport=50001",
            "tcp 6 src=10.0.0.1 sport=50000 dport=80 sport=80 dport=50000",
        ];
        let crossed = [
            "tcp 6 src=10.0.0.1 sport=50001 dport=80 sport=80 dport=50000",
            "tcp 6 src=10.0.0.1 sport=50000 dport=80 sport=80 dport=50001",
        ];
        let mut masks = Masks::default();
        masks.bind(Kind::Port, "38690", "50001");
        assert!(masks.clone().same_lines(&expected, &good, Style::Conntrack), "needs a second try");
        assert!(!masks.same_lines(&expected, &crossed, Style::Conntrack));
        assert!(!masks.same_lines(&expected, &good[..1], Style::Conntrack));
    }

    #[test]
    fn a_text_that_was_cut_is_a_prefix() {
        let long = "x".repeat(4000);
        let mut masks = Masks::default();
        assert!(masks.same_output(&long[..3000], &long, 3000));
        assert!(!masks.same_output(&long[..100], &long, 3000));
        assert!(masks.same_output("", "\n", 3000));
    }

    #[test]
    fn a_mask_in_a_command_stands_for_what_was_printed() {
        let mut masks = Masks::default();
        assert!(plain(&mut masks, "join --token <token> x", "join --token SWMTKN-1-abc-def x"));
        assert_eq!(
            masks.fill_in("docker swarm join --token <token> 10.0.0.1"),
            "docker swarm join --token SWMTKN-1-abc-def 10.0.0.1"
        );
        assert_eq!(masks.fill_in("cat <in"), "cat <in");
    }

    #[test]
    fn json_is_compared_by_keys_and_masked_keys_find_their_partner() {
        let expected = serde_json::json!({"a": [1, "<sid:web>"], "hm.<id25>": {"x": null}});
        let actual = serde_json::json!({"hm.abcdefghijklmnopqrstuvwx1": {"x": null}, "a": [1, &ID_A[..12]]});
        let mut masks = Masks::default();
        assert!(masks.same_value(&expected, &actual, Style::Plain));
        assert!(!masks.same_value(&expected, &serde_json::json!({"a": [1, "no"]}), Style::Plain));
    }
}
