//! Arranging: several boxes at once, copy and paste, names, places on the canvas.

use super::rove::{self, Way};
use super::scene::Rect;
use super::view::Drag;
use super::{App, Selection};
use crate::lab::catalogue::{self, Device};
use crate::lab::{Edit, Lab, LabCommand};
use crate::session::NodeConfig;
use crate::session::NodeKind;
use crate::wire::Ipv4Net;
use std::net::Ipv4Addr;

/// How far a copy lies from what it was copied from, in canvas units.
const COPY_STEP: i32 = 36;

/// What is done with boxes as boxes.
#[derive(Debug, Clone, PartialEq)]
pub enum Arrange {
    /// In or out of what is selected.
    Toggle(String),
    /// All nodes.
    All,
    /// The frame around what is to be selected begins at this pixel.
    Band((f64, f64)),
    /// To the next thing on the canvas; with `true` it is selected too, not instead.
    Rove(Way, bool),
    /// Moves what is selected by canvas units.
    Nudge(i32, i32),
    /// What is selected, to be pasted.
    Copy,
    /// The same, and it goes.
    Cut,
    /// What was copied, beside where it was.
    Paste,
    /// What is selected once more; what was copied before stays.
    Duplicate,
    /// The name of this node is being written.
    Rename(String),
    /// It is this now.
    Renamed(String),
    /// It stays as it was.
    NotRenamed,
    /// A device, where there is room.
    Place(Device),
}

/// Nodes that were copied, with their links and the commands typed at them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Clip {
    lab: Option<Lab>,
    /// How often it was pasted.
    times: i32,
}

/// Do two rectangles have a point in common?
pub fn touches(a: &Rect, b: &Rect) -> bool {
    a.x <= b.right() && b.x <= a.right() && a.y <= b.bottom() && b.y <= a.bottom()
}

/// Several edits as one.
pub fn one(mut edits: Vec<Edit>) -> Edit {
    if edits.len() == 1 { edits.remove(0) } else { Edit::Batch(edits) }
}

/// `laptop` for `laptop-3`.
fn stem(id: &str) -> &str {
    match id.rsplit_once('-') {
        Some((stem, n)) if !stem.is_empty() && !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()) => stem,
        _ => id,
    }
}

/// What a node may be called: an id is made of a name that people write.
pub fn id_of_name(name: &str) -> String {
    let mut id = String::new();
    for c in name.trim().chars().flat_map(char::to_lowercase) {
        match c {
            'a'..='z' | '0'..='9' => id.push(c),
            _ if !id.is_empty() && !id.ends_with('-') => id.push('-'),
            _ => {}
        }
        if id.len() == 32 {
            break;
        }
    }
    let id = id.trim_end_matches('-');
    id.trim_start_matches(|c: char| !c.is_ascii_lowercase()).to_owned()
}

/// The next free address of the subnet after `net`'s.
fn free_address(lab: &Lab, net: Ipv4Net) -> Ipv4Net {
    let taken = |a: Ipv4Addr| {
        lab.nodes.iter().flat_map(|n| &n.ports).filter_map(|p| p.address).any(|o| o.addr() == a)
    };
    let from = u32::from(net.addr());
    let mut next = (from + 1..from.saturating_add(250)).map(Ipv4Addr::from);
    let free = next.find(|a| net.contains(a) && *a != net.broadcast() && !taken(*a));
    free.and_then(|a| Ipv4Net::new(a, net.prefix_len()).ok()).unwrap_or(net)
}

/// The edit that adds a copy of `clip` to `lab`, `step` canvas units away (right, down); and the new ids.
pub fn paste(lab: &Lab, clip: &Lab, step: (i32, i32)) -> (Edit, Vec<String>) {
    let mut grown = lab.clone();
    let mut names: Vec<(String, String)> = Vec::new();
    let mut edits = Vec::new();
    for node in &clip.nodes {
        let id = catalogue::free_id(&grown, stem(&node.id));
        let mut copy = NodeConfig { id: id.clone(), name: None, ..node.clone() };
        copy.pos = (node.pos.0 + step.0, node.pos.1 + step.1);
        for port in &mut copy.ports {
            port.mac = None;
            port.address = port.address.map(|a| free_address(&grown, a));
        }
        names.push((node.id.clone(), id));
        grown.nodes.push(copy.clone());
        edits.push(Edit::AddNode(Box::new(copy)));
    }
    let new = |old: &str| names.iter().find(|n| n.0 == old).map(|n| n.1.clone());
    for link in &clip.links {
        let mut copy = link.clone();
        if let (Some(a), Some(b)) = (new(&link.a.0), new(&link.b.0)) {
            (copy.a.0, copy.b.0) = (a, b);
            edits.push(Edit::AddLink(copy));
        }
    }
    for command in &clip.commands {
        let (node, rest) = command.at.split_at(command.at.find(':').unwrap_or(command.at.len()));
        if let Some(node) = new(node) {
            edits.push(Edit::Command(LabCommand { at: format!("{node}{rest}"), run: command.run.clone() }));
        }
    }
    (one(edits), names.into_iter().map(|n| n.1).collect())
}

