//! Running an awk program: one line after the other.

use std::collections::BTreeMap;

use regex_lite::Regex;

use super::parse::{Expr, Op, Stmt, When};

/// Steps that the work on one line may take.
const MOST_STEPS: u32 = 200_000;
/// Fields, array items and bytes of a text are bounded.
const MOST: usize = 100_000;

/// A value: awk tells numbers from texts only where it compares.
#[derive(Debug, Clone)]
enum Value {
    Num(f64),
    Text(String),
    /// Read from a line: a number if it looks like one.
    Read(String),
}

use Value::{Num, Read, Text};

impl Value {
    fn num(&self) -> f64 {
        match self {
            Num(n) => *n,
            Text(t) | Read(t) => leading_number(t),
        }
    }
    fn text(&self) -> String {
        match self {
            Num(n) => number_text(*n),
            Text(t) | Read(t) => t.clone(),
        }
    }
    fn truth(&self) -> bool {
        match self {
            Num(n) => *n != 0.0,
            Text(t) => !t.is_empty(),
            Read(t) => {
                if is_number(t) {
                    leading_number(t) != 0.0
                } else {
                    !t.is_empty()
                }
            }
        }
    }
    fn is_number(&self) -> bool {
        match self {
            Num(_) => true,
            Text(_) => false,
            Read(t) => is_number(t),
        }
    }
}

/// The number that a text begins with, or 0.
fn leading_number(text: &str) -> f64 {
    let text = text.trim_start();
    let mut end = 0;
    let mut dot = false;
    for (at, c) in text.char_indices() {
        match c {
            '+' | '-' if at == 0 => {}
            '.' if !dot => dot = true,
            '0'..='9' => {}
            _ => break,
        }
        end = at + 1;
    }
    text[..end].parse().unwrap_or(0.0)
}

fn is_number(text: &str) -> bool {
    let text = text.trim();
    !text.is_empty()
        && text.chars().any(|c| c.is_ascii_digit())
        && text
            .chars()
            .enumerate()
            .all(|(i, c)| c.is_ascii_digit() || c == '.' || (i == 0 && "+-".contains(c)))
        && text.matches('.').count() < 2
}

/// A number as `print` has it: whole ones as they are, others with six digits (OFMT).
fn number_text(n: f64) -> String {
    if n == n.trunc() && n.abs() < 1e16 { format!("{}", n as i64) } else { six_digits(n) }
}

/// `%.6g` without an exponent.
fn six_digits(n: f64) -> String {
    let mut whole = n.abs();
    let mut digits = 0usize;
    while whole >= 1.0 && digits < 6 {
        whole /= 10.0;
        digits += 1;
    }
    let text = format!("{n:.*}", 6 - digits);
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// How a statement ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Went {
    On,
    Next,
    Break,
    Continue,
    Exit,
}

impl Went {
    fn is_on(self) -> bool {
        self == Self::On
    }
}

/// Why it could not go on.
#[derive(Debug)]
struct Stop(String);

type Res<T> = Result<T, Stop>;

/// A program, and where it stands.
#[derive(Debug, Clone)]
pub(super) struct Machine {
    rules: Vec<(When, Option<Stmt>)>,
    vars: BTreeMap<String, Value>,
    arrays: BTreeMap<String, BTreeMap<String, Value>>,
    line: String,
    fields: Vec<String>,
    begun: bool,
    over: bool,
    status: i32,
    steps: u32,
    /// What went wrong.
    pub(super) complaint: Option<String>,
}

impl Machine {
    pub(super) fn new(rules: Vec<(When, Option<Stmt>)>) -> Self {
        let mut vars = BTreeMap::new();
        for (name, value) in [("FS", " "), ("OFS", " "), ("ORS", "\n"), ("SUBSEP", "\x1c"), ("RS", "\n")] {
            vars.insert(name.to_owned(), Text(value.to_owned()));
        }
        vars.insert("NR".to_owned(), Num(0.0));
        vars.insert("NF".to_owned(), Num(0.0));
        Self {
            rules,
            vars,
            arrays: BTreeMap::new(),
            line: String::new(),
            fields: Vec::new(),
            begun: false,
            over: false,
            status: 0,
            steps: 0,
            complaint: None,
        }
    }

    /// Sets a variable before the program begins.
    pub(super) fn set(&mut self, name: &str, value: &str) {
        self.vars.insert(name.to_owned(), Read(value.to_owned()));
    }

