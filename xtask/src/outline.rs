//! Moves what never ran out of functions that did: a run of whole statements becomes a function of
//! its own, which [`crate::split`] then puts into the rest.
//!
//! The new function gets the local variables that the run reads as parameters. It says how it was
//! left (at its end, to a label around it, by a return) as a number, if there is more than one way;
//! variables that are read later and a value that is carried travel in globals made for that, or as
//! its result when there is just one. Nothing else happens between that and their reading.

use std::collections::BTreeMap;

use crate::live::Live;
use crate::sh::Result;
use crate::wasm::{Body, Global, Ins, Module, block_result, put_i32, put_u32};

/// Bytes that a run has to save for being worth it: a slot and a type come with it.
const WORTH: usize = 2;
/// How many values of a type can travel in globals.
const TRAVELLERS: usize = 16;
/// The types of numbers: i32, i64, f32, f64.
const NUMBERS: [u8; 4] = [0x7f, 0x7e, 0x7d, 0x7c];

/// How a run is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Exit {
    /// At its end.
    End,
    /// To the label of the frame that is this many frames inside the function's own.
    Frame(usize),
    Return,
}

/// The program with what never ran in functions of its own, and the indices of those.
///
/// `ran` has for each function that is defined here one flag for each of its basic blocks.
pub fn outline(whole: &Module, ran: &[Vec<bool>]) -> Result<(Module, Vec<u32>)> {
    let mut work = Work::new(whole.clone());
    let first = whole.imported() + whole.functions.len() as u32;
    for (i, ran) in ran.iter().enumerate() {
        // What never began moves as a whole.
        if !ran[0] || !ran.contains(&false) {
            continue;
        }
        let Some(body) = Body::of(whole, &work.types, i)? else { continue };
        if body.blocks != ran.len() {
            return Err(format!("function {i} has {} basic blocks, not {}", body.blocks, ran.len()));
        }
        work.function(i, &body, ran)?;
    }
    let last = whole.imported() + work.module.functions.len() as u32;
    Ok((work.module, (first..last).collect()))
}

struct Work {
    module: Module,
    /// Types of the functions of the program as it was.
    types: Vec<u32>,
    imported: u32,
    by_type: BTreeMap<Vec<u8>, u32>,
    /// The first global of each type of number: its value that is carried, then variables.
    globals: [u32; 4],
}

impl Work {
    fn new(mut module: Module) -> Self {
        let by_type = module.types.iter().enumerate().map(|(i, t)| (t.clone(), i as u32)).collect();
        let globals = NUMBERS.map(|of| {
            let first = module.globals.len() as u32;
            let zero: &[u8] = match of {
                0x7f => &[0x41, 0, 0x0b],
                0x7e => &[0x42, 0, 0x0b],
                0x7d => &[0x43, 0, 0, 0, 0, 0x0b],
                _ => &[0x44, 0, 0, 0, 0, 0, 0, 0, 0, 0x0b],
            };
            for _ in 0..=TRAVELLERS {
                module.globals.push(Global { what: [of, 1], init: zero.to_vec() });
            }
            first
        });
        Self { types: module.all_types(), imported: module.imported(), by_type, globals, module }
    }

    fn global(&self, of: u8, n: usize) -> Option<u32> {
        let at = NUMBERS.iter().position(|t| *t == of)?;
        (n <= TRAVELLERS).then(|| self.globals[at] + n as u32)
    }

    fn type_index(&mut self, parameters: &[u8], result: Option<u8>) -> u32 {
        let mut of = vec![0x60];
        put_u32(&mut of, parameters.len() as u32);
        of.extend_from_slice(parameters);
        of.push(u8::from(result.is_some()));
        of.extend(result);
        let next = self.module.types.len() as u32;
        *self.by_type.entry(of.clone()).or_insert_with(|| {
            self.module.types.push(of);
            next
        })
    }

