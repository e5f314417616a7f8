//! The grammar, and the parser for it (POSIX.1-2024, Shell Command Language §2.2–§2.10, as far as
//! the module's head says).

use std::fmt;

/// Substitutions may be nested this deep; deeper is refused, so that no line can exhaust the stack.
const MAX_DEPTH: usize = 16;

/// Lists of pipelines: `a | b && c ; d`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Script {
    /// In order, each with how it hangs on the one before.
    pub items: Vec<(AndOr, Pipeline)>,
}

/// How a pipeline hangs on the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AndOr {
    /// First, or after `;` or `&`: always.
    Always,
    /// After `&&`: if it succeeded.
    And,
    /// After `||`: if it failed.
    Or,
}

/// `a | b | c`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pipeline {
    /// In order.
    pub commands: Vec<Command>,
    /// `&` follows: nobody waits for it.
    pub background: bool,
}

/// Words and redirections.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// Words; the first is the program.
    pub words: Vec<Word>,
    /// In order.
    pub redirects: Vec<Redirect>,
}

/// A redirection.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Redirect {
    Stdin { path: Word },
    Stdout { path: Word, append: bool },
    Stderr { path: Word, append: bool },
    StderrToStdout,
    StdoutToStderr,
}

/// A word before expansion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    /// Concatenated. An unquoted substitution is split at white space, as in sh.
    pub parts: Vec<WordPart>,
}

/// A part of a word.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum WordPart {
    Text(String),
    Variable { name: String, quoted: bool },
    Substitution { script: Script, quoted: bool },
}

/// Where and why a line is not a command, in bash's words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ParseError {
    /// Byte offset.
    pub at: usize,
    /// `syntax error near unexpected token …`
    pub message: String,
}

/// Parses a line.
///
/// # Errors
/// Names the place and the token.
pub fn parse(line: &str) -> Result<Script, ParseError> {
    let mut p = Parser { text: line, at: 0, depth: 0 };
    p.script(false)
}

/// A token that ends a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    Pipe,
    Semicolon,
    Ampersand,
    And,
    Or,
    /// `)`, where a substitution ends.
    Close,
    /// The end of the line.
    End,
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
}