    /// Runs what stands under BEGIN, once.
    pub(super) fn begin(&mut self, out: &mut String) {
        if !std::mem::replace(&mut self.begun, true) {
            self.run(out, |when| matches!(when, When::Begin));
            // Without anything for lines or the end nothing is read.
            self.over |= self.rules.iter().all(|(when, _)| matches!(when, When::Begin));
        }
    }

    /// Runs the program on a line. False: it wants no more.
    pub(super) fn line(&mut self, line: &str, out: &mut String) -> bool {
        if self.over {
            return false;
        }
        let nr = self.var("NR").num() + 1.0;
        self.vars.insert("NR".to_owned(), Num(nr));
        self.vars.insert("FNR".to_owned(), Num(nr));
        self.split_line(line.to_owned());
        self.run(out, |when| matches!(when, When::Always | When::Where(_)));
        !self.over
    }

    /// Runs what stands under END. The exit status.
    pub(super) fn finish(&mut self, out: &mut String) -> i32 {
        if self.status == 0 && (!self.over || self.rules.iter().any(|(w, _)| matches!(w, When::End))) {
            self.over = false;
            self.run(out, |when| matches!(when, When::End));
        }
        self.status
    }

    fn run(&mut self, out: &mut String, which: impl Fn(&When) -> bool) {
        self.steps = 0;
        let rules = std::mem::take(&mut self.rules);
        for (when, body) in rules.iter().filter(|(when, _)| which(when)) {
            let done = match when {
                When::Where(test) => self.eval(test).and_then(|v| match (v.truth(), body) {
                    (false, _) => Ok(Went::On),
                    (true, Some(body)) => self.exec(body, out),
                    (true, None) => {
                        *out += &self.line;
                        out.push('\n');
                        Ok(Went::On)
                    }
                }),
                _ => body.as_ref().map_or(Ok(Went::On), |body| self.exec(body, out)),
            };
            match done {
                Ok(Went::Next) => break,
                Ok(Went::Exit) => {
                    self.over = true;
                    break;
                }
                Ok(_) => {}
                Err(Stop(why)) => {
                    self.complaint = Some(format!("awk: {why}\n"));
                    (self.status, self.over) = (2, true);
                    break;
                }
            }
        }
        self.rules = rules;
    }

    fn step(&mut self) -> Res<()> {
        self.steps += 1;
        if self.steps > MOST_STEPS { Err(Stop("too many steps for one line".to_owned())) } else { Ok(()) }
    }

    fn exec(&mut self, stmt: &Stmt, out: &mut String) -> Res<Went> {
        self.step()?;
        match stmt {
            Stmt::Print(args) => {
                let (ofs, ors) = (self.var("OFS").text(), self.var("ORS").text());
                if args.is_empty() {
                    *out += &self.line;
                }
                for (i, arg) in args.iter().enumerate() {
                    if i > 0 {
                        *out += &ofs;
                    }
                    *out += &self.eval(arg)?.text();
                }
                *out += &ors;
            }
            Stmt::Printf(args) => {
                let values = args.iter().map(|a| self.eval(a)).collect::<Res<Vec<_>>>()?;
                if let Some((format, values)) = values.split_first() {
                    *out += &formatted(&format.text(), values);
                }
            }
            Stmt::Do(expr) => drop(self.eval(expr)?),
            Stmt::If(test, then, or) => {
                if self.eval(test)?.truth() {
                    return self.exec(then, out);
                } else if let Some(or) = or {
                    return self.exec(or, out);
                }
            }
            Stmt::While(test, body) => {
                while self.eval(test)?.truth() {
                    match self.exec(body, out)? {
                        Went::Break => break,
                        went if went.is_on() || went == Went::Continue => {}
                        went => return Ok(went),
                    }
                }
            }
            Stmt::For(first, test, step, body) => {
                if let Some(first) = first {
                    self.exec(first, out)?;
                }
                loop {
                    if let Some(test) = test
                        && !self.eval(test)?.truth()
                    {
                        break;
                    }
                    match self.exec(body, out)? {
                        Went::Break => break,
                        Went::On | Went::Continue => {}
                        went => return Ok(went),
                    }
                    if let Some(step) = step {
                        self.exec(step, out)?;
                    }
                }
            }
            Stmt::ForIn(name, array, body) => {
                let keys: Vec<String> =
                    self.arrays.get(array).map(|a| a.keys().cloned().collect()).unwrap_or_default();
                for key in keys {
                    self.vars.insert(name.clone(), Read(key));
                    match self.exec(body, out)? {
                        Went::Break => break,
                        Went::On | Went::Continue => {}
                        went => return Ok(went),
                    }
                }
            }
            Stmt::Block(all) => {
                for stmt in all {
                    let went = self.exec(stmt, out)?;
                    if !went.is_on() {
                        return Ok(went);
                    }
                }
            }
            Stmt::Delete(name, key) => match key {
                Some(key) => {
                    let key = self.eval(key)?.text();
                    if let Some(array) = self.arrays.get_mut(name) {
                        array.remove(&key);
                    }
                }
                None => drop(self.arrays.remove(name)),
            },
            Stmt::Next => return Ok(Went::Next),
            Stmt::Break => return Ok(Went::Break),
            Stmt::Continue => return Ok(Went::Continue),
            Stmt::Exit(code) => {
                if let Some(code) = code {
                    self.status = self.eval(code)?.num() as i32 & 0xff;
                }
                return Ok(Went::Exit);
            }
        }
        Ok(Went::On)
    }

