//! Cuts the constant data in two: what the first part's code can reach, and the rest.
//!
//! The linker's relocations say which object an address in code means and which objects an object
//! points at; what can be reached from the first part's addresses stays with it. Bytes that the
//! program may write, and bytes that belong to no object, stay too.

use std::collections::BTreeSet;
use std::ops::Range;

use crate::sh::Result;
use crate::wasm::{Data, Module, Object, Symbols, numbers};

/// Shorter gaps cost more as the begin of another segment than as bytes.
const GAP: u32 = 8;

/// Stand for the absence of a `char`, all over the place, and would be addresses.
const NO_CHAR: Range<u32> = 0x0011_0000..0x0011_0004;
/// Bytes of an object that deserves a second look.
const LARGE: u32 = 1000;

/// The data of both parts.
pub struct Cut {
    pub first: Vec<Data>,
    pub rest: Vec<Data>,
    /// The slots of the table of functions that the first part may call.
    pub slots: BTreeSet<u32>,
}

/// Cuts `whole`'s data, for a first part with this code.
pub fn cut(whole: &Module, first: &Module, symbols: &Symbols) -> Result<Cut> {
    let mut order: Vec<usize> = (0..symbols.objects.len()).collect();
    order.sort_by_key(|i| symbols.objects[*i].at);
    let mut todo: Vec<usize> = Vec::new();
    let mut slots = BTreeSet::new();
    for body in &first.code {
        for n in numbers(body)? {
            // An optimiser may add a condition to the first of two neighbours.
            slots.extend([n, n.wrapping_add(1)].into_iter().filter(|n| symbols.slots_in_code.contains(n)));
            match symbols.meant.get(&n) {
                Some(objects) => todo.extend(objects),
                // Two constants that the optimiser made one, or no address at all.
                None if !NO_CHAR.contains(&n) => todo.extend(symbols.around(&order, n)),
                None => {}
            }
        }
    }
    // Data that may be written points where it wants.
    let constant = |i: &usize| symbols.constant.contains(&symbols.objects[*i].at);
    todo.extend((0..symbols.objects.len()).filter(|i| !constant(i)));
    // What the program prepared (see prepare.rs) does so already: every word there may be an address. But of a
    // large table of numbers nobody keeps a part, and behind the address of a part of a text is its length.
    let image = |object: &Object| {
        let segment = whole.data.iter().rfind(|s| s.offset <= object.at)?;
        let from = (object.at - segment.offset) as usize;
        segment.bytes.get(from..from + object.size as usize)
    };
    let is_text: Vec<bool> =
        symbols.objects.iter().map(|o| image(o).is_some_and(|b| std::str::from_utf8(b).is_ok())).collect();
    for segment in &whole.data {
        let from = (4 - segment.offset % 4) % 4;
        let bytes = segment.bytes.get(from as usize..).unwrap_or_default();
        let words: Vec<u32> =
            bytes.chunks_exact(4).map(|w| u32::from_le_bytes([w[0], w[1], w[2], w[3]])).collect();
        for (i, to) in words.iter().enumerate() {
            if symbols.constant.contains(&(segment.offset + from + 4 * i as u32)) {
                continue;
            }
            slots.insert(*to);
            if !symbols.constant.contains(to) || NO_CHAR.contains(to) {
                continue;
            }
            let length = words.get(i + 1).copied().unwrap_or(0);
            todo.extend(symbols.around(&order, *to).into_iter().filter(|o| {
                let object = symbols.objects[*o];
                let into = to - object.at;
                let plain = object.size >= LARGE && symbols.points[*o].is_empty();
                !plain || into == 0 || (is_text[*o] && (1..=object.size - into).contains(&length))
            }));
        }
    }
    let mut reached = BTreeSet::new();
    while let Some(i) = todo.pop() {
        if reached.insert(i) {
            todo.extend(&symbols.points[i]);
            slots.extend(&symbols.slots[i]);
        }
    }

    // Bytes that the first part can do without: of objects, constant, not reached.
    let mut free = vec![false; symbols.constant.len()];
    let place = |i: usize| {
        let from = (symbols.objects[i].at - symbols.constant.start) as usize;
        from..(from + symbols.objects[i].size as usize).min(symbols.constant.len())
    };
    for i in (0..symbols.objects.len()).filter(constant) {
        free[place(i)].fill(true);
    }
    for i in reached.into_iter().filter(constant) {
        free[place(i)].fill(false);
    }
    let is_free = |at: u32| symbols.constant.contains(&at) && free[(at - symbols.constant.start) as usize];
    let (mut one, mut two) = (Vec::new(), Vec::new());
    for segment in &whole.data {
        let all = segment.offset..segment.offset + segment.bytes.len() as u32;
        one.extend(pieces(segment, all.clone(), |at| !is_free(at) && !padding(segment, at)));
        two.extend(pieces(segment, all, is_free));
    }
    Ok(Cut { first: one, rest: two, slots })
}

/// A zero: memory begins as zeros.
fn padding(segment: &Data, at: u32) -> bool {
    segment.bytes[(at - segment.offset) as usize] == 0
}

/// The runs of addresses for which `wanted` holds, joined over short gaps.
fn runs(all: Range<u32>, wanted: impl Fn(u32) -> bool) -> Vec<Range<u32>> {
    let mut runs: Vec<Range<u32>> = Vec::new();
    for at in all.filter(|at| wanted(*at)) {
        match runs.last_mut() {
            Some(run) if at - run.end <= GAP => run.end = at + 1,
            _ => runs.push(at..at + 1),
        }
    }
    runs
}

/// What lies at the addresses for which `wanted` holds, as segments of their own.
pub fn pieces(segment: &Data, all: Range<u32>, wanted: impl Fn(u32) -> bool) -> Vec<Data> {
    let piece = |run: Range<u32>| {
        let bytes =
            &segment.bytes[(run.start - segment.offset) as usize..(run.end - segment.offset) as usize];
        Data { offset: run.start, bytes: bytes.to_vec() }
    };
    runs(all, wanted).into_iter().map(piece).collect()
}

/// An error unless both programs put the same bytes into the memory.
pub fn same_memory(a: &Module, b: &Module) -> Result {
    let image = |m: &Module| {
        let end = m.data.iter().map(|d| d.offset as usize + d.bytes.len()).max().unwrap_or(0);
        let mut image = vec![0; end];
        for d in &m.data {
            image[d.offset as usize..d.offset as usize + d.bytes.len()].copy_from_slice(&d.bytes);
        }
        while image.last() == Some(&0) {
            image.pop();
        }
        image
    };
    if image(a) == image(b) {
        Ok(())
    } else {
        Err("the linked program and the page's have different data".into())
    }
}
