//! Going from one thing of the canvas to the next with the arrow keys.

use super::Selection;
use super::scene::{Point, Scene, path_point};

/// An arrow key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// Left.
    Left,
    /// Right.
    Right,
    /// Up.
    Up,
    /// Down.
    Down,
}

/// Everything that can be gone to, with its middle.
pub fn things(scene: &Scene) -> Vec<(Selection, Point)> {
    let mut all = Vec::new();
    for n in &scene.nodes {
        // A host is gone to at its head; what is inside it lies below.
        let (x, y) = n.rect.center();
        let at = if n.gate.is_some() { (x, n.rect.y + 30.0) } else { (x, y) };
        all.push((Selection::Node(n.id.clone()), at));
        let bridges = n.bridges.iter();
        all.extend(bridges.map(|b| (Selection::Network(n.id.clone(), b.network.clone()), b.rect.center())));
        all.extend(n.containers.iter().map(|c| (Selection::Container(c.place.clone()), c.rect.center())));
    }
    for wire in scene.wires.iter().filter(|w| w.kind.is_link()) {
        if let Some((node, port)) = scene.end_of(wire.ends.0) {
            all.push((Selection::Link(node, port), path_point(&wire.points, 0.5)));
        }
    }
    all
}

/// The nearest thing in that direction from what is selected; the first of all if nothing is.
pub fn next(scene: &Scene, from: Option<&Selection>, way: Way) -> Option<Selection> {
    let things = things(scene);
    let here = match from {
        Some(Selection::Nodes(ids)) => ids.last().map(|id| Selection::Node(id.clone())),
        other => other.cloned(),
    };
    let Some((_, (x, y))) = here.as_ref().and_then(|h| things.iter().find(|t| t.0 == *h)) else {
        return things.first().map(|t| t.0.clone());
    };
    let scored = things.iter().filter(|t| Some(&t.0) != here.as_ref()).filter_map(|(what, (tx, ty))| {
        let (dx, dy) = (tx - x, ty - y);
        let (along, across) = match way {
            Way::Left => (-dx, dy),
            Way::Right => (dx, dy),
            Way::Up => (-dy, dx),
            Way::Down => (dy, dx),
        };
        (along > 4.0).then(|| (along + 2.2 * across.abs(), what))
    });
    scored.min_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, what)| what.clone())
}

#[cfg(test)]
mod tests {
    use super::super::scene::{layout, plan};
    use super::*;
    use crate::lab::Lab;

    #[test]
    fn everything_on_the_canvas_is_reached_with_arrow_keys() {
        let scene = layout(&plan(&Lab::builtin("home").unwrap().boot().unwrap(), &[]));
        let all = things(&scene);
        let mut seen = vec![all[0].0.clone()];
        let mut todo = seen.clone();
        while let Some(here) = todo.pop() {
            for way in [Way::Left, Way::Right, Way::Up, Way::Down] {
                let there = next(&scene, Some(&here), way);
                for there in there.into_iter().filter(|t| !seen.contains(t)).collect::<Vec<_>>() {
                    seen.push(there.clone());
                    todo.push(there);
                }
            }
        }
        let lost: Vec<_> = all.iter().filter(|t| !seen.contains(&t.0)).collect();
        assert!(lost.is_empty(), "{lost:?}");
    }
}
