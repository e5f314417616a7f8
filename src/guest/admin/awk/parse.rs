//! Reading an awk program.

use regex_lite::Regex;

/// A value that is computed.
#[derive(Debug, Clone)]
pub(super) enum Expr {
    Num(f64),
    Str(String),
    /// `/…/` alone: does the line match?
    Regex(Box<Regex>),
    Var(String),
    /// `NAME[…]`.
    Item(String, Box<Expr>),
    Field(Box<Expr>),
    /// `NAME in ARRAY`.
    In(Box<Expr>, String),
    Not(Box<Expr>),
    Minus(Box<Expr>),
    /// An operator of two: arithmetic, comparison, `~`, ` ` for putting texts together, `&`, `|`.
    Two(Op, Box<Expr>, Box<Expr>),
    If(Box<Expr>, Box<Expr>, Box<Expr>),
    /// `target = value`, or with arithmetic before it.
    Set(Box<Expr>, Option<Op>, Box<Expr>),
    /// `x++` (true: the value before) and `++x`, by this much.
    Step(Box<Expr>, f64, bool),
    Call(String, Vec<Expr>),
}

/// Operators of two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Op {
    Add,
    Sub,
    Mul,
    Div,
    Mod,
    Less,
    LessEq,
    Equal,
    NotEqual,
    More,
    MoreEq,
    Match,
    NoMatch,
    Concat,
    And,
    Or,
}

/// A statement.
#[derive(Debug, Clone)]
pub(super) enum Stmt {
    Print(Vec<Expr>),
    Printf(Vec<Expr>),
    Do(Expr),
    If(Expr, Box<Stmt>, Option<Box<Stmt>>),
    While(Expr, Box<Stmt>),
    For(Option<Box<Stmt>>, Option<Expr>, Option<Box<Stmt>>, Box<Stmt>),
    ForIn(String, String, Box<Stmt>),
    Block(Vec<Stmt>),
    Delete(String, Option<Expr>),
    Next,
    Exit(Option<Expr>),
    Break,
    Continue,
}

/// When a rule's statements run.
#[derive(Debug, Clone)]
pub(super) enum When {
    Begin,
    End,
    Always,
    Where(Expr),
}

/// Deeper nesting than this is refused.
const MOST_DEEP: u32 = 60;

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Num(f64),
    Str(String),
    Regex(String),
    Word(String),
    /// A name with `(` right behind it.
    Func(String),
    Sign(&'static str),
    Line,
}

const SIGNS: [&str; 40] = [
    "&&", "||", "==", "!=", "<=", ">=", "++", "--", "+=", "-=", "*=", "/=", "%=", "!~", ">>", "{", "}", "(",
    ")", "[", "]", ";", ",", "+", "-", "*", "/", "%", "!", "~", "<", ">", "=", "$", "?", ":", "|", "^", "&",
    "@",
];

fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut out: Vec<Token> = Vec::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        // A slash begins an expression where no value stands before it.
        let value_before = matches!(
            out.last(),
            Some(
                Token::Num(_)
                    | Token::Str(_)
                    | Token::Regex(_)
                    | Token::Word(_)
                    | Token::Sign(")" | "]" | "$" | "++" | "--")
            )
        );
        match c {
            '\n' => out.push(Token::Line),
            ' ' | '\t' | '\r' => {}
            '\\' if rest.starts_with("\\\n") => {
                rest = &rest[2..];
                continue;
            }
            '#' => {
                rest = rest.find('\n').map_or("", |at| &rest[at..]);
                continue;
            }
            '"' => {
                let (text, left) = quoted(&rest[1..], '"')?;
                out.push(Token::Str(unescape(&text)));
                rest = left;
                continue;
            }
            '/' if !value_before => {
                let (text, left) = quoted(&rest[1..], '/')?;
                out.push(Token::Regex(text.replace("\\/", "/")));
                rest = left;
                continue;
            }
            '0'..='9' | '.' => {
                let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
                let number = rest[..end].parse().map_err(|_| rest[..end].to_owned())?;
                out.push(Token::Num(number));
                rest = &rest[end..];
                continue;
            }
            'a'..='z' | 'A'..='Z' | '_' => {
                let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
                let word = rest[..end].to_owned();
                rest = &rest[end..];
                out.push(if rest.starts_with('(') { Token::Func(word) } else { Token::Word(word) });
                continue;
            }
            _ => {
                let sign = SIGNS.iter().find(|s| rest.starts_with(**s)).ok_or_else(|| c.to_string())?;
                out.push(Token::Sign(sign));
                rest = &rest[sign.len()..];
                continue;
            }
        }
        rest = &rest[c.len_utf8()..];
    }
    Ok(out)
}

