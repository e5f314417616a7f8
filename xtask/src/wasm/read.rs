//! From bytes to a [`Module`].

use super::{Data, Element, Export, Global, Import, Kind, Module, Table};
use crate::sh::Result;

/// Reads bytes from front to back.
pub struct Reader<'a> {
    pub bytes: &'a [u8],
    pub at: usize,
}

impl<'a> Reader<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    pub fn is_empty(&self) -> bool {
        self.at >= self.bytes.len()
    }

    pub fn u8(&mut self) -> Result<u8> {
        let byte = *self.bytes.get(self.at).ok_or("the program ends in the middle of something")?;
        self.at += 1;
        Ok(byte)
    }

    /// An unsigned LEB128.
    pub fn u32(&mut self) -> Result<u32> {
        let mut value = 0u64;
        for shift in (0..35).step_by(7) {
            let byte = self.u8()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return u32::try_from(value).map_err(|_| "a number is over 32 bits".into());
            }
        }
        Err("a number is over 32 bits".into())
    }

    /// A signed LEB128 of up to 64 bits.
    pub fn signed(&mut self) -> Result<i64> {
        let mut value = 0i64;
        for shift in (0..70).step_by(7) {
            let byte = self.u8()?;
            if shift < 64 {
                value |= i64::from(byte & 0x7f) << shift;
            }
            if byte & 0x80 == 0 {
                if byte & 0x40 != 0 && shift + 7 < 64 {
                    value |= -1i64 << (shift + 7);
                }
                return Ok(value);
            }
        }
        Err("a number is over 64 bits".into())
    }

    pub fn take(&mut self, n: usize) -> Result<&'a [u8]> {
        let some =
            self.bytes.get(self.at..self.at + n).ok_or("the program ends in the middle of something")?;
        self.at += n;
        Ok(some)
    }

    pub fn name(&mut self) -> Result<String> {
        let n = self.u32()? as usize;
        String::from_utf8(self.take(n)?.to_vec()).map_err(|_| "a name is no UTF-8".into())
    }

    fn kind(&mut self) -> Result<Kind> {
        Ok(match self.u8()? {
            0 => Kind::Function,
            1 => Kind::Table,
            2 => Kind::Memory,
            3 => Kind::Global,
            other => return Err(format!("an import or export of the unknown kind {other}")),
        })
    }

    fn limits(&mut self) -> Result<(u32, Option<u32>)> {
        match self.u8()? {
            0 => Ok((self.u32()?, None)),
            1 => Ok((self.u32()?, Some(self.u32()?))),
            other => Err(format!("limits of the unknown kind {other}")),
        }
    }

    /// `i32.const n end`: where a segment begins.
    fn offset(&mut self) -> Result<u32> {
        if self.u8()? != 0x41 {
            return Err("a segment begins at something other than a constant".into());
        }
        let at = self.signed()? as u32;
        if self.u8()? != 0x0b { Err("a segment's offset is more than a constant".into()) } else { Ok(at) }
    }

    fn vec<T>(&mut self, mut one: impl FnMut(&mut Self) -> Result<T>) -> Result<Vec<T>> {
        let n = self.u32()?;
        (0..n).map(|_| one(self)).collect()
    }
}

impl Module {
    /// Reads a program.
    pub fn read(bytes: &[u8]) -> Result<Self> {
        let mut r = Reader::new(bytes);
        if r.take(8)? != b"\0asm\x01\0\0\0" {
            return Err("this is no WebAssembly program of version 1".into());
        }
        let mut module = Self::default();
        while !r.is_empty() {
            let id = r.u8()?;
            let size = r.u32()? as usize;
            let mut section = Reader::new(r.take(size)?);
            module.section(id, &mut section)?;
            if id != 0 && !section.is_empty() {
                return Err(format!("section {id} is longer than what it holds"));
            }
        }
        if module.functions.len() != module.code.len() {
            return Err("there are not as many bodies as functions".into());
        }
        Ok(module)
    }

