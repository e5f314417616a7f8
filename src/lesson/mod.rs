//! Lessons and clinic cases, as data: a lab to start from, what to try, goals that the emulator
//! itself checks, hints that grow, a solution; the words in each language beside them.
//!
//! ```text
//!  lessons/ID.json ─▶ Lesson ─▶ start() ─▶ Lab ─▶ boot
//!                        │                          │ the learner's lines and edits
//!                        └─▶ goals ─▶ Progress::look ┘
//! ```
//! The format is described in docs/lesson-format.md. Nothing here knows a lesson by its name.

pub mod check;
mod goal;
mod moves;
mod prose;

pub use goal::{Goal, Progress};
pub use moves::Move;
pub use prose::{Inline, Prose, inline};

use serde::{Deserialize, Serialize};

use crate::explain::Lang;
use crate::lab::{Lab, LabCommand, LabError};

/// The version of the format that this program reads.
pub const FORMAT: u32 = 1;

/// What kind of exercise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A lesson of a course.
    Lesson,
    /// A broken lab to mend.
    Clinic,
}

/// A lesson.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lesson {
    /// Version of the format.
    pub format: u32,
    /// The file's name without its ending; stands in links for ever.
    pub id: String,
    /// Lesson or clinic case.
    pub kind: Kind,
    /// Which course (1 to 5), or 0 for the clinic.
    pub course: u8,
    /// Its place in the whole, from 1; in the clinic counted by itself.
    pub number: u16,
    /// Where it starts.
    pub lab: Source,
    /// What is done to that lab before the learner sees it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub before: Vec<Move>,
    /// The picture that moves: a line that the page offers to play.
    pub play: LabCommand,
    /// Clinic: what works in the end; absent: `play` itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub then: Option<LabCommand>,
    /// What has to come about, in order.
    pub goals: Vec<Goal>,
    /// Moves that meet all goals.
    pub solution: Vec<Move>,
    /// Clinic: `play` works at the start and must not; at the end it fails.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unwanted: bool,
    /// Clinic: the name of the first cause that a diagnosis of `play` has to find (what is to be said
    /// of one that works, if it is unwanted).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// English.
    pub en: Prose,
    /// 한국어.
    pub ko: Prose,
}

/// Where a lesson's lab comes from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
pub enum Source {
    /// A built-in lab.
    Name(String),
    /// A built-in lab with other commands.
    From {
        /// Its name.
        from: String,
        /// Instead of its own.
        commands: Vec<LabCommand>,
    },
    /// A lab of its own.
    Own(Box<Lab>),
}

/// Why a lesson cannot be opened; names the place and the remedy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LessonError {
    /// Not JSON, or not of the documented shape.
    #[error("this is not a lesson: {0}")]
    Json(String),
    /// Another version.
    #[error("this lesson has format {0}; this program knows format {FORMAT}. A newer netpier opens it")]
    Format(u32),
    /// A built-in lab that is not there.
    #[error("lab: there is no built-in lab {0:?}")]
    NoLab(String),
    /// A move that cannot be made.
    #[error("{place}: {problem}")]
    Move {
        /// `before[2]`.
        place: String,
        /// What is wrong.
        problem: String,
    },
    /// The lab does not open.
    #[error(transparent)]
    Lab(#[from] LabError),
}

impl Lesson {
    /// Reads a lesson (at most 256 KiB of text).
    ///
    /// # Errors
    /// Names line and column.
    pub fn from_json(text: &str) -> Result<Self, LessonError> {
        /// Read first: a newer format may have fields that this one would stumble over.
        #[derive(Deserialize)]
        struct Version {
            format: u32,
        }
        if text.len() > 1 << 18 {
            return Err(LessonError::Json("it is longer than 256 KiB".into()));
        }
        let json = |e: serde_json::Error| LessonError::Json(e.to_string());
        let Version { format } = serde_json::from_str(text).map_err(json)?;
        if format != FORMAT {
            return Err(LessonError::Format(format));
        }
        serde_json::from_str(text).map_err(json)
    }

    /// Its words in a language.
    pub fn prose(&self, lang: Lang) -> &Prose {
        match lang {
            Lang::En => &self.en,
            Lang::Ko => &self.ko,
        }
    }

    /// The lab that the learner begins with.
    ///
    /// # Errors
    /// Names what does not fit.
    pub fn start(&self) -> Result<Lab, LessonError> {
        let builtin = |name: &str| Lab::builtin(name).ok_or_else(|| LessonError::NoLab(name.to_owned()));
        let mut lab = match &self.lab {
            Source::Name(name) => builtin(name)?,
            Source::From { from, commands } => Lab { commands: commands.clone(), ..builtin(from)? },
            Source::Own(lab) => (**lab).clone(),
        };
        for (i, step) in self.before.iter().enumerate() {
            let failed = |problem: String| LessonError::Move { place: format!("before[{i}]"), problem };
            let edit = step.edit(&lab).map_err(failed)?;
            edit.apply(&mut lab).map_err(|e| failed(e.to_string()))?;
        }
        lab.name.clone_from(&self.id);
        Ok(lab)
    }
}
