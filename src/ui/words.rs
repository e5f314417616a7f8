//! Words that are explained where they stand: the text, marked with its term. www/words.js shows
//! the explanation, on hover, focus or long press.

use yew::prelude::*;

use super::Ctx;
use crate::app::words;

impl Ctx {
    /// A text of the interface; explained, where it is about a term.
    pub fn w(&self, key: &str) -> Html {
        match words::of_key(key) {
            Some(term) => word(term, self.t(key)),
            None => html! { { self.t(key) } },
        }
    }
    /// A field's label. The keys find its explanation at the field, so it is no stop of its own.
    pub fn label(&self, key: &str) -> Html {
        html! { <span class={words::of_key(key).map(|_| "word")} data-word={words::of_key(key)}>{ self.t(key) }</span> }
    }
}

/// A word with the term that explains it.
pub fn word(term: &'static str, shown: impl Into<AttrValue>) -> Html {
    html! { <span class="word" data-word={term} tabindex="0">{ shown.into() }</span> }
}

/// A word of tools, as a chain's name or a state; explained, if it is known.
pub fn token(shown: &str) -> Html {
    match words::of_token(shown) {
        Some(term) => word(term, shown.to_owned()),
        None => html! { { shown.to_owned() } },
    }
}

/// A rule with its explained tokens. What holds it takes the keys (`data-words`), not each token.
pub fn rule(text: &str) -> Html {
    let piece = |(text, term): (&str, Option<&'static str>)| match term {
        Some(term) => html! { <span class="token" data-word={term}>{ text.to_owned() }</span> },
        None => html! { { text.to_owned() } },
    };
    html! { <>{ for words::rule(text).into_iter().map(piece) }</> }
}
