//! The camera over the canvas, and what is being dragged.

use super::cable::CableDrag;
use super::scene::{Point, Rect};
use crate::lab::catalogue::Device;

/// Smallest and largest scale.
const SCALES: (f64, f64) = (0.1, 3.0);

/// Below this width, in pixels, the camera follows the packet.
pub const SMALL_SCREEN: f64 = 620.0;
/// How near it comes then.
const FOLLOW_SCALE: f64 = 0.78;

/// The camera: canvas units to screen pixels is `screen = (canvas - origin) · scale`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Camera {
    /// The canvas point in the upper left corner.
    pub origin: Point,
    /// Pixels for a canvas unit.
    pub scale: f64,
    /// The viewport in pixels.
    pub size: (f64, f64),
    /// Pixels at the left that something lies over; what is to be seen keeps clear of them.
    pub left: f64,
    /// Pixels at the lower edge that something lies over.
    pub bottom: f64,
    /// Everything is kept in sight, until somebody pans or zooms.
    pub auto: bool,
}

impl Default for Camera {
    fn default() -> Self {
        Self { origin: (0.0, 0.0), scale: 1.0, size: (1024.0, 584.0), left: 0.0, bottom: 0.0, auto: true }
    }
}

impl Camera {
    /// The canvas point under a pixel of the viewport.
    pub fn to_canvas(&self, (x, y): Point) -> Point {
        (x / self.scale + self.origin.0, y / self.scale + self.origin.1)
    }
    /// The pixel of the viewport at which a canvas point is seen.
    pub fn to_pixel(&self, (x, y): Point) -> Point {
        ((x - self.origin.0) * self.scale, (y - self.origin.1) * self.scale)
    }
    /// The part of the canvas that is seen.
    pub fn view(&self) -> Rect {
        Rect::new(self.origin.0, self.origin.1, self.size.0 / self.scale, self.size.1 / self.scale)
    }
    /// Pixels at the left that something lies over.
    pub fn covered(&self) -> f64 {
        if self.size.0 < SMALL_SCREEN { 0.0 } else { self.left }
    }
    /// Pixels at the lower edge that something lies over.
    pub fn covered_below(&self) -> f64 {
        if self.size.0 < SMALL_SCREEN { 0.0 } else { self.bottom }
    }
    /// The part of the canvas that is seen and over which nothing lies.
    pub fn clear(&self) -> Rect {
        let (seen, covered) = (self.view(), self.covered() / self.scale);
        Rect::new(seen.x + covered, seen.y, seen.w - covered, seen.h - self.covered_below() / self.scale)
    }
    /// Shows all of `bounds`, in the middle.
    pub fn fit(&mut self, bounds: &Rect) {
        let (left, h) = (self.covered(), (self.size.1 - self.covered_below()).max(1.0));
        let w = (self.size.0 - left).max(1.0);
        let room = bounds.grown(6.0);
        self.scale = (w / room.w.max(1.0)).min(h / room.h.max(1.0)).clamp(SCALES.0, 1.5);
        let (cx, cy) = room.center();
        self.origin = (cx - (left + w / 2.0) / self.scale, cy - h / self.scale / 2.0);
        self.auto = true;
    }
    /// On a small screen the picture is too small to read as a whole: the camera goes along with
    /// `point`. `share` of the way is gone at once, 1 for all of it.
    pub fn follow(&mut self, point: Point, share: f64) {
        let (w, h) = self.size;
        if !self.auto || w >= SMALL_SCREEN {
            return;
        }
        let at = (point.0 - w / FOLLOW_SCALE / 2.0, point.1 - h / FOLLOW_SCALE * 0.58);
        let go = |from: f64, to: f64| from + (to - from) * share;
        self.scale = go(self.scale, FOLLOW_SCALE);
        self.origin = (go(self.origin.0, at.0), go(self.origin.1, at.1));
    }
    /// On a small screen: brings `rect` near and into the middle.
    pub fn show(&mut self, rect: &Rect) {
        let (w, h) = self.size;
        if w >= SMALL_SCREEN {
            return;
        }
        let room = rect.grown(18.0);
        self.scale = (w / room.w).min(h / room.h).clamp(SCALES.0, 1.0);
        let (cx, cy) = rect.center();
        self.origin = (cx - w / self.scale / 2.0, cy - h / self.scale / 2.0);
        self.auto = false;
    }
    /// On a small screen: goes along again.
    pub fn go_along(&mut self) {
        self.auto |= self.size.0 < SMALL_SCREEN;
    }
    /// Moves by pixels.
    pub fn pan(&mut self, dx: f64, dy: f64) {
        self.origin = (self.origin.0 - dx / self.scale, self.origin.1 - dy / self.scale);
        self.auto = false;
    }
    /// Is it as near as it goes?
    pub fn is_nearest(&self) -> bool {
        self.scale >= SCALES.1 - 1e-9
    }
    /// Zooms by `factor` about a pixel, which keeps its canvas point.
    pub fn zoom(&mut self, factor: f64, at: Point) {
        let fixed = self.to_canvas(at);
        self.scale = (self.scale * factor).clamp(SCALES.0, SCALES.1);
        self.origin = (fixed.0 - at.0 / self.scale, fixed.1 - at.1 / self.scale);
        self.auto = false;
    }
}

