//! Reading flags, as the docker client's flag library (spf13/pflag) does: `--name VALUE`,
//! `--name=VALUE`, `-p VALUE`, `-pVALUE`, `-it`, `--` ends them.

use super::table::{Command, Flag, Takes};
use super::values;

/// The flags and arguments of one command line.
#[derive(Debug, Default)]
pub(super) struct Flags {
    /// In the order given: the flag's name and its value.
    pub set: Vec<(&'static Flag, String)>,
    /// What is left.
    pub args: Vec<String>,
    /// `--help` was among them.
    pub help: bool,
}

/// What was wrong with a flag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct BadFlag {
    /// In pflag's words.
    pub message: String,
    /// An unknown long flag, for "did you mean".
    pub unknown: Option<String>,
}

impl BadFlag {
    fn new(message: String) -> Self {
        Self { message, unknown: None }
    }
}

impl Flags {
    /// Whether the switch `name` is on; the last one wins.
    pub fn on(&self, name: &str) -> bool {
        self.last(name).is_some_and(|v| v == "true")
    }
    /// The last value of `name`.
    pub fn last(&self, name: &str) -> Option<&str> {
        self.set.iter().rev().find(|(f, _)| f.name == name).map(|(_, v)| v.as_str())
    }
    /// All values of the flags `names`, in order.
    pub fn all<'a>(&'a self, names: &'a [&str]) -> impl Iterator<Item = &'a str> {
        self.set.iter().filter(|(f, _)| names.contains(&f.name)).map(|(_, v)| v.as_str())
    }
}

/// Reads `words` by `command`'s table.
pub(super) fn read(command: &Command, words: &[String]) -> Result<Flags, BadFlag> {
    let mut flags = Flags::default();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        if word == "--" {
            flags.args.extend(words.by_ref().cloned());
        } else if let Some(long) = word.strip_prefix("--") {
            read_long(command, &mut flags, long, &mut words)?;
        } else if word.len() > 1 && word.starts_with('-') {
            read_short(command, &mut flags, &word[1..], &mut words)?;
        } else {
            flags.args.push(word.clone());
            if !command.interspersed {
                flags.args.extend(words.by_ref().cloned());
            }
        }
        if flags.help {
            break;
        }
    }
    Ok(flags)
}

fn read_long<'a>(
    command: &Command,
    flags: &mut Flags,
    word: &str,
    rest: &mut impl Iterator<Item = &'a String>,
) -> Result<(), BadFlag> {
    let (name, value) = match word.split_once('=') {
        Some((name, value)) => (name, Some(value)),
        None => (word, None),
    };
    if name.is_empty() || name.starts_with('-') {
        return Err(BadFlag::new(format!("bad flag syntax: --{word}")));
    }
    let Some(flag) = command.flags().find(|f| f.name == name) else {
        if name == "help" {
            flags.help = true;
            return Ok(());
        }
        return Err(BadFlag { message: format!("unknown flag: --{name}"), unknown: Some(name.to_owned()) });
    };
    let value = match (flag.takes, value) {
        (_, Some(value)) => value.to_owned(),
        (Takes::Bool, None) => "true".to_owned(),
        (Takes::Value(_), None) => {
            rest.next().ok_or_else(|| BadFlag::new(format!("flag needs an argument: --{name}")))?.clone()
        }
    };
    flags.set.push((flag, checked(flag, value)?));
    Ok(())
}

fn read_short<'a>(
    command: &Command,
    flags: &mut Flags,
    letters: &str,
    rest: &mut impl Iterator<Item = &'a String>,
) -> Result<(), BadFlag> {
    let mut at = letters.char_indices();
    while let Some((i, letter)) = at.next() {
        let Some(flag) = command.flags().find(|f| f.short == Some(letter)) else {
            if letter == 'h' {
                flags.help = true;
                return Ok(());
            }
            return Err(BadFlag::new(format!("unknown shorthand flag: '{letter}' in -{}", &letters[i..])));
        };
        let tail = at.as_str();
        let value = match flag.takes {
            _ if tail.starts_with('=') && tail.len() > 1 => {
                flags.set.push((flag, checked(flag, tail[1..].to_owned())?));
                return Ok(());
            }
            Takes::Bool => "true".to_owned(),
            Takes::Value(_) if !tail.is_empty() => {
                flags.set.push((flag, checked(flag, tail.to_owned())?));
                return Ok(());
            }
            Takes::Value(_) => rest
                .next()
                .ok_or_else(|| {
                    BadFlag::new(format!("flag needs an argument: '{letter}' in -{}", &letters[i..]))
                })?
                .clone(),
        };
        flags.set.push((flag, checked(flag, value)?));
    }
    Ok(())
}

/// How an error names a flag: `-p, --publish`, or `--name`.
pub(super) fn called(flag: &Flag) -> String {
    match flag.short {
        Some(short) => format!("-{short}, --{}", flag.name),
        None => format!("--{}", flag.name),
    }
}

/// What pflag says of a value that it cannot take.
pub(super) fn invalid(flag: &Flag, value: &str, why: &str) -> BadFlag {
    BadFlag::new(format!("invalid argument {value:?} for {:?} flag: {why}", called(flag)))
}

fn checked(flag: &Flag, value: String) -> Result<String, BadFlag> {
    match flag.takes {
        Takes::Bool => match value.as_str() {
            "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok("true".to_owned()),
            "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok("false".to_owned()),
            _ => {
                let why = format!("strconv.ParseBool: parsing {value:?}: invalid syntax");
                Err(invalid(flag, &value, &why))
            }
        },
        Takes::Value(word) => match values::refusal(word, flag.name, &value) {
            Some(why) => Err(invalid(flag, &value, &why)),
            None => Ok(value),
        },
    }
}
