//! `$((…))`: signed 64-bit arithmetic with C's operators (POSIX.1-2024 §2.6.4; `**`, `++` and `--`
//! as in bash). It wraps around as bash's does.

/// Where variables are kept.
pub trait Variables {
    /// The value of a variable; None if it is not set.
    fn get(&mut self, name: &str) -> Option<String>;
    /// Sets one.
    fn set(&mut self, name: &str, value: i64);
}

/// Why an expression has no value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArithmeticError {
    /// In bash's words, without the expression.
    pub message: &'static str,
    /// The rest of the expression from where it went wrong.
    pub token: String,
}

impl ArithmeticError {
    /// What the shell of this name prints about `expression`, without its own name.
    pub fn describe(&self, bash: bool, expression: &str) -> String {
        match (bash, self.message) {
            (true, message) => format!("{expression}: {message} (error token is \"{}\")", self.token),
            (false, DIVISION) => "divide by zero".to_owned(),
            (false, EXPONENT) => EXPONENT.to_owned(),
            (false, COLON) => "malformed ?: operator".to_owned(),
            (false, _) => "arithmetic syntax error".to_owned(),
        }
    }
}

const DIVISION: &str = "division by 0";
const EXPONENT: &str = "exponent less than 0";
const COLON: &str = "`:' expected for conditional expression";
const OPERAND: &str = "syntax error: operand expected";
const SYNTAX: &str = "syntax error in expression";
/// Parentheses and variables within variables: deeper is refused.
const MAX_DEPTH: usize = 32;

/// The value of an expression; an empty one is 0.
///
/// # Errors
/// Names the place, as bash does.
pub fn evaluate(text: &str, vars: &mut dyn Variables) -> Result<i64, ArithmeticError> {
    value_of(text, vars, 0)
}

fn value_of(text: &str, vars: &mut dyn Variables, depth: usize) -> Result<i64, ArithmeticError> {
    let mut e = Evaluator { text, at: 0, last: 0, depth, skip: false, vars };
    e.blanks();
    if e.rest().is_empty() {
        return Ok(0);
    }
    let value = e.comma()?;
    if e.rest().is_empty() { Ok(value) } else { e.error(SYNTAX, e.at) }
}

struct Evaluator<'a, 'v> {
    text: &'a str,
    at: usize,
    /// Where the token before begins.
    last: usize,
    depth: usize,
    /// The value is not needed (`0 && x=1`): nothing is assigned, nothing divided.
    skip: bool,
    vars: &'v mut dyn Variables,
}

/// Binary operators by rising precedence; longer spellings first.
const LEVELS: [&[&str]; 10] = [
    &["||"],
    &["&&"],
    &["|"],
    &["^"],
    &["&"],
    &["==", "!="],
    &["<=", ">=", "<", ">"],
    &["<<", ">>"],
    &["+", "-"],
    &["*", "/", "%"],
];

