//! Nodes and a value → text.

use super::{Expr, Node, Pipe};
use serde_json::Value;

/// The functions there are.
pub(super) const FUNCTIONS: [&str; 24] = [
    "json", "index", "len", "join", "split", "upper", "lower", "title", "println", "print", "printf", "eq",
    "ne", "not", "and", "or", "truncate", "pad", "table", "slice", "lt", "le", "gt", "ge",
];

/// A text longer than this is cut off by an error: no answer of an engine is so long.
const MAX_TEXT: usize = 1 << 20;
const TOO_LONG: &str = "template: the text is too long";

/// Nodes that one template may work through: ranges within ranges multiply.
const MAX_STEPS: u32 = 200_000;

struct Scope<'a> {
    root: &'a Value,
    /// What Go calls the type of the root; None: a map.
    typed: Option<&'a str>,
    steps: u32,
    vars: Vec<(String, Value)>,
    out: String,
}

/// The text that `nodes` make of `value`.
pub(super) fn render(nodes: &[Node], value: &Value, typed: Option<&str>) -> Result<String, String> {
    let mut scope = Scope { root: value, typed, steps: 0, vars: Vec::new(), out: String::new() };
    scope.run(nodes, value)?;
    Ok(scope.out)
}

/// How Go prints a value.
pub(in super::super) fn text_of(value: &Value) -> String {
    match value {
        Value::Null => "<no value>".to_owned(),
        Value::String(s) => s.clone(),
        Value::Bool(b) => b.to_string(),
        Value::Number(n) => n.to_string(),
        Value::Array(all) => format!("[{}]", all.iter().map(text_of).collect::<Vec<_>>().join(" ")),
        Value::Object(map) => {
            let mut all: Vec<String> = map.iter().map(|(k, v)| format!("{k}:{}", text_of(v))).collect();
            all.sort();
            format!("map[{}]", all.join(" "))
        }
    }
}

fn truth(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(b) => *b,
        Value::Number(n) => n.as_f64() != Some(0.0),
        Value::String(s) => !s.is_empty(),
        Value::Array(a) => !a.is_empty(),
        Value::Object(o) => !o.is_empty(),
    }
}