/// The part of a lab that these nodes are.
pub fn part(lab: &Lab, ids: &[String]) -> Lab {
    let mut part = lab.clone();
    part.nodes.retain(|n| ids.contains(&n.id));
    part.links.retain(|l| ids.contains(&l.a.0) && ids.contains(&l.b.0));
    part.commands.retain(|c| ids.iter().any(|id| c.at.split(':').next() == Some(id.as_str())));
    part
}

impl Selection {
    /// These nodes, if there are any.
    pub fn of_nodes(mut ids: Vec<String>) -> Option<Self> {
        match ids.len() {
            0 => None,
            1 => Some(Self::Node(ids.remove(0))),
            _ => Some(Self::Nodes(ids)),
        }
    }
}

impl App {
    /// The nodes that are selected.
    pub fn selected_nodes(&self) -> Vec<String> {
        match &self.selection {
            Some(Selection::Node(id)) => vec![id.clone()],
            Some(Selection::Nodes(ids)) => ids.clone(),
            _ => Vec::new(),
        }
    }

    pub(super) fn arrange(&mut self, action: Arrange) {
        match action {
            Arrange::Toggle(id) => {
                let mut ids = self.selected_nodes();
                match ids.iter().position(|i| *i == id) {
                    Some(i) => drop(ids.remove(i)),
                    None => ids.push(id),
                }
                self.selection = Selection::of_nodes(ids);
            }
            Arrange::All => {
                self.selection = Selection::of_nodes(self.lab.nodes.iter().map(|n| n.id.clone()).collect());
            }
            Arrange::Band(pixel) => {
                let at = self.camera.to_canvas(pixel);
                self.drag = Some(Drag::Band(at, at));
            }
            Arrange::Rove(way, too) => self.rove(way, too),
            Arrange::Nudge(dx, dy) => {
                let ids = self.selected_nodes();
                self.move_nodes(&ids, (dx, dy));
            }
            Arrange::Copy => self.copy(),
            Arrange::Cut => {
                self.copy();
                self.remove_nodes();
            }
            Arrange::Paste => {
                self.clip.times += 1;
                let step = self.clip.times * COPY_STEP;
                if let Some(clip) = self.clip.lab.clone() {
                    self.add_copy(&clip, step);
                }
            }
            Arrange::Duplicate => {
                let part = part(&self.lab, &self.selected_nodes());
                self.add_copy(&part, COPY_STEP);
            }
            Arrange::Rename(id) => self.renaming = self.lab.nodes.iter().any(|n| n.id == id).then_some(id),
            Arrange::Renamed(name) => self.rename(&name),
            Arrange::NotRenamed => self.renaming = None,
            Arrange::Place(device) => self.place_device(device, None),
        }
    }

    /// How far away a copy lands, so that it covers nothing: about `step`, right and down.
    fn clear_of_others(&self, clip: &Lab, step: i32) -> (i32, i32) {
        let boxes = clip.nodes.iter().map(|n| {
            let drawn = self.shown.scene.node(&n.id).map_or((180.0, 76.0), |b| (b.rect.w, b.rect.h));
            Rect::new(f64::from(n.pos.0), f64::from(n.pos.1), drawn.0, drawn.1)
        });
        let Some(all) = boxes.reduce(|a, b| a.union(&b)) else { return (step, step) };
        let by = f64::from(step);
        let (x, y) = self.beside((all.x + by, all.y + by), (all.w, all.h));
        ((x - all.x).round() as i32, (y - all.y).round() as i32)
    }