/// What comes from the palette.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ware {
    /// A container of an image ([`super::forms::IMAGES`]); None: to be chosen.
    Container(Option<usize>),
    /// A bridge network.
    Network,
    /// A device.
    Device(Device),
}

/// A drag under way. It is fleeting: nothing of the lab has changed yet.
#[derive(Debug, Clone, PartialEq)]
pub enum Drag {
    /// From the palette; `over`: host and network (or the host alone) that would take it.
    Ware {
        /** what */
        ware: Ware,
        /** pointer, in viewport pixels */
        at: Point,
        /** who would take it: host, network */
        over: Option<(String, Option<String>)>,
    },
    /// Nodes.
    Nodes {
        /** which */
        ids: Vec<String>,
        /** where the pointer took hold, canvas units */
        from: Point,
        /** how far they would be moved */
        by: (i32, i32),
        /** the pointer went far enough to mean it */
        moved: bool,
    },
    /// A container, to another bridge of its host.
    Container {
        /** which, by place */
        place: String,
        /** where the pointer took hold, viewport pixels */
        from: Point,
        /** pointer, in viewport pixels */
        at: Point,
        /** the bridge that would take it: host, network */
        over: Option<(String, String)>,
        /** the pointer went far enough to mean it */
        moved: bool,
    },
    /// A cable.
    Cable(CableDrag),
    /// A frame around what is to be selected: where it began, and the pointer, canvas units.
    Band(Point, Point),
}

impl Drag {
    /// How far the node is moved in this drag.
    pub fn offset(&self, id: &str) -> Option<(i32, i32)> {
        match self {
            Self::Nodes { ids, by, moved: true, .. } if ids.iter().any(|i| i == id) => Some(*by),
            _ => None,
        }
    }
    /// The frame around what is to be selected.
    pub fn band(&self) -> Option<Rect> {
        let Self::Band(a, b) = self else { return None };
        let (x, y) = (a.0.min(b.0), a.1.min(b.1));
        Some(Rect::new(x, y, (a.0 - b.0).abs(), (a.1 - b.1).abs()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zooming_keeps_the_point_under_the_pointer() {
        let mut camera = Camera::default();
        let at = (300.0, 200.0);
        let before = camera.to_canvas(at);
        camera.zoom(1.7, at);
        let after = camera.to_canvas(at);
        assert!((before.0 - after.0).abs() < 1e-9 && (before.1 - after.1).abs() < 1e-9);
    }

    #[test]
    fn on_a_small_screen_the_camera_goes_along_until_somebody_pans() {
        let mut camera = Camera { size: (390.0, 300.0), ..Camera::default() };
        camera.follow((700.0, 400.0), 1.0);
        let middle = camera.to_canvas((195.0, 0.0)).0;
        assert!((middle - 700.0).abs() < 1e-6);
        camera.pan(10.0, 0.0);
        let before = camera;
        camera.follow((0.0, 0.0), 1.0);
        assert_eq!(camera, before);
        let mut wide = Camera::default();
        wide.follow((700.0, 400.0), 1.0);
        assert_eq!(wide, Camera::default());
    }

    #[test]
    fn fitting_keeps_clear_of_what_lies_at_the_lower_edge() {
        let mut camera = Camera { size: (800.0, 400.0), bottom: 60.0, ..Camera::default() };
        let bounds = Rect::new(0.0, 0.0, 300.0, 600.0);
        camera.fit(&bounds);
        assert!(camera.to_pixel((0.0, bounds.bottom())).1 <= 340.0);
        assert!(camera.to_pixel((0.0, 0.0)).1 >= 0.0);
        camera.size = (390.0, 300.0);
        camera.fit(&bounds);
        assert!(camera.to_pixel((0.0, bounds.bottom())).1 > 280.0, "a phone has no room to spare");
    }

    #[test]
    fn fitting_shows_everything_in_the_middle() {
        let mut camera = Camera { size: (800.0, 400.0), ..Camera::default() };
        camera.fit(&Rect::new(100.0, 50.0, 1600.0, 300.0));
        let (left, right) = (camera.to_canvas((0.0, 0.0)).0, camera.to_canvas((800.0, 0.0)).0);
        assert!(left <= 100.0 && right >= 1700.0);
        let middle = camera.to_canvas((400.0, 200.0));
        assert!((middle.0 - 900.0).abs() < 1e-6 && (middle.1 - 200.0).abs() < 1e-6);
    }
}
