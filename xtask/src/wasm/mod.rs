//! The WebAssembly binary format, as much of it as splitting the page's program needs.
//!
//! Source: <https://webassembly.github.io/spec/core/binary/>. What rustc, wasm-bindgen and wasm-opt do
//! not write today (threads, SIMD, garbage collection, exceptions) is refused by name and not guessed.

mod body;
mod code;
mod read;
mod symbols;
mod write;

pub use body::{Body, Ins, block_result, signature};
pub use code::{Target, numbers, rewrite};
pub use read::Reader;
pub use symbols::{Object, Symbols};
pub use write::{put_i32, put_u32};

use std::collections::BTreeMap;

/// What an import or export names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Function,
    Table,
    Memory,
    Global,
}

/// One import. `what` is its description as it is in the file, after the byte of its kind.
#[derive(Clone, Debug)]
pub struct Import {
    pub module: String,
    pub name: String,
    pub kind: Kind,
    pub what: Vec<u8>,
}

/// One export.
#[derive(Clone, Debug)]
pub struct Export {
    pub name: String,
    pub kind: Kind,
    pub index: u32,
}

/// An active segment of a table of functions: from `offset` on, these functions.
#[derive(Clone, Debug)]
pub struct Element {
    pub table: u32,
    pub offset: u32,
    pub functions: Vec<u32>,
}

/// An active segment of the memory.
#[derive(Clone, Debug)]
pub struct Data {
    pub offset: u32,
    pub bytes: Vec<u8>,
}

/// A global's type and its first value (an expression, with its `end`), as in the file.
#[derive(Clone, Debug)]
pub struct Global {
    pub what: [u8; 2],
    pub init: Vec<u8>,
}

/// A table: its type and limits.
#[derive(Clone, Debug)]
pub struct Table {
    pub of: u8,
    pub min: u32,
    pub max: Option<u32>,
}

/// A whole program. Indices of functions count the imported ones first.
#[derive(Clone, Debug, Default)]
pub struct Module {
    /// Types of functions, each as in the file.
    pub types: Vec<Vec<u8>>,
    pub imports: Vec<Import>,
    /// The type of each function that is defined here.
    pub functions: Vec<u32>,
    pub tables: Vec<Table>,
    /// Limits of the memories, as in the file.
    pub memories: Vec<Vec<u8>>,
    pub globals: Vec<Global>,
    pub exports: Vec<Export>,
    pub start: Option<u32>,
    pub elements: Vec<Element>,
    /// Functions that are named by `ref.func` alone.
    pub declared: Vec<u32>,
    /// The body of each function that is defined here: locals and instructions.
    pub code: Vec<Vec<u8>>,
    pub data: Vec<Data>,
    /// The name section's names of functions.
    pub names: BTreeMap<u32, String>,
}

impl Module {
    /// How many functions are imported.
    pub fn imported(&self) -> u32 {
        self.imports.iter().filter(|i| i.kind == Kind::Function).count() as u32
    }

    /// The types of all functions, the imported ones first.
    pub fn all_types(&self) -> Vec<u32> {
        (0..self.imported()).map(|f| self.type_of(f)).chain(self.functions.iter().copied()).collect()
    }

    /// The index of a function's type.
    pub fn type_of(&self, function: u32) -> u32 {
        let imported = self.imported();
        if function >= imported {
            return self.functions[(function - imported) as usize];
        }
        let mut functions = self.imports.iter().filter(|i| i.kind == Kind::Function);
        let import = functions.nth(function as usize).expect("an imported function's index");
        read::Reader::new(&import.what).u32().expect("an import was read before")
    }

    /// How many parameters a type has.
    pub fn parameters(&self, of: u32) -> u32 {
        read::Reader::new(&self.types[of as usize][1..]).u32().expect("a type was read before")
    }
}
