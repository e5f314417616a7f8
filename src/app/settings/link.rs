//! A link: how long it takes, how much it loses, whether it is alive.

use super::{Settings, Wrong};
use crate::app::cable::{self, End};
use crate::lab::{Edit, Lab};
use crate::session::LinkConfig;

/// A link's form.
#[derive(Debug, Clone, PartialEq)]
pub struct LinkForm {
    /// One end.
    pub a: End,
    /// The other.
    pub b: End,
    /// One way, in milliseconds.
    pub latency_ms: String,
    /// Frames lost, in percent.
    pub loss_percent: String,
    /// It is dead.
    pub down: bool,
    /// A radio link.
    pub radio: bool,
    base: LinkConfig,
}

/// A number without the zeroes at its end.
fn short(value: f64) -> String {
    let text = format!("{value:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

impl LinkForm {
    /// Filled with what the link has.
    pub fn new(lab: &Lab, link: &LinkConfig) -> Self {
        Self {
            a: link.a.clone(),
            b: link.b.clone(),
            latency_ms: short(f64::from(link.latency_us) / 1000.0),
            loss_percent: short(f64::from(link.loss_per_mille) / 10.0),
            down: link.down,
            radio: cable::is_shared(lab, &link.a) || cable::is_shared(lab, &link.b),
            base: link.clone(),
        }
    }
    fn latency_us(&self) -> Option<u32> {
        let ms: f64 = self.latency_ms.trim().replace(',', ".").parse().ok()?;
        (0.0..=10_000.0).contains(&ms).then_some((ms * 1000.0).round() as u32)
    }
    fn loss_per_mille(&self) -> Option<u16> {
        let percent: f64 = self.loss_percent.trim().replace(',', ".").parse().ok()?;
        (0.0..=100.0).contains(&percent).then_some((percent * 10.0).round() as u16)
    }
}

impl Settings for LinkForm {
    fn wrong(&self) -> Vec<Wrong> {
        let mut wrong: Vec<Wrong> = Vec::new();
        if self.latency_us().is_none() {
            wrong.push(("link-latency".to_owned(), "form.bad_latency"));
        }
        if self.loss_per_mille().is_none() {
            wrong.push(("link-loss".to_owned(), "form.bad_loss"));
        }
        wrong
    }
    fn edit(&self) -> Option<Edit> {
        let (latency_us, loss_per_mille) = (self.latency_us()?, self.loss_per_mille()?);
        Some(Edit::SetLink(LinkConfig { latency_us, loss_per_mille, down: self.down, ..self.base.clone() }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_links_numbers_are_read_in_the_units_people_use() {
        let lab = Lab::builtin("home").unwrap();
        let mut form = LinkForm::new(&lab, &lab.links[0]);
        assert_eq!((form.latency_ms.as_str(), form.loss_percent.as_str()), ("0.4", "0"));
        for (latency, loss, expect) in [
            ("20", "2.5", Some((20_000, 25))),
            ("0,05", "100", Some((50, 1000))),
            ("-1", "0", None),
            ("1", "101", None),
            ("fast", "0", None),
        ] {
            (form.latency_ms, form.loss_percent) = (latency.into(), loss.into());
            let got = form.edit().map(|e| match e {
                Edit::SetLink(l) => (l.latency_us, l.loss_per_mille),
                other => panic!("{other:?}"),
            });
            assert_eq!(got, expect, "{latency} {loss}");
            assert_eq!(form.wrong().is_empty(), expect.is_some());
        }
    }
}