    /// Rewrites one function.
    fn function(&mut self, i: usize, body: &Body, ran: &[bool]) -> Result {
        let bytes = self.module.code[i].clone();
        let mut out: Vec<u8> = Vec::with_capacity(bytes.len());
        let live = Live::of(body, &bytes)?;
        let mut labelled = vec![body.result];
        // For each frame the instruction to which its label leads; the function's leads out.
        let mut targets = vec![usize::MAX];
        let mut spare = false;
        let mut at = 0;
        let begin = body.ins[0].from;
        while at < body.ins.len() {
            let ins = body.ins[at];
            if !ran[ins.block] && ins.alive && ins.height == 0 && !matches!(ins.op, 0x05 | 0x0b) {
                let to = reach(body, ran, at);
                if to > at
                    && let Some(call) =
                        self.run(body, &bytes, at, to, (&labelled, &targets, &live), &mut spare)?
                {
                    out.extend(call);
                    at = to;
                    continue;
                }
            }
            match ins.op {
                // The label of a loop takes nothing.
                0x03 => {
                    labelled.push(None);
                    targets.push(at);
                }
                0x02 | 0x04 => {
                    labelled.push(block_result(ins.n).unwrap_or(None));
                    targets.push(ins.end);
                }
                0x0b => {
                    labelled.pop();
                    targets.pop();
                }
                _ => {}
            }
            out.extend_from_slice(&bytes[ins.from..ins.to]);
            at += 1;
        }
        let mut head = bytes[..begin].to_vec();
        if spare {
            head = with_spare(&bytes[..begin])?;
        }
        head.extend(out);
        self.module.code[i] = head;
        Ok(())
    }

    /// Moves the run `from..to` of instructions into a new function if that is worth it, and returns
    /// what stands in its place.
    fn run(
        &mut self,
        body: &Body,
        bytes: &[u8],
        from: usize,
        to: usize,
        (labelled, targets, live): (&[Option<u8>], &[usize], &Live),
        spare: &mut bool,
    ) -> Result<Option<Vec<u8>>> {
        let ins = &body.ins[from..to];
        let size = body.ins[to].from - ins[0].from;
        if size < 8 {
            return Ok(None);
        }
        let depth = ins[0].depth;
        let falls = body.ins[to].alive;
        let end_value = if falls && body.ins[to].height > 0 { labelled[depth - 1] } else { None };
        if falls && body.ins[to].height > usize::from(end_value.is_some()) {
            return Ok(None);
        }
        let mut exits: Vec<Exit> = Vec::new();
        if falls {
            exits.push(Exit::End);
        }
        for one in ins {
            for exit in leaves(one, bytes, depth)? {
                if !exits.contains(&exit) {
                    exits.push(exit);
                }
            }
        }
        let value = |exit: Exit| match exit {
            Exit::End => end_value,
            Exit::Frame(n) => labelled[n],
            Exit::Return => body.result,
        };
        let after: Vec<usize> = exits
            .iter()
            .filter_map(|exit| match exit {
                Exit::End => Some(to),
                Exit::Frame(n) => Some(targets[*n]),
                Exit::Return => None,
            })
            .collect();
        let Locals { parameters, back } = locals(body, from, to, bytes, (live, &after))?;

        // What travels back, and how.
        let carried = exits.iter().filter(|e| value(**e).is_some()).count() + back.len();
        let direct = exits.len() == 1 && carried == 1;
        let result = match (exits.len(), direct) {
            (2.., _) => Some(0x7f),
            (1, true) => value(exits[0]).or_else(|| back.first().map(|x| body.locals[*x])),
            _ => None,
        };
        let mut counts: BTreeMap<u8, usize> = BTreeMap::new();
        let mut travel = Vec::new();
        if !direct {
            for x in &back {
                let of = body.locals[*x];
                let n = counts.entry(of).or_default();
                *n += 1;
                let Some(global) = self.global(of, *n) else { return Ok(None) };
                travel.push((*x, global));
            }
            if exits.iter().filter_map(|e| value(*e)).any(|of| self.global(of, 0).is_none()) {
                return Ok(None);
            }
        }

        // What stands in its place.
        let function = self.imported + self.module.functions.len() as u32;
        let mut call = Vec::new();
        for x in &parameters {
            call.push(0x20);
            put_u32(&mut call, *x as u32);
        }
        call.push(0x10);
        put_u32(&mut call, function);
        if direct && value(exits[0]).is_none() {
            call.push(0x21);
            put_u32(&mut call, back[0] as u32);
        }
        for (x, global) in &travel {
            call.push(0x23);
            put_u32(&mut call, *global);
            call.push(0x21);
            put_u32(&mut call, *x as u32);
        }
        let fetch = |out: &mut Vec<u8>, exit: Exit| {
            if !direct && let Some(global) = value(exit).and_then(|of| self.global(of, 0)) {
                out.push(0x23);
                put_u32(out, global);
            }
        };
        let go = |out: &mut Vec<u8>, exit: Exit, deeper: usize| {
            fetch(out, exit);
            match exit {
                Exit::End => {}
                Exit::Frame(n) => {
                    out.push(0x0c);
                    put_u32(out, (depth - 1 - n + deeper) as u32);
                }
                Exit::Return => out.push(0x0f),
            }
        };
        let many = exits.len() > 2;
        if many {
            *spare = true;
            call.push(0x21);
            put_u32(&mut call, body.locals.len() as u32);
        }
        for (code, exit) in exits.iter().enumerate().skip(1) {
            if many {
                call.push(0x20);
                put_u32(&mut call, body.locals.len() as u32);
                call.push(0x41);
                put_i32(&mut call, code as i32);
                call.push(0x46);
            }
            match exit {
                Exit::Frame(n) if value(*exit).is_none() => {
                    call.push(0x0d);
                    put_u32(&mut call, (depth - 1 - n) as u32);
                }
                _ => {
                    call.extend([0x04, 0x40]);
                    go(&mut call, *exit, 1);
                    call.push(0x0b);
                }
            }
        }
        match exits.first() {
            Some(exit) => go(&mut call, *exit, 0),
            None => call.push(0x00),
        }
        if size < call.len() + WORTH {
            return Ok(None);
        }

        // The function.
        let order: Vec<usize> = parameters.iter().copied().chain(written_else(ins, &parameters)).collect();
        let index: BTreeMap<usize, u32> = order.iter().enumerate().map(|(i, x)| (*x, i as u32)).collect();
        let mut new = Vec::new();
        put_locals(&mut new, order[parameters.len()..].iter().map(|x| body.locals[*x]));
        for exit in exits.iter().rev() {
            new.push(0x02);
            new.push(value(*exit).unwrap_or(0x40));
        }
        for one in ins {
            moved(&mut new, one, bytes, depth, &exits, &index)?;
        }
        if !falls {
            new.push(0x00);
        }
        for (code, exit) in exits.iter().enumerate() {
            new.push(0x0b);
            if !direct && let Some(global) = value(*exit).and_then(|of| self.global(of, 0)) {
                new.push(0x24);
                put_u32(&mut new, global);
            }
            for (x, global) in &travel {
                new.push(0x20);
                put_u32(&mut new, index[x]);
                new.push(0x24);
                put_u32(&mut new, *global);
            }
            if direct && value(*exit).is_none() {
                new.push(0x20);
                put_u32(&mut new, index[&back[0]]);
            }
            if exits.len() > 1 {
                new.push(0x41);
                put_i32(&mut new, code as i32);
                new.push(0x0f);
            }
        }
        if exits.len() > 1 {
            // Every way out has returned.
            new.push(0x00);
        }
        new.push(0x0b);
        let types: Vec<u8> = parameters.iter().map(|x| body.locals[*x]).collect();
        let of = self.type_index(&types, result);
        self.module.functions.push(of);
        self.module.code.push(new);
        Ok(Some(call))
    }
}

