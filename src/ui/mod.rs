//! The page: Yew components that paint [`crate::app`] and turn events into its actions.
//!
//! Strict content policy: no `style` attribute anywhere; what has to be placed by numbers is SVG,
//! or set through the CSSOM.
#![allow(clippy::disallowed_types)] // Rc is how Yew shares properties; nothing here is simulated

mod browser;
mod canvas;
mod changed;
mod course;
mod dialogs;
mod docker;
mod embed;
mod firewall;
mod header;
mod icons;
mod inspector;
mod packets;
mod palette;
mod rest;
mod root;
mod share;
mod start;
mod terminal;
mod timeline;
mod toasts;
mod why;
mod words;

use std::ops::Deref;
use std::rc::Rc;

use yew::prelude::*;

use crate::app::Action;
use crate::explain::{Lang, text};

/// Starts the page.
pub fn run() {
    std::panic::set_hook(Box::new(|info| browser::note_panic(&info.to_string())));
    rest::take_texts();
    let Some(place) = browser::document().get_element_by_id("app") else { return };
    place.set_text_content(None);
    yew::Renderer::<root::Root>::with_root(place).render();
}

/// What every component needs: the language, and where actions go.
#[derive(Clone, PartialEq)]
struct Ctx {
    lang: Lang,
    act: Callback<Action>,
    /// The page is a guest on another page: wheel and keys are not its own.
    embed: bool,
}

impl Ctx {
    /// A text of the interface.
    fn t(&self, key: &str) -> AttrValue {
        text(self.lang, key, &[]).into()
    }
    /// A text with values filled in.
    fn tv(&self, key: &str, args: &[(&str, &str)]) -> AttrValue {
        text(self.lang, key, args).into()
    }
    /// A callback that does `action`, whatever the event.
    fn on<E: 'static>(&self, action: Action) -> Callback<E> {
        let act = self.act.clone();
        Callback::from(move |_| act.emit(action.clone()))
    }
}

#[hook]
fn use_ctx() -> Ctx {
    use_context::<Ctx>().expect("the root provides it")
}

/// Something shared that is equal only to itself: cheap to compare.
struct Shared<T>(Rc<T>);

impl<T> Shared<T> {
    fn new(value: T) -> Self {
        Self(Rc::new(value))
    }
}
impl<T> Clone for Shared<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}
impl<T> PartialEq for Shared<T> {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }
}
impl<T> Deref for Shared<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.0
    }
}