impl Scope<'_> {
    fn run(&mut self, nodes: &[Node], dot: &Value) -> Result<(), String> {
        let depth = self.vars.len();
        for node in nodes {
            self.steps += 1;
            if self.out.len() > MAX_TEXT || self.steps > MAX_STEPS {
                return Err(TOO_LONG.into());
            }
            match node {
                Node::Text(text) => self.out.push_str(text),
                Node::Print(pipe) => {
                    let value = self.pipe(pipe, dot)?;
                    match nil_list(pipe).filter(|_| value.is_null()) {
                        Some(text) => self.out.push_str(text),
                        None => self.out.push_str(&text_of(&value)),
                    }
                }
                Node::Set(name, pipe) => {
                    let value = self.pipe(pipe, dot)?;
                    self.vars.push((name.clone(), value));
                }
                Node::If(arms, otherwise) => self.choose(arms, otherwise, dot)?,
                Node::With(over, body, empty) => {
                    let value = self.pipe(over, dot)?;
                    if truth(&value) { self.run(body, &value)? } else { self.run(empty, dot)? }
                }
                Node::Range { vars, over, body, empty } => {
                    let value = self.pipe(over, dot)?;
                    self.range(vars, &value, body, empty, dot).map_err(|e| {
                        match e.starts_with(CANT_RANGE) {
                            true => placed(over, &e),
                            false => e,
                        }
                    })?;
                }
            }
        }
        self.vars.truncate(depth);
        Ok(())
    }

    fn choose(&mut self, arms: &[(Pipe, Vec<Node>)], otherwise: &[Node], dot: &Value) -> Result<(), String> {
        for (cond, body) in arms {
            if truth(&self.pipe(cond, dot)?) {
                return self.run(body, dot);
            }
        }
        self.run(otherwise, dot)
    }

    fn range(
        &mut self,
        vars: &[String],
        over: &Value,
        body: &[Node],
        empty: &[Node],
        dot: &Value,
    ) -> Result<(), String> {
        let pairs: Vec<(Value, Value)> = match over {
            Value::Array(all) => all.iter().enumerate().map(|(i, v)| (i.into(), v.clone())).collect(),
            Value::Object(map) => {
                let mut all: Vec<_> = map.iter().collect();
                // Go walks a map in the order of its keys.
                all.sort_by_key(|(k, _)| k.as_str());
                all.into_iter().map(|(k, v)| (Value::String(k.clone()), v.clone())).collect()
            }
            Value::Null => Vec::new(),
            other => return Err(format!("{CANT_RANGE} {}", text_of(other))),
        };
        if pairs.is_empty() {
            return self.run(empty, dot);
        }
        for (key, value) in pairs {
            let depth = self.vars.len();
            match vars {
                [v] => self.vars.push((v.clone(), value.clone())),
                [k, v] => self.vars.extend([(k.clone(), key), (v.clone(), value.clone())]),
                _ => {}
            }
            self.run(body, &value)?;
            self.vars.truncate(depth);
        }
        Ok(())
    }

    fn pipe(&self, pipe: &Pipe, dot: &Value) -> Result<Value, String> {
        let mut last: Option<Value> = None;
        for call in pipe {
            let value = self.call(call, last, dot)?;
            // A variable that is printed twice into itself doubles.
            if matches!(&value, Value::String(text) if text.len() > MAX_TEXT) {
                return Err(TOO_LONG.into());
            }
            last = Some(value);
        }
        Ok(last.unwrap_or(Value::Null))
    }

    fn call(&self, call: &[Expr], piped: Option<Value>, dot: &Value) -> Result<Value, String> {
        let Some((first, rest)) = call.split_first() else { return Ok(Value::Null) };
        if let Expr::Function(name, _) = first {
            let mut args = rest.iter().map(|e| self.expr(e, dot)).collect::<Result<Vec<_>, _>>()?;
            args.extend(piped);
            // A row of a list writes itself.
            let row = self.typed.is_some_and(|t| t.ends_with("Context"));
            if row && name == "json" && args.first() == Some(self.root) {
                return Ok(Value::String(crate::docker::listing::row_json(self.root)));
            }
            return function(name, &args).map_err(|e| match e.starts_with("error calling") {
                true => placed_at(call, &e),
                false => e,
            });
        }
        // A method of a row: `.Label "key"`.
        if let (Expr::Field(path, _), [key], None) = (first, rest, &piped)
            && let [name] = path.as_slice()
            && let Some(Value::Object(map)) = dot.get(format!("{name}()"))
        {
            let key = self.expr(key, dot)?;
            let found = key.as_str().and_then(|k| map.get(k)).cloned();
            return Ok(found.unwrap_or_else(|| Value::String(String::new())));
        }
        if !rest.is_empty() || piped.is_some() {
            return Err("template: :1: can't give argument to non-function".into());
        }
        self.expr(first, dot)
    }

    fn expr(&self, expr: &Expr, dot: &Value) -> Result<Value, String> {
        match expr {
            Expr::Literal(value) => Ok(value.clone()),
            Expr::Field(path, at) => self.field(dot, path, *at),
            Expr::Paren(pipe, path) => walk(&self.pipe(pipe, dot)?, path, 0),
            Expr::Function(name, _) => function(name, &[]),
            Expr::Var(name, path) if name.is_empty() => walk(self.root, path, 0),
            Expr::Var(name, path) => match self.vars.iter().rev().find(|v| v.0 == *name) {
                Some((_, value)) => walk(value, path, 0),
                None => Err(format!("template: :1: undefined variable \"${name}\"")),
            },
        }
    }

    fn field(&self, dot: &Value, path: &[String], at: usize) -> Result<Value, String> {
        let Some(typed) = self.typed else { return walk(dot, path, at) };
        match path.first() {
            Some(name) if std::ptr::eq(dot, self.root) && dot.get(name).is_none() => Err(format!(
                "template: :1:{}: executing \"\" at <.{}>: can't evaluate field {name} in type {typed}",
                place(path, at),
                path.join("."),
            )),
            _ => Ok(path.iter().try_fold(dot, |value, name| value.get(name)).cloned().unwrap_or(Value::Null)),
        }
    }
}

/// How Go prints a list that is nil, if the pipe is nothing but a field that is one in its type
/// (moby, api/types/container, HostConfig and EndpointSettings).
fn nil_list(pipe: &Pipe) -> Option<&'static str> {
    const LISTS: [&str; 13] = [
        "Aliases",
        "Binds",
        "CapAdd",
        "CapDrop",
        "Cmd",
        "DNSNames",
        "Dns",
        "DnsOptions",
        "DnsSearch",
        "Entrypoint",
        "ExtraHosts",
        "Links",
        "Peers",
    ];
    match pipe.as_slice() {
        [call] => match call.as_slice() {
            // A pointer to nothing (api/types/swarm, Node).
            [Expr::Field(path, _)] if path.last().is_some_and(|p| p == "ManagerStatus") => Some("<nil>"),
            [Expr::Field(path, _)] => path.last().filter(|p| LISTS.contains(&p.as_str())).map(|_| "[]"),
            _ => None,
        },
        _ => None,
    }
}

const CANT_RANGE: &str = "range can't iterate over";

