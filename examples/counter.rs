//! The smallest Yew page: a button that counts. `cargo xtask start` measures netpier's start beside it.
//! Natively it does nothing.

fn main() {
    #[cfg(target_arch = "wasm32")]
    page::run();
}

#[cfg(target_arch = "wasm32")]
mod page {
    use yew::prelude::*;

    #[component]
    fn Counter() -> Html {
        let n = use_state(|| 0);
        let more = {
            let n = n.clone();
            move |_| n.set(*n + 1)
        };
        html! { <button data-test="first-play" onclick={more}>{ *n }</button> }
    }

    pub fn run() {
        yew::Renderer::<Counter>::new().render();
    }
}
