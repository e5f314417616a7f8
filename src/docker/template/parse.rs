//! Text → nodes (the grammar of Go's text/template, as far as it is supported).

use super::eval::FUNCTIONS;
use super::{Expr, Node, Pipe};
use serde_json::Value;

/// Nested deeper than this is no template that anybody typed.
const MAX_DEPTH: usize = 32;

/// Reads a template.
pub(super) fn parse(text: &str) -> Result<Vec<Node>, String> {
    let pieces = split(text)?;
    let mut at = 0;
    let (nodes, end) = block(&pieces, &mut at, 0)?;
    match end {
        None => Ok(nodes),
        Some(word) => Err(format!("template: :1: unexpected {{{{{word}}}}}")),
    }
}

enum Piece {
    Text(String),
    Action(Vec<Token>),
}

#[derive(Debug, Clone, PartialEq)]
enum Token {
    /// The last is where it stands in the text, here and below.
    Field(Vec<String>, usize),
    Var(String, Vec<String>),
    Word(String, usize),
    Literal(Value),
    Pipe,
    Assign,
    Comma,
    Open,
    /// `)` and the fields that hang on it.
    Close(Vec<String>),
}

/// Cuts text and actions apart and trims where `{{-` and `-}}` say so.
fn split(text: &str) -> Result<Vec<Piece>, String> {
    let mut pieces = Vec::new();
    let mut rest = text;
    let mut trim_next = false;
    loop {
        let (before, after) = match rest.split_once("{{") {
            Some((before, after)) => (before, Some(after)),
            None => (rest, None),
        };
        let mut before = if trim_next { before.trim_start() } else { before };
        let trim_before = after.is_some_and(|a| a.starts_with("- "));
        if trim_before {
            before = before.trim_end();
        }
        if !before.is_empty() {
            pieces.push(Piece::Text(before.to_owned()));
        }
        let Some(after) = after else { return Ok(pieces) };
        let end = action_end(after).ok_or("template: :1: unclosed action")?;
        let inside = &after[..end];
        let mut begins = text.len() - after.len();
        rest = &after[end + 2..];
        trim_next = inside.ends_with(" -");
        let inside = inside.strip_suffix(" -").unwrap_or(inside);
        let inside = if trim_before { &inside[1..] } else { inside };
        begins += usize::from(trim_before);
        if inside.trim_start().starts_with("/*") {
            continue;
        }
        pieces.push(Piece::Action(tokens(inside, begins)?));
    }
}

/// Where `}}` is, outside of quotes.
fn action_end(text: &str) -> Option<usize> {
    let mut quote: Option<char> = None;
    let mut escaped = false;
    for (i, c) in text.char_indices() {
        match quote {
            Some(_) if escaped => escaped = false,
            Some('"') if c == '\\' => escaped = true,
            Some(q) if c == q => quote = None,
            Some(_) => {}
            None if c == '"' || c == '`' => quote = Some(c),
            None if text[i..].starts_with("}}") => return Some(i),
            None => {}
        }
    }
    None
}

/// The tokens of an action whose inside begins at `begins`.
fn tokens(text: &str, begins: usize) -> Result<Vec<Token>, String> {
    let mut out = Vec::new();
    let mut chars = text.chars().peekable();
    while let Some(&c) = chars.peek() {
        let at = begins + text.len() - chars.clone().map(char::len_utf8).sum::<usize>();
        match c {
            c if c.is_whitespace() => {
                chars.next();
            }
            '.' => out.push(Token::Field(fields(&mut chars), at)),
            '$' => {
                chars.next();
                let name = word(&mut chars);
                out.push(Token::Var(
                    name,
                    if chars.peek() == Some(&'.') { fields(&mut chars) } else { Vec::new() },
                ));
            }
            '|' => {
                chars.next();
                out.push(Token::Pipe);
            }
            ',' => {
                chars.next();
                out.push(Token::Comma);
            }
            '(' => {
                chars.next();
                out.push(Token::Open);
            }
            ')' => {
                chars.next();
                out.push(Token::Close(if chars.peek() == Some(&'.') {
                    fields(&mut chars)
                } else {
                    Vec::new()
                }));
            }
            ':' | '=' => {
                chars.next();
                if c == ':' && chars.next() != Some('=') {
                    return Err("template: :1: expected :=".into());
                }
                out.push(Token::Assign);
            }
            '"' | '`' => {
                chars.next();
                out.push(Token::Literal(Value::String(string(&mut chars, c)?)));
            }
            '-' | '0'..='9' => {
                let mut number = String::new();
                while let Some(&d) = chars.peek().filter(|d| d.is_ascii_digit() || **d == '-') {
                    number.push(d);
                    chars.next();
                }
                let n: i64 =
                    number.parse().map_err(|_| format!("template: :1: bad number syntax: {number:?}"))?;
                out.push(Token::Literal(n.into()));
            }
            c if c.is_alphabetic() || c == '_' => out.push(match word(&mut chars).as_str() {
                "true" => Token::Literal(true.into()),
                "false" => Token::Literal(false.into()),
                "nil" => Token::Literal(Value::Null),
                other => Token::Word(other.to_owned(), at),
            }),
            other => return Err(format!("template: :1: unexpected {other:?} in command")),
        }
    }
    Ok(out)
}