/// Where Go says that a chain of fields stands: at its second one, if there is one.
fn place(path: &[String], at: usize) -> usize {
    at + if path.len() > 1 { path[0].len() + 1 } else { 0 }
}

/// What went wrong, and where: at this call.
fn placed_at(call: &[Expr], what: &str) -> String {
    let at = match call.first() {
        Some(Expr::Function(_, at)) => *at,
        Some(Expr::Field(path, at)) => place(path, *at),
        _ => return what.to_owned(),
    };
    let text: Vec<String> = call.iter().map(written).collect();
    format!("template: :1:{at}: executing \"\" at <{}>: {what}", text.join(" "))
}

/// The same, at the one call of a pipe.
fn placed(pipe: &Pipe, what: &str) -> String {
    match pipe.as_slice() {
        [call] => placed_at(call, what),
        _ => what.to_owned(),
    }
}

/// An expression as Go writes it.
fn written(expr: &Expr) -> String {
    let dotted = |path: &[String]| path.iter().map(|p| format!(".{p}")).collect::<String>();
    match expr {
        Expr::Field(path, _) if path.is_empty() => ".".to_owned(),
        Expr::Field(path, _) => dotted(path),
        Expr::Var(name, path) => format!("${name}{}", dotted(path)),
        Expr::Literal(value) => value.to_string(),
        Expr::Function(name, _) => name.clone(),
        Expr::Paren(pipe, path) => {
            let calls: Vec<String> =
                pipe.iter().map(|c| c.iter().map(written).collect::<Vec<_>>().join(" ")).collect();
            format!("({}){}", calls.join(" | "), dotted(path))
        }
    }
}

static EMPTY: Value = Value::String(String::new());
static NIL: Value = Value::Null;

/// What the API leaves out where it is empty is still a field of the client's: by a field that only this type
/// has, those of it that may be absent, and what a template then sees (moby, api/types/network, IPAMConfig and
/// Inspect).
const OPTIONAL: [(&str, &[&str], &Value); 2] =
    [("Subnet", &["Gateway", "IPRange", "AuxiliaryAddresses"], &EMPTY), ("ConfigOnly", &["Peers"], &NIL)];

/// What an absent field is, if the type of `map` has it.
fn absent(map: &serde_json::Map<String, Value>, name: &str) -> Option<&'static Value> {
    let known = OPTIONAL.iter().find(|(mark, fields, _)| fields.contains(&name) && map.contains_key(*mark));
    known.map(|(_, _, zero)| *zero)
}

fn walk(from: &Value, path: &[String], at: usize) -> Result<Value, String> {
    let mut value = from;
    for name in path {
        value = match value {
            Value::Object(map) => map.get(name).or_else(|| absent(map, name)).ok_or_else(|| {
                format!(
                    "template: :1:{}: executing \"\" at <.{}>: map has no entry for key {name:?}",
                    place(path, at),
                    path.join(".")
                )
            })?,
            Value::Null => return Ok(Value::Null),
            _ => {
                return Err(format!(
                    "template: :1:{}: executing \"\" at <.{}>: can't evaluate field {name} in this value",
                    place(path, at),
                    path.join(".")
                ));
            }
        };
    }
    Ok(value.clone())
}

