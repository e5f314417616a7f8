//! The other half of the program. `cargo xtask dist` cuts it in two (docs/adr/0005-two-parts.md);
//! a page built without that is whole, and never asks.

use std::cell::RefCell;

use wasm_bindgen::prelude::*;

use crate::app::App;
use crate::explain::{Lang, hand_over};
use crate::lab::Lab;
use crate::session::Session;

#[wasm_bindgen]
extern "C" {
    /// In www/boot.js: comes back when the rest is in its place, or throws.
    #[wasm_bindgen(js_name = netpierRest)]
    fn fetch_rest(first: &JsValue);

    /// In www/boot.js: the texts of a language, if they came as a file.
    #[wasm_bindgen(js_name = netpierTexts)]
    fn texts(tag: &str) -> Option<String>;
}

/// Hands over the texts that came as a file.
pub fn take_texts() {
    for lang in [Lang::En, Lang::Ko] {
        if let Some(file) = texts(lang.tag()) {
            hand_over(lang, file);
        }
    }
}

/// Fetches what a first visit does not run. Stubs of the first part call it; nothing else does.
#[wasm_bindgen]
pub fn need_rest() {
    fetch_rest(&wasm_bindgen::exports());
}

thread_local! {
    /// What [`prepare`] left.
    static HOME: RefCell<Option<Box<App>>> = const { RefCell::new(None) };
}

/// Opens `home` before there is a page. `cargo xtask dist` calls it and publishes the memory that it
/// leaves behind, so that a first visit sets nothing up (docs/adr/0006-prepared-memory.md). It calls
/// nothing of the browser's, and asks for no text, since none came yet. In a page built without that
/// nobody calls it.
#[wasm_bindgen]
pub fn prepare() {
    let Some((lab, session)) = boot() else { return };
    wipe();
    HOME.set(Some(App::opened(lab, session)));
    wipe();
}

/// Copies: they lie close together and keep no room for more.
fn boot() -> Option<(Lab, Session)> {
    let lab = Lab::builtin("home")?;
    let session = lab.boot().ok()?;
    Some((lab.clone(), session.clone()))
}

/// What was prepared, once.
pub fn prepared() -> Option<Box<App>> {
    HOME.take()
}

/// Puts zeros into memory that was freed: nobody shall download what is no longer there. It stays zero
/// because it is never used again.
fn wipe() {
    const PAGE: usize = 1 << 16;
    // What the allocator needs of each piece for itself.
    const OWN: usize = size_of::<usize>();
    let end = core::arch::wasm32::memory_size::<0>() * PAGE;
    // The largest holes first, down to the smallest that the allocator makes.
    for size in (0..=15).rev().map(|n| (16usize << n) - OWN) {
        loop {
            let zeros = std::hint::black_box(vec![0u8; size]);
            if zeros.as_ptr().addr() + size > end {
                break;
            }
            std::mem::forget(zeros);
        }
    }
}