impl<'a> Parser<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }
    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }
    fn bump(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += c.len_utf8();
        Some(c)
    }
    fn eat(&mut self, token: &str) -> bool {
        let found = self.rest().starts_with(token);
        if found {
            self.at += token.len();
        }
        found
    }
    fn error<T>(&self, message: impl Into<String>) -> Result<T, ParseError> {
        Err(ParseError { at: self.at, message: message.into() })
    }
    fn unexpected<T>(&self, token: &str) -> Result<T, ParseError> {
        self.error(format!("syntax error near unexpected token `{token}'"))
    }

    /// Blanks, comments and escaped line ends.
    fn blanks(&mut self) {
        loop {
            match self.peek() {
                Some(' ' | '\t' | '\r') => self.at += 1,
                Some('\\') if self.rest().starts_with("\\\n") => self.at += 2,
                Some('#') => {
                    self.at += self.rest().find('\n').unwrap_or(self.rest().len());
                }
                _ => return,
            }
        }
    }

    /// A list of pipelines up to the end of the line, or to `)` in a substitution.
    fn script(&mut self, nested: bool) -> Result<Script, ParseError> {
        let mut items: Vec<(AndOr, Pipeline)> = Vec::new();
        let mut how = AndOr::Always;
        loop {
            self.blanks();
            if how == AndOr::Always && self.eat("\n") {
                continue;
            }
            let begin = self.at;
            let (mut pipeline, end) = self.pipeline()?;
            if pipeline.commands.is_empty() {
                match end {
                    Operator::End | Operator::Close if how != AndOr::Always => {
                        return self.error("syntax error: unexpected end of file");
                    }
                    Operator::End | Operator::Close => return self.finish(items, end, nested),
                    other => {
                        self.at = begin;
                        return self.unexpected(spelling(other));
                    }
                }
            }
            pipeline.background = end == Operator::Ampersand;
            items.push((how, pipeline));
            how = match end {
                Operator::Semicolon | Operator::Ampersand => AndOr::Always,
                Operator::And => AndOr::And,
                Operator::Or => AndOr::Or,
                Operator::End | Operator::Close | Operator::Pipe => return self.finish(items, end, nested),
            };
        }
    }

    fn finish(
        &self,
        items: Vec<(AndOr, Pipeline)>,
        end: Operator,
        nested: bool,
    ) -> Result<Script, ParseError> {
        match (end, nested) {
            (Operator::Close, false) => self.unexpected(")"),
            (Operator::End, true) => self.error("unexpected EOF while looking for matching `)'"),
            _ => Ok(Script { items }),
        }
    }

    fn pipeline(&mut self) -> Result<(Pipeline, Operator), ParseError> {
        let mut commands = Vec::new();
        loop {
            let (command, end) = self.command()?;
            let empty = command.words.is_empty() && command.redirects.is_empty();
            match end {
                Operator::Pipe if empty => return self.unexpected("|"),
                Operator::Pipe => commands.push(command),
                Operator::End | Operator::Close if empty && !commands.is_empty() => {
                    return self.error("syntax error: unexpected end of file");
                }
                _ if empty && !commands.is_empty() => return self.unexpected(spelling(end)),
                _ => {
                    if !empty {
                        commands.push(command);
                    }
                    return Ok((Pipeline { commands, background: false }, end));
                }
            }
        }
    }

    fn command(&mut self) -> Result<(Command, Operator), ParseError> {
        let mut command = Command { words: Vec::new(), redirects: Vec::new() };
        loop {
            self.blanks();
            if self.redirect(&mut command.redirects)? {
                continue;
            }
            if let Some(op) = self.operator() {
                return Ok((command, op));
            }
            if matches!(self.peek(), Some('(')) {
                return self.unexpected("(");
            }
            let word = self.word()?;
            command.words.push(word);
        }
    }

    fn operator(&mut self) -> Option<Operator> {
        if self.rest().is_empty() {
            return Some(Operator::End);
        }
        let table = [
            ("&&", Operator::And),
            ("||", Operator::Or),
            ("|", Operator::Pipe),
            (";", Operator::Semicolon),
            ("\n", Operator::Semicolon),
            ("&", Operator::Ampersand),
            (")", Operator::Close),
        ];
        table.into_iter().find(|(token, _)| self.eat(token)).map(|(_, op)| op)
    }

    /// Reads one redirection if there is one here.
    fn redirect(&mut self, into: &mut Vec<Redirect>) -> Result<bool, ParseError> {
        if self.eat("&>") {
            let append = self.eat(">");
            let path = self.target()?;
            into.extend([Redirect::Stdout { path, append }, Redirect::StderrToStdout]);
            return Ok(true);
        }
        let rest = self.rest();
        let (fd, skip) = match rest.as_bytes() {
            [d @ b'0'..=b'2', b'>' | b'<', ..] => (d - b'0', 1),
            [b'>', ..] => (1, 0),
            [b'<', ..] => (0, 0),
            _ => return Ok(false),
        };
        self.at += skip;
        if self.rest().starts_with("<<") {
            return self.unexpected("<<");
        }
        if self.eat("<") {
            if fd != 0 {
                return self.unexpected("<");
            }
            let path = self.target()?;
            into.push(Redirect::Stdin { path });
            return Ok(true);
        }
        if self.eat(">&") {
            match (fd, self.bump()) {
                (2, Some('1')) => into.push(Redirect::StderrToStdout),
                (1, Some('2')) => into.push(Redirect::StdoutToStderr),
                (1, Some('1')) | (2, Some('2')) => {}
                _ => return self.unexpected("&"),
            }
            return Ok(true);
        }
        let append = self.eat(">>");
        if !append {
            self.eat(">");
        }
        let path = self.target()?;
        into.push(match fd {
            2 => Redirect::Stderr { path, append },
            1 => Redirect::Stdout { path, append },
            _ => return self.unexpected(">"),
        });
        Ok(true)
    }

    /// The file name after a redirection operator.
    fn target(&mut self) -> Result<Word, ParseError> {
        self.blanks();
        match self.peek() {
            None | Some('\n') => self.unexpected("newline"),
            Some(c @ ('|' | ';' | '&' | '<' | '>' | '(' | ')')) => self.unexpected(&c.to_string()),
            Some(_) => self.word(),
        }
    }

    fn word(&mut self) -> Result<Word, ParseError> {
        let mut parts = Vec::new();
        while let Some(c) = self.peek() {
            match c {
                ' ' | '\t' | '\r' | '\n' | '|' | ';' | '&' | '<' | '>' | '(' | ')' => break,
                '\'' => {
                    self.bump();
                    let Some(len) = self.rest().find('\'') else {
                        return self.error("unexpected EOF while looking for matching `''");
                    };
                    push_text(&mut parts, &self.rest()[..len]);
                    self.at += len + 1;
                }
                '"' => {
                    self.bump();
                    self.double_quoted(&mut parts)?;
                }
                '\\' => {
                    self.bump();
                    match self.bump() {
                        Some('\n') => {}
                        Some(c) => push_text(&mut parts, c.encode_utf8(&mut [0; 4])),
                        None => push_text(&mut parts, "\\"),
                    }
                }
                '$' | '`' => self.dollar(&mut parts, false)?,
                c => {
                    self.bump();
                    push_text(&mut parts, c.encode_utf8(&mut [0; 4]));
                }
            }
        }
        Ok(Word { parts })
    }

    fn double_quoted(&mut self, parts: &mut Vec<WordPart>) -> Result<(), ParseError> {
        if self.eat("\"") {
            push_text(parts, "");
            return Ok(());
        }
        loop {
            match self.peek() {
                None => return self.error("unexpected EOF while looking for matching `\"'"),
                Some('"') => {
                    self.bump();
                    return Ok(());
                }
                Some('$' | '`') => self.dollar(parts, true)?,
                Some('\\') => {
                    self.bump();
                    match self.bump() {
                        Some(c @ ('"' | '\\' | '$' | '`')) => {
                            push_text(parts, c.encode_utf8(&mut [0; 4]));
                        }
                        Some('\n') => {}
                        Some(c) => {
                            push_text(parts, "\\");
                            push_text(parts, c.encode_utf8(&mut [0; 4]));
                        }
                        None => push_text(parts, "\\"),
                    }
                }
                Some(c) => {
                    self.bump();
                    push_text(parts, c.encode_utf8(&mut [0; 4]));
                }
            }
        }
    }

    /// `$NAME`, `${NAME}`, `$?`, `$(…)`, or a backquoted substitution; a lone `$` is itself.
    fn dollar(&mut self, parts: &mut Vec<WordPart>, quoted: bool) -> Result<(), ParseError> {
        if self.eat("`") {
            let Some(len) = self.rest().find('`') else {
                return self.error("unexpected EOF while looking for matching ``'");
            };
            let inner = &self.rest()[..len];
            let mut sub = Parser { text: inner, at: 0, depth: self.depth + 1 };
            let script = sub.checked_script(false)?;
            self.at += len + 1;
            parts.push(WordPart::Substitution { script, quoted });
            return Ok(());
        }
        self.bump();
        if self.eat("(") {
            self.depth += 1;
            let script = self.checked_script(true)?;
            self.depth -= 1;
            parts.push(WordPart::Substitution { script, quoted });
            return Ok(());
        }
        if self.eat("{") {
            let name = name_at(self.rest());
            self.at += name.len();
            if name.is_empty() || !self.eat("}") {
                return self.error("bad substitution");
            }
            parts.push(WordPart::Variable { name: name.to_owned(), quoted });
            return Ok(());
        }
        let name = name_at(self.rest());
        self.at += name.len();
        if name.is_empty() {
            push_text(parts, "$");
        } else {
            parts.push(WordPart::Variable { name: name.to_owned(), quoted });
        }
        Ok(())
    }

    fn checked_script(&mut self, nested: bool) -> Result<Script, ParseError> {
        if self.depth > MAX_DEPTH {
            return self.error("substitutions are nested too deeply");
        }
        self.script(nested)
    }
}