impl<'a> Evaluator<'a, '_> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }
    fn blanks(&mut self) {
        self.at += self.rest().len() - self.rest().trim_start().len();
    }
    fn error<T>(&self, message: &'static str, at: usize) -> Result<T, ArithmeticError> {
        Err(ArithmeticError { message, token: self.text[at..].to_owned() })
    }
    fn take(&mut self, token: &str) {
        self.last = self.at;
        self.at += token.len();
        self.blanks();
    }
    /// Takes the operator if it stands here, and is not the beginning of a longer one.
    fn operator(&mut self, token: &str) -> bool {
        let Some(after) = self.rest().strip_prefix(token) else { return false };
        let longer = match token {
            "|" => after.starts_with(['|', '=']),
            "&" => after.starts_with(['&', '=']),
            "<" | ">" => after.starts_with(['<', '>', '=']),
            "<<" | ">>" | "+" | "-" | "/" | "%" | "^" => after.starts_with('='),
            "*" => after.starts_with(['*', '=']),
            "=" => after.starts_with('='),
            _ => false,
        };
        if !longer {
            self.take(token);
        }
        !longer
    }

    fn comma(&mut self) -> Result<i64, ArithmeticError> {
        let mut value = self.assignment()?;
        while self.operator(",") {
            value = self.assignment()?;
        }
        Ok(value)
    }

    /// `name = …`, `name += …`, or a condition.
    fn assignment(&mut self) -> Result<i64, ArithmeticError> {
        const KINDS: [&str; 11] = ["<<=", ">>=", "+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=", "="];
        let begin = self.at;
        if let Some(name) = self.name() {
            self.take(name);
            if let Some(kind) = KINDS.into_iter().find(|k| self.operator(k)) {
                let right_at = self.at;
                let right = self.nested(Self::assignment)?;
                let value = match kind.trim_end_matches('=') {
                    "" => right,
                    operator => {
                        let left = self.variable(name)?;
                        self.apply(operator, left, right, right_at)?
                    }
                };
                self.assign(name, value);
                return Ok(value);
            }
            self.at = begin;
        }
        self.condition()
    }

    fn nested(&mut self, of: fn(&mut Self) -> Result<i64, ArithmeticError>) -> Result<i64, ArithmeticError> {
        if self.depth >= MAX_DEPTH {
            return self.error("expression recursion level exceeded", self.at);
        }
        self.depth += 1;
        let value = of(self);
        self.depth -= 1;
        value
    }

    fn condition(&mut self) -> Result<i64, ArithmeticError> {
        let chosen = self.binary(0)?;
        if !self.operator("?") {
            return Ok(chosen);
        }
        let before = self.skip;
        self.skip = before || chosen == 0;
        let yes = self.nested(Self::assignment)?;
        if !self.operator(":") {
            return self.error(COLON, self.last);
        }
        self.skip = before || chosen != 0;
        let no = self.nested(Self::assignment)?;
        self.skip = before;
        Ok(if chosen != 0 { yes } else { no })
    }

    fn binary(&mut self, level: usize) -> Result<i64, ArithmeticError> {
        let Some(operators) = LEVELS.get(level) else { return self.power() };
        let mut left = self.binary(level + 1)?;
        while let Some(&operator) = operators.iter().find(|o| self.operator(o)) {
            let before = self.skip;
            self.skip |= (operator == "&&" && left == 0) || (operator == "||" && left != 0);
            let right_at = self.at;
            let right = self.binary(level + 1)?;
            self.skip = before;
            left = self.apply(operator, left, right, right_at)?;
        }
        Ok(left)
    }

    fn apply(&self, operator: &str, a: i64, b: i64, at: usize) -> Result<i64, ArithmeticError> {
        let truth = |t: bool| Ok(i64::from(t));
        match operator {
            "||" => truth(a != 0 || b != 0),
            "&&" => truth(a != 0 && b != 0),
            "|" => Ok(a | b),
            "^" => Ok(a ^ b),
            "&" => Ok(a & b),
            "==" => truth(a == b),
            "!=" => truth(a != b),
            "<" => truth(a < b),
            ">" => truth(a > b),
            "<=" => truth(a <= b),
            ">=" => truth(a >= b),
            // Only the lowest six bits count, as on the processors that bash mostly runs on.
            "<<" => Ok(a.wrapping_shl((b & 63) as u32)),
            ">>" => Ok(a.wrapping_shr((b & 63) as u32)),
            "+" => Ok(a.wrapping_add(b)),
            "-" => Ok(a.wrapping_sub(b)),
            "*" => Ok(a.wrapping_mul(b)),
            _ if self.skip => Ok(0),
            _ if b == 0 => self.error(DIVISION, at),
            "/" => Ok(a.wrapping_div(b)),
            _ => Ok(a.wrapping_rem(b)),
        }
    }

    /// `a ** b`: to the right first.
    fn power(&mut self) -> Result<i64, ArithmeticError> {
        let base = self.unary()?;
        if !self.operator("**") {
            return Ok(base);
        }
        let exponent = self.nested(Self::power)?;
        match u64::try_from(exponent) {
            Ok(mut n) => {
                let (mut base, mut value) = (base, 1i64);
                while n > 0 {
                    if n & 1 == 1 {
                        value = value.wrapping_mul(base);
                    }
                    base = base.wrapping_mul(base);
                    n >>= 1;
                }
                Ok(value)
            }
            Err(_) => self.error(EXPONENT, self.last),
        }
    }

    fn unary(&mut self) -> Result<i64, ArithmeticError> {
        for step in [1, -1] {
            let sign = if step == 1 { "++" } else { "--" };
            if self.rest().starts_with(sign) {
                let begin = self.at;
                self.take(sign);
                if let Some(name) = self.name() {
                    self.take(name);
                    let value = self.variable(name)?.wrapping_add(step);
                    self.assign(name, value);
                    return Ok(value);
                }
                // Two signs.
                self.at = begin;
            }
        }
        let Some(c @ ('+' | '-' | '!' | '~')) = self.rest().chars().next() else { return self.primary() };
        self.take(&self.rest()[..1]);
        let value = self.nested(Self::unary)?;
        Ok(match c {
            '-' => value.wrapping_neg(),
            '!' => i64::from(value == 0),
            '~' => !value,
            _ => value,
        })
    }

    fn primary(&mut self) -> Result<i64, ArithmeticError> {
        if self.rest().starts_with('(') {
            self.take("(");
            let value = self.nested(Self::comma)?;
            if !self.rest().starts_with(')') {
                return self.error("missing `)'", self.last);
            }
            self.take(")");
            return Ok(value);
        }
        if let Some(name) = self.name() {
            self.take(name);
            let value = self.variable(name)?;
            for (sign, step) in [("++", 1), ("--", -1)] {
                if self.rest().starts_with(sign) {
                    self.take(sign);
                    self.assign(name, value.wrapping_add(step));
                }
            }
            return Ok(value);
        }
        let rest = self.rest();
        let digits = &rest[..rest.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(rest.len())];
        if digits.is_empty() {
            let at = if rest.is_empty() { self.last } else { self.at };
            return self.error(OPERAND, at);
        }
        let value = match number(digits) {
            Some(value) => value,
            None => {
                let token = digits.to_owned();
                return Err(ArithmeticError { message: "value too great for base", token });
            }
        };
        self.take(digits);
        Ok(value)
    }

    fn name(&self) -> Option<&'a str> {
        let rest = self.rest();
        let len = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
        let name = &rest[..len];
        (!name.is_empty() && !name.starts_with(|c: char| c.is_ascii_digit())).then_some(name)
    }

    /// A variable's value is an expression itself.
    fn variable(&mut self, name: &str) -> Result<i64, ArithmeticError> {
        let Some(text) = self.vars.get(name) else { return Ok(0) };
        if let Some(value) = number(text.trim()) {
            return Ok(value);
        }
        if self.depth >= MAX_DEPTH {
            let message = "expression recursion level exceeded";
            return Err(ArithmeticError { message, token: text });
        }
        value_of(&text, self.vars, self.depth + 1)
    }

    fn assign(&mut self, name: &str, value: i64) {
        if !self.skip {
            self.vars.set(name, value);
        }
    }
}