fn function(name: &str, args: &[Value]) -> Result<Value, String> {
    let arg =
        |i: usize| args.get(i).ok_or_else(|| format!("wrong number of args for {name}: got {}", args.len()));
    let text = |i: usize| arg(i).map(text_of);
    let string = |s: String| Ok(Value::String(s));
    match name {
        "json" => string(serde_json::to_string(arg(0)?).unwrap_or_default()),
        "len" => Ok(match arg(0)? {
            Value::Array(a) => a.len().into(),
            Value::Object(o) => o.len().into(),
            Value::String(s) => s.len().into(),
            // A map or list that nobody made.
            Value::Null => 0.into(),
            _ => return Err("error calling len: len of this type".into()),
        }),
        "index" => {
            args[1.min(args.len())..].iter().try_fold(arg(0)?.clone(), |value, key| index(&value, key))
        }
        "join" => {
            let by = text(1)?;
            match arg(0)? {
                Value::Array(all) => string(all.iter().map(text_of).collect::<Vec<_>>().join(&by)),
                _ => Err("error calling join: not a list".into()),
            }
        }
        "split" => {
            let by = text(1)?;
            Ok(Value::Array(text(0)?.split(by.as_str()).map(|p| Value::String(p.to_owned())).collect()))
        }
        "upper" => string(text(0)?.to_uppercase()),
        "lower" => string(text(0)?.to_lowercase()),
        "title" => {
            // strings.Title: the first letter of each word.
            let mut out = String::new();
            for c in text(0)?.chars() {
                let begins = !out.ends_with(|before: char| before.is_alphanumeric() || before == '_');
                if begins { out.extend(c.to_uppercase()) } else { out.push(c) }
            }
            string(out)
        }
        "slice" => {
            let whole = text(0)?;
            let end = args.get(2).and_then(Value::as_u64).map_or(whole.len(), |n| n as usize);
            let from = args.get(1).and_then(Value::as_u64).map_or(0, |n| n as usize);
            let cut = whole
                .get(from..end)
                .ok_or_else(|| format!("error calling slice: index out of range: {}", from.max(end)));
            string(cut?.to_owned())
        }
        "lt" | "le" | "gt" | "ge" => {
            use std::cmp::Ordering::{Equal, Greater, Less};
            let (a, b) = (arg(0)?, arg(1)?);
            let order = match (a.as_f64(), b.as_f64()) {
                (Some(a), Some(b)) => a.partial_cmp(&b).unwrap_or(Equal),
                (None, None) => text(0)?.cmp(&text(1)?),
                _ => return Err(format!("error calling {name}: incompatible types for comparison")),
            };
            let holds = match name {
                "lt" => order == Less,
                "le" => order != Greater,
                "gt" => order == Greater,
                _ => order != Less,
            };
            Ok(holds.into())
        }
        "print" => string(args.iter().map(text_of).collect()),
        "println" => string(args.iter().map(text_of).collect::<Vec<_>>().join(" ") + "\n"),
        "printf" => string(printf(&text(0)?, &args[1..])),
        "eq" => {
            let first = arg(0)?;
            arg(1)?;
            Ok(args[1..].iter().any(|a| a == first).into())
        }
        "ne" => Ok((arg(0)? != arg(1)?).into()),
        "not" => Ok((!truth(arg(0)?)).into()),
        "and" => Ok(args.iter().find(|a| !truth(a)).or(args.last()).cloned().unwrap_or(Value::Null)),
        "or" => Ok(args.iter().find(|a| truth(a)).or(args.last()).cloned().unwrap_or(Value::Null)),
        "truncate" => {
            let keep = arg(1)?.as_u64().and_then(|n| usize::try_from(n).ok()).unwrap_or(0);
            string(text(0)?.chars().take(keep).collect())
        }
        "pad" => {
            let side = |i: usize| arg(i).map(|n| n.as_u64().unwrap_or(0).min(256) as usize);
            string(format!("{}{}{}", " ".repeat(side(1)?), text(0)?, " ".repeat(side(2)?)))
        }
        _ => Err(format!("template: :1: function {name:?} not defined")),
    }
}

fn index(value: &Value, key: &Value) -> Result<Value, String> {
    match (value, key) {
        (Value::Array(all), Value::Number(n)) => {
            let at = n.as_u64().and_then(|n| usize::try_from(n).ok());
            let found = at.and_then(|i| all.get(i)).cloned();
            found.ok_or_else(|| format!("error calling index: index out of range: {n}"))
        }
        // An absent key gives the zero value.
        (Value::Object(map), Value::String(key)) => Ok(map.get(key).cloned().unwrap_or(Value::Null)),
        (Value::Null, _) => Err("error calling index: index of untyped nil".into()),
        _ => Err(format!("error calling index: can't index with {}", text_of(key))),
    }
}

fn printf(format: &str, args: &[Value]) -> String {
    let mut out = String::new();
    let mut args = args.iter();
    let mut chars = format.chars();
    while let Some(c) = chars.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        // `%-8.3s`: to the left, at least 8 wide, at most 3 letters.
        let mut spec = String::new();
        let mut verb = chars.next();
        while let Some(c) = verb.filter(|c| c.is_ascii_digit() || "-.+# ".contains(*c)) {
            spec.push(c);
            verb = chars.next();
        }
        let left = spec.starts_with('-');
        let (width, most) = spec.trim_start_matches(['-', '+', '#', ' ']).split_once('.').map_or_else(
            || (spec.trim_start_matches(['-', '+', '#', ' ']).parse().unwrap_or(0), None),
            |(w, m)| (w.parse().unwrap_or(0), m.parse::<usize>().ok()),
        );
        let width = usize::min(width, 256);
        let shown = match verb {
            Some('%') => "%".to_owned(),
            Some('q') => format!("{:?}", args.next().map(text_of).unwrap_or_default()),
            Some(_) => args.next().map_or_else(|| "%!(MISSING)".to_owned(), text_of),
            None => "%!(NOVERB)".to_owned(),
        };
        let shown: String = shown.chars().take(most.unwrap_or(usize::MAX)).collect();
        out += &if left { format!("{shown:<width$}") } else { format!("{shown:>width$}") };
    }
    out
}