    fn section(&mut self, id: u8, r: &mut Reader) -> Result<()> {
        match id {
            0 => {
                if r.name()? == "name" {
                    self.name_section(r)?;
                }
            }
            1 => self.types = r.vec(function_type)?,
            2 => self.imports = r.vec(import)?,
            3 => self.functions = r.vec(Reader::u32)?,
            4 => {
                self.tables = r.vec(|r| {
                    let of = r.u8()?;
                    let (min, max) = r.limits()?;
                    Ok(Table { of, min, max })
                })?;
            }
            5 => {
                self.memories = r.vec(|r| {
                    let from = r.at;
                    r.limits()?;
                    Ok(r.bytes[from..r.at].to_vec())
                })?;
            }
            6 => self.globals = r.vec(global)?,
            7 => {
                self.exports = r.vec(|r| Ok(Export { name: r.name()?, kind: r.kind()?, index: r.u32()? }))?;
            }
            8 => self.start = Some(r.u32()?),
            9 => {
                for _ in 0..r.u32()? {
                    self.element(r)?;
                }
            }
            10 => {
                self.code = r.vec(|r| {
                    let n = r.u32()? as usize;
                    Ok(r.take(n)?.to_vec())
                })?;
            }
            11 => {
                self.data = r.vec(|r| {
                    if r.u32()? != 0 {
                        return Err("a passive segment of data".into());
                    }
                    let offset = r.offset()?;
                    let n = r.u32()? as usize;
                    Ok(Data { offset, bytes: r.take(n)?.to_vec() })
                })?;
            }
            // How many segments of data there are; written anew when needed.
            12 => drop(r.u32()?),
            other => return Err(format!("the unknown section {other}")),
        }
        Ok(())
    }

    fn element(&mut self, r: &mut Reader) -> Result<()> {
        let flags = r.u32()?;
        let (table, offset) = match flags {
            0 => (0, Some(r.offset()?)),
            2 => (r.u32()?, Some(r.offset()?)),
            3 => (0, None),
            other => return Err(format!("a segment of a table of the unknown form {other}")),
        };
        if flags != 0 && r.u8()? != 0 {
            return Err("a segment of a table of something other than functions".into());
        }
        let functions = r.vec(Reader::u32)?;
        match offset {
            Some(offset) => self.elements.push(Element { table, offset, functions }),
            None => self.declared.extend(functions),
        }
        Ok(())
    }

    /// Names are a convenience: only those of functions are kept.
    fn name_section(&mut self, r: &mut Reader) -> Result<()> {
        while !r.is_empty() {
            let id = r.u8()?;
            let size = r.u32()? as usize;
            let mut names = Reader::new(r.take(size)?);
            if id == 1 {
                self.names = names.vec(|r| Ok((r.u32()?, r.name()?)))?.into_iter().collect();
            }
        }
        Ok(())
    }
}

fn function_type(r: &mut Reader) -> Result<Vec<u8>> {
    let from = r.at;
    if r.u8()? != 0x60 {
        return Err("a type that is not a function's".into());
    }
    for _ in 0..2 {
        r.vec(|r| match r.u8()? {
            0x7c..=0x7f | 0x6f | 0x70 => Ok(()),
            other => Err(format!("a value of the unknown type {other:#x}")),
        })?;
    }
    Ok(r.bytes[from..r.at].to_vec())
}

fn import(r: &mut Reader) -> Result<Import> {
    let (module, name, kind) = (r.name()?, r.name()?, r.kind()?);
    let from = r.at;
    match kind {
        Kind::Function => drop(r.u32()?),
        Kind::Table => {
            r.u8()?;
            r.limits()?;
        }
        Kind::Memory => drop(r.limits()?),
        Kind::Global => drop(r.take(2)?),
    }
    Ok(Import { module, name, kind, what: r.bytes[from..r.at].to_vec() })
}

fn global(r: &mut Reader) -> Result<Global> {
    let what = [r.u8()?, r.u8()?];
    let from = r.at;
    match r.u8()? {
        0x41 | 0x42 => drop(r.signed()?),
        0x43 => drop(r.take(4)?),
        0x44 => drop(r.take(8)?),
        0xd0 => drop(r.u8()?),
        other => return Err(format!("a global begins with the unknown instruction {other:#x}")),
    }
    if r.u8()? != 0x0b {
        return Err("a global's first value is more than a constant".into());
    }
    Ok(Global { what, init: r.bytes[from..r.at].to_vec() })
}
