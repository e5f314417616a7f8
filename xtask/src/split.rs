//! Cuts the page's program in two: what a first visit runs, and the rest.
//!
//! Functions move; memory, tables and globals stay with the first part, which exports them. Every
//! call from one part into the other goes through a slot of the table of functions. In the first part
//! a slot of the rest holds a *stub*: it asks for the rest (`need_rest`, which comes back when the
//! rest is there) and calls through its own slot again. Instantiating the rest writes its functions
//! into their slots, over the stubs. docs/adr/0005-two-parts.md tells why.

use std::collections::{BTreeMap, BTreeSet};

use crate::sh::Result;
use crate::wasm::{Body, Element, Export, Global, Import, Kind, Module, Table, Target};
use crate::wasm::{put_i32, put_u32, rewrite, signature};

/// The export of the first part that fetches the rest, and calls nothing of it.
pub const NEED_REST: &str = "need_rest";

/// The two parts of a program.
pub struct Parts {
    pub first: Module,
    pub rest: Module,
    /// The functions of the first part, by their indices in the whole, in the order that they have there.
    pub order: Vec<u32>,
}

/// Every function that a body names.
fn named(body: &[u8]) -> Result<BTreeSet<u32>> {
    let mut all = BTreeSet::new();
    rewrite(body, |f| {
        all.insert(f);
        Target::Direct(f)
    })?;
    Ok(all)
}