/// The end of the longest run that begins at `from`: whole statements of one frame that never ran.
fn reach(body: &Body, ran: &[bool], from: usize) -> usize {
    let depth = body.ins[from].depth;
    let (mut at, mut good) = (from, from);
    while at < body.ins.len() {
        let ins = body.ins[at];
        if ins.depth == depth && matches!(ins.op, 0x05 | 0x0b) {
            // The frame's end: with its result on the stack, or out of reach.
            return at;
        }
        if ins.alive && ran[ins.block] {
            return good;
        }
        if ins.depth == depth && ins.alive && ins.height == 0 {
            good = at;
        }
        at = if matches!(ins.op, 0x02..=0x04) {
            // Within it nothing ran either, since it was never begun.
            ins.end + 1
        } else {
            at + 1
        };
    }
    good
}

/// Where a branch with this label goes from `inside` frames within the run; `None`: it stays within.
fn exit_of(label: usize, one: &Ins, depth: usize) -> Option<Exit> {
    let inside = one.depth - depth;
    let out = label.checked_sub(inside)?;
    Some(if out == depth - 1 { Exit::Return } else { Exit::Frame(depth - 1 - out) })
}

/// The labels of a `br_table`.
pub fn labels(one: &Ins, bytes: &[u8]) -> Result<Vec<usize>> {
    let mut r = crate::wasm::Reader { bytes, at: one.from + 1 };
    (0..=r.u32()?).map(|_| Ok(r.u32()? as usize)).collect()
}