    fn var(&self, name: &str) -> Value {
        self.vars.get(name).cloned().unwrap_or_else(|| Read(String::new()))
    }

    fn eval(&mut self, expr: &Expr) -> Res<Value> {
        self.step()?;
        Ok(match expr {
            Expr::Num(n) => Num(*n),
            Expr::Str(s) => Text(s.clone()),
            Expr::Regex(regex) => Num(f64::from(u8::from(regex.is_match(&self.line)))),
            Expr::Var(name) => self.var(name),
            Expr::Item(name, key) => {
                let key = self.eval(key)?.text();
                let found = self.arrays.get(name).and_then(|a| a.get(&key)).cloned();
                found.unwrap_or_else(|| Read(String::new()))
            }
            Expr::Field(at) => {
                let at = self.field_number(at)?;
                Read(match at {
                    0 => self.line.clone(),
                    at => self.fields.get(at - 1).cloned().unwrap_or_default(),
                })
            }
            Expr::In(key, name) => {
                let key = self.eval(key)?.text();
                truth(self.arrays.get(name).is_some_and(|a| a.contains_key(&key)))
            }
            Expr::Not(e) => truth(!self.eval(e)?.truth()),
            Expr::Minus(e) => Num(-self.eval(e)?.num()),
            Expr::Two(op, left, right) => return self.two(*op, left, right),
            Expr::If(test, yes, no) => {
                let chosen = if self.eval(test)?.truth() { yes } else { no };
                return self.eval(chosen);
            }
            Expr::Set(target, op, value) => {
                let mut value = self.eval(value)?;
                if let Some(op) = op {
                    let old = self.eval(target)?.num();
                    value = Num(arithmetic(*op, old, value.num())?);
                }
                self.assign(target, value.clone())?;
                value
            }
            Expr::Step(target, by, before) => {
                let old = self.eval(target)?.num();
                self.assign(target, Num(old + by))?;
                Num(if *before { old } else { old + by })
            }
            Expr::Call(name, args) => return self.call(name, args),
        })
    }

    fn field_number(&mut self, at: &Expr) -> Res<usize> {
        let at = self.eval(at)?.num();
        if (0.0..MOST as f64).contains(&at) {
            Ok(at as usize)
        } else {
            Err(Stop(format!("no field ${}", number_text(at))))
        }
    }

    fn two(&mut self, op: Op, left: &Expr, right: &Expr) -> Res<Value> {
        match op {
            Op::And => return Ok(truth(self.eval(left)?.truth() && self.eval(right)?.truth())),
            Op::Or => return Ok(truth(self.eval(left)?.truth() || self.eval(right)?.truth())),
            Op::Match | Op::NoMatch => {
                let text = self.eval(left)?.text();
                let hit = self.pattern(right)?.is_match(&text);
                return Ok(truth(hit == (op == Op::Match)));
            }
            _ => {}
        }
        let (a, b) = (self.eval(left)?, self.eval(right)?);
        let order = if a.is_number() && b.is_number() {
            a.num().partial_cmp(&b.num())
        } else {
            Some(a.text().cmp(&b.text()))
        };
        let order = order.unwrap_or(std::cmp::Ordering::Equal);
        Ok(match op {
            Op::Less => truth(order.is_lt()),
            Op::LessEq => truth(order.is_le()),
            Op::Equal => truth(order.is_eq()),
            Op::NotEqual => truth(order.is_ne()),
            Op::More => truth(order.is_gt()),
            Op::MoreEq => truth(order.is_ge()),
            Op::Concat => {
                let mut text = a.text();
                text += &b.text();
                if text.len() > MOST {
                    return Err(Stop("a text is too long".to_owned()));
                }
                Text(text)
            }
            op => Num(arithmetic(op, a.num(), b.num())?),
        })
    }