/// Cuts it. `first` says of a function that is defined here whether it belongs to the first part, `asked`
/// of a slot of the table of functions whether the first part may call it before the rest is there.
pub fn split(whole: &Module, first: impl Fn(u32) -> bool, asked: impl Fn(u32) -> bool) -> Result<Parts> {
    let imported = whole.imported();
    let defined = whole.functions.len() as u32;
    let body = |f: u32| &whole.code[(f - imported) as usize];
    let need = whole
        .exports
        .iter()
        .find(|e| e.name == NEED_REST && e.kind == Kind::Function)
        .ok_or_else(|| format!("the program does not export {NEED_REST}"))?
        .index;

    // Who stays. What fetches the rest stays whatever is said, with all that it calls.
    let mut stays: BTreeSet<u32> = (imported..imported + defined).filter(|f| first(*f)).collect();
    let mut todo = vec![need];
    let mut seen = BTreeSet::new();
    while let Some(f) = todo.pop() {
        if f >= imported && seen.insert(f) {
            todo.extend(named(body(f))?);
        }
    }
    stays.extend(seen);
    stays.extend(whole.start);
    let home = stays.clone();
    let here = |f: u32| f < imported || home.contains(&f);

    // Slots that exist, and new ones for what the parts call of each other.
    let [elements] = &whole.elements[..] else {
        return Err("the table of functions has not exactly one segment".into());
    };
    let mut slots: BTreeMap<u32, u32> = BTreeMap::new();
    for (i, f) in elements.functions.iter().enumerate() {
        slots.entry(*f).or_insert(elements.offset + i as u32);
    }
    let with_slots = elements.functions.iter().enumerate().map(|(i, f)| (elements.offset + i as u32, *f));
    let mut stubbed: BTreeSet<u32> =
        with_slots.filter(|(slot, f)| !here(*f) && asked(*slot)).map(|(_, f)| f).collect();
    let mut shared = BTreeSet::new();
    let mut called: BTreeMap<u32, usize> = BTreeMap::new();
    for f in imported..imported + defined {
        let at_home = here(f);
        rewrite(body(f), |other| {
            match (at_home, here(other)) {
                (true, false) => *called.entry(other).or_default() += 1,
                (false, true) => drop(shared.insert(other)),
                _ => {}
            }
            Target::Direct(other)
        })?;
    }
    // What is called in one place only needs no stub: the place does what a stub does.
    stubbed.extend(called.iter().filter(|(_, n)| **n > 1).map(|(f, _)| *f));
    let exported = whole.exports.iter().filter(|e| e.kind == Kind::Function).map(|e| e.index);
    stubbed.extend(exported.filter(|f| !here(*f)));
    let mut table = elements.functions.clone();
    for f in stubbed.iter().chain(&shared) {
        slots.entry(*f).or_insert_with(|| {
            table.push(*f);
            elements.offset + table.len() as u32 - 1
        });
    }
    // The slot of `need_rest`, until the rest puts an empty function there.
    let door = elements.offset + table.len() as u32;
    table.push(need);
    let filled = table.len();
    let bare: Vec<u32> = called.into_keys().filter(|f| !stubbed.contains(f)).collect();
    for f in &bare {
        slots.insert(*f, elements.offset + table.len() as u32);
        table.push(*f);
    }

    // The first part: imports, its own functions, `ensure`, stubs.
    let mut index: BTreeMap<u32, u32> = (0..imported).map(|f| (f, f)).collect();
    let stays = alike_together(stays.iter().map(|f| (*f, &body(*f)[..])).collect());
    for f in &stays {
        index.insert(*f, index.len() as u32);
    }
    let ensure = index.len() as u32;
    for f in &stubbed {
        index.insert(*f, index.len() as u32 + 1);
    }
    // How the rest is called as a type: by `ensure` and the slot, or, where that happens more than once,
    // by one function for all slots of the type.
    let mut uses: BTreeMap<u32, usize> = BTreeMap::new();
    for f in stubbed.iter().chain(&bare) {
        *uses.entry(whole.type_of(*f)).or_default() += 1;
    }
    let mut types = whole.types.clone();
    let mut via: BTreeMap<u32, u32> = BTreeMap::new();
    let mut bridges = Vec::new();
    for of in uses.into_iter().filter(|(_, n)| *n > 2).map(|(of, _)| of) {
        via.insert(of, ensure + 1 + stubbed.len() as u32 + bridges.len() as u32);
        bridges.push((of, with_slot(&mut types, of)));
    }
    let reach = |f: u32| {
        let of = whole.type_of(f);
        match via.get(&of) {
            Some(bridge) => Target::Via(*bridge, slots[&f]),
            None => Target::After(ensure, slots[&f], of),
        }
    };
    let plain = whole
        .types
        .iter()
        .position(|t| t[..] == [0x60, 0, 0])
        .ok_or("no function without parameters and results")? as u32;
    let mut one = Module {
        types,
        imports: whole.imports.clone(),
        memories: whole.memories.clone(),
        globals: whole.globals.clone(),
        data: whole.data.clone(),
        start: whole.start.map(|f| index[&f]),
        declared: whole.declared.iter().filter(|f| here(**f)).map(|f| index[f]).collect(),
        ..Module::default()
    };
    for f in &stays {
        one.functions.push(whole.type_of(*f));
        one.code.push(rewrite(body(*f), |g| match index.get(&g) {
            Some(g) => Target::Direct(*g),
            None => reach(g),
        })?);
    }
    one.functions.push(plain);
    one.code.push(rewrite(&CALLS, |_| Target::Slot(door, plain))?);
    for f in &stubbed {
        let of = whole.type_of(*f);
        one.functions.push(of);
        one.code.push(rewrite(&forwards(whole.parameters(of)), |_| reach(*f))?);
    }
    for (of, with_slot) in bridges {
        one.functions.push(with_slot);
        one.code.push(bridge(ensure, of, whole.parameters(of)));
    }
    one.exports = whole.exports.clone();
    for export in &mut one.exports {
        if export.kind == Kind::Function {
            export.index = index[&export.index];
        }
    }
    let size = elements.offset + table.len() as u32;
    one.tables = whole.tables.clone();
    let of_functions = one.tables.get_mut(elements.table as usize).ok_or("the table is imported")?;
    *of_functions = Table { of: of_functions.of, min: size, max: of_functions.max.map(|_| size) };
    one.elements = vec![Element {
        table: elements.table,
        offset: elements.offset,
        // Anything in the slots that nobody asks for.
        functions: table[..filled].iter().map(|f| *index.get(f).unwrap_or(&index[&need])).collect(),
    }];

    let mut two = Module { types: whole.types.clone(), ..Module::default() };
    hand_over(whole, &mut one, &mut two)?;
    let moved: Vec<u32> = (imported..imported + defined).filter(|f| !here(*f)).collect();
    let at: BTreeMap<u32, u32> = moved.iter().enumerate().map(|(i, f)| (*f, i as u32)).collect();
    for f in &moved {
        two.functions.push(whole.type_of(*f));
        two.code.push(rewrite(body(*f), |g| match at.get(&g) {
            Some(g) => Target::Direct(*g),
            None => Target::Slot(slots[&g], whole.type_of(g)),
        })?);
    }
    // What is behind the door from now on: nothing.
    let nothing = two.functions.len() as u32;
    two.functions.push(plain);
    two.code.push(vec![0, 0x0b]);
    let mut run: Option<Element> = None;
    for (i, f) in table.iter().enumerate() {
        let slot = elements.offset + i as u32;
        let moved = if slot == door { Some(nothing) } else { at.get(f).copied() };
        match (moved, &mut run) {
            (Some(f), Some(run)) => run.functions.push(f),
            (Some(f), None) => {
                run = Some(Element { table: elements.table, offset: slot, functions: vec![f] })
            }
            (None, _) => two.elements.extend(run.take()),
        }
    }
    two.elements.extend(run);
    two.declared = whole.declared.iter().filter_map(|f| at.get(f).copied()).collect();
    Ok(Parts { first: one, rest: two, order: stays })
}

