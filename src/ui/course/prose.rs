//! A lesson's words with their little markup.

use yew::prelude::*;

use crate::lesson::{Inline, inline};

/// Paints a text.
pub fn prose(text: &str) -> Html {
    prose_with(text, |_| None)
}

/// Paints a text; what stands in it as code may become something else.
pub fn prose_with(text: &str, code: impl Fn(&str) -> Option<Html>) -> Html {
    let piece = |piece: Inline<'_>| match piece {
        Inline::Text(text) => html! { { text.to_owned() } },
        Inline::Code(text) => code(text).unwrap_or_else(|| html! { <code>{ text.to_owned() }</code> }),
        Inline::Strong(text) => html! { <strong>{ text.to_owned() }</strong> },
        Inline::Term(term, shown) => {
            html! { <button type="button" class="term" data-word={term.to_lowercase()}>{ shown.to_owned() }</button> }
        }
    };
    inline(text).into_iter().map(piece).collect()
}