/// The ways out of a run that an instruction has.
fn leaves(one: &Ins, bytes: &[u8], depth: usize) -> Result<Vec<Exit>> {
    Ok(match one.op {
        0x0c | 0x0d => exit_of(one.n as usize, one, depth).into_iter().collect(),
        0x0e => labels(one, bytes)?.into_iter().filter_map(|l| exit_of(l, one, depth)).collect(),
        0x0f => vec![Exit::Return],
        _ => Vec::new(),
    })
}

/// An instruction of the run as the new function has it.
fn moved(
    out: &mut Vec<u8>,
    one: &Ins,
    bytes: &[u8],
    depth: usize,
    exits: &[Exit],
    index: &BTreeMap<usize, u32>,
) -> Result {
    let inside = one.depth - depth;
    let label = |label: usize| match exit_of(label, one, depth) {
        None => label as u32,
        Some(exit) => (inside + exits.iter().position(|e| *e == exit).expect("it was collected")) as u32,
    };
    match one.op {
        0x0c | 0x0d => {
            out.push(one.op);
            put_u32(out, label(one.n as usize));
        }
        0x0e => {
            let all = labels(one, bytes)?;
            out.push(one.op);
            put_u32(out, all.len() as u32 - 1);
            all.into_iter().for_each(|l| put_u32(out, label(l)));
        }
        0x0f => {
            out.push(0x0c);
            let at = exits.iter().position(|e| *e == Exit::Return).expect("it was collected");
            put_u32(out, (inside + at) as u32);
        }
        0x20..=0x22 => {
            out.push(one.op);
            put_u32(out, index[&(one.n as usize)]);
        }
        _ => out.extend_from_slice(&bytes[one.from..one.to]),
    }
    Ok(())
}

struct Locals {
    /// Variables that the run is handed, in the order of their types.
    parameters: Vec<usize>,
    /// Variables that it hands back.
    back: Vec<usize>,
}

/// `after`: the instructions where the function may go on behind the run.
fn locals(
    body: &Body,
    from: usize,
    to: usize,
    bytes: &[u8],
    (live, after): (&Live, &[usize]),
) -> Result<Locals> {
    let run = &body.ins[from..to];
    let depth = run[0].depth;
    let n = body.locals.len();
    let (mut written, mut sure) = (vec![false; n], vec![false; n]);
    // A variable that the run always writes before it is read or the run is left has no past.
    let mut left = false;
    let mut past = vec![false; n];
    for one in run {
        let x = one.n as usize;
        match one.op {
            0x20 => past[x] |= !sure[x],
            0x21 | 0x22 => {
                written[x] = true;
                sure[x] |= one.depth == depth && !left;
            }
            _ => left |= !leaves(one, bytes, depth)?.is_empty(),
        }
    }
    let back: Vec<usize> =
        (0..n).filter(|x| written[*x] && after.iter().any(|at| live.has(*at, *x))).collect();
    let mut parameters: Vec<usize> =
        (0..n).filter(|x| live.has(from, *x) && (past[*x] || (back.contains(x) && !sure[*x]))).collect();
    parameters.sort_by_key(|x| (std::cmp::Reverse(body.locals[*x]), *x));
    Ok(Locals { parameters, back })
}

/// Variables of the run that are no parameters.
fn written_else(run: &[Ins], parameters: &[usize]) -> Vec<usize> {
    let mut all: Vec<usize> = run
        .iter()
        .filter(|one| matches!(one.op, 0x20..=0x22))
        .map(|one| one.n as usize)
        .filter(|x| !parameters.contains(x))
        .collect();
    all.sort_unstable();
    all.dedup();
    all
}

fn put_locals(out: &mut Vec<u8>, types: impl Iterator<Item = u8>) {
    let mut groups: Vec<(u32, u8)> = Vec::new();
    for of in types {
        match groups.last_mut() {
            Some((n, last)) if *last == of => *n += 1,
            _ => groups.push((1, of)),
        }
    }
    put_u32(out, groups.len() as u32);
    for (n, of) in groups {
        put_u32(out, n);
        out.push(of);
    }
}

/// The declaration of local variables with one more i32.
fn with_spare(head: &[u8]) -> Result<Vec<u8>> {
    let mut r = crate::wasm::Reader::new(head);
    let n = r.u32()?;
    let mut out = Vec::new();
    put_u32(&mut out, n + 1);
    out.extend_from_slice(&head[r.at..]);
    out.extend([1, 0x7f]);
    Ok(out)
}