/// An order in which functions that look alike are neighbours, since what compresses the file looks
/// back over 32 kB only: always the one next that shares most with the last.
fn alike_together(bodies: Vec<(u32, &[u8])>) -> Vec<u32> {
    const LETTERS: usize = 5;
    /// What more bodies than this have in common says nothing of them.
    const COMMON: usize = 60;
    let words: Vec<BTreeSet<&[u8]>> = bodies.iter().map(|(_, b)| b.windows(LETTERS).collect()).collect();
    let mut where_is: BTreeMap<&[u8], Vec<usize>> = BTreeMap::new();
    for (i, words) in words.iter().enumerate() {
        for word in words {
            where_is.entry(word).or_default().push(i);
        }
    }
    let mut left: BTreeSet<usize> = (0..bodies.len()).collect();
    // Those that are left, the longest first, for when nothing is alike.
    let mut by_length: Vec<usize> = (0..bodies.len()).collect();
    by_length.sort_by_key(|i| (bodies[*i].1.len(), *i));
    let mut order = Vec::new();
    let mut shared = vec![0usize; bodies.len()];
    while let Some(mut at) = by_length.pop() {
        while left.remove(&at) {
            order.push(bodies[at].0);
            let mut touched = Vec::new();
            for others in words[at].iter().filter_map(|w| where_is.get(w)).filter(|o| o.len() < COMMON) {
                for other in others.iter().filter(|o| left.contains(o)) {
                    if shared[*other] == 0 {
                        touched.push(*other);
                    }
                    shared[*other] += 1;
                }
            }
            let likeness =
                |i: usize| shared[i] * 1000 / (words[i].len() + words[at].len() - shared[i]).max(1);
            let next = touched.iter().copied().max_by_key(|i| (likeness(*i), std::cmp::Reverse(*i)));
            touched.into_iter().for_each(|i| shared[i] = 0);
            match next {
                Some(next) => at = next,
                None => break,
            }
        }
    }
    order
}

/// A body that calls some function.
const CALLS: [u8; 4] = [0, 0x10, 0, 0x0b];

/// A body that calls some function with its own parameters.
fn forwards(parameters: u32) -> Vec<u8> {
    let mut body = vec![0];
    put_parameters(&mut body, parameters);
    body.extend([0x10, 0, 0x0b]);
    body
}

