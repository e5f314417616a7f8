//! Bodies of functions: finding and changing the functions that they name.

use super::read::Reader;
use super::{put_i32, put_u32};
use crate::sh::Result;

/// How a call reaches its function in the program that is written.
#[derive(Clone, Copy, Debug)]
pub enum Target {
    /// By its index.
    Direct(u32),
    /// Through this slot of table 0, as this type.
    Slot(u32, u32),
    /// The same, once this function was called.
    After(u32, u32, u32),
    /// By this function, which takes the slot as its last parameter.
    Via(u32, u32),
}

/// The offset of the first instruction: bodies begin with their local variables.
pub fn body_after_locals(body: &[u8]) -> Result<usize> {
    let mut r = Reader::new(body);
    for _ in 0..r.u32()? {
        r.u32()?;
        r.u8()?;
    }
    Ok(r.at)
}

/// The body with every function that it calls or refers to replaced by what `target` says.
pub fn rewrite(body: &[u8], mut target: impl FnMut(u32) -> Target) -> Result<Vec<u8>> {
    let start = body_after_locals(body)?;
    let mut r = Reader { bytes: body, at: start };
    let mut out = body[..start].to_vec();
    while !r.is_empty() {
        let from = r.at;
        let op = r.u8()?;
        match op {
            0x10 => match target(r.u32()?) {
                Target::Direct(function) => {
                    out.push(op);
                    put_u32(&mut out, function);
                }
                Target::Slot(slot, of) => call_slot(&mut out, slot, of),
                Target::Via(function, slot) => {
                    out.push(0x41);
                    put_i32(&mut out, slot as i32);
                    out.push(op);
                    put_u32(&mut out, function);
                }
                Target::After(before, slot, of) => {
                    out.push(op);
                    put_u32(&mut out, before);
                    call_slot(&mut out, slot, of);
                }
            },
            0xd2 => match target(r.u32()?) {
                Target::Direct(function) => {
                    out.push(op);
                    put_u32(&mut out, function);
                }
                Target::Slot(slot, _) | Target::After(_, slot, _) | Target::Via(_, slot) => {
                    // table.get
                    out.push(0x41);
                    put_i32(&mut out, slot as i32);
                    out.extend([0x25, 0]);
                }
            },
            _ => {
                skip(op, &mut r)?;
                out.extend_from_slice(&body[from..r.at]);
            }
        }
    }
    Ok(out)
}

/// Every number that may be an address: constants, and offsets of loads and stores.
pub fn numbers(body: &[u8]) -> Result<Vec<u32>> {
    let mut r = Reader { bytes: body, at: body_after_locals(body)? };
    let mut all = Vec::new();
    while !r.is_empty() {
        let op = r.u8()?;
        let mut look = Reader { bytes: body, at: r.at };
        match op {
            0x28..=0x3e => {
                look.u32()?;
                all.push(look.u32()?);
            }
            0x41 => all.push(look.signed()? as u32),
            // Two stores of 32 bits that the optimiser made one: an address and a length.
            0x42 => {
                let both = look.signed()?;
                all.extend([both as u32, (both >> 32) as u32]);
            }
            _ => {}
        }
        skip(op, &mut r)?;
    }
    Ok(all)
}

/// `call_indirect` of a slot of table 0.
fn call_slot(out: &mut Vec<u8>, slot: u32, of: u32) {
    out.push(0x41);
    put_i32(out, slot as i32);
    out.push(0x11);
    put_u32(out, of);
    out.push(0);
}

/// Reads past what follows an instruction's first byte.
pub fn skip(op: u8, r: &mut Reader) -> Result<()> {
    match op {
        // unreachable nop else end return drop select; comparisons and arithmetic; ref.is_null
        0x00 | 0x01 | 0x05 | 0x0b | 0x0f | 0x1a | 0x1b | 0x45..=0xc4 | 0xd1 => {}
        // block loop if: a type
        0x02..=0x04 => drop(r.signed()?),
        // br br_if; call; local and global; table.get and set; memory.size and grow; ref.func
        0x0c | 0x0d | 0x10 | 0xd2 | 0x20..=0x26 | 0x3f | 0x40 => drop(r.u32()?),
        0x0e => {
            for _ in 0..=r.u32()? {
                r.u32()?;
            }
        }
        // call_indirect; loads and stores
        0x11 | 0x28..=0x3e => {
            r.u32()?;
            r.u32()?;
        }
        0x1c => {
            for _ in 0..r.u32()? {
                r.u8()?;
            }
        }
        0x41 | 0x42 => drop(r.signed()?),
        0x43 => drop(r.take(4)?),
        0x44 => drop(r.take(8)?),
        // ref.null
        0xd0 => drop(r.u8()?),
        0xfc => match r.u32()? {
            0..=7 => {}
            // memory.copy, table.copy; memory.fill; table.grow, size and fill
            10 | 14 => {
                r.u32()?;
                r.u32()?;
            }
            11 | 15..=17 => drop(r.u32()?),
            other => return Err(format!("the unknown instruction 0xfc {other}")),
        },
        other => return Err(format!("the unknown instruction {other:#x}")),
    }
    Ok(())
}