type Chars<'a> = std::iter::Peekable<std::str::Chars<'a>>;

fn word(chars: &mut Chars<'_>) -> String {
    let mut text = String::new();
    while let Some(&c) = chars.peek().filter(|c| c.is_alphanumeric() || **c == '_') {
        text.push(c);
        chars.next();
    }
    text
}

/// `.A.B`, at its first dot.
fn fields(chars: &mut Chars<'_>) -> Vec<String> {
    let mut all = Vec::new();
    while chars.peek() == Some(&'.') {
        chars.next();
        let name = word(chars);
        if name.is_empty() {
            break;
        }
        all.push(name);
    }
    all
}

fn string(chars: &mut Chars<'_>, quote: char) -> Result<String, String> {
    let mut text = String::new();
    while let Some(c) = chars.next() {
        match c {
            c if c == quote => return Ok(text),
            '\\' if quote == '"' => match chars.next() {
                Some('n') => text.push('\n'),
                Some('t') => text.push('\t'),
                Some(c) => text.push(c),
                None => break,
            },
            c => text.push(c),
        }
    }
    Err("template: :1: unterminated quoted string".into())
}

/// Nodes up to an `else` or `end`, whose words come back.
fn block(pieces: &[Piece], at: &mut usize, depth: usize) -> Result<(Vec<Node>, Option<String>), String> {
    if depth > MAX_DEPTH {
        return Err("template: :1: nested too deeply".into());
    }
    let mut nodes = Vec::new();
    while let Some(piece) = pieces.get(*at) {
        *at += 1;
        let tokens = match piece {
            Piece::Text(text) => {
                nodes.push(Node::Text(text.clone()));
                continue;
            }
            Piece::Action(tokens) => tokens.as_slice(),
        };
        match tokens {
            [] => return Err("template: :1: missing value for command".into()),
            [Token::Word(w, _), rest @ ..] => match (w.as_str(), rest) {
                ("end", []) => return Ok((nodes, Some("end".into()))),
                ("else", []) => return Ok((nodes, Some("else".into()))),
                ("else", [Token::Word(word, _), ..]) if word == "if" => {
                    // The caller reads the condition from this same piece.
                    *at -= 1;
                    return Ok((nodes, Some("else if".into())));
                }
                ("if", cond) => nodes.push(if_node(pieces, at, cond, depth)?),
                ("with", over) => {
                    let over = whole_pipe(over, "with")?;
                    let (body, empty) = two_blocks(pieces, at, depth)?;
                    nodes.push(Node::With(over, body, empty));
                }
                ("range", over) => nodes.push(range_node(pieces, at, over, depth)?),
                ("define" | "template" | "block" | "break" | "continue", _) => {
                    return Err(format!(
                        "template: :1: {w} is not supported in netpier; use range, if, with"
                    ));
                }
                _ => nodes.push(Node::Print(whole_pipe(tokens, "command")?)),
            },
            [Token::Var(name, path), Token::Assign, value @ ..] if path.is_empty() => {
                nodes.push(Node::Set(name.clone(), whole_pipe(value, "command")?));
            }
            _ => nodes.push(Node::Print(whole_pipe(tokens, "command")?)),
        }
    }
    if depth == 0 { Ok((nodes, None)) } else { Err("template: :1: unexpected EOF".into()) }
}

