//! `help`: what can be typed at a place, in the language of the page.

use super::Session;
use super::stage::{Launch, Spot};
use crate::guest;
use crate::shell::nearest;
use std::fmt::Write as _;

impl Session {
    /// `help`, `help COMMAND`.
    pub(super) fn help(&mut self, spot: Spot, args: &[String]) -> Launch {
        let known = self.known_words(spot.node, spot.machine);
        let Some(word) = args.first() else { return Launch::ok(self.overview(&known)) };
        let language = usize::from(self.korean);
        if !known.contains(&word.as_str()) {
            let mut text = format!("help: no help topics match `{word}'.\n");
            if let Some(near) = nearest(word, known.into_iter()) {
                let _ = match self.korean {
                    true => writeln!(text, "혹시 {near:?}인가요?"),
                    false => writeln!(text, "did you mean {near:?}?"),
                };
            }
            return Launch::fail(text, 1);
        }
        let Some((usage, help)) = Self::usage_of(word) else { return Launch::default() };
        let mut text = format!("{usage}\n  {}\n", help[language]);
        for option in guest::info(word).map_or(&[][..], |i| i.options) {
            let mut names = option.names.join(", ");
            if !option.value.is_empty() {
                let _ = write!(names, " {}", option.value);
            }
            let _ = writeln!(text, "  {names:<24} {}", option.help[language]);
        }
        Launch::ok(text)
    }

    fn overview(&self, known: &[&'static str]) -> String {
        let language = usize::from(self.korean);
        let mut text = String::new();
        for word in known {
            if let Some((_, help)) = Self::usage_of(word) {
                let _ = writeln!(text, "{word:<16} {}", help[language]);
            }
        }
        text += [
            "help COMMAND says more. Also: a | b, a; b, a && b, a || b, $(a), > file, 2>/dev/null, for, while, if, $((1+2)). Ctrl-C ends a command.\n",
            "help 명령: 자세한 설명. a | b, a; b, a && b, a || b, $(a), > 파일, 2>/dev/null, for, while, if, $((1+2))도 쓸 수 있어요. Ctrl-C로 명령을 끝내요.\n",
        ][language];
        text
    }
}
