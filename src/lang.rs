//! The languages that netpier speaks. What real tools print is in the language in which they print it.

/// A language of the interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Lang {
    /// English.
    #[default]
    En,
    /// 한국어.
    Ko,
}

impl Lang {
    /// The BCP 47 tag: `en`, `ko`.
    pub const fn tag(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Ko => "ko",
        }
    }
    /// From a tag such as `ko-KR`; English for every other language.
    pub fn from_tag(tag: &str) -> Self {
        if tag.split(['-', '_']).next() == Some("ko") { Self::Ko } else { Self::En }
    }
    /// Of a text in English and in Korean the one in this language.
    pub fn of<T>(self, [english, korean]: [T; 2]) -> T {
        match self {
            Self::En => english,
            Self::Ko => korean,
        }
    }
}