    /// A container is no box of its own: what makes one like it is a command.
    fn copy_container(&mut self, place: &str) {
        self.clip = Clip::default();
        let Some((host, name)) = place.split_once(':') else { return };
        let makes = |run: &str| {
            let words: Vec<&str> = run.split_whitespace().collect();
            let named = words.windows(2).any(|w| w[0] == "--name" && w[1] == name);
            words.first() == Some(&"docker") && (named || words.contains(&&*format!("--name={name}")))
        };
        let made = self.lab.commands.iter().rev().find(|c| c.at == host && makes(&c.run));
        match made.map(|c| c.run.clone()) {
            Some(run) => self.toast("toast.container_made", &run, false),
            None => self.toast("toast.container_not_copied", name, false),
        }
    }

    fn copy(&mut self) {
        if let Some(Selection::Container(place)) = self.selection.clone() {
            return self.copy_container(&place);
        }
        let ids = self.selected_nodes();
        if !ids.is_empty() {
            self.clip = Clip { lab: Some(part(&self.lab, &ids)), times: 0 };
        }
    }

    fn add_copy(&mut self, clip: &Lab, step: i32) {
        if clip.nodes.is_empty() {
            return;
        }
        let (edit, ids) = paste(&self.lab, clip, self.clear_of_others(clip, step));
        if self.edit(&edit) {
            self.selection = Selection::of_nodes(ids);
        }
    }

    /// Takes the selected nodes away, as one edit.
    pub(super) fn remove_nodes(&mut self) {
        let ids = self.selected_nodes();
        if ids.is_empty() {
            return;
        }
        self.selection = None;
        self.edit(&one(ids.into_iter().map(|id| Edit::RemoveNode { id }).collect()));
    }

    fn rename(&mut self, name: &str) {
        let Some(id) = self.renaming.take() else { return };
        let name = name.trim();
        let Some(node) = self.lab.nodes.iter().find(|n| n.id == id) else { return };
        if name.is_empty() || name == node.name.as_deref().unwrap_or(&id) {
            return;
        }
        // What can be typed as a place is typed so; any other name is shown, and the place made of it.
        let wanted = id_of_name(name);
        let free = wanted == id || !self.lab.nodes.iter().any(|n| n.id == wanted);
        let to = match (wanted.is_empty(), free) {
            (true, _) => id.clone(),
            (false, true) => wanted,
            (false, false) => catalogue::free_id(&self.lab, &wanted),
        };
        let shown = (to != name).then(|| name.to_owned());
        if self.edit(&Edit::RenameNode { id: id.clone(), to: to.clone(), name: shown }) {
            self.terminals.renamed(&id, &to);
            self.selection = Some(Selection::Node(to));
        }
    }

    fn rove(&mut self, way: Way, too: bool) {
        let Some(next) = rove::next(&self.shown.scene, self.selection.as_ref(), way) else { return };
        match (too, &next) {
            (true, Selection::Node(id)) => {
                let mut ids = self.selected_nodes();
                ids.retain(|i| i != id);
                ids.push(id.clone());
                self.selection = Selection::of_nodes(ids);
            }
            _ => self.select(Some(next)),
        }
    }

    /// Puts a device onto the canvas: about `at`, or where there is room in sight.
    pub(super) fn place_device(&mut self, device: Device, at: Option<(f64, f64)>) {
        let size = match device {
            Device::Internet => (760.0, 190.0),
            Device::Router => (496.0, 98.0),
            Device::DockerHost => (660.0, 258.0),
            _ => (180.0, 76.0),
        };
        let corner = match at {
            Some((x, y)) => self.beside((x - size.0 / 2.0, y - size.1 / 2.0), size),
            None => self.room_for(device, size),
        };
        let pos = (corner.0.round() as i32, corner.1.round() as i32);
        let known: Vec<String> = self.lab.nodes.iter().map(|n| n.id.clone()).collect();
        let Some(edit) = catalogue::add(&self.lab, device, pos) else {
            return self.toast("toast.one_internet", "", false);
        };
        if self.edit(&edit) {
            let new = self.lab.nodes.iter().filter(|n| !known.contains(&n.id));
            // Of the internet its provider: there the cables of homes come in.
            let new = new.map(|n| (n.kind, n.id.clone())).max_by_key(|n| n.0 == device.kind());
            if let Some((_, id)) = new {
                self.select(Some(Selection::Node(id)));
            }
            if !self.camera.auto && self.lab.nodes.len() == 1 {
                self.camera.auto = true;
            }
        }
    }