fn if_node(pieces: &[Piece], at: &mut usize, cond: &[Token], depth: usize) -> Result<Node, String> {
    let mut arms = Vec::new();
    let mut cond = whole_pipe(cond, "if")?;
    loop {
        let (body, end) = block(pieces, at, depth + 1)?;
        arms.push((cond, body));
        match end.as_deref() {
            Some("end") => return Ok(Node::If(arms, Vec::new())),
            Some("else if") => {
                let Some(Piece::Action(tokens)) = pieces.get(*at) else {
                    return Err("template: :1: unexpected EOF".into());
                };
                *at += 1;
                cond = whole_pipe(&tokens[2..], "if")?;
            }
            _ => {
                let (otherwise, end) = block(pieces, at, depth + 1)?;
                if end.as_deref() != Some("end") {
                    return Err("template: :1: expected end; found {{else}}".into());
                }
                return Ok(Node::If(arms, otherwise));
            }
        }
    }
}

fn range_node(pieces: &[Piece], at: &mut usize, tokens: &[Token], depth: usize) -> Result<Node, String> {
    let (vars, over) = match tokens {
        [Token::Var(k, _), Token::Comma, Token::Var(v, _), Token::Assign, rest @ ..] => {
            (vec![k.clone(), v.clone()], rest)
        }
        [Token::Var(v, _), Token::Assign, rest @ ..] => (vec![v.clone()], rest),
        rest => (Vec::new(), rest),
    };
    let over = whole_pipe(over, "range")?;
    let (body, empty) = two_blocks(pieces, at, depth)?;
    Ok(Node::Range { vars, over, body, empty })
}

/// A block and, after `else`, another.
fn two_blocks(pieces: &[Piece], at: &mut usize, depth: usize) -> Result<(Vec<Node>, Vec<Node>), String> {
    let (body, end) = block(pieces, at, depth + 1)?;
    if end.as_deref() == Some("end") {
        return Ok((body, Vec::new()));
    }
    let (empty, end) = block(pieces, at, depth + 1)?;
    if end.as_deref() == Some("end") { Ok((body, empty)) } else { Err("template: :1: expected end".into()) }
}

fn whole_pipe(tokens: &[Token], context: &str) -> Result<Pipe, String> {
    let mut at = 0;
    let pipe = pipe(tokens, &mut at, context, 0)?;
    if at == tokens.len() { Ok(pipe) } else { Err(format!("template: :1: unexpected token in {context}")) }
}

fn pipe(tokens: &[Token], at: &mut usize, context: &str, depth: usize) -> Result<Pipe, String> {
    if depth > MAX_DEPTH {
        return Err("template: :1: nested too deeply".into());
    }
    let mut calls: Pipe = vec![Vec::new()];
    while let Some(token) = tokens.get(*at) {
        let expr = match token {
            Token::Pipe => {
                *at += 1;
                calls.push(Vec::new());
                continue;
            }
            Token::Close(_) if depth > 0 => break,
            Token::Field(path, at) => Expr::Field(path.clone(), *at),
            Token::Var(name, path) => Expr::Var(name.clone(), path.clone()),
            Token::Literal(value) => Expr::Literal(value.clone()),
            Token::Word(name, at) if FUNCTIONS.contains(&name.as_str()) => Expr::Function(name.clone(), *at),
            Token::Word(name, _) => return Err(format!("template: :1: function {name:?} not defined")),
            Token::Open => {
                *at += 1;
                let inner = pipe(tokens, at, context, depth + 1)?;
                match tokens.get(*at) {
                    Some(Token::Close(path)) => Expr::Paren(inner, path.clone()),
                    _ => return Err("template: :1: unclosed left paren".into()),
                }
            }
            Token::Close(_) | Token::Assign | Token::Comma => {
                return Err(format!("template: :1: unexpected token in {context}"));
            }
        };
        *at += 1;
        if let Some(call) = calls.last_mut() {
            call.push(expr);
        }
    }
    if calls.iter().any(Vec::is_empty) {
        return Err(format!("template: :1: missing value for {context}"));
    }
    Ok(calls)
}