/// A body that calls the slot in its last parameter with its other parameters, once the rest is there.
fn bridge(ensure: u32, of: u32, parameters: u32) -> Vec<u8> {
    let mut body = vec![0, 0x10];
    put_u32(&mut body, ensure);
    put_parameters(&mut body, parameters + 1);
    body.push(0x11);
    put_u32(&mut body, of);
    body.extend([0, 0x0b]);
    body
}

fn put_parameters(body: &mut Vec<u8>, n: u32) {
    for i in 0..n {
        body.push(0x20);
        put_u32(body, i);
    }
}

/// The type with one more parameter, an i32, at its end.
fn with_slot(types: &mut Vec<Vec<u8>>, of: u32) -> u32 {
    let (parameters, results) = signature(&types[of as usize]);
    let longer: Vec<u8> =
        [&[0x60, parameters.len() as u8 + 1], parameters, &[0x7f, results.len() as u8], results].concat();
    let at = types.iter().position(|t| *t == longer).unwrap_or_else(|| {
        types.push(longer);
        types.len() - 1
    });
    at as u32
}

/// Memory, tables and globals: exports of the first part, imports of the second, in the same order.
fn hand_over(whole: &Module, one: &mut Module, two: &mut Module) -> Result {
    if whole.imports.iter().any(|i| i.kind != Kind::Function) {
        return Err("the program imports more than functions".into());
    }
    let mut give = |kind: Kind, index: u32, what: Vec<u8>| {
        let letter = match kind {
            Kind::Table => 't',
            Kind::Memory => 'm',
            _ => 'g',
        };
        let name = format!("{letter}{index}");
        one.exports.push(Export { name: name.clone(), kind, index });
        two.imports.push(Import { module: "a".into(), name, kind, what });
    };
    for (i, memory) in whole.memories.iter().enumerate() {
        give(Kind::Memory, i as u32, memory.clone());
    }
    for (i, table) in whole.tables.iter().enumerate() {
        // Any size will do.
        give(Kind::Table, i as u32, vec![table.of, 0, 0]);
    }
    for (i, Global { what, .. }) in whole.globals.iter().enumerate() {
        give(Kind::Global, i as u32, what.to_vec());
    }
    Ok(())
}

/// The program with a byte of memory for every basic block, which is 1 once the block ran; and where
/// those bytes begin. They lie behind the memory that the program had, where nothing else looks.
pub fn instrument(whole: &Module) -> Result<(Module, u32)> {
    let mut module = whole.clone();
    let [memory] = &mut module.memories[..] else { return Err("not exactly one memory".into()) };
    let (&limits, size) = memory.split_first().ok_or("a memory without limits")?;
    if limits != 0 {
        return Err("the memory has a largest size".into());
    }
    let pages = crate::wasm::Reader::new(size).u32()?;
    let base = pages << 16;
    let mut next = base;
    for body in &mut module.code {
        let starts = Body::starts(body)?;
        let mut counted = body[..starts[0]].to_vec();
        for (i, from) in starts.iter().enumerate() {
            counted.push(0x41);
            put_i32(&mut counted, next as i32);
            counted.extend([0x41, 1, 0x3a, 0, 0]);
            counted.extend_from_slice(&body[*from..starts.get(i + 1).copied().unwrap_or(body.len())]);
            next += 1;
        }
        *body = counted;
    }
    let mut larger = vec![0];
    put_u32(&mut larger, pages + ((next - base) >> 16) + 1);
    module.memories = vec![larger];
    Ok((module, base))
}

/// What [`instrument`]'s bytes say, function by function, block by block.
pub fn coverage(whole: &Module, bytes: &[u8]) -> Result<Vec<Vec<bool>>> {
    let mut rest = bytes;
    let mut all = Vec::with_capacity(whole.code.len());
    for body in &whole.code {
        let n = Body::starts(body)?.len();
        let some = rest.get(..n).ok_or("the record of what ran is of another program")?;
        all.push(some.iter().map(|b| *b != 0).collect());
        rest = &rest[n..];
    }
    Ok(all)
}
