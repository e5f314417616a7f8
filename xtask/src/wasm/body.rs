//! The instructions of one function, with what they do to the stack of operands.

use super::Module;
use super::code::{body_after_locals, skip};
use super::read::Reader;
use crate::sh::Result;

/// One instruction of a body: `bytes[from..to]`.
#[derive(Clone, Copy, Debug)]
pub struct Ins {
    pub op: u8,
    pub from: usize,
    pub to: usize,
    /// The first number that follows: an index, a label, a type of a block.
    pub n: i64,
    /// How many frames (function, block, loop, if) are around it.
    pub depth: usize,
    /// Operands on the stack before it, above those that were there when its frame began.
    pub height: usize,
    /// False where control never comes, whatever runs: behind `br`, `return`, `unreachable`.
    pub alive: bool,
    /// Of an instruction that opens a frame: the index of its `end`.
    pub end: usize,
    /// The basic block it belongs to, counted from the start of the function.
    pub block: usize,
}

/// A function, taken apart.
pub struct Body {
    pub ins: Vec<Ins>,
    /// Types of its parameters and local variables.
    pub locals: Vec<u8>,
    /// The type of its result.
    pub result: Option<u8>,
    /// How many basic blocks it has.
    pub blocks: usize,
}

/// The result of a block's type; `Err` for types with parameters or several results.
pub fn block_result(n: i64) -> std::result::Result<Option<u8>, ()> {
    match n {
        -64 => Ok(None),
        -63..=-1 => Ok(Some((n + 128) as u8)),
        _ => Err(()),
    }
}

/// True for instructions after which another basic block begins.
const fn ends_block(op: u8) -> bool {
    matches!(op, 0x00 | 0x03..=0x05 | 0x0b..=0x0f)
}

/// The parameters and results of a type of function.
pub fn signature(of: &[u8]) -> (&[u8], &[u8]) {
    // Types with more than 127 values do not occur; their counts are one byte.
    let n = of[1] as usize;
    (&of[2..2 + n], &of[3 + n..])
}

struct Frame {
    base: usize,
    result: Option<u8>,
    alive: bool,
    /// Whether the frame began where control comes.
    begun: bool,
    open: usize,
}

impl Body {
    /// Where the function's basic blocks begin, as offsets in its bytes.
    pub fn starts(bytes: &[u8]) -> Result<Vec<usize>> {
        let at = body_after_locals(bytes)?;
        let mut starts = vec![at];
        let mut r = Reader { bytes, at };
        while !r.is_empty() {
            let op = r.u8()?;
            skip(op, &mut r)?;
            if ends_block(op) && !r.is_empty() {
                starts.push(r.at);
            }
        }
        Ok(starts)
    }

    /// Takes the body of the `i`-th function that is defined here apart. `None` if it does what is not
    /// followed here: blocks with parameters or with several results.
    pub fn of(module: &Module, types: &[u32], i: usize) -> Result<Option<Self>> {
        let bytes = &module.code[i];
        let (parameters, results) = signature(&module.types[module.functions[i] as usize]);
        let mut locals = parameters.to_vec();
        let mut r = Reader::new(bytes);
        for _ in 0..r.u32()? {
            let n = r.u32()?;
            let of = r.u8()?;
            locals.extend(std::iter::repeat_n(of, n as usize));
        }
        if results.len() > 1 {
            return Ok(None);
        }
        let result = results.first().copied();
        let mut frames = vec![Frame { base: 0, result, alive: true, begun: true, open: usize::MAX }];
        let mut ins: Vec<Ins> = Vec::new();
        let (mut height, mut block) = (0usize, 0);
        while !r.is_empty() {
            let from = r.at;
            let op = r.u8()?;
            let mut look = Reader { bytes, at: r.at };
            let (mut sub, mut n) = (0, 0);
            match op {
                0x02..=0x04 => n = look.signed()?,
                0x0c | 0x0d | 0x10 | 0x11 | 0x20..=0x26 | 0xd2 => n = i64::from(look.u32()?),
                0xfc => sub = look.u32()?,
                _ => {}
            }
            skip(op, &mut r)?;
            let Some(frame) = frames.last_mut() else { return Err("instructions behind the end".into()) };
            let (base, alive) = (frame.base, frame.alive);
            let rel = height.saturating_sub(base);
            let depth = frames.len();
            ins.push(Ins { op, from, to: r.at, n, depth, height: rel, alive, end: 0, block });
            if ends_block(op) {
                block += 1;
            }
            let here = ins.len() - 1;
            match op {
                0x02..=0x04 => {
                    let Ok(result) = block_result(n) else { return Ok(None) };
                    let pops = usize::from(op == 0x04);
                    height = height.saturating_sub(pops).max(base);
                    frames.push(Frame { base: height, result, alive, begun: alive, open: here });
                }
                0x05 => {
                    let frame = frames.last_mut().ok_or("else without if")?;
                    frame.alive = frame.begun;
                    height = frame.base;
                }
                0x0b => {
                    let frame = frames.pop().ok_or("end without a beginning")?;
                    if frame.open != usize::MAX {
                        ins[frame.open].end = here;
                    }
                    height = frame.base + usize::from(frame.result.is_some());
                }
                0x00 | 0x0c | 0x0e | 0x0f => {
                    let frame = frames.last_mut().ok_or("no frame")?;
                    frame.alive = false;
                    height = frame.base;
                }
                _ => {
                    let (pops, pushes) = effect(module, types, op, sub, n)?;
                    height = height.saturating_sub(pops).max(base) + pushes;
                }
            }
        }
        if !frames.is_empty() {
            return Err("a body ends before its frames do".into());
        }
        Ok(Some(Self { ins, locals, result, blocks: block }))
    }
}

/// How many operands an instruction without control takes and leaves.
fn effect(module: &Module, types: &[u32], op: u8, sub: u32, n: i64) -> Result<(usize, usize)> {
    let call = |of: u32| {
        let (parameters, results) = signature(&module.types[of as usize]);
        (parameters.len(), results.len())
    };
    Ok(match op {
        0x01 => (0, 0),
        0x0d | 0x1a | 0x21 | 0x24 => (1, 0),
        0x10 => call(types[n as usize]),
        0x11 => {
            let (pops, pushes) = call(n as u32);
            (pops + 1, pushes)
        }
        0x1b | 0x1c => (3, 1),
        0x20 | 0x23 | 0x3f | 0x41..=0x44 | 0xd0 | 0xd2 => (0, 1),
        0x22 | 0x25 | 0x28..=0x35 | 0x40 | 0xd1 => (1, 1),
        0x26 | 0x36..=0x3e => (2, 0),
        0x45 | 0x50 | 0x67..=0x69 | 0x79..=0x7b | 0x8b..=0x91 | 0x99..=0x9f | 0xa7..=0xc4 => (1, 1),
        0x46..=0x4f | 0x51..=0x66 | 0x6a..=0x78 | 0x7c..=0x8a | 0x92..=0x98 | 0xa0..=0xa6 => (2, 1),
        0xfc => match sub {
            0..=7 => (1, 1),
            10 | 11 | 14 | 17 => (3, 0),
            15 => (2, 1),
            16 => (0, 1),
            other => return Err(format!("the unknown instruction 0xfc {other}")),
        },
        other => return Err(format!("the unknown instruction {other:#x}")),
    })
}
