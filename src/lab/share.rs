//! A lab in a link: `lab=1.<base64url(zlib(JSON))>` behind the `#` of the page's address, so that
//! nothing of it is sent to any server. Documented in docs/links.md; what was once written opens
//! for ever (tests/links.rs). A link is hostile input: each bound below has its own words.

use std::fmt::Write as _;

use miniz_oxide::deflate::compress_to_vec_zlib;
use miniz_oxide::inflate::{TINFLStatus, decompress_to_vec_zlib_with_limit};

use super::{Lab, LabError};

/// The version of the coding that this program writes.
pub const VERSION: u32 = 1;
/// Longest fragment that is read, in bytes.
pub const MAX_FRAGMENT: usize = 256 * 1024;
/// Longest JSON that a link may expand to, in bytes; the bound of every lab.
pub const MAX_JSON: usize = 1 << 20;
/// Above this many bytes of address, chats and servers begin to cut: a file serves better.
pub const WIDELY_CARRIED: usize = 8_000;

/// What a link says.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Link {
    /// The lab; none if the link names none.
    pub lab: Option<Lab>,
    /// A line to type once it is open: place, line.
    pub run: Option<(String, String)>,
    /// The moment to stop at: nanoseconds of virtual time after the line's first packet.
    pub at: Option<u64>,
    /// The page is to be a guest on another page.
    pub embed: bool,
    /// `en`, `ko`.
    pub lang: Option<String>,
    /// `light`, `dark`.
    pub theme: Option<String>,
    /// A lesson's id.
    pub lesson: Option<String>,
    /// Moves of the lesson's solution that are made when it opens.
    pub step: Option<usize>,
    /// What to stop at: the line of the packet list, 1 first, and how many moments after it.
    pub packet: Option<(usize, usize)>,
}

/// Why a link does not open.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// Longer than [`MAX_FRAGMENT`].
    #[error("the link is {0} bytes long; at most {MAX_FRAGMENT} are read. Ask for the lab as a file")]
    Long(usize),
    /// Neither `VERSION.…` nor a built-in lab's name.
    #[error("the link names no lab that is known here")]
    Unknown,
    /// Another version.
    #[error("the link has version {0}; this program reads version {VERSION}. A newer netpier opens it")]
    Version(u32),
    /// A letter that no link has: its place in the lab's text.
    #[error("the link is damaged: letter {0} of the lab cannot be there")]
    Letter(usize),
    /// It stops in the middle.
    #[error("the link is cut off; copy all of it, or ask for the lab as a file")]
    CutOff,
    /// It does not unpack, or to something else than what was packed.
    #[error("the link is damaged; copy it again, or ask for the lab as a file")]
    Damaged,
    /// More than [`MAX_JSON`] when unpacked.
    #[error("the link unpacks to more than {MAX_JSON} bytes, which no lab has")]
    Bomb,
    /// What it holds is not a lab.
    #[error("the link holds something else: {0}")]
    Lab(#[from] LabError),
}

/// The value of `lab=`.
pub fn pack(lab: &Lab) -> String {
    format!("{VERSION}.{}", base64(&compress_to_vec_zlib(lab.to_json().as_bytes(), 9)))
}

/// Reads the value of `lab=`: a packed lab, or the name of a built-in one.
///
/// # Errors
/// See [`LinkError`].
pub fn unpack(value: &str) -> Result<Lab, LinkError> {
    if value.len() > MAX_FRAGMENT {
        return Err(LinkError::Long(value.len()));
    }
    let Some((version, packed)) = value.split_once('.') else {
        return Lab::builtin(value).ok_or(LinkError::Unknown);
    };
    match version.parse() {
        Ok(VERSION) => {}
        Ok(other) => return Err(LinkError::Version(other)),
        Err(_) => return Err(LinkError::Unknown),
    }
    // What a sentence puts behind an address is none of it.
    let packed = packed.trim_end_matches(|c: char| !c.is_ascii_alphanumeric() && !"-_".contains(c));
    let bytes = unbase64(packed)?;
    let json = decompress_to_vec_zlib_with_limit(&bytes, MAX_JSON).map_err(|e| match e.status {
        TINFLStatus::HasMoreOutput => LinkError::Bomb,
        TINFLStatus::FailedCannotMakeProgress | TINFLStatus::NeedsMoreInput => LinkError::CutOff,
        _ => LinkError::Damaged,
    })?;
    let text = String::from_utf8(json).map_err(|_| LinkError::Damaged)?;
    Ok(Lab::from_json(&text)?)
}