/// The variable name that `rest` begins with: letters, digits, underscores, or one of `?` and `$`.
fn name_at(rest: &str) -> &str {
    if rest.starts_with('?') || rest.starts_with('$') {
        return &rest[..1];
    }
    if rest.starts_with(|c: char| c.is_ascii_digit()) {
        return "";
    }
    let len = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
    &rest[..len]
}

/// Adds literal text; neighbours become one part.
fn push_text(parts: &mut Vec<WordPart>, text: &str) {
    if let Some(WordPart::Text(last)) = parts.last_mut() {
        last.push_str(text);
    } else {
        parts.push(WordPart::Text(text.to_owned()));
    }
}

fn spelling(op: Operator) -> &'static str {
    match op {
        Operator::Pipe => "|",
        Operator::Semicolon => ";",
        Operator::Ampersand => "&",
        Operator::And => "&&",
        Operator::Or => "||",
        Operator::Close => ")",
        Operator::End => "newline",
    }
}

/// `text` as one word of a command line: quoted only where it has to be.
pub fn quote(text: &str) -> String {
    let plain = |c: char| {
        c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '/' | ':' | '=' | ',' | '@' | '%' | '+')
    };
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

/// The words as a command line that parses into them again.
pub fn join<S: AsRef<str>>(words: &[S]) -> String {
    words.iter().map(|w| quote(w.as_ref())).collect::<Vec<_>>().join(" ")
}

