//! Whatever is said to have run, the parts together do what the whole did. Needs node to run programs;
//! without it, nothing is tried.

use std::fs;

use crate::live::Live;
use crate::outline::outline;
use crate::prepare::prepare;
use crate::sh::{command, output, root};
use crate::split::{self, NEED_REST};
use crate::wasm::{Body, Data, Element, Export, Global, Import, Kind, Module, Table};

/// Branches of every kind: a table, out of two frames, back in a loop, returns, values, two types.
#[rustfmt::skip]
const BODY: [u8; 117] = [
    2, 1, 0x7f, 1, 0x7e,                                   // x: i32 = 1, y: i64 = 2
    0x02, 0x40, 0x02, 0x40, 0x02, 0x40,                    // block exit, two, one
    0x20, 0, 0x41, 3, 0x71, 0x0e, 2, 0, 1, 2, 0x0b,        // a & 3: to one, two, else exit
    0x20, 0, 0x41, 7, 0x6a, 0x21, 1,                       // one: x = a + 7
    0x20, 1, 0x41, 20, 0x4a, 0x0d, 1,                      // x > 20: exit
    0x20, 0, 0xac, 0x42, 5, 0x7e, 0x21, 2,                 // y = a * 5
    0x20, 0, 0x41, 12, 0x46, 0x04, 0x40,                   // if a == 12
    0x41, 0x21, 0x0f, 0x0b,                                // return 33
    0x0c, 1, 0x0b,                                         // to exit
    0x03, 0x40,                                            // two: loop
    0x20, 1, 0x41, 3, 0x6a, 0x21, 1,                       // x += 3
    0x20, 2, 0x42, 2, 0x7c, 0x21, 2,                       // y += 2
    0x20, 1, 0x20, 0, 0x48, 0x0d, 0, 0x0b, 0x0b,           // while x < a
    0x20, 0, 0x41, 1, 0x71, 0x04, 0x7f,                    // if a is odd
    0x20, 1, 0x41, 0xe4, 0, 0x6a,                          // x + 100
    0x20, 0, 0x41, 9, 0x46, 0x04, 0x40,                    // and if a == 9
    0x20, 1, 0x10, 2, 0x0f, 0x0b,                          // return g(x)
    0x05, 0x20, 2, 0xa7, 0x10, 2, 0x0b, 0x0b,              // else g(y)
];

fn sample() -> Module {
    Module {
        types: vec![vec![0x60, 0, 0], vec![0x60, 1, 0x7f, 1, 0x7f]],
        imports: vec![Import { module: "p".into(), name: "r".into(), kind: Kind::Function, what: vec![0] }],
        functions: vec![1, 1, 0],
        tables: vec![Table { of: 0x70, min: 2, max: Some(2) }],
        memories: vec![vec![0, 1]],
        exports: vec![
            Export { name: "f".into(), kind: Kind::Function, index: 1 },
            Export { name: NEED_REST.into(), kind: Kind::Function, index: 3 },
        ],
        elements: vec![Element { table: 0, offset: 1, functions: vec![2] }],
        code: vec![
            BODY.to_vec(),
            // g: twice as much, by what lies in memory
            vec![0, 0x20, 0, 0x41, 0, 0x28, 2, 8, 0x6c, 0x0b],
            vec![0, 0x10, 0, 0x0b],
        ],
        data: vec![Data { offset: 8, bytes: vec![2, 0, 0, 0] }],
        ..Module::default()
    }
}

/// Runs `parts.json`: in every pair the first file alone with its rest on demand, beside the whole.
const SCRIPT: &str = "
    const fs = require('fs'), dir = process.argv[1];
    const load = (n, imports) => new WebAssembly.Instance(new WebAssembly.Module(fs.readFileSync(`${dir}/${n}`)), imports);
    const whole = load('whole', { p: { r() {} } }).exports.f;
    let wrong = 0, asked = 0;
    for (let i = 0; fs.existsSync(`${dir}/${i}.first`); i++) {
        for (let a = -3; a < 30; a++) {
            const first = load(`${i}.first`, { p: { r() { asked++; load(`${i}.rest`, { a: first }); } } }).exports;
            const both = [first.f(a), first.f(a)];
            if (both.some((x) => x !== whole(a))) { wrong++; console.log(i, a, both, whole(a)); }
        }
    }
    console.log(wrong ? 'wrong' : asked ? 'right' : 'the rest was never asked for');
