//! What only a browser has.

use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;
use web_sys::{Document, Element, Window};

use crate::app::Theme;
use crate::app::store::Storage;
use crate::explain::Lang;

pub fn window() -> Window {
    web_sys::window().expect("a page has a window")
}

pub fn document() -> Document {
    window().document().expect("a window has a document")
}

/// Milliseconds on the reader's clock.
pub fn now() -> f64 {
    window().performance().map_or(0.0, |p| p.now())
}

/// What the browser says of language and theme.
pub fn system() -> (Lang, Theme) {
    let lang = window().navigator().language().map_or(Lang::En, |tag| Lang::from_tag(&tag));
    let dark = window().match_media("(prefers-color-scheme: dark)").ok().flatten();
    (lang, if dark.is_some_and(|m| m.matches()) { Theme::Dark } else { Theme::Light })
}

/// Marks the document's language and theme, which the style sheets read.
pub fn mark(lang: Lang, theme: Theme) {
    let Some(root) = document().document_element() else { return };
    let theme = if theme == Theme::Dark { "dark" } else { "light" };
    // Attributes of the root can always be set.
    let _ = root.set_attribute("lang", lang.tag());
    let _ = root.set_attribute("data-theme", theme);
}

/// Texts kept across visits. Where storage is forbidden, nothing is kept and nothing breaks.
pub struct LocalStorage;

impl LocalStorage {
    fn store() -> Option<web_sys::Storage> {
        window().local_storage().ok().flatten()
    }
}

impl Storage for LocalStorage {
    fn get(&self, key: &str) -> Option<String> {
        Self::store()?.get_item(key).ok().flatten()
    }
    fn set(&mut self, key: &str, value: &str) -> bool {
        Self::store().is_none_or(|s| s.set_item(key, value).is_ok())
    }
    fn remove(&mut self, key: &str) {
        if let Some(store) = Self::store() {
            let _ = store.remove_item(key);
        }
    }
}

/// Calls `f` before the next frame.
pub fn next_frame(f: impl FnOnce(f64) + 'static) {
    let call = Closure::once_into_js(f);
    let _ = window().request_animation_frame(call.unchecked_ref());
}

/// Where a pointer is within the canvas, in pixels.
pub fn in_canvas(x: i32, y: i32) -> (f64, f64) {
    let rect = document().get_element_by_id("canvas").map(|e: Element| e.get_bounding_client_rect());
    let (left, top) = rect.map_or((0.0, 0.0), |r| (r.left(), r.top()));
    (f64::from(x) - left, f64::from(y) - top)
}

/// Is somebody writing there? Then keys are letters.
pub fn is_writing(target: Option<web_sys::EventTarget>) -> bool {
    let element = target.and_then(|t| t.dyn_into::<Element>().ok());
    element.is_some_and(|e| matches!(e.tag_name().as_str(), "INPUT" | "TEXTAREA" | "SELECT"))
}
