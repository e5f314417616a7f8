//! From a [`Module`] to bytes. Names are not written.

use super::{Kind, Module};

/// An unsigned LEB128.
pub fn put_u32(out: &mut Vec<u8>, mut value: u32) {
    loop {
        let byte = (value & 0x7f) as u8;
        value >>= 7;
        if value == 0 {
            return out.push(byte);
        }
        out.push(byte | 0x80);
    }
}

/// A signed LEB128.
pub fn put_i32(out: &mut Vec<u8>, mut value: i32) {
    loop {
        let byte = (value & 0x7f) as u8;
        value >>= 7;
        if (value == 0 && byte & 0x40 == 0) || (value == -1 && byte & 0x40 != 0) {
            return out.push(byte);
        }
        out.push(byte | 0x80);
    }
}

fn put_name(out: &mut Vec<u8>, name: &str) {
    put_u32(out, name.len() as u32);
    out.extend_from_slice(name.as_bytes());
}

fn put_kind(out: &mut Vec<u8>, kind: Kind) {
    out.push(match kind {
        Kind::Function => 0,
        Kind::Table => 1,
        Kind::Memory => 2,
        Kind::Global => 3,
    });
}

fn put_offset(out: &mut Vec<u8>, at: u32) {
    out.push(0x41);
    put_i32(out, at as i32);
    out.push(0x0b);
}

/// A section of `items`, unless there are none.
fn section<T>(out: &mut Vec<u8>, id: u8, items: &[T], mut one: impl FnMut(&mut Vec<u8>, &T)) {
    if items.is_empty() {
        return;
    }
    let mut body = Vec::new();
    put_u32(&mut body, items.len() as u32);
    items.iter().for_each(|item| one(&mut body, item));
    out.push(id);
    put_u32(out, body.len() as u32);
    out.extend(body);
}

impl Module {
    /// The program as bytes.
    pub fn write(&self) -> Vec<u8> {
        let mut out = b"\0asm\x01\0\0\0".to_vec();
        section(&mut out, 1, &self.types, |o, t| o.extend_from_slice(t));
        section(&mut out, 2, &self.imports, |o, i| {
            put_name(o, &i.module);
            put_name(o, &i.name);
            put_kind(o, i.kind);
            o.extend_from_slice(&i.what);
        });
        section(&mut out, 3, &self.functions, |o, t| put_u32(o, *t));
        section(&mut out, 4, &self.tables, |o, t| {
            o.push(t.of);
            o.push(u8::from(t.max.is_some()));
            put_u32(o, t.min);
            if let Some(max) = t.max {
                put_u32(o, max);
            }
        });
        section(&mut out, 5, &self.memories, |o, m| o.extend_from_slice(m));
        section(&mut out, 6, &self.globals, |o, g| {
            o.extend_from_slice(&g.what);
            o.extend_from_slice(&g.init);
        });
        section(&mut out, 7, &self.exports, |o, e| {
            put_name(o, &e.name);
            put_kind(o, e.kind);
            put_u32(o, e.index);
        });
        if let Some(start) = self.start {
            let mut body = Vec::new();
            put_u32(&mut body, start);
            out.push(8);
            put_u32(&mut out, body.len() as u32);
            out.extend(body);
        }
        self.write_elements(&mut out);
        section(&mut out, 10, &self.code, |o, body| {
            put_u32(o, body.len() as u32);
            o.extend_from_slice(body);
        });
        section(&mut out, 11, &self.data, |o, d| {
            o.push(0);
            put_offset(o, d.offset);
            put_u32(o, d.bytes.len() as u32);
            o.extend_from_slice(&d.bytes);
        });
        out
    }

    fn write_elements(&self, out: &mut Vec<u8>) {
        enum Segment<'a> {
            Active(&'a super::Element),
            Declared(&'a [u32]),
        }
        let mut all: Vec<Segment> = self.elements.iter().map(Segment::Active).collect();
        if !self.declared.is_empty() {
            all.push(Segment::Declared(&self.declared));
        }
        section(out, 9, &all, |o, segment| {
            let functions = match segment {
                Segment::Active(e) if e.table == 0 => {
                    o.push(0);
                    put_offset(o, e.offset);
                    &e.functions
                }
                Segment::Active(e) => {
                    o.push(2);
                    put_u32(o, e.table);
                    put_offset(o, e.offset);
                    o.push(0);
                    &e.functions
                }
                Segment::Declared(functions) => {
                    o.extend([3, 0]);
                    *functions
                }
            };
            put_u32(o, functions.len() as u32);
            functions.iter().for_each(|f| put_u32(o, *f));
        });
    }
}
