//! The parts that forms are made of.

use web_sys::{HtmlInputElement, HtmlSelectElement};
use yew::prelude::*;

use super::problem;
use crate::app::settings::{Wrong, wrong_with};
use crate::app::{Action, Dialog};
use crate::ui::{Ctx, icons::icon};

/// A form under a person's hands: how it becomes a dialog again, and what is wrong with it.
pub struct Sheet<'a, F: 'static> {
    pub ctx: &'a Ctx,
    pub form: &'a F,
    pub wrap: fn(F) -> Dialog,
    pub wrong: Vec<Wrong>,
}

impl<F: Clone + 'static> Sheet<'_, F> {
    fn emit<E: 'static>(&self, change: impl Fn(&mut F, &E) -> Option<()> + 'static) -> Callback<E> {
        let (act, form, wrap) = (self.ctx.act.clone(), self.form.clone(), self.wrap);
        Callback::from(move |e: E| {
            let mut form = form.clone();
            if change(&mut form, &e).is_some() {
                act.emit(Action::Dialog(Some(Box::new(wrap(form)))));
            }
        })
    }
    /// A change, whatever the event.
    pub fn on<E: 'static>(&self, change: impl Fn(&mut F) + 'static) -> Callback<E> {
        self.emit(move |form, _| {
            change(form);
            Some(())
        })
    }
    /// A field in which one types. What is still empty is not wrong yet; the button waits all the same.
    pub fn text(
        &self,
        word: &str,
        test: &str,
        value: &str,
        like: &'static str,
        set: impl Fn(&mut F, String) + 'static,
    ) -> Html {
        let bad = wrong_with(&self.wrong, test).filter(|_| !value.trim().is_empty());
        let typed = self.emit(move |form, e: &InputEvent| {
            set(form, e.target_dyn_into::<HtmlInputElement>()?.value());
            Some(())
        });
        html! {
            <label class="field">{ self.ctx.label(word) }
                <input data-test={test.to_owned()} value={value.to_owned()} placeholder={like} aria-invalid={bad.is_some().to_string()} spellcheck="false" autocomplete="off" autocapitalize="off" oninput={typed} />
                { problem(self.ctx, bad) }</label>
        }
    }
    /// A choice from a list.
    pub fn pick(
        &self,
        word: &str,
        test: &str,
        options: &[AttrValue],
        chosen: usize,
        set: impl Fn(&mut F, usize) + 'static,
    ) -> Html {
        let picked = self.emit(move |form, e: &Event| {
            let select = e.target_dyn_into::<HtmlSelectElement>()?;
            set(form, usize::try_from(select.selected_index()).ok()?);
            Some(())
        });
        html! {
            <label class="field">{ self.ctx.label(word) }
                <select data-test={test.to_owned()} onchange={picked}>
                    { for options.iter().enumerate().map(|(i, o)| html! { <option key={i} selected={i == chosen}>{ o.clone() }</option> }) }
                </select></label>
        }
    }
    /// One of a few.
    pub fn one_of<T: Copy + PartialEq + 'static>(
        &self,
        word: &str,
        options: &[(T, AttrValue, &'static str)],
        chosen: T,
        set: fn(&mut F, T),
    ) -> Html {
        self.one_of_at(word, options, chosen, set)
    }
    /// One of a few, of a row.
    pub fn one_of_at<T: Copy + PartialEq + 'static>(
        &self,
        word: &str,
        options: &[(T, AttrValue, &'static str)],
        chosen: T,
        set: impl Fn(&mut F, T) + Clone + 'static,
    ) -> Html {
        html! {
            <div class="toggle small" role="group" aria-label={self.ctx.t(word)}>
                { for options.iter().map(|(value, shown, test)| {
                    let (value, on, set) = (*value, *value == chosen, set.clone());
                    html! {
                        <button type="button" class={on.then_some("on")} aria-pressed={on.to_string()} data-test={*test}
                            onclick={self.on::<MouseEvent>(move |f| set(f, value))}>{ shown.clone() }</button>
                    }
                }) }
            </div>
        }
    }
    /// A thing that is on or off.
    pub fn switch(&self, word: &str, sub: &str, test: &'static str, on: bool, set: fn(&mut F)) -> Html {
        html! {
            <label class="switch"><input type="checkbox" checked={on} data-test={test} onchange={self.on::<Event>(set)} />
                <span><b>{ self.ctx.label(word) }</b><small>{ self.ctx.t(sub) }</small></span></label>
        }
    }
    /// Takes a row away.
    pub fn remove(&self, test: String, change: impl Fn(&mut F) + 'static) -> Html {
        html! {
            <button type="button" class="quiet" data-test={test} aria-label={self.ctx.t("form.remove")} title={self.ctx.t("form.remove")} onclick={self.on::<MouseEvent>(change)}>{ icon("trash") }</button>
        }
    }
    /// Adds a row.
    pub fn add(&self, word: &str, test: &'static str, change: fn(&mut F)) -> Html {
        html! {
            <button type="button" class="add" data-test={test} onclick={self.on::<MouseEvent>(change)}>{ icon("plus") }{ self.ctx.t(word) }</button>
        }
    }
    /// The buttons at the end, and why the form cannot be saved.
    pub fn foot(&self, error: Option<&str>) -> Html {
        let ready = self.wrong.is_empty() && error.is_none();
        html! {
            <>
                if let Some(error) = error { <p class="refused" role="alert" data-test="form-error">{ error.to_owned() }</p> }
                { super::actions(self.ctx, "form.save", ready) }
            </>
        }
    }
}