impl fmt::Display for Script {
    /// A line that parses into the same script.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, (how, pipeline)) in self.items.iter().enumerate() {
            let before = i.checked_sub(1).map(|i| self.items[i].1.background);
            match (how, before) {
                (_, None) => {}
                (AndOr::Always, Some(true)) => f.write_str(" & ")?,
                (AndOr::Always, Some(false)) => f.write_str("; ")?,
                (AndOr::And, _) => f.write_str(" && ")?,
                (AndOr::Or, _) => f.write_str(" || ")?,
            }
            pipeline.fmt(f)?;
        }
        if self.items.last().is_some_and(|(_, p)| p.background) {
            f.write_str(" &")?;
        }
        Ok(())
    }
}

impl fmt::Display for Pipeline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, command) in self.commands.iter().enumerate() {
            if i > 0 {
                f.write_str(" | ")?;
            }
            command.fmt(f)?;
        }
        Ok(())
    }
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = self.words.iter().map(ToString::to_string);
        let redirects = self.redirects.iter().map(ToString::to_string);
        f.write_str(&words.chain(redirects).collect::<Vec<_>>().join(" "))
    }
}

impl fmt::Display for Redirect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let arrow = |append: &bool| if *append { ">>" } else { ">" };
        match self {
            Self::Stdin { path } => write!(f, "< {path}"),
            Self::Stdout { path, append } => write!(f, "{} {path}", arrow(append)),
            Self::Stderr { path, append } => write!(f, "2{} {path}", arrow(append)),
            Self::StderrToStdout => f.write_str("2>&1"),
            Self::StdoutToStderr => f.write_str(">&2"),
        }
    }
}

