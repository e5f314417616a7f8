//! What only a browser has.

use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;
use web_sys::{Document, Element, Window};

use crate::app::Theme;
use crate::app::gallery::Download;
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

/// The size that the picture will have, in pixels, asked of an empty page: so it is drawn once, and not once
/// more when its size is known. None on a small screen, where its neighbours say how high it is.
pub fn room() -> Option<(f64, f64)> {
    let large = window().match_media("(min-width: 761px)").ok().flatten()?;
    if !large.matches() {
        return None;
    }
    let new = |name: &str, class: &str| {
        let made = document().create_element(name).ok()?;
        made.set_class_name(class);
        Some(made)
    };
    let (page, canvas) = (new("div", "page")?, new("main", "canvas")?);
    page.append_child(&canvas).ok()?;
    let place = document().get_element_by_id("app")?;
    place.append_child(&page).ok()?;
    let rect = canvas.get_bounding_client_rect();
    page.remove();
    (rect.width() > 2.0 && rect.height() > 2.0).then(|| (rect.width(), rect.height()))
}

/// Texts kept across visits. Where storage is forbidden, nothing is kept, the reader is told, and
/// nothing breaks.
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
        Self::store().is_some_and(|s| s.set_item(key, value).is_ok())
    }
    fn remove(&mut self, key: &str) {
        if let Some(store) = Self::store() {
            let _ = store.remove_item(key);
        }
    }
}

/// What stands behind `#` in the page's address, with the `#`.
pub fn fragment() -> String {
    window().location().hash().unwrap_or_default()
}

/// Writes the fragment without a new entry in the browser's history.
pub fn set_fragment(fragment: &str) {
    let path = window().location().pathname().unwrap_or_default();
    let url = if fragment == "#" { path } else { fragment.to_owned() };
    if let Ok(history) = window().history() {
        // Refused for pages without an address of their own; then it stays as it is.
        let _ = history.replace_state_with_url(&wasm_bindgen::JsValue::NULL, "", Some(&url));
    }
}

/// Calls `f` when another tab has written to the storage.
pub fn on_storage(f: impl Fn() + 'static) {
    let wrote = Closure::<dyn Fn()>::new(f);
    let _ = window().add_event_listener_with_callback("storage", wrote.as_ref().unchecked_ref());
    wrote.forget();
}

/// Whether the browser asks before the page is left.
pub fn ask_before_leaving(ask: bool) {
    let Some(root) = document().document_element() else { return };
    // www/boot.js listens for it: a page with such a listener cannot be kept for "back".
    let _ = if ask { root.set_attribute("data-unsaved", "") } else { root.remove_attribute("data-unsaved") };
}

/// What ended the program, where www/broken.js finds it.
pub fn note_panic(words: &str) {
    if let Some(root) = web_sys::window().and_then(|w| w.document()).and_then(|d| d.document_element()) {
        let _ = root.set_attribute("data-panic", words);
    }
}

/// Fetches a text that lies beside the page.
///
/// # Errors
/// In words: the status, or the browser's own.
pub async fn fetch(path: &str) -> Result<String, String> {
    use wasm_bindgen_futures::JsFuture;
    let words = |_| format!("{path} cannot be loaded");
    let response = JsFuture::from(window().fetch_with_str(path)).await.map_err(words)?;
    let response: web_sys::Response = response.dyn_into().map_err(words)?;
    if !response.ok() {
        return Err(format!("{path}: {} {}", response.status(), response.status_text()));
    }
    let text = JsFuture::from(response.text().map_err(words)?).await.map_err(words)?;
    text.as_string().ok_or_else(|| words(text))
}

/// Calls `f` before the next frame.
pub fn next_frame(f: impl FnOnce(f64) + 'static) {
    let call = Closure::once_into_js(f);
    let _ = window().request_animation_frame(call.unchecked_ref());
}