impl Link {
    /// Writes it, without the `#`.
    pub fn to_fragment(&self) -> String {
        let mut parts = Vec::new();
        if self.embed {
            parts.push("embed".to_owned());
        }
        let words = [("lesson", &self.lesson), ("lang", &self.lang), ("theme", &self.theme)];
        parts.extend(words.iter().filter_map(|(key, v)| Some(format!("{key}={}", escape(v.as_ref()?)))));
        parts.extend(self.step.map(|step| format!("step={step}")));
        if let Some((place, line)) = &self.run {
            parts.push(format!("in={}&run={}", escape(place), escape(line)));
        }
        parts.extend(self.at.map(|at| format!("t={at}")));
        parts.extend(self.packet.map(|(line, after)| match after {
            0 => format!("packet={line}"),
            _ => format!("packet={line}.{after}"),
        }));
        // The long one comes last, so that the rest can be read by eye.
        parts.extend(self.lab.as_ref().map(|lab| format!("lab={}", pack(lab))));
        parts.join("&")
    }

    /// Reads a fragment, with or without its `#`. Keys that are not known are passed over.
    ///
    /// # Errors
    /// See [`LinkError`]; nothing of a link that does not open is used.
    pub fn from_fragment(fragment: &str) -> Result<Self, LinkError> {
        if fragment.len() > MAX_FRAGMENT {
            return Err(LinkError::Long(fragment.len()));
        }
        let mut link = Self::default();
        let (mut place, mut line) = (None, None);
        for part in fragment.trim_start_matches('#').split('&') {
            let (key, value) = part.split_once('=').unwrap_or((part, ""));
            match key {
                "lab" => link.lab = Some(unpack(value)?),
                "embed" => link.embed = true,
                "lang" => link.lang = Some(unescape(value)),
                "theme" => link.theme = Some(unescape(value)),
                "lesson" => link.lesson = Some(unescape(value)),
                "in" => place = Some(unescape(value)),
                "run" => line = Some(unescape(value)),
                "t" => link.at = value.parse().ok(),
                "step" => link.step = value.parse().ok(),
                "packet" => {
                    let (line, after) = value.split_once('.').unwrap_or((value, "0"));
                    link.packet = line.parse().ok().zip(after.parse().ok()).filter(|(line, _)| *line > 0);
                }
                _ => {}
            }
        }
        link.run = place.zip(line);
        Ok(link)
    }
}

/// RFC 4648, section 5, without padding.
const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

fn base64(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let word = chunk.iter().fold(0u32, |w, b| w << 8 | u32::from(*b)) << (8 * (3 - chunk.len()));
        for i in 0..=chunk.len() {
            text.push(char::from(ALPHABET[(word >> (18 - 6 * i)) as usize & 63]));
        }
    }
    text
}

fn unbase64(text: &str) -> Result<Vec<u8>, LinkError> {
    let mut bytes = Vec::with_capacity(text.len() * 3 / 4);
    let (mut word, mut bits) = (0u32, 0);
    for (i, letter) in text.bytes().enumerate() {
        let value = ALPHABET.iter().position(|a| *a == letter).ok_or(LinkError::Letter(i + 1))?;
        word = word << 6 | value as u32;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push((word >> bits) as u8);
            word &= (1 << bits) - 1;
        }
    }
    Ok(bytes)
}

/// Percent-encoding (RFC 3986, section 2.1) of all but unreserved characters and those that are
/// harmless in a fragment.
fn escape(text: &str) -> String {
    let mut out = String::new();
    for b in text.bytes() {
        if b.is_ascii_alphanumeric() || b"-._~:/".contains(&b) {
            out.push(char::from(b));
        } else {
            write!(out, "%{b:02X}").expect("writing to memory does not fail");
        }
    }
    out
}

fn unescape(text: &str) -> String {
    let bytes = text.as_bytes();
    let (mut out, mut i) = (Vec::new(), 0);
    while i < bytes.len() {
        let hex = bytes.get(i + 1..i + 3).and_then(|h| std::str::from_utf8(h).ok());
        match hex.filter(|_| bytes[i] == b'%').and_then(|h| u8::from_str_radix(h, 16).ok()) {
            Some(b) => {
                out.push(b);
                i += 3;
            }
            None => {
                out.push(bytes[i]);
                i += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}