    /// An expression where a pattern is wanted.
    fn pattern(&mut self, expr: &Expr) -> Res<Regex> {
        if let Expr::Regex(regex) = expr {
            return Ok((**regex).clone());
        }
        let text = self.eval(expr)?.text();
        Regex::new(&text).map_err(|_| Stop(format!("bad regular expression /{text}/")))
    }

    fn assign(&mut self, target: &Expr, value: Value) -> Res<()> {
        match target {
            Expr::Var(name) => {
                if name == "NF" {
                    let count = value.num().clamp(0.0, MOST as f64) as usize;
                    self.fields.resize(count, String::new());
                    self.join_line();
                }
                self.vars.insert(name.clone(), value);
            }
            Expr::Item(name, key) => {
                let key = self.eval(key)?.text();
                let array = self.arrays.entry(name.clone()).or_default();
                if array.len() >= MOST {
                    return Err(Stop("an array is too large".to_owned()));
                }
                array.insert(key, value);
            }
            Expr::Field(at) => match self.field_number(at)? {
                0 => self.split_line(value.text()),
                at => {
                    if self.fields.len() < at {
                        self.fields.resize(at, String::new());
                        self.vars.insert("NF".to_owned(), Num(at as f64));
                    }
                    self.fields[at - 1] = value.text();
                    self.join_line();
                }
            },
            _ => {}
        }
        Ok(())
    }

    fn join_line(&mut self) {
        self.line = self.fields.join(&self.var("OFS").text());
    }

    fn split_line(&mut self, line: String) {
        self.fields = split(&line, &self.var("FS").text());
        self.fields.truncate(MOST);
        self.vars.insert("NF".to_owned(), Num(self.fields.len() as f64));
        self.line = line;
    }

    fn call(&mut self, name: &str, args: &[Expr]) -> Res<Value> {
        if matches!(name, "sub" | "gsub") {
            return self.substitute(args, name == "gsub");
        }
        if name == "split"
            && let Some(Expr::Var(array)) = args.get(1)
        {
            let text = self.eval(&args[0])?.text();
            let separator = match args.get(2) {
                Some(e) => self.eval(e)?.text(),
                None => self.var("FS").text(),
            };
            let parts = split(&text, &separator);
            let count = parts.len();
            let items = parts.into_iter().enumerate().map(|(i, p)| ((i + 1).to_string(), Read(p)));
            self.arrays.insert(array.clone(), items.collect());
            return Ok(Num(count as f64));
        }
        if let (true, Some(Expr::Var(array))) = (name == "length", args.first())
            && let Some(array) = self.arrays.get(array)
        {
            return Ok(Num(array.len() as f64));
        }
        let values = args.iter().map(|a| self.eval(a)).collect::<Res<Vec<_>>>()?;
        let text = |at: usize| values.get(at).map(Value::text).unwrap_or_default();
        Ok(match name {
            "length" if values.is_empty() => Num(self.line.chars().count() as f64),
            "length" => Num(text(0).chars().count() as f64),
            "substr" => {
                // From and to as POSIX rounds them; what lies outside is cut off.
                let from = values[1].num().round();
                let to = values.get(2).map_or(f64::MAX, |n| from + n.num().round());
                let inside = |at: usize| (at as f64 + 1.0) >= from && (at as f64 + 1.0) < to;
                Text(text(0).chars().enumerate().filter(|(at, _)| inside(*at)).map(|(_, c)| c).collect())
            }
            "index" => {
                let (whole, part) = (text(0), text(1));
                Num(whole.find(&part).map_or(0.0, |at| whole[..at].chars().count() as f64 + 1.0))
            }
            "tolower" => Text(text(0).to_lowercase()),
            "toupper" => Text(text(0).to_uppercase()),
            "int" => Num(values[0].num().trunc()),
            other => return Err(Stop(format!("{other}: an array is needed"))),
        })
    }