";

#[test]
fn the_parts_do_what_the_whole_does_whatever_ran() {
    if output("node", &["--version"]).is_none() {
        return;
    }
    let whole = sample();
    let blocks = split::coverage(&whole, &[1; 64]).expect("a sound program")[0].len();
    let dir = root().join("target/cut-test");
    let _ = fs::remove_dir_all(&dir);
    fs::create_dir_all(&dir).expect("target/ can be written");
    fs::write(dir.join("whole"), whole.write()).expect("written");
    let mut chance = 1u64;
    for i in 0..150u32 {
        // The first try: nothing but the beginning ran.
        let mut ran: Vec<Vec<bool>> = vec![vec![false; blocks], vec![i % 2 == 0], vec![false]];
        for (n, ran) in ran[0].iter_mut().enumerate() {
            chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            *ran = n == 0 || (i > 0 && chance >> 40 & 1 == 1);
        }
        let (outlined, _) = outline(&whole, &ran).expect("outlined");
        let parts = split::split(&outlined, |f| f == 1 || (f == 2 && i % 2 == 0), |_| true).expect("split");
        fs::write(dir.join(format!("{i}.first")), parts.first.write()).expect("written");
        fs::write(dir.join(format!("{i}.rest")), parts.rest.write()).expect("written");
    }
    let out = command("node", &["-e", SCRIPT, &dir.display().to_string()]).output().expect("node runs");
    let said = format!("{}{}", String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr));
    assert_eq!(said.trim(), "right");
}

#[test]
fn what_prepare_leaves_in_memory_is_published_but_for_the_stack() {
    if output("node", &["--version"]).is_none() {
        return;
    }
    let module = Module {
        types: vec![vec![0x60, 0, 0]],
        functions: vec![0],
        memories: vec![vec![0, 1]],
        // The stack's pointer: 1024.
        globals: vec![Global { what: [0x7f, 1], init: vec![0x41, 0x80, 8, 0x0b] }],
        exports: vec![
            Export { name: "memory".into(), kind: Kind::Memory, index: 0 },
            Export { name: "prepare".into(), kind: Kind::Function, index: 0 },
        ],
        // 7 to 2048 and to 512, one more page
        code: vec![vec![
            0, 0x41, 0x80, 0x10, 0x41, 7, 0x36, 2, 0, 0x41, 0x80, 4, 0x41, 7, 0x36, 2, 0, 0x41, 1, 0x40, 0,
            0x1a, 0x0b,
        ]],
        data: vec![Data { offset: 1024, bytes: vec![5] }],
        ..Module::default()
    };
    let prepared = prepare(&module, &root().join("target/prepare-test")).expect("it runs");
    let data: Vec<_> = prepared.data.iter().map(|d| (d.offset, d.bytes.clone())).collect();
    assert_eq!(data, [(1024, vec![5]), (2048, vec![7])]);
    assert_eq!(prepared.memories, [vec![0, 2]]);
    assert_eq!(prepared.exports.iter().map(|e| e.name.as_str()).collect::<Vec<_>>(), ["memory"]);
}

#[test]
fn a_variable_is_live_where_it_is_read_later_before_it_is_written() {
    let sample = sample();
    let body = Body::of(&sample, &sample.all_types(), 0).expect("sound").expect("followed");
    let live = Live::of(&body, &sample.code[0]).expect("sound");
    let at =
        |from: usize| body.ins.iter().position(|ins| ins.from == from).expect("an instruction begins there");
    // Each with the offset of an instruction: the beginning; `y = a * 5`; the loop; the second use of a.
    let all = |ins: usize| [0, 1, 2].map(|x| live.has(ins, x));
    assert_eq!(all(0), [true, true, true]);
    let store = body.ins.iter().position(|ins| ins.op == 0xac).expect("a * 5 begins") - 1;
    assert_eq!(all(store), [true, true, false], "y is written next");
    assert_eq!(all(at(BODY.len() - 1)), [false; 3]);
    let looped = body.ins.iter().position(|ins| ins.op == 0x03).expect("a loop");
    assert_eq!(all(looped), [true, true, true]);
}

#[test]
fn a_program_is_written_as_it_was_read() {
    let bytes = sample().write();
    assert_eq!(Module::read(&bytes).expect("it is sound").write(), bytes);
}
