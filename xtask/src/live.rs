//! Which local variables of a function are *live* where: read later, on some way, before they are written.

use crate::outline::labels;
use crate::sh::Result;
use crate::wasm::Body;

/// The live variables before each instruction of a body.
pub struct Live {
    /// Words of 64 variables for each instruction.
    words: usize,
    bits: Vec<u64>,
}

impl Live {
    /// Follows all ways through the function backwards until nothing changes.
    pub fn of(body: &Body, bytes: &[u8]) -> Result<Self> {
        let n = body.ins.len();
        let words = body.locals.len().div_ceil(64).max(1);
        let jumps = jumps(body, bytes)?;
        let mut live = Self { words, bits: vec![0; n * words] };
        let mut now = vec![0; words];
        let mut changed = true;
        while changed {
            changed = false;
            for i in (0..n).rev() {
                let ins = &body.ins[i];
                now.fill(0);
                // Behind `unreachable`, `else`, `br`, `br_table` and `return` control does not simply go on.
                let falls = !matches!(ins.op, 0x00 | 0x05 | 0x0c | 0x0e | 0x0f);
                let next = (falls && i + 1 < n).then_some(i + 1);
                for to in next.into_iter().chain(jumps[i].iter().copied()) {
                    now.iter_mut().zip(&live.bits[to * words..]).for_each(|(a, b)| *a |= b);
                }
                if let 0x20..=0x22 = ins.op {
                    let (word, bit) = (ins.n as usize / 64, 1 << (ins.n % 64));
                    if ins.op == 0x20 { now[word] |= bit } else { now[word] &= !bit }
                }
                let there = &mut live.bits[i * words..(i + 1) * words];
                if *there != now[..] {
                    there.copy_from_slice(&now);
                    changed = true;
                }
            }
        }
        Ok(live)
    }

    /// Is the variable live before the instruction?
    pub fn has(&self, ins: usize, variable: usize) -> bool {
        self.bits[ins * self.words + variable / 64] >> (variable % 64) & 1 == 1
    }
}

/// Where control may go from each instruction, other than to the next. A way out of the function is none.
fn jumps(body: &Body, bytes: &[u8]) -> Result<Vec<Vec<usize>>> {
    let mut jumps = vec![Vec::new(); body.ins.len()];
    let mut open: Vec<usize> = Vec::new();
    for (i, ins) in body.ins.iter().enumerate() {
        let target = |label: usize| {
            let opener = *open.get(open.len().checked_sub(label + 1)?)?;
            Some(if body.ins[opener].op == 0x03 { opener } else { body.ins[opener].end })
        };
        match ins.op {
            0x02..=0x04 => {
                open.push(i);
                if ins.op == 0x04 {
                    jumps[i].push(ins.end);
                }
            }
            0x05 => {
                let opener = *open.last().ok_or("else without if")?;
                jumps[opener] = vec![i + 1];
                jumps[i].push(body.ins[opener].end);
            }
            0x0b => drop(open.pop()),
            0x0c | 0x0d => jumps[i].extend(target(ins.n as usize)),
            0x0e => jumps[i].extend(labels(ins, bytes)?.into_iter().filter_map(target)),
            _ => {}
        }
    }
    Ok(jumps)
}