/// Up to the closing mark, backslashes kept; and what follows.
fn quoted(text: &str, mark: char) -> Result<(String, &str), String> {
    let mut out = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            _ if c == mark => return Ok((out, &text[at + c.len_utf8()..])),
            '\\' => {
                out.push('\\');
                out.extend(chars.next().map(|(_, c)| c));
            }
            '\n' => break,
            c => out.push(c),
        }
    }
    Err("unterminated".to_owned())
}

fn unescape(text: &str) -> String {
    let mut out = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        out.push(match c {
            '\\' => match chars.next() {
                Some('n') => '\n',
                Some('t') => '\t',
                Some('r') => '\r',
                Some(other) => other,
                None => '\\',
            },
            c => c,
        });
    }
    out
}

/// The functions that there are, with how many arguments each takes.
pub(super) const FUNCTIONS: [(&str, usize, usize); 9] = [
    ("length", 0, 1),
    ("substr", 2, 3),
    ("index", 2, 2),
    ("split", 2, 3),
    ("sub", 2, 3),
    ("gsub", 2, 3),
    ("tolower", 1, 1),
    ("toupper", 1, 1),
    ("int", 1, 1),
];

struct Parser {
    tokens: Vec<Token>,
    at: usize,
    deep: u32,
}

type Res<T> = Result<T, String>;

/// Reads a program.
///
/// # Errors
/// Where it could not go on: the word there.
pub(super) fn parse(text: &str) -> Res<Vec<(When, Option<Stmt>)>> {
    let mut p = Parser { tokens: tokens(text)?, at: 0, deep: 0 };
    let mut rules = Vec::new();
    loop {
        while p.eat(";") || p.line() {}
        if p.at >= p.tokens.len() {
            return Ok(rules);
        }
        let when = match p.peek() {
            Some(Token::Word(w)) if w == "BEGIN" || w == "END" => {
                let begin = w == "BEGIN";
                p.at += 1;
                if begin { When::Begin } else { When::End }
            }
            Some(Token::Sign("{")) => When::Always,
            _ => When::Where(p.expr()?),
        };
        let body = if p.peek() == Some(&Token::Sign("{")) { Some(p.block()?) } else { None };
        if body.is_none() && matches!(when, When::Begin | When::End) {
            return p.wrong();
        }
        rules.push((when, body));
    }
}