    fn substitute(&mut self, args: &[Expr], all: bool) -> Res<Value> {
        let regex = self.pattern(&args[0])?;
        let with = self.eval(&args[1])?.text();
        let line = Expr::Field(Box::new(Expr::Num(0.0)));
        let target = args.get(2).unwrap_or(&line);
        let text = self.eval(target)?.text();
        let (mut out, mut last, mut count) = (String::new(), 0, 0u32);
        for m in regex.find_iter(&text).take(if all { MOST } else { 1 }) {
            out += &text[last..m.start()];
            let mut chars = with.chars();
            while let Some(c) = chars.next() {
                match c {
                    '&' => out += m.as_str(),
                    '\\' => out.extend(chars.next()),
                    c => out.push(c),
                }
            }
            (last, count) = (m.end(), count + 1);
        }
        out += &text[last..];
        if count > 0 {
            self.assign(target, Text(out))?;
        }
        Ok(Num(count.into()))
    }
}

fn truth(is: bool) -> Value {
    Num(f64::from(u8::from(is)))
}

fn arithmetic(op: Op, a: f64, b: f64) -> Res<f64> {
    Ok(match op {
        Op::Add => a + b,
        Op::Sub => a - b,
        Op::Mul => a * b,
        Op::Div | Op::Mod if b == 0.0 => return Err(Stop("division by zero".to_owned())),
        Op::Div => a / b,
        _ => a % b,
    })
}

/// A line into fields: by blanks, by one character, or by an expression.
fn split(line: &str, by: &str) -> Vec<String> {
    if by == " " {
        return line.split_whitespace().map(str::to_owned).collect();
    }
    if line.is_empty() {
        return Vec::new();
    }
    let plain = by.chars().count() == 1 && by != "\\";
    match Regex::new(by) {
        Ok(regex) if !plain && !by.is_empty() => regex.split(line).map(str::to_owned).collect(),
        _ if by.is_empty() => line.chars().map(String::from).collect(),
        _ => line.split(by).map(str::to_owned).collect(),
    }
}

/// printf: `%[-0][WIDTH][.PRECISION]` with s, d, i, f, g, x, c and %.
fn formatted(format: &str, values: &[Value]) -> String {
    let mut out = String::new();
    let mut values = values.iter();
    let mut rest = format;
    while let Some(at) = rest.find('%') {
        out += &rest[..at];
        rest = &rest[at + 1..];
        let flags = rest.find(|c| !matches!(c, '-' | '0' | '+' | ' ')).unwrap_or(rest.len());
        let (flags, after) = rest.split_at(flags);
        let digits = after.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(after.len());
        let (size, after) = after.split_at(digits);
        let Some(kind) = after.chars().next() else {
            out.push('%');
            break;
        };
        let (width, precision) = size.split_once('.').map_or((size, None), |(w, p)| (w, Some(p)));
        let width = width.parse::<usize>().unwrap_or(0).min(1000);
        let precision = precision.map(|p| p.parse::<usize>().unwrap_or(0).min(100));
        rest = &after[kind.len_utf8()..];
        let empty = Read(String::new());
        let mut value = || values.next().unwrap_or(&empty);
        let text = match kind {
            '%' => "%".to_owned(),
            's' => {
                let text = value().text();
                precision.map_or(text.clone(), |p| text.chars().take(p).collect())
            }
            'c' => match value() {
                Num(n) => char::from_u32(*n as u32).unwrap_or(' ').to_string(),
                other => other.text().chars().take(1).collect(),
            },
            'd' | 'i' => format!("{}", value().num().trunc() as i64),
            'x' => format!("{:x}", value().num().trunc() as i64),
            'f' => format!("{:.*}", precision.unwrap_or(6), value().num()),
            'g' => number_text(value().num()),
            other => format!("%{flags}{size}{other}"),
        };
        let missing = " ".repeat(width.saturating_sub(text.chars().count()));
        if flags.contains('-') {
            out += &text;
            out += &missing;
        } else if flags.contains('0') && kind != 's' {
            let (sign, number) = text.strip_prefix('-').map_or(("", text.as_str()), |n| ("-", n));
            out += sign;
            out += &missing.replace(' ', "0");
            out += number;
        } else {
            out += &missing;
            out += &text;
        }
    }
    out + rest
}