/// Calls `f` in so many milliseconds.
pub fn after(ms: i32, f: impl FnOnce() + 'static) {
    let call = Closure::once_into_js(f);
    let _ = window().set_timeout_with_callback_and_timeout_and_arguments_0(call.unchecked_ref(), ms);
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

/// Are the keys in the picture?
pub fn in_picture(target: Option<web_sys::EventTarget>) -> bool {
    let element = target.and_then(|t| t.dyn_into::<Element>().ok());
    element.is_some_and(|e| e.closest("#canvas").ok().flatten().is_some())
}

/// Are the keys with nothing in particular?
pub fn is_nowhere(target: Option<web_sys::EventTarget>) -> bool {
    target.and_then(|t| t.dyn_into::<Element>().ok()).is_some_and(|e| e.tag_name() == "BODY")
}

/// Gives the keys to an element, be it HTML or SVG, without scrolling.
pub fn focus(element: &Element) {
    let focus = js_sys::Reflect::get(element, &"focus".into());
    if let Some(focus) = focus.ok().and_then(|f| f.dyn_into::<js_sys::Function>().ok()) {
        // An element that is gone already takes no keys.
        let _ = focus.call0(element);
    }
}

/// Hands a file to the reader.
pub fn download(file: &Download) {
    let bytes = js_sys::Uint8Array::from(file.bytes.as_slice());
    let bag = web_sys::BlobPropertyBag::new();
    bag.set_type(file.mime);
    let parts = js_sys::Array::of1(&bytes);
    let Ok(blob) = web_sys::Blob::new_with_u8_array_sequence_and_options(&parts, &bag) else { return };
    let Ok(url) = web_sys::Url::create_object_url_with_blob(&blob) else { return };
    let anchor =
        document().create_element("a").ok().and_then(|a| a.dyn_into::<web_sys::HtmlAnchorElement>().ok());
    if let Some(anchor) = anchor {
        anchor.set_href(&url);
        anchor.set_download(&file.name);
        anchor.click();
    }
    let _ = web_sys::Url::revoke_object_url(&url);
}

/// Largest file that is read: more than any lab may have.
const MAX_FILE: f64 = 4_000_000.0;

/// Reads a file as text, and then does `then` with its name and text; without text if it cannot be read.
pub fn read_file(file: &web_sys::File, then: impl FnOnce(String, Option<String>) + 'static) {
    let name = file.name();
    let reader = web_sys::FileReader::new().ok().filter(|_| file.size() <= MAX_FILE);
    let Some(reader) = reader else { return then(name, None) };
    let read = reader.clone();
    let done = Closure::once_into_js(move || {
        let text = read.result().ok().and_then(|t| t.as_string());
        then(name, text);
    });
    reader.set_onloadend(Some(done.unchecked_ref()));
    // It fails only for what is no file.
    let _ = reader.read_as_text(file);
}

/// The page's own address, without what stands behind `#`.
pub fn address() -> String {
    let href = window().location().href().unwrap_or_default();
    href.split('#').next().unwrap_or_default().to_owned()
}

/// Puts a text on the clipboard, and then does `done`. Where that is forbidden nothing happens: the
/// text stands in a field to copy from.
pub fn copy(text: &str, done: impl FnOnce() + 'static) {
    let promise = window().navigator().clipboard().write_text(text);
    wasm_bindgen_futures::spawn_local(async move {
        if wasm_bindgen_futures::JsFuture::from(promise).await.is_ok() {
            done();
        }
    });
}

/// Makes a picture of the canvas and hands it to the reader. `www/boot.js` loads the program for it:
/// where the browser has Trusted Types, no script's address may come from here.
pub fn picture(kind: &str, name: &str) {
    let make = js_sys::Reflect::get(&window(), &"netpierPicture".into());
    if let Some(make) = make.ok().and_then(|f| f.dyn_into::<js_sys::Function>().ok()) {
        // It answers with a promise; what goes wrong stands in the console.
        let _ = make.call2(&window(), &kind.into(), &name.into());
    }
}

/// Says something, JSON, to the page around this one. It holds nothing secret, so any page may read it.
pub fn tell_parent(json: &str) {
    let (Ok(Some(parent)), Ok(message)) = (window().parent(), js_sys::JSON::parse(json)) else { return };
    if parent != window() {
        // A page that is gone does not listen.
        let _ = parent.post_message(&message, "*");
    }
}

/// Does `f` with each word that the page around says: `{netpier: 1, do: WORD}`.
pub fn hear_parent(f: impl Fn(String) + 'static) {
    let heard = Closure::<dyn Fn(web_sys::MessageEvent)>::new(move |e: web_sys::MessageEvent| {
        let parent = window().parent().ok().flatten();
        let from = e.source().map(wasm_bindgen::JsValue::from);
        if from.is_none() || from != parent.map(wasm_bindgen::JsValue::from) {
            return;
        }
        let get = |key: &str| js_sys::Reflect::get(&e.data(), &key.into()).ok();
        if get("netpier").and_then(|v| v.as_f64()) != Some(1.0) {
            return;
        }
        let word = get("do").and_then(|w| w.as_string());
        if let Some(word) = word {
            f(word);
        }
    });
    // A page's own window always takes a listener; it lives as long as the page.
    let _ = window().add_event_listener_with_callback("message", heard.as_ref().unchecked_ref());
    heard.forget();
}

/// Does `f` whenever the fragment of the address changes.
pub fn on_fragment(f: impl Fn(String) + 'static) {
    let changed = Closure::<dyn Fn()>::new(move || f(fragment()));
    let _ = window().add_event_listener_with_callback("hashchange", changed.as_ref().unchecked_ref());
    changed.forget();
}
