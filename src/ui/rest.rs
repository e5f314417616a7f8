//! The other half of the program. `cargo xtask dist` cuts it in two (docs/adr/0005-two-parts.md);
//! a page built without that is whole, and never asks.

use wasm_bindgen::prelude::*;

use crate::explain::{Lang, hand_over};

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
