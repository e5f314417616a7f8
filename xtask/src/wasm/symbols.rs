//! What the linker knows of the data: which bytes are one object, and who points at it.
//!
//! Read from a program that was linked with `--emit-relocs`. Source: the tool conventions' Linking.md,
//! <https://github.com/WebAssembly/tool-conventions/blob/main/Linking.md>.

use std::collections::{BTreeMap, BTreeSet};

use super::Module;
use super::read::Reader;
use crate::sh::Result;

/// An object in the memory.
#[derive(Clone, Copy, Debug)]
pub struct Object {
    pub at: u32,
    pub size: u32,
}

/// All objects of the program's data.
#[derive(Debug, Default)]
pub struct Symbols {
    pub objects: Vec<Object>,
    /// Addresses as they stand in code, with the objects that they are meant for. They may lie outside:
    /// `TABLE[n - 97]` is an address before the table.
    pub meant: BTreeMap<u32, Vec<usize>>,
    /// For each object those that it points at.
    pub points: Vec<Vec<usize>>,
    /// For each object the slots of the table of functions that are written in it.
    pub slots: Vec<Vec<u32>>,
    /// The slots of the table of functions that are written in code.
    pub slots_in_code: BTreeSet<u32>,
    /// Where the read-only data lies.
    pub constant: std::ops::Range<u32>,
}

/// An entry of a relocation section: its kind, where it applies, the symbol, what is added.
struct Reloc {
    kind: u8,
    at: u32,
    symbol: usize,
    addend: i64,
}

/// Addresses in code, as the two forms of LEB128.
const IN_CODE: [u8; 2] = [3, 4];
/// An address in data.
const IN_DATA: u8 = 5;
/// A slot of the table of functions in code and in data.
const SLOT_IN_CODE: u8 = 1;
const SLOT_IN_DATA: u8 = 2;

impl Symbols {
    /// Reads them from the program as the linker wrote it.
    pub fn read(linked: &[u8]) -> Result<Self> {
        let module = Module::read(linked)?;
        let mut r = Reader::new(linked);
        r.take(8)?;
        let (mut table, mut code, mut data) = (Vec::new(), Vec::new(), Vec::new());
        let mut segments = Vec::new();
        let mut bodies: &[u8] = &[];
        let mut names = BTreeMap::new();
        while !r.is_empty() {
            let id = r.u8()?;
            let size = r.u32()? as usize;
            let mut s = Reader::new(r.take(size)?);
            match id {
                10 => bodies = s.bytes,
                11 => segments = segment_places(&mut s)?,
                0 => match s.name()?.as_str() {
                    "linking" => table = symbol_table(&mut s)?,
                    "reloc.CODE" => code = relocs(&mut s)?,
                    "reloc.DATA" => data = relocs(&mut s)?,
                    "name" => names = segment_names(&mut s)?,
                    _ => {}
                },
                _ => {}
            }
        }
        if table.is_empty() || code.is_empty() {
            return Err("the linker left no relocations".into());
        }
        let rodata = names
            .iter()
            .find(|(_, name)| *name == ".rodata")
            .and_then(|(i, _)| module.data.get(*i as usize))
            .ok_or("there is no .rodata")?;
        let mut all =
            Self { constant: rodata.offset..rodata.offset + rodata.bytes.len() as u32, ..Self::default() };
        // Symbols by their number; several may be one object.
        let mut numbers = Vec::new();
        for symbol in &table {
            numbers.push(symbol.map(|(segment, offset, size)| {
                let at = module.data.get(segment as usize).map_or(0, |d| d.offset) + offset;
                all.objects.push(Object { at, size });
                all.objects.len() - 1
            }));
        }
        all.points = vec![Vec::new(); all.objects.len()];
        for reloc in code.iter().filter(|r| IN_CODE.contains(&r.kind)) {
            if let Some(object) = numbers.get(reloc.symbol).copied().flatten() {
                let address = (i64::from(all.objects[object].at) + reloc.addend) as u32;
                let meant = all.meant.entry(address).or_default();
                if !meant.contains(&object) {
                    meant.push(object);
                }
            }
        }
        for reloc in code.iter().filter(|r| r.kind == SLOT_IN_CODE) {
            let slot = Reader { bytes: bodies, at: reloc.at as usize }.signed()?;
            all.slots_in_code.insert(slot as u32);
        }
        let mut order: Vec<usize> = (0..all.objects.len()).collect();
        order.sort_by_key(|i| all.objects[*i].at);
        all.slots = vec![Vec::new(); all.objects.len()];
        for reloc in data.iter().filter(|r| [IN_DATA, SLOT_IN_DATA].contains(&r.kind)) {
            let segment =
                segments.iter().rposition(|(from, _)| *from <= reloc.at).ok_or("a stray relocation")?;
            let into = (reloc.at - segments[segment].0) as usize;
            let at = module.data[segment].offset + into as u32;
            let to = numbers.get(reloc.symbol).copied().flatten();
            let word = module.data[segment].bytes.get(into..into + 4).ok_or("a stray relocation")?;
            for from in all.around(&order, at) {
                match to {
                    Some(to) if reloc.kind == IN_DATA => all.points[from].push(to),
                    None if reloc.kind == SLOT_IN_DATA => {
                        all.slots[from].push(u32::from_le_bytes([word[0], word[1], word[2], word[3]]));
                    }
                    _ => {}
                }
            }
        }
        Ok(all)
    }

