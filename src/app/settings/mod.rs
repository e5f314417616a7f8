//! Settings: the forms of machines, routers, DNS servers and links. A form holds what was typed;
//! it says field by field what cannot be, becomes a configuration, and what the core says of that
//! is shown in the form before anything is saved.

pub mod dns;
pub mod link;
pub mod machine;
pub mod router;

use std::net::Ipv4Addr;
use std::str::FromStr;

use super::forms::Problem;
use super::{App, Dialog, Selection, cable};
use crate::lab::Edit;
use crate::session::NodeKind;
use crate::wire::Ipv4Net;
use link::LinkForm;
use machine::MachineForm;
use router::RouterForm;

/// A field that cannot be as it is: its name (as `data-test` has it), and why, as a key of the locale.
pub type Wrong = (String, Problem);

/// What is wrong with one field.
pub fn wrong_with(wrong: &[Wrong], field: &str) -> Option<Problem> {
    wrong.iter().find(|w| w.0 == field).map(|w| w.1)
}

/// Reads a field; notes it as wrong if it cannot be read.
fn read<T: FromStr>(wrong: &mut Vec<Wrong>, field: &str, text: &str, why: Problem) -> Option<T> {
    let read = text.trim().parse().ok();
    if read.is_none() {
        wrong.push((field.to_owned(), why));
    }
    read
}

/// A port, 1 to 65535.
fn read_port(wrong: &mut Vec<Wrong>, field: &str, text: &str) -> Option<u16> {
    let port = text.trim().parse().ok().filter(|&p: &u16| p != 0);
    if port.is_none() {
        wrong.push((field.to_owned(), "form.bad_port"));
    }
    port
}

/// An address with its prefix length, as in `192.168.0.20/24`.
fn read_net(wrong: &mut Vec<Wrong>, field: &str, text: &str) -> Option<Ipv4Net> {
    read(wrong, field, text, "form.bad_net")
}

/// Addresses between commas or blanks.
fn read_addresses(wrong: &mut Vec<Wrong>, field: &str, text: &str) -> Vec<Ipv4Addr> {
    let words = text.split([',', ' ', ';']).filter(|w| !w.is_empty());
    words.filter_map(|w| read(wrong, field, w, "form.bad_address")).collect()
}

fn joined(addresses: &[Ipv4Addr]) -> String {
    addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// A form that becomes an edit.
pub trait Settings {
    /// What is wrong with what was typed.
    fn wrong(&self) -> Vec<Wrong>;
    /// The edit that saves it, if every field can be read.
    fn edit(&self) -> Option<Edit>;
}

impl App {
    /// Opens the settings of what is selected.
    pub(super) fn open_settings(&mut self, of: &Selection) {
        match of {
            Selection::Node(id) => self.open_node_settings(id),
            Selection::Link(node, port) => {
                let link = self.lab.links.iter().find(|l| {
                    let at = |e: &cable::End| e.0 == *node && e.1.as_str() == port.as_str();
                    at(&l.a) || at(&l.b)
                });
                if let Some(link) = link {
                    self.open(Dialog::Link(LinkForm::new(&self.lab, link)));
                }
            }
            Selection::Container(place) => {
                let place = place.clone();
                self.terminals.go(&place);
            }
            Selection::Network(..) | Selection::Nodes(_) => {}
        }
    }

    fn open_node_settings(&mut self, id: &str) {
        let Some(node) = self.lab.nodes.iter().find(|n| n.id == id) else { return };
        let dialog = match node.kind {
            NodeKind::Router if node.router.is_some() => Dialog::Router(Box::new(RouterForm::new(node))),
            NodeKind::Switch => Dialog::Cable(cable::CableForm::new(&self.lab, id, None)),
            _ => Dialog::Machine(Box::new(MachineForm::new(&self.lab, node))),
        };
        self.open(dialog);
    }

    fn open(&mut self, dialog: Dialog) {
        self.dialog = Some(dialog);
        self.try_form();
    }

    /// Asks the core what it says of the form that is open, without saving it.
    pub(super) fn try_form(&mut self) {
        self.form_error = self.form().and_then(|form| form.edit()).and_then(|edit| self.refusal(&edit));
        self.rehearse();
    }

    fn refusal(&self, edit: &Edit) -> Option<String> {
        match edit.apply(&mut self.lab.clone()) {
            Ok(()) => None,
            Err(error) => Some(self.in_the_form(&error)),
        }
    }

    fn form(&self) -> Option<&dyn Settings> {
        Some(match self.dialog.as_ref()? {
            Dialog::Router(form) => &**form,
            Dialog::Machine(form) => &**form,
            Dialog::Link(form) => form,
            _ => return None,
        })
    }

    /// Saves the form that is open. It stays open, with the reason, if the core refuses it.
    pub(super) fn save_settings(&mut self) {
        let Some(edit) = self.form().and_then(|f| f.edit()) else { return };
        if let Some(error) = self.refusal(&edit) {
            self.form_error = Some(error);
            return;
        }
        let router = matches!(self.dialog, Some(Dialog::Router(_)));
        let place = self.selection.as_ref().map(|s| s.place().to_owned()).unwrap_or_default();
        let title = crate::explain::text(self.settings.lang, "flow.settings", &[("name", &place)]);
        if self.edit_to_watch(&edit, &place, &title) {
            self.dialog = None;
            self.toast(if router { "toast.router_saved" } else { "toast.saved" }, "", false);
        }
    }
}
