//! A lesson's words with their little markup.

use yew::prelude::*;

use crate::app::Action;
use crate::app::course::Course;
use crate::lesson::{Inline, inline};
use crate::ui::Ctx;

/// Paints a text.
pub fn prose(ctx: &Ctx, text: &str) -> Html {
    inline(text)
        .into_iter()
        .map(|piece| match piece {
            Inline::Text(text) => html! { { text.to_owned() } },
            Inline::Code(text) => html! { <code>{ text.to_owned() }</code> },
            Inline::Strong(text) => html! { <strong>{ text.to_owned() }</strong> },
            Inline::Term(term, shown) => {
                let explain = ctx.on(Action::Course(Course::Term(Some(term.to_owned()))));
                html! { <button type="button" class="term" onclick={explain}>{ shown.to_owned() }</button> }
            }
        })
        .collect()
}