    /// The objects in which an address lies; `order` has all objects by address.
    pub fn around(&self, order: &[usize], at: u32) -> Vec<usize> {
        let end = order.partition_point(|i| self.objects[*i].at <= at);
        // Objects do not overlap but for those that are one, or one the tail of another.
        let near = &order[end.saturating_sub(64)..end];
        near.iter().copied().filter(|i| at - self.objects[*i].at < self.objects[*i].size).collect()
    }
}

/// Where the bytes of each segment begin in the section of data, and how many they are.
fn segment_places(r: &mut Reader) -> Result<Vec<(u32, u32)>> {
    (0..r.u32()?)
        .map(|_| {
            r.u32()?;
            r.u8()?;
            r.signed()?;
            r.u8()?;
            let n = r.u32()?;
            let from = r.at as u32;
            r.take(n as usize)?;
            Ok((from, n))
        })
        .collect()
}

/// Per symbol: the segment, the offset in it and the size, if it is data that is defined here.
fn symbol_table(r: &mut Reader) -> Result<Vec<Option<(u32, u32, u32)>>> {
    const UNDEFINED: u32 = 0x10;
    const EXPLICIT_NAME: u32 = 0x40;
    r.u32()?;
    while !r.is_empty() {
        let id = r.u8()?;
        let size = r.u32()? as usize;
        let mut s = Reader::new(r.take(size)?);
        if id != 8 {
            continue;
        }
        let mut all = Vec::new();
        for _ in 0..s.u32()? {
            let kind = s.u8()?;
            let flags = s.u32()?;
            let mut data = None;
            match kind {
                1 => {
                    s.name()?;
                    if flags & UNDEFINED == 0 {
                        data = Some((s.u32()?, s.u32()?, s.u32()?));
                    }
                }
                3 => drop(s.u32()?),
                _ => {
                    s.u32()?;
                    if flags & UNDEFINED == 0 || flags & EXPLICIT_NAME != 0 {
                        s.name()?;
                    }
                }
            }
            all.push(data);
        }
        return Ok(all);
    }
    Ok(Vec::new())
}

fn relocs(r: &mut Reader) -> Result<Vec<Reloc>> {
    r.u32()?;
    (0..r.u32()?)
        .map(|_| {
            let (kind, at, symbol) = (r.u8()?, r.u32()?, r.u32()? as usize);
            let addend = if matches!(kind, 3..=5 | 8 | 9 | 11 | 14..=17 | 21..=23) { r.signed()? } else { 0 };
            Ok(Reloc { kind, at, symbol, addend })
        })
        .collect()
}

fn segment_names(r: &mut Reader) -> Result<BTreeMap<u32, String>> {
    let mut names = BTreeMap::new();
    while !r.is_empty() {
        let id = r.u8()?;
        let size = r.u32()? as usize;
        let mut s = Reader::new(r.take(size)?);
        if id == 9 {
            for _ in 0..s.u32()? {
                names.insert(s.u32()?, s.name()?);
            }
        }
    }
    Ok(names)
}