/// Decimal, `0x…` or octal (`0…`); what is too large wraps around.
fn number(text: &str) -> Option<i64> {
    let (digits, base) = match text.as_bytes() {
        [b'0', b'x' | b'X', ..] if text.len() > 2 => (&text[2..], 16),
        [b'0', _, ..] => (&text[1..], 8),
        [] => return None,
        _ => (text, 10),
    };
    digits.chars().try_fold(0i64, |value, c| {
        let digit = c.to_digit(base)?;
        Some(value.wrapping_mul(i64::from(base)).wrapping_add(i64::from(digit)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    impl Variables for BTreeMap<String, String> {
        fn get(&mut self, name: &str) -> Option<String> {
            BTreeMap::get(self, name).cloned()
        }
        fn set(&mut self, name: &str, value: i64) {
            self.insert(name.to_owned(), value.to_string());
        }
    }

    /// The value and the variables after it, or bash's words. All were read off bash 5.2.
    #[track_caller]
    fn check(text: &str, expect: &str) {
        let mut vars: BTreeMap<String, String> = [("i", "5"), ("e", "i+1"), ("loop", "loop"), ("empty", "")]
            .map(|(n, v)| (n.into(), v.into()))
            .into();
        let got = match evaluate(text, &mut vars) {
            Ok(value) => format!("{value} i={}", vars["i"]),
            Err(e) => e.describe(true, text),
        };
        assert_eq!(got, expect, "{text}");
    }

    #[test]
    fn expressions_have_the_values_that_bash_gives_them() {
        for (text, expect) in [
            ("", "0 i=5"),
            ("1+2*3", "7 i=5"),
            ("(1+2)*3", "9 i=5"),
            ("10-2-3", "5 i=5"),
            ("7/2", "3 i=5"),
            ("-7/2", "-3 i=5"),
            ("-7%3", "-1 i=5"),
            ("2**3**2", "512 i=5"),
            ("-2**2", "4 i=5"),
            ("i+1", "6 i=5"),
            ("e*2", "12 i=5"),
            ("unset+1", "1 i=5"),
            ("empty+1", "1 i=5"),
            ("i++", "5 i=6"),
            ("++i", "6 i=6"),
            ("i--+1", "6 i=4"),
            ("i+=3", "8 i=8"),
            ("i=i*2, i+1", "11 i=10"),
            ("i>4 && i<6", "1 i=5"),
            ("0 && (i=9)", "0 i=5"),
            ("1 || 1/0", "1 i=5"),
            ("i==5 ? 10 : 20", "10 i=5"),
            ("i!=5 ? 10 : 20", "20 i=5"),
            ("!i", "0 i=5"),
            ("~0", "-1 i=5"),
            ("1<<4 | 3", "19 i=5"),
            ("256>>4", "16 i=5"),
            ("5 & 6 ^ 1", "5 i=5"),
            ("0x1f + 010", "39 i=5"),
            ("5 - -5", "10 i=5"),
            ("9223372036854775807 + 1", "-9223372036854775808 i=5"),
        ] {
            check(text, expect);
        }
    }

    #[test]
    fn what_is_no_expression_is_refused_in_bashs_words() {
        for (text, expect) in [
            ("1/0", "1/0: division by 0 (error token is \"0\")"),
            ("1+", "1+: syntax error: operand expected (error token is \"+\")"),
            ("*3", "*3: syntax error: operand expected (error token is \"*3\")"),
            ("1 2", "1 2: syntax error in expression (error token is \"2\")"),
            ("08", "08: value too great for base (error token is \"08\")"),
            ("2**-1", "2**-1: exponent less than 0 (error token is \"1\")"),
            ("(1", "(1: missing `)' (error token is \"1\")"),
        ] {
            check(text, expect);
        }
        assert!(evaluate(&"(".repeat(10_000), &mut BTreeMap::new()).is_err());
        assert!(evaluate(&"-".repeat(10_000), &mut BTreeMap::new()).is_err());
        let mut vars: BTreeMap<String, String> = [("loop".to_owned(), "loop+1".to_owned())].into();
        assert!(evaluate("loop", &mut vars).is_err());
    }

    proptest! {
        #[test]
        fn any_text_has_a_value_or_an_error(text in "[-+*/%<>=!&|^~?:,()0-9a-c ]{0,24}") {
            let _ = evaluate(&text, &mut BTreeMap::new());
        }
    }
}
