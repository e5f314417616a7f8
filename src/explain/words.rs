//! Texts by key. `www/locales/{en,ko}/*.json` are flat objects: `"timeline.play": "Play"`.
//! Placeholders are `{name}`; in Korean a particle follows as `{name:은}`, `{name:이}`,
//! `{name:을}`, `{name:으로}` … and takes the form that fits the last sound.

/// A language of the interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Lang {
    /// English.
    #[default]
    En,
    /// 한국어.
    Ko,
}

/// The text of `key` with its placeholders filled. A missing key gives the key itself (and a test finds it).
pub fn text(_lang: Lang, _key: &str, _args: &[(&str, &str)]) -> String {
    todo!()
}