    /// The free place nearest to where something was let go.
    fn beside(&self, (x, y): (f64, f64), (w, h): (f64, f64)) -> (f64, f64) {
        let nodes = &self.shown.scene.nodes;
        let free = |dx: f64, dy: f64| {
            let wanted = Rect::new(x + dx - 10.0, y + dy - 24.0, w + 20.0, h + 48.0);
            !nodes.iter().any(|n| touches(&wanted, &n.rect))
        };
        let steps = || (-20..=20).map(|i| f64::from(i) * 24.0);
        let spots = steps().flat_map(|dx| steps().map(move |dy| (dx, dy)));
        let near = spots.filter(|(dx, dy)| free(*dx, *dy));
        let best = near.min_by(|a, b| a.0.hypot(a.1).total_cmp(&b.0.hypot(b.1)));
        best.map_or((x, y), |(dx, dy)| (x + dx, y + dy))
    }

    /// A free place: the internet on top, routers beneath it, all else in rows below.
    fn room_for(&self, device: Device, (w, h): (f64, f64)) -> (f64, f64) {
        let nodes = &self.shown.scene.nodes;
        if nodes.is_empty() {
            let view = self.camera.view();
            let (x, y) = (view.x + (view.w - w) / 2.0, view.y + 60.0);
            return if self.camera.auto { (120.0, 60.0) } else { (x, y) };
        }
        let all = nodes.iter().map(|n| n.rect).reduce(|a, b| a.union(&b)).unwrap_or_default();
        let free = |x: f64, y: f64| {
            let wanted = Rect::new(x - 24.0, y - 34.0, w + 48.0, h + 68.0);
            let street = self.shown.scene.street.is_some_and(|s| touches(&wanted, &s));
            !street && !nodes.iter().any(|n| touches(&wanted, &n.rect))
        };
        if device == Device::Internet {
            return (all.x, all.y - h - 110.0);
        }
        let rows = (0..40).map(|i| all.y + f64::from(i) * 50.0);
        let columns = || (0..30).map(|i| all.x + f64::from(i) * 40.0);
        let width = all.w.max(760.0);
        let mut spots = rows.flat_map(|y| columns().map(move |x| (x, y)));
        let found = spots.find(|(x, y)| x + w <= all.x + width + 1.0 && free(*x, *y));
        let below = found.unwrap_or((all.x, all.bottom() + 70.0));
        // Another house may stand beside the others, where the picture stays larger by that.
        let houses = nodes.iter().filter(|n| n.kind == NodeKind::DockerHost);
        let beside = houses.flat_map(|n| [all.right(), n.rect.right()].map(|x| (x + 60.0, n.rect.y)));
        let size = self.camera.size;
        let scale = |(x, y): (f64, f64)| {
            let whole = all.union(&Rect::new(x, y, w, h));
            (size.0 / whole.w).min(size.1 / whole.h)
        };
        let beside = beside.filter(|(x, y)| device == Device::DockerHost && free(*x, *y));
        let best = beside.max_by(|a, b| scale(*a).total_cmp(&scale(*b)));
        best.filter(|spot| scale(*spot) > scale(below) * 1.02).unwrap_or(below)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_ids_that_can_be_typed() {
        for (name, id) in [
            ("Living room", "living-room"),
            ("web 2", "web-2"),
            ("  NAS!  ", "nas"),
            ("2nd floor", "nd-floor"),
            ("거실", ""),
            ("a--b", "a-b"),
        ] {
            assert_eq!(id_of_name(name), id, "{name}");
        }
    }

    #[test]
    fn a_copy_has_ids_addresses_and_links_of_its_own() {
        let mut lab = Lab::builtin("home").unwrap();
        let part = part(&lab, &["laptop".into(), "router".into(), "docker-host".into()]);
        let (edit, ids) = paste(&lab, &part, (36, 36));
        edit.apply(&mut lab).unwrap();
        assert_eq!(ids, ["router-2", "laptop-2", "docker-host-2"]);
        let laptop = lab.nodes.iter().find(|n| n.id == "laptop-2").unwrap();
        assert_eq!(laptop.ports[0].address.unwrap().to_string(), "192.168.0.21/24");
        assert!(lab.links.iter().any(|l| l.a.0 == "laptop-2" && l.b.0 == "router-2"));
        let commands = |id: &str| lab.commands.iter().filter(|c| c.at == id).count();
        assert_eq!(commands("docker-host-2"), commands("docker-host"));
    }
}
