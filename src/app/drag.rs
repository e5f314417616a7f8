//! Dragging: from the palette, boxes, cables, a frame around boxes. Nothing of the lab changes
//! before it is let go.

use super::arrange;
use super::docking::CommandForm;
use super::scene::Point;
use super::view::{Drag, Ware};
use super::{App, Dialog, Selection};
use crate::lab::Edit;
use crate::session::NodeKind;

/// How far the pointer goes before a press becomes a drag, in canvas units.
const DRAG_START: f64 = 4.0;

impl App {
    /// A box was pressed, at this pixel: it and all that is selected with it can be moved.
    pub(super) fn grab_node(&mut self, id: &str, pixel: Point) {
        if self.cabling {
            return self.cable(super::cable::CableAction::From(id.to_owned(), pixel));
        }
        let mut ids = self.selected_nodes();
        if !ids.iter().any(|i| i == id) {
            ids = vec![id.to_owned()];
        }
        let from = self.camera.to_canvas(pixel);
        self.drag = Some(Drag::Nodes { ids, from, by: (0, 0), moved: false });
    }

    pub(super) fn drag_to(&mut self, to: Point) {
        let point = self.camera.to_canvas(to);
        match &mut self.drag {
            Some(Drag::Ware { ware, at, over }) => {
                *at = to;
                let scene = &self.shown.scene;
                let bridge = scene.bridge_at(point).map(|(n, b)| (n.id.clone(), Some(b.network.clone())));
                let host =
                    scene.nodes.iter().find(|n| n.kind == NodeKind::DockerHost && n.rect.contains(point));
                let host = host.map(|n| (n.id.clone(), None));
                *over = match ware {
                    Ware::Container(_) => bridge.or(host),
                    Ware::Network => host,
                    Ware::Device(_) => None,
                };
            }
            Some(Drag::Nodes { from, by, moved, .. }) => {
                let (dx, dy) = (point.0 - from.0, point.1 - from.1);
                if *moved || dx.hypot(dy) > DRAG_START {
                    *moved = true;
                    *by = (dx.round() as i32, dy.round() as i32);
                }
            }
            Some(Drag::Container { place, from, at, over, moved }) => {
                *at = to;
                *moved |= (to.0 - from.0).hypot(to.1 - from.1) > DRAG_START;
                let bridge = self.shown.scene.bridge_at(point).filter(|_| *moved);
                let fits =
                    |network: &str| CommandForm::connect(self.timeline.live(), place, network).is_some();
                let bridge = bridge.filter(|(node, b)| {
                    place.split(':').next() == Some(node.id.as_str()) && fits(&b.network)
                });
                *over = bridge.map(|(node, b)| (node.id.clone(), b.network.clone()));
            }
            Some(Drag::Cable(_)) => self.cable_to(to),
            Some(Drag::Band(_, end)) => *end = point,
            None => {}
        }
    }

    pub(super) fn dropped(&mut self) {
        match &self.drag {
            Some(Drag::Cable(_)) => return self.cable_dropped(),
            Some(Drag::Band(..)) => return self.band_closed(),
            _ => {}
        }
        match self.drag.take() {
            Some(Drag::Ware { ware: Ware::Device(device), at, .. }) => {
                let (w, h) = self.camera.size;
                if (0.0..=w).contains(&at.0) && (0.0..=h).contains(&at.1) {
                    let point = self.camera.to_canvas(at);
                    self.place_device(device, Some(point));
                }
            }
            Some(Drag::Ware { ware, over: Some((host, network)), .. }) => {
                self.want(ware, Some(host), network);
            }
            Some(Drag::Container { place, over: Some((_, network)), .. }) => {
                let form = CommandForm::connect(self.timeline.live(), &place, &network);
                self.dialog = form.map(Dialog::Command);
                self.try_form();
            }
            Some(Drag::Nodes { ids, by, moved: true, .. }) => self.move_nodes(&ids, by),
            _ => {}
        }
    }

    fn band_closed(&mut self) {
        let Some(frame) = self.drag.take().and_then(|d| d.band()) else { return };
        let scene = &self.shown.scene;
        let inside = scene.nodes.iter().filter(|n| arrange::touches(&frame, &n.rect));
        self.selection = Selection::of_nodes(inside.map(|n| n.id.clone()).collect());
    }

    /// Moves nodes, as one edit.
    pub(super) fn move_nodes(&mut self, ids: &[String], (dx, dy): (i32, i32)) {
        let moved = self.lab.nodes.iter().filter(|n| ids.contains(&n.id));
        let edits: Vec<Edit> =
            moved.map(|n| Edit::MoveNode { id: n.id.clone(), pos: (n.pos.0 + dx, n.pos.1 + dy) }).collect();
        if !edits.is_empty() {
            self.edit(&arrange::one(edits));
        }
    }
}