impl Parser {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }
    fn eat(&mut self, sign: &str) -> bool {
        let is = matches!(self.peek(), Some(Token::Sign(s)) if *s == sign);
        self.at += usize::from(is);
        is
    }
    fn line(&mut self) -> bool {
        let is = self.peek() == Some(&Token::Line);
        self.at += usize::from(is);
        is
    }
    fn word(&mut self, word: &str) -> bool {
        let is = matches!(self.peek(), Some(Token::Word(w) | Token::Func(w)) if w == word);
        self.at += usize::from(is);
        is
    }
    fn need(&mut self, sign: &str) -> Res<()> {
        if self.eat(sign) { Ok(()) } else { self.wrong() }
    }
    fn wrong<T>(&self) -> Res<T> {
        Err(match self.peek() {
            None => String::new(),
            Some(Token::Line) => "\n".to_owned(),
            Some(Token::Num(n)) => n.to_string(),
            Some(Token::Str(s) | Token::Regex(s) | Token::Word(s) | Token::Func(s)) => s.clone(),
            Some(Token::Sign(s)) => (*s).to_owned(),
        })
    }

    fn block(&mut self) -> Res<Stmt> {
        self.need("{")?;
        let mut all = Vec::new();
        loop {
            while self.eat(";") || self.line() {}
            if self.eat("}") {
                return Ok(Stmt::Block(all));
            }
            all.push(self.statement()?);
            if !matches!(self.peek(), Some(Token::Sign(";" | "}") | Token::Line))
                && !matches!(
                    self.tokens.get(self.at.wrapping_sub(1)),
                    Some(Token::Sign("}" | ";") | Token::Line)
                )
            {
                return self.wrong();
            }
        }
    }

    fn statement(&mut self) -> Res<Stmt> {
        self.deep += 1;
        if self.deep > MOST_DEEP {
            return self.wrong();
        }
        let stmt = self.statement_here();
        self.deep -= 1;
        stmt
    }

    fn statement_here(&mut self) -> Res<Stmt> {
        if self.peek() == Some(&Token::Sign("{")) {
            return self.block();
        }
        if self.word("if") {
            self.need("(")?;
            let test = self.expr()?;
            self.need(")")?;
            while self.line() {}
            let then = Box::new(self.statement()?);
            let back = self.at;
            while self.eat(";") || self.line() {}
            if self.word("else") {
                while self.line() {}
                return Ok(Stmt::If(test, then, Some(Box::new(self.statement()?))));
            }
            self.at = back;
            return Ok(Stmt::If(test, then, None));
        }
        if self.word("while") {
            self.need("(")?;
            let test = self.expr()?;
            self.need(")")?;
            return Ok(Stmt::While(test, Box::new(self.statement()?)));
        }
        if self.word("for") {
            return self.for_loop();
        }
        self.simple()
    }

    fn for_loop(&mut self) -> Res<Stmt> {
        self.need("(")?;
        if let [Token::Word(name), Token::Word(of), Token::Word(array), Token::Sign(")")] =
            self.tokens.get(self.at..self.at + 4).unwrap_or_default()
            && of == "in"
        {
            let (name, array) = (name.clone(), array.clone());
            self.at += 4;
            return Ok(Stmt::ForIn(name, array, Box::new(self.statement()?)));
        }
        let first = if self.eat(";") { None } else { Some(Box::new(self.simple()?)) };
        if first.is_some() {
            self.need(";")?;
        }
        let test = if self.eat(";") { None } else { Some(self.expr()?) };
        if test.is_some() {
            self.need(";")?;
        }
        let step = if self.eat(")") { None } else { Some(Box::new(self.simple()?)) };
        if step.is_some() {
            self.need(")")?;
        }
        Ok(Stmt::For(first, test, step, Box::new(self.statement()?)))
    }

    fn simple(&mut self) -> Res<Stmt> {
        let Some(Token::Word(word) | Token::Func(word)) = self.peek().cloned() else {
            return Ok(Stmt::Do(self.expr()?));
        };
        let ends = |p: &Self| matches!(p.peek(), None | Some(Token::Sign(";" | "}") | Token::Line));
        match word.as_str() {
            "print" | "printf" => {
                self.at += 1;
                // `print("a", "b")` and `print (a) b` both begin with a parenthesis.
                let back = self.at;
                let mut args = Vec::new();
                if self.eat("(") {
                    args = self.list()?;
                    if !self.eat(")") || !ends(self) {
                        (self.at, args) = (back, Vec::new());
                    }
                }
                if args.is_empty() && !ends(self) {
                    args = self.list()?;
                }
                if matches!(self.peek(), Some(Token::Sign(">" | ">>" | "|"))) {
                    return self.wrong();
                }
                // Without parentheses that is a file to print into.
                if args.iter().any(|a| matches!(a, Expr::Two(Op::More, ..))) {
                    return Err(">".to_owned());
                }
                if word == "printf" && args.is_empty() {
                    return self.wrong();
                }
                Ok(if word == "print" { Stmt::Print(args) } else { Stmt::Printf(args) })
            }
            "next" => self.plain(Stmt::Next),
            "break" => self.plain(Stmt::Break),
            "continue" => self.plain(Stmt::Continue),
            "exit" => {
                self.at += 1;
                Ok(Stmt::Exit(if ends(self) { None } else { Some(self.expr()?) }))
            }
            "delete" => {
                self.at += 1;
                let Some(Token::Word(name)) = self.peek().cloned() else { return self.wrong() };
                self.at += 1;
                let key = if self.eat("[") { Some(self.expr()?) } else { None };
                if key.is_some() {
                    self.need("]")?;
                }
                Ok(Stmt::Delete(name, key))
            }
            "getline" | "function" | "func" | "do" | "return" => self.wrong(),
            _ => Ok(Stmt::Do(self.expr()?)),
        }
    }

    fn plain(&mut self, stmt: Stmt) -> Res<Stmt> {
        self.at += 1;
        Ok(stmt)
    }

    fn list(&mut self) -> Res<Vec<Expr>> {
        let mut all = vec![self.expr()?];
        while self.eat(",") {
            while self.line() {}
            all.push(self.expr()?);
        }
        Ok(all)
    }

    fn expr(&mut self) -> Res<Expr> {
        self.deep += 1;
        if self.deep > MOST_DEEP {
            return self.wrong();
        }
        let expr = self.assignment();
        self.deep -= 1;
        expr
    }

    fn assignment(&mut self) -> Res<Expr> {
        let left = self.ternary()?;
        if !matches!(left, Expr::Var(_) | Expr::Item(..) | Expr::Field(_)) {
            return Ok(left);
        }
        let ops: [(&str, Option<Op>); 6] = [
            ("=", None),
            ("+=", Some(Op::Add)),
            ("-=", Some(Op::Sub)),
            ("*=", Some(Op::Mul)),
            ("/=", Some(Op::Div)),
            ("%=", Some(Op::Mod)),
        ];
        for (sign, op) in ops {
            if self.eat(sign) {
                return Ok(Expr::Set(Box::new(left), op, Box::new(self.expr()?)));
            }
        }
        Ok(left)
    }

    fn ternary(&mut self) -> Res<Expr> {
        let test = self.either()?;
        if !self.eat("?") {
            return Ok(test);
        }
        let yes = self.expr()?;
        self.need(":")?;
        Ok(Expr::If(Box::new(test), Box::new(yes), Box::new(self.expr()?)))
    }

    fn either(&mut self) -> Res<Expr> {
        let mut left = self.both()?;
        while self.eat("||") {
            left = Expr::Two(Op::Or, Box::new(left), Box::new(self.both()?));
        }
        Ok(left)
    }

    fn both(&mut self) -> Res<Expr> {
        let mut left = self.member()?;
        while self.eat("&&") {
            left = Expr::Two(Op::And, Box::new(left), Box::new(self.member()?));
        }
        Ok(left)
    }

    fn member(&mut self) -> Res<Expr> {
        let mut left = self.matching()?;
        while let [Token::Word(of), Token::Word(array)] =
            self.tokens.get(self.at..self.at + 2).unwrap_or_default()
            && of == "in"
        {
            left = Expr::In(Box::new(left), array.clone());
            self.at += 2;
        }
        Ok(left)
    }

    fn matching(&mut self) -> Res<Expr> {
        let mut left = self.comparison()?;
        loop {
            let op = if self.eat("~") {
                Op::Match
            } else if self.eat("!~") {
                Op::NoMatch
            } else {
                return Ok(left);
            };
            left = Expr::Two(op, Box::new(left), Box::new(self.comparison()?));
        }
    }

    fn comparison(&mut self) -> Res<Expr> {
        let left = self.texts()?;
        let ops = [
            ("<=", Op::LessEq),
            (">=", Op::MoreEq),
            ("==", Op::Equal),
            ("!=", Op::NotEqual),
            ("<", Op::Less),
            (">", Op::More),
        ];
        for (sign, op) in ops {
            if self.eat(sign) {
                return Ok(Expr::Two(op, Box::new(left), Box::new(self.texts()?)));
            }
        }
        Ok(left)
    }

    /// Values side by side are put together.
    fn texts(&mut self) -> Res<Expr> {
        let mut left = self.sum()?;
        while match self.peek() {
            Some(Token::Num(_) | Token::Str(_) | Token::Func(_) | Token::Sign("$" | "(" | "!")) => true,
            Some(Token::Word(w)) => w != "in",
            _ => false,
        } {
            left = Expr::Two(Op::Concat, Box::new(left), Box::new(self.sum()?));
        }
        Ok(left)
    }

    fn sum(&mut self) -> Res<Expr> {
        let mut left = self.product()?;
        loop {
            let op = if self.eat("+") {
                Op::Add
            } else if self.eat("-") {
                Op::Sub
            } else {
                return Ok(left);
            };
            left = Expr::Two(op, Box::new(left), Box::new(self.product()?));
        }
    }

    fn product(&mut self) -> Res<Expr> {
        let mut left = self.unary()?;
        loop {
            let op = if self.eat("*") {
                Op::Mul
            } else if self.eat("/") {
                Op::Div
            } else if self.eat("%") {
                Op::Mod
            } else {
                return Ok(left);
            };
            left = Expr::Two(op, Box::new(left), Box::new(self.unary()?));
        }
    }

    fn unary(&mut self) -> Res<Expr> {
        self.deep += 1;
        if self.deep > MOST_DEEP {
            return self.wrong();
        }
        let expr = if self.eat("!") {
            Expr::Not(Box::new(self.unary()?))
        } else if self.eat("-") {
            Expr::Minus(Box::new(self.unary()?))
        } else if self.eat("+") {
            self.unary()?
        } else if self.eat("++") {
            Expr::Step(Box::new(self.primary()?), 1.0, false)
        } else if self.eat("--") {
            Expr::Step(Box::new(self.primary()?), -1.0, false)
        } else {
            let value = self.primary()?;
            let changeable = matches!(value, Expr::Var(_) | Expr::Item(..) | Expr::Field(_));
            if changeable && self.eat("++") {
                Expr::Step(Box::new(value), 1.0, true)
            } else if changeable && self.eat("--") {
                Expr::Step(Box::new(value), -1.0, true)
            } else {
                value
            }
        };
        self.deep -= 1;
        Ok(expr)
    }

    fn primary(&mut self) -> Res<Expr> {
        let Some(token) = self.peek().cloned() else { return self.wrong() };
        self.at += 1;
        match token {
            Token::Num(n) => Ok(Expr::Num(n)),
            Token::Str(s) => Ok(Expr::Str(s)),
            Token::Regex(r) => match Regex::new(&r) {
                Ok(regex) => Ok(Expr::Regex(Box::new(regex))),
                Err(_) => Err(r),
            },
            Token::Sign("$") => {
                let deeper = self.unary_field()?;
                Ok(Expr::Field(Box::new(deeper)))
            }
            Token::Sign("(") => {
                let inner = self.expr()?;
                self.need(")")?;
                Ok(inner)
            }
            Token::Func(name) => {
                let Some(&(_, least, most)) = FUNCTIONS.iter().find(|(n, ..)| *n == name) else {
                    self.at -= 1;
                    return self.wrong();
                };
                self.need("(")?;
                let args = if self.eat(")") { Vec::new() } else { self.list()? };
                if !args.is_empty() {
                    self.need(")")?;
                }
                if !(least..=most).contains(&args.len()) {
                    return Err(name);
                }
                Ok(Expr::Call(name, args))
            }
            Token::Word(name) if name == "length" => Ok(Expr::Call(name, Vec::new())),
            Token::Word(name) if self.eat("[") => {
                let key = self.expr()?;
                self.need("]")?;
                Ok(Expr::Item(name, Box::new(key)))
            }
            Token::Word(name) => Ok(Expr::Var(name)),
            _ => {
                self.at -= 1;
                self.wrong()
            }
        }
    }

    /// `$NF`, `$1`, `$(NF-1)`; `$i++` steps the field.
    fn unary_field(&mut self) -> Res<Expr> {
        self.deep += 1;
        if self.deep > MOST_DEEP {
            return self.wrong();
        }
        let inner = if self.eat("-") { Expr::Minus(Box::new(self.primary()?)) } else { self.primary()? };
        self.deep -= 1;
        Ok(inner)
    }
}
