//! Runs the program's `prepare` at build time and publishes the memory that it leaves behind: the lab
//! that a first visit opens is there before the program starts. docs/adr/0006-prepared-memory.md tells why.

use std::fs;
use std::path::Path;

use crate::cut::{read, write};
use crate::data;
use crate::sh::{Result, command, run};
use crate::wasm::{Data, Export, Kind, Module, Reader, put_u32};

/// The export that is run, and is gone afterwards.
const PREPARE: &str = "prepare";
/// Bytes of a page of memory.
const PAGE: u32 = 1 << 16;

/// `prepare.wasm` is run; what is then in its memory becomes `memory`. Nothing of a browser is there, and
/// global variables (the stack's pointer) have to be as before.
const SCRIPT: &str = "
    const fs = require('fs'), dir = process.argv[1], imports = {};
    const module = new WebAssembly.Module(fs.readFileSync(`${dir}/prepare.wasm`));
    for (const { module: from, name } of WebAssembly.Module.imports(module))
        (imports[from] ??= {})[name] = () => { throw new Error(`${name} was called before there is a page`); };
    const { exports } = new WebAssembly.Instance(module, imports);
    const globals = () => Object.keys(exports).filter((n) => n.startsWith('global ')).map((n) => `${exports[n].value}`).join();
    const before = globals();
    exports.prepare();
    if (globals() !== before) throw new Error('a global variable was changed');
    const memory = Object.values(exports).find((e) => e instanceof WebAssembly.Memory);
    fs.writeFileSync(`${dir}/memory`, Buffer.from(memory.buffer));
";

/// The program with the memory in which `prepare` has run. `place` is a folder for the files in between.
pub fn prepare(whole: &Module, place: &Path) -> Result<Module> {
    let mut module = whole.clone();
    let at = module
        .exports
        .iter()
        .position(|e| e.name == PREPARE && e.kind == Kind::Function)
        .ok_or_else(|| format!("the program does not export {PREPARE}"))?;

    let mut watched = module.clone();
    for i in 0..watched.globals.len() as u32 {
        watched.exports.push(Export { name: format!("global {i}"), kind: Kind::Global, index: i });
    }
    fs::create_dir_all(place).map_err(|e| format!("{}: {e}", place.display()))?;
    write(&place.join("prepare.wasm"), watched.write())?;
    run(command("node", &["-e", SCRIPT, &place.display().to_string()]))?;
    let mut memory = read(&place.join("memory"))?;

    // The stack lies before all data; what lies on it is over.
    let stack = stack_end(whole)?;
    if whole.data.iter().any(|d| d.offset < stack) {
        return Err("the stack does not lie before the data".into());
    }
    memory[..stack as usize].fill(0);
    let mut limits = vec![0];
    put_u32(&mut limits, memory.len() as u32 / PAGE);
    module.memories = vec![limits];
    let end = memory.len() as u32;
    let all = Data { offset: 0, bytes: memory };
    module.data = data::pieces(&all, 0..end, |at| all.bytes[at as usize] != 0);
    module.exports.remove(at);
    Ok(module)
}

/// The first value of the first global: linkers keep the stack's pointer there.
fn stack_end(module: &Module) -> Result<u32> {
    let global = module.globals.first().ok_or("no global variable")?;
    let mut init = Reader::new(&global.init);
    match (global.what, init.u8()?) {
        ([0x7f, 1], 0x41) => u32::try_from(init.signed()?).map_err(|_| "the stack begins nowhere".into()),
        _ => Err("the first global variable is no stack pointer".into()),
    }
}
