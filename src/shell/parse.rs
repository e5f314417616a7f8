//! The parser (POSIX.1-2024, Shell Command Language §2.2–§2.10, as far as the module's head says).

use super::ast::{AndOr, Command, Compound, Operator, Pipeline, RESERVED, Redirect, Script, Word, WordPart};
use super::braces::braces;

/// Substitutions and compound commands may be nested this deep; deeper is refused, so that no line
/// can exhaust the stack.
const MAX_DEPTH: usize = 24;

/// Where and why a line is not a command, in bash's words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ParseError {
    /// Byte offset.
    pub at: usize,
    /// `syntax error near unexpected token …`
    pub message: String,
    /// The line is the beginning of a command: more lines may make it whole.
    pub unfinished: bool,
}

/// Parses a line, or several.
///
/// # Errors
/// Names the place and the token.
pub fn parse(line: &str) -> Result<Script, ParseError> {
    let mut p = Parser { text: line, at: 0, depth: 0 };
    p.list(Until::Line)
}

/// What ends a list. It is left to whoever asked for the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Until {
    /// The end of the text.
    Line,
    /// `)`.
    Paren,
    /// One of these reserved words.
    Words(&'static [&'static str]),
    /// `;;` or `esac`.
    Arm,
}

/// What ends text that is read as if between double quotes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stop {
    Quote,
    /// `}` of `${…}`; `true`: the whole stands between double quotes.
    Brace(bool),
    /// `))`.
    Arithmetic,
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
}