impl fmt::Display for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in &self.parts {
            match part {
                WordPart::Text(text) => f.write_str(&quote(text))?,
                WordPart::Variable { name, quoted: true } => write!(f, "\"${{{name}}}\"")?,
                WordPart::Variable { name, quoted: false } => write!(f, "${{{name}}}")?,
                WordPart::Substitution { script, quoted: true } => write!(f, "\"$({script})\"")?,
                WordPart::Substitution { script, quoted: false } => write!(f, "$({script})")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(line: &str, expect: &str) {
        let got = match parse(line) {
            Ok(script) => script.to_string(),
            Err(e) => format!("{} @{}", e.message, e.at),
        };
        assert_eq!(got, expect, "{line}");
    }

    #[test]
    fn lines_parse_as_in_bash() {
        for (line, expect) in [
            ("", ""),
            ("  # only a comment", ""),
            ("ping -c 1 10.0.0.2", "ping -c 1 10.0.0.2"),
            ("a|b && c ; d || e", "a | b && c; d || e"),
            ("echo 'a  b'\"c $X\"d", "echo 'a  bc '\"${X}\"d"),
            ("echo \"\\$X \\n\"", "echo '$X \\n'"),
            ("echo a\\ b", "echo 'a b'"),
            ("echo ''", "echo ''"),
            ("echo $(docker ps -q) \"$(a | b)\"", "echo $(docker ps -q) \"$(a | b)\""),
            ("echo `hostname -i`", "echo $(hostname -i)"),
            ("echo $(echo $(echo x))", "echo $(echo $(echo x))"),
            ("a 2>/dev/null >x 2>&1 <y >>z", "a 2> /dev/null > x 2>&1 < y >> z"),
            ("echo 2 >x", "echo 2 > x"),
            ("echo a#b # c", "echo 'a#b'"),
            ("serve tcp:80 & ping x", "serve tcp:80 & ping x"),
            ("a &", "a &"),
            ("a\nb", "a; b"),
            ("a &&\\\nb", "a && b"),
            ("echo $ $1 ${A}b $?", "echo '$' '$1' ${A}b ${?}"),
            ("ls &> f", "ls > f 2>&1"),
            ("echo 안녕", "echo 안녕"),
        ] {
            check(line, expect);
        }
    }

    #[test]
    fn errors_are_in_bashs_words() {
        for (line, expect) in [
            ("| a", "syntax error near unexpected token `|' @1"),
            ("a | | b", "syntax error near unexpected token `|' @5"),
            ("a ;; b", "syntax error near unexpected token `;' @3"),
            ("a &&", "syntax error: unexpected end of file @4"),
            ("a |", "syntax error: unexpected end of file @3"),
            ("a )", "syntax error near unexpected token `)' @3"),
            ("a >", "syntax error near unexpected token `newline' @3"),
            ("a > | b", "syntax error near unexpected token `|' @4"),
            ("echo 'x", "unexpected EOF while looking for matching `'' @6"),
            ("echo \"x", "unexpected EOF while looking for matching `\"' @7"),
            ("echo $(x", "unexpected EOF while looking for matching `)' @8"),
            ("(a)", "syntax error near unexpected token `(' @0"),
            ("cat <<EOF", "syntax error near unexpected token `<<' @4"),
            ("echo ${a-b}", "bad substitution @8"),
        ] {
            check(line, expect);
        }
    }

    #[test]
    fn deep_nesting_is_refused() {
        assert!(parse(&"$(".repeat(100_000)).is_err());
    }

    fn word() -> impl Strategy<Value = Word> {
        let part = prop_oneof![
            "[ -~가-힣]{0,6}".prop_map(WordPart::Text),
            ("[A-Z_][A-Z0-9_]{0,4}", any::<bool>())
                .prop_map(|(name, quoted)| WordPart::Variable { name, quoted }),
            ("[a-z]{1,4}", any::<bool>()).prop_map(|(w, quoted)| WordPart::Substitution {
                script: parse(&w).expect("a plain word"),
                quoted
            }),
        ];
        // Neighbouring texts are one part, as the parser makes them.
        proptest::collection::vec(part, 1..4).prop_map(|parts| {
            let mut word = Word { parts: Vec::new() };
            for part in parts {
                match part {
                    WordPart::Text(t) => push_text(&mut word.parts, &t),
                    other => word.parts.push(other),
                }
            }
            word
        })
    }

    fn script() -> impl Strategy<Value = Script> {
        let redirect = prop_oneof![
            word().prop_map(|path| Redirect::Stdin { path }),
            (word(), any::<bool>()).prop_map(|(path, append)| Redirect::Stdout { path, append }),
            (word(), any::<bool>()).prop_map(|(path, append)| Redirect::Stderr { path, append }),
            Just(Redirect::StderrToStdout),
            Just(Redirect::StdoutToStderr),
        ];
        let command = (proptest::collection::vec(word(), 1..4), proptest::collection::vec(redirect, 0..3))
            .prop_map(|(words, redirects)| Command { words, redirects });
        let pipeline = (proptest::collection::vec(command, 1..3), any::<bool>())
            .prop_map(|(commands, background)| Pipeline { commands, background });
        let how = prop_oneof![Just(AndOr::Always), Just(AndOr::And), Just(AndOr::Or)];
        proptest::collection::vec((how, pipeline), 0..4).prop_map(|mut items| {
            let mut always = true;
            for (how, pipeline) in &mut items {
                if always {
                    *how = AndOr::Always;
                }
                always = pipeline.background;
            }
            Script { items }
        })
    }

    proptest! {
        #[test]
        fn no_line_makes_the_parser_panic(line in "[ -~\n가]{0,60}") {
            let _ = parse(&line);
        }
        #[test]
        fn what_is_printed_parses_into_the_same_script(s in script()) {
            prop_assert_eq!(parse(&s.to_string()), Ok(s));
        }
        #[test]
        fn joined_words_parse_into_the_same_words(words in proptest::collection::vec("\\PC{0,8}", 1..5)) {
            let script = parse(&join(&words)).expect("quoted words parse");
            let got: Vec<String> = script.items[0].1.commands[0].words.iter().map(|w| match &w.parts[..] {
                [WordPart::Text(t)] => t.clone(),
                other => panic!("{other:?}"),
            }).collect();
            prop_assert_eq!(got, words);
        }
    }
}