const fn ends_word(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\n' | '|' | ';' | '&' | '<' | '>' | '(' | ')')
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
        Err(ParseError { at: self.at, message: message.into(), unfinished: false })
    }
    /// The text ends too early.
    fn unfinished<T>(&self, message: impl Into<String>) -> Result<T, ParseError> {
        Err(ParseError { at: self.at, message: message.into(), unfinished: true })
    }
    fn end_of_file<T>(&self) -> Result<T, ParseError> {
        self.unfinished("syntax error: unexpected end of file")
    }
    fn unexpected<T>(&self, token: &str) -> Result<T, ParseError> {
        self.error(format!("syntax error near unexpected token `{token}'"))
    }
    /// What stands here does not belong here.
    fn unexpected_here<T>(&self) -> Result<T, ParseError> {
        const OPERATORS: [&str; 11] = ["&&", "||", ";;", "<<", ">>", "|", ";", "&", "(", ")", "<"];
        let rest = self.rest();
        if rest.is_empty() {
            return self.end_of_file();
        }
        if rest.starts_with('\n') {
            return self.unexpected("newline");
        }
        match OPERATORS.iter().find(|o| rest.starts_with(**o)) {
            Some(operator) => self.unexpected(operator),
            None => self.unexpected(self.raw_word()),
        }
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
    /// [`Parser::blanks`], and ends of lines.
    fn newlines(&mut self) {
        self.blanks();
        while self.eat("\n") {
            self.blanks();
        }
    }

    /// The word here as it is typed, quotes and all.
    fn raw_word(&self) -> &'a str {
        let rest = self.rest();
        &rest[..rest.find(ends_word).unwrap_or(rest.len())]
    }
    /// The reserved word that stands here.
    fn reserved(&self) -> Option<&'static str> {
        let word = self.raw_word();
        RESERVED.iter().copied().find(|r| *r == word)
    }
    fn eat_word(&mut self, word: &str) -> bool {
        let found = self.raw_word() == word;
        if found {
            self.at += word.len();
        }
        found
    }
    fn expect_word(&mut self, word: &str) -> Result<(), ParseError> {
        if self.eat_word(word) { Ok(()) } else { self.unexpected_here() }
    }

    /// A list of pipelines up to what ends it.
    fn list(&mut self, until: Until) -> Result<Script, ParseError> {
        let mut items: Vec<(AndOr, Pipeline)> = Vec::new();
        let mut how = AndOr::Always;
        loop {
            self.newlines();
            if self.rest().is_empty() {
                return match (how, until) {
                    (AndOr::Always, Until::Line) => Ok(Script { items }),
                    (AndOr::Always, Until::Paren) => {
                        self.unfinished("unexpected EOF while looking for matching `)'")
                    }
                    _ => self.end_of_file(),
                };
            }
            let word = self.reserved();
            let ended = match until {
                Until::Line => false,
                Until::Paren => self.peek() == Some(')'),
                Until::Words(words) => word.is_some_and(|w| words.contains(&w)),
                Until::Arm => self.rest().starts_with(";;") || word == Some("esac"),
            };
            if ended && how == AndOr::Always {
                return Ok(Script { items });
            }
            let mut pipeline = self.pipeline()?;
            self.blanks();
            let next = if self.eat("&&") {
                AndOr::And
            } else if self.eat("||") {
                AndOr::Or
            } else {
                // `;;` and what ends the list is looked at when the next pipeline would begin.
                let here = self.rest();
                if here.starts_with('&') {
                    pipeline.background = true;
                    self.at += 1;
                } else if here.starts_with(['\n', ';']) && !here.starts_with(";;") {
                    self.at += 1;
                } else if !here.is_empty() && !here.starts_with(";;") && !here.starts_with(')') {
                    return self.unexpected_here();
                }
                AndOr::Always
            };
            items.push((how, pipeline));
            how = next;
        }
    }

    /// A list that has something in it.
    fn body(&mut self, until: Until) -> Result<Script, ParseError> {
        let script = self.list(until)?;
        if script.items.is_empty() { self.unexpected_here() } else { Ok(script) }
    }

    fn pipeline(&mut self) -> Result<Pipeline, ParseError> {
        let mut pipeline = Pipeline { commands: Vec::new(), negated: false, background: false };
        while self.reserved() == Some("!") {
            self.at += 1;
            pipeline.negated = !pipeline.negated;
            self.blanks();
        }
        loop {
            pipeline.commands.push(self.command()?);
            self.blanks();
            if self.rest().starts_with("||") || !self.eat("|") {
                return Ok(pipeline);
            }
            self.newlines();
        }
    }

    fn command(&mut self) -> Result<Command, ParseError> {
        let mut command = Command::default();
        self.blanks();
        if self.reserved().is_some() || self.peek() == Some('(') {
            if self.depth >= MAX_DEPTH {
                return self.error("commands are nested too deeply");
            }
            self.depth += 1;
            command.compound = Some(Box::new(self.compound()?));
            self.depth -= 1;
        }
        if command.compound.is_none() && self.raw_word() == "[[" {
            command.words = self.condition()?;
        }
        let condition = !command.words.is_empty();
        loop {
            self.blanks();
            if self.redirect(&mut command.redirects)? {
                continue;
            }
            if command.compound.is_some() || condition || self.peek().is_none_or(ends_word) {
                break;
            }
            let word = self.word()?;
            command.words.push(word);
        }
        let empty = command.words.is_empty() && command.redirects.is_empty() && command.compound.is_none();
        if empty || (self.peek() == Some('(') && command.compound.is_none()) {
            return self.unexpected_here();
        }
        Ok(command)
    }

    /// `[[ … ]]`, as words for the builtin: nothing is split, `&&` and `||` are `-a` and `-o`, and neither
    /// `<`, `>` nor parentheses are the shell's.
    fn condition(&mut self) -> Result<Vec<Word>, ParseError> {
        let plain = |text: &str| Word { parts: vec![WordPart::Text(text.to_owned())] };
        self.at += 2;
        let mut words = vec![plain("[[")];
        loop {
            self.newlines();
            if self.eat_word("]]") {
                return Ok(words);
            }
            let token = ["&&", "||", "(", ")", "<", ">"].into_iter().find(|t| self.eat(t));
            match token {
                Some("&&") => words.push(plain("-a")),
                Some("||") => words.push(plain("-o")),
                Some(token) => words.push(plain(token)),
                None if self.peek().is_none() => {
                    return self.unfinished("unexpected EOF while looking for `]]'");
                }
                None if self.peek().is_some_and(ends_word) => return self.unexpected_here(),
                None => {
                    let mut word = self.word()?;
                    word.parts.iter_mut().for_each(keep_whole);
                    words.push(word);
                }
            }
        }
    }

    fn compound(&mut self) -> Result<Compound, ParseError> {
        if self.eat("(") {
            let script = self.body(Until::Paren)?;
            self.eat(")");
            return Ok(Compound::Subshell(script));
        }
        let word = self.reserved().unwrap_or_default();
        match word {
            "{" => {
                self.at += 1;
                let script = self.body(Until::Words(&["}"]))?;
                self.expect_word("}")?;
                Ok(Compound::Group(script))
            }
            "if" => self.if_command(),
            "while" | "until" => {
                self.at += word.len();
                let condition = self.body(Until::Words(&["do"]))?;
                Ok(Compound::While { until: word == "until", condition, body: self.do_done()? })
            }
            "for" => self.for_command(),
            "case" => self.case_command(),
            _ => self.unexpected_here(),
        }
    }

    fn do_done(&mut self) -> Result<Script, ParseError> {
        self.expect_word("do")?;
        let body = self.body(Until::Words(&["done"]))?;
        self.expect_word("done")?;
        Ok(body)
    }

    fn if_command(&mut self) -> Result<Compound, ParseError> {
        let mut branches = Vec::new();
        let mut otherwise = None;
        self.expect_word("if")?;
        loop {
            let condition = self.body(Until::Words(&["then"]))?;
            self.expect_word("then")?;
            branches.push((condition, self.body(Until::Words(&["elif", "else", "fi"]))?));
            if self.eat_word("elif") {
                continue;
            }
            if self.eat_word("else") {
                otherwise = Some(self.body(Until::Words(&["fi"]))?);
            }
            self.expect_word("fi")?;
            return Ok(Compound::If { branches, otherwise });
        }
    }

    fn for_command(&mut self) -> Result<Compound, ParseError> {
        self.expect_word("for")?;
        self.blanks();
        let raw = self.raw_word();
        if raw.is_empty() {
            return self.unexpected_here();
        }
        let name = name_at(raw);
        if name != raw || !name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
            return self.error(format!("`{raw}': not a valid identifier"));
        }
        self.at += name.len();
        self.newlines();
        let mut words = None;
        if self.eat_word("in") {
            let list = words.get_or_insert_with(Vec::new);
            loop {
                self.blanks();
                if self.peek().is_none_or(ends_word) {
                    break;
                }
                list.push(self.word()?);
            }
            if !self.eat(";") && !self.rest().starts_with('\n') {
                return self.unexpected_here();
            }
        } else {
            self.eat(";");
        }
        self.newlines();
        Ok(Compound::For { name: name.to_owned(), words, body: self.do_done()? })
    }

    fn case_command(&mut self) -> Result<Compound, ParseError> {
        self.expect_word("case")?;
        let word = self.needed_word()?;
        self.newlines();
        self.expect_word("in")?;
        let mut arms = Vec::new();
        loop {
            self.newlines();
            if self.eat_word("esac") {
                return Ok(Compound::Case { word, arms });
            }
            self.eat("(");
            let mut patterns = vec![self.needed_word()?];
            self.blanks();
            while self.eat("|") {
                patterns.push(self.needed_word()?);
                self.blanks();
            }
            if !self.eat(")") {
                return self.unexpected_here();
            }
            arms.push((patterns, self.list(Until::Arm)?));
            if !self.eat(";;") {
                self.expect_word("esac")?;
                return Ok(Compound::Case { word, arms });
            }
        }
    }

    fn needed_word(&mut self) -> Result<Word, ParseError> {
        self.blanks();
        if self.peek().is_none_or(ends_word) { self.unexpected_here() } else { self.word() }
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
                c if ends_word(c) => break,
                '\'' => {
                    self.bump();
                    let Some(len) = self.rest().find('\'') else {
                        return self.unfinished("unexpected EOF while looking for matching `''");
                    };
                    push_text(&mut parts, &self.rest()[..len]);
                    self.at += len + 1;
                }
                '"' => {
                    self.bump();
                    if self.rest().starts_with('"') {
                        push_text(&mut parts, "");
                    }
                    self.quoted(&mut parts, Stop::Quote)?;
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
                '{' if let Some((typed, alternatives)) = braces(self.rest()) => {
                    self.at += typed.len();
                    parts.push(WordPart::Braces { typed: typed.to_owned(), alternatives });
                }
                c => {
                    self.bump();
                    push_text(&mut parts, c.encode_utf8(&mut [0; 4]));
                }
            }
        }
        Ok(Word { parts })
    }

    /// Reads on to what ends it, and over that. `$`, backquotes and `\` keep their meaning.
    fn quoted(&mut self, parts: &mut Vec<WordPart>, stop: Stop) -> Result<(), ParseError> {
        let mut depth = 0;
        let quoted = stop != Stop::Brace(false);
        loop {
            match (self.peek(), stop) {
                (None, Stop::Quote) => {
                    return self.unfinished("unexpected EOF while looking for matching `\"'");
                }
                (None, Stop::Brace(_)) => {
                    return self.unfinished("unexpected EOF while looking for matching `}'");
                }
                (None, Stop::Arithmetic) => {
                    return self.unfinished("unexpected EOF while looking for matching `)'");
                }
                (Some('"'), Stop::Quote) | (Some('}'), Stop::Brace(_)) => {
                    self.bump();
                    return Ok(());
                }
                (Some(')'), Stop::Arithmetic) if depth == 0 => {
                    if !self.eat("))") {
                        return self.unexpected(")");
                    }
                    return Ok(());
                }
                (Some('"'), Stop::Brace(_)) => {
                    self.bump();
                    if stop == Stop::Brace(false) {
                        self.quoted(parts, Stop::Quote)?;
                    }
                }
                (Some('\''), Stop::Brace(false)) => {
                    self.bump();
                    let Some(len) = self.rest().find('\'') else {
                        return self.unfinished("unexpected EOF while looking for matching `''");
                    };
                    push_text(parts, &self.rest()[..len]);
                    self.at += len + 1;
                }
                (Some('$' | '`'), _) => self.dollar(parts, quoted)?,
                (Some('\\'), _) => {
                    self.bump();
                    match self.bump() {
                        Some(c @ ('"' | '\\' | '$' | '`' | '}')) if c != '}' || stop != Stop::Quote => {
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
                (Some(c), _) => {
                    depth += i32::from(c == '(') - i32::from(c == ')');
                    self.bump();
                    push_text(parts, c.encode_utf8(&mut [0; 4]));
                }
            }
        }
    }

    /// `$NAME`, `${NAME…}`, `$?`, `$(…)`, `$((…))`, or a backquoted substitution; a lone `$` is itself.
    fn dollar(&mut self, parts: &mut Vec<WordPart>, quoted: bool) -> Result<(), ParseError> {
        if self.depth >= MAX_DEPTH {
            return self.error("substitutions are nested too deeply");
        }
        self.depth += 1;
        let result = self.substitution(parts, quoted);
        self.depth -= 1;
        result
    }

    fn substitution(&mut self, parts: &mut Vec<WordPart>, quoted: bool) -> Result<(), ParseError> {
        if self.eat("`") {
            let Some(len) = self.rest().find('`') else {
                return self.unfinished("unexpected EOF while looking for matching ``'");
            };
            let mut sub = Parser { text: &self.rest()[..len], at: 0, depth: self.depth };
            let script = sub.list(Until::Line)?;
            self.at += len + 1;
            parts.push(WordPart::Substitution { script, quoted });
            return Ok(());
        }
        self.bump();
        if self.rest().starts_with("((") {
            let begin = self.at;
            self.at += 2;
            let mut expression = Word::default();
            if self.quoted(&mut expression.parts, Stop::Arithmetic).is_ok() {
                parts.push(WordPart::Arithmetic { expression, quoted });
                return Ok(());
            }
            // `$( (a); (b) )`, written without the blank.
            self.at = begin;
        }
        if self.eat("(") {
            let script = self.list(Until::Paren)?;
            self.eat(")");
            parts.push(WordPart::Substitution { script, quoted });
            return Ok(());
        }
        if self.eat("{") {
            parts.push(self.parameter(quoted)?);
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

    /// What stands after `${`.
    fn parameter(&mut self, quoted: bool) -> Result<WordPart, ParseError> {
        let length = self.rest().starts_with('#') && !self.rest().starts_with("#}");
        self.at += usize::from(length);
        let mut name = name_at(self.rest());
        if name.starts_with(|c: char| c.is_ascii_digit()) {
            // Between braces a number may have several digits.
            let rest = self.rest();
            name = &rest[..rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len())];
        }
        self.at += name.len();
        let name = name.to_owned();
        if name.is_empty() {
            return self.error("bad substitution");
        }
        if self.eat("}") {
            return Ok(match length {
                true => {
                    WordPart::Parameter { name, operator: Operator::Length, word: Word::default(), quoted }
                }
                false => WordPart::Variable { name, quoted },
            });
        }
        let colon = self.rest().starts_with(':');
        self.at += usize::from(colon);
        let operator = match self.bump() {
            Some('-') => Operator::Default { colon },
            Some('=') => Operator::Assign { colon },
            Some('+') => Operator::Alternative { colon },
            Some('?') => Operator::Error { colon },
            Some('#') if !colon => Operator::Prefix { longest: self.eat("#") },
            Some('%') if !colon => Operator::Suffix { longest: self.eat("%") },
            None => return self.unfinished("unexpected EOF while looking for matching `}'"),
            Some(_) => return self.error("bad substitution"),
        };
        if length {
            return self.error("bad substitution");
        }
        let mut word = Word::default();
        self.quoted(&mut word.parts, Stop::Brace(quoted))?;
        Ok(WordPart::Parameter { name, operator, word, quoted })
    }
}

/// The variable name that `rest` begins with: letters, digits, underscores, or one of the special
/// parameters, or a digit.
fn name_at(rest: &str) -> &str {
    if rest.starts_with(['?', '$', '#', '@', '*', '!', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9']) {
        return &rest[..1];
    }
    let len = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
    &rest[..len]
}

/// Adds literal text; neighbours become one part.
/// The part is not split, as if it stood between double quotes.
fn keep_whole(part: &mut WordPart) {
    match part {
        WordPart::Variable { quoted, .. }
        | WordPart::Substitution { quoted, .. }
        | WordPart::Arithmetic { quoted, .. }
        | WordPart::Parameter { quoted, .. } => *quoted = true,
        WordPart::Text(_) | WordPart::Braces { .. } => {}
    }
}

fn push_text(parts: &mut Vec<WordPart>, text: &str) {
    if let Some(WordPart::Text(last)) = parts.last_mut() {
        last.push_str(text);
    } else {
        parts.push(WordPart::Text(text.to_owned()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shell::join;
    use proptest::prelude::*;

    fn check(line: &str, expect: &str) {
        let got = match parse(line) {
            Ok(script) => script.to_string(),
            Err(e) => format!("{} @{}{}", e.message, e.at, if e.unfinished { " …" } else { "" }),
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
            ("echo $ $1 ${A}b $?", "echo '$' ${1} ${A}b ${?}"),
            ("for i in 1 $x; do a; b & done", "for i in 1 ${x}; do a; b & done"),
            ("for i\ndo\na\ndone >x", "for i; do a; done > x"),
            ("while a | b; do c; done | d", "while a | b; do c; done | d"),
            ("until ! a; do b; done", "until ! a; do b; done"),
            ("if a; then b; elif c\nthen d; else e; fi", "if a; then b; elif c; then d; else e; fi"),
            ("case $x in a|b) c;; (*) d; esac", "case ${x} in (a|b) c ;; ('*') d ;; esac"),
            ("{ a; b; }; ( c; d ) &", "{ a; b; }; ( c; d ) &"),
            ("echo if then { }", "echo 'if' 'then' '{' '}'"),
            ("echo $((1 + (2*x)))", "echo $((1 + (2*x)))"),
            ("echo $((a); (b))", "echo $(( a ); ( b ))"),
            ("echo ${x:-a $y} \"${x%.*}\" ${#x}", "echo ${x:-a ${y}} \"${x%.*}\" ${#x}"),
            ("echo a{1..3}", "echo a{1..3}"),
            ("ls &> f", "ls > f 2>&1"),
            ("echo 안녕", "echo 안녕"),
        ] {
            check(line, expect);
        }
    }

    #[test]
    fn errors_are_in_bashs_words() {
        for (line, expect) in [
            ("| a", "syntax error near unexpected token `|' @0"),
            ("a | | b", "syntax error near unexpected token `|' @4"),
            ("a ;; b", "syntax error near unexpected token `;;' @2"),
            ("a &&", "syntax error: unexpected end of file @4 …"),
            ("a |", "syntax error: unexpected end of file @3 …"),
            ("a )", "syntax error near unexpected token `)' @2"),
            ("a >", "syntax error near unexpected token `newline' @3"),
            ("a > | b", "syntax error near unexpected token `|' @4"),
            ("echo 'x", "unexpected EOF while looking for matching `'' @6 …"),
            ("echo \"x", "unexpected EOF while looking for matching `\"' @7 …"),
            ("echo $(x", "unexpected EOF while looking for matching `)' @8 …"),
            ("a (b)", "syntax error near unexpected token `(' @2"),
            ("()", "syntax error near unexpected token `)' @1"),
            ("if true; fi", "syntax error near unexpected token `fi' @9"),
            ("for i in a; do", "syntax error: unexpected end of file @14 …"),
            ("{ a; } b", "syntax error near unexpected token `b' @7"),
            ("for 1 in a; do b; done", "`1': not a valid identifier @4"),
            ("cat <<EOF", "syntax error near unexpected token `<<' @4"),
            ("echo ${a!b}", "bad substitution @9"),
        ] {
            check(line, expect);
        }
    }

    #[test]
    fn deep_nesting_is_refused() {
        for open in ["$(", "(", "{ ", "if ", "${x:-", "$((", "while a; do "] {
            assert!(parse(&open.repeat(100_000)).is_err(), "{open}");
        }
    }

    fn word() -> impl Strategy<Value = Word> {
        let part = prop_oneof![
            "[ -~가-힣]{0,6}".prop_map(WordPart::Text),
            ("[A-Z_][A-Z0-9_]{0,4}", any::<bool>())
                .prop_map(|(name, quoted)| WordPart::Variable { name, quoted }),
            ("[a-z]{1,4}", any::<bool>()).prop_map(|(w, quoted)| WordPart::Substitution {
                script: parse(&join(&[w])).expect("a plain word"),
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

    fn redirects() -> impl Strategy<Value = Vec<Redirect>> {
        let one = prop_oneof![
            word().prop_map(|path| Redirect::Stdin { path }),
            (word(), any::<bool>()).prop_map(|(path, append)| Redirect::Stdout { path, append }),
            (word(), any::<bool>()).prop_map(|(path, append)| Redirect::Stderr { path, append }),
            Just(Redirect::StderrToStdout),
            Just(Redirect::StdoutToStderr),
        ];
        proptest::collection::vec(one, 0..3)
    }

    fn list(command: impl Strategy<Value = Command> + Clone + 'static) -> impl Strategy<Value = Script> {
        let pipeline = (proptest::collection::vec(command, 1..3), any::<bool>(), any::<bool>())
            .prop_map(|(commands, negated, background)| Pipeline { commands, negated, background });
        let how = prop_oneof![Just(AndOr::Always), Just(AndOr::And), Just(AndOr::Or)];
        proptest::collection::vec((how, pipeline), 1..4).prop_map(|mut items| {
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

    fn script() -> impl Strategy<Value = Script> {
        let simple = (proptest::collection::vec(word(), 1..4), redirects())
            .prop_map(|(words, redirects)| Command { words, compound: None, redirects });
        let command = simple.prop_recursive(3, 16, 3, |inner| {
            let list = list(inner).boxed();
            let words = || proptest::collection::vec(word(), 1..3);
            let compound = prop_oneof![
                list.clone().prop_map(Compound::Group),
                list.clone().prop_map(Compound::Subshell),
                (list.clone(), list.clone(), proptest::option::of(list.clone()))
                    .prop_map(|(a, b, otherwise)| Compound::If { branches: vec![(a, b)], otherwise }),
                (any::<bool>(), list.clone(), list.clone())
                    .prop_map(|(until, condition, body)| Compound::While { until, condition, body }),
                ("[a-z]{1,3}", proptest::option::of(words()), list.clone())
                    .prop_map(|(name, words, body)| Compound::For { name, words, body }),
                (word(), words(), list)
                    .prop_map(|(word, patterns, body)| Compound::Case { word, arms: vec![(patterns, body)] }),
            ];
            (compound, redirects()).prop_map(|(compound, redirects)| Command {
                words: Vec::new(),
                compound: Some(Box::new(compound)),
                redirects,
            })
        });
        list(command)
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
