//! iptables-save syntax.

use std::fmt::Write;

use super::command::intern;
use super::parse::{Op, parse, table};
use super::print::spec_text;
use super::{Netfilter, NfError, TableKind};

impl Netfilter {
    /// The tables in `iptables-save` syntax, with the rules' counters where `counters` (those of
    /// base chains are always there). Tables that no command has named are left out, as
    /// iptables (nf_tables) does. The comments with the time that the tool writes around each
    /// table are the tool's.
    pub fn save(&self, tables: &[TableKind], counters: bool) -> String {
        let mut out = String::new();
        for &kind in tables {
            if self.table(kind).is_present() {
                self.save_table(&mut out, kind, counters);
            }
        }
        out
    }

    fn save_table(&self, out: &mut String, kind: TableKind, counters: bool) {
        let table = self.table(kind);
        // Writing to a String cannot fail.
        let _ = writeln!(out, "*{}", kind.name());
        for chain in table.chains() {
            let policy = match chain.policy {
                Some(true) => "ACCEPT",
                Some(false) => "DROP",
                None => "-",
            };
            let _ = writeln!(out, ":{} {policy} [{}:{}]", chain.name, chain.packets, chain.bytes);
        }
        for chain in table.chains() {
            for rule in &chain.rules {
                if counters {
                    let _ = write!(out, "[{}:{}] ", rule.packets, rule.bytes);
                }
                let rest = spec_text(&rule.spec, |id| self.chain_name(id).to_owned());
                let _ = writeln!(out, "-A {}{rest}", chain.name);
            }
        }
        out.push_str("COMMIT\n");
    }

    /// Replaces the tables that `text` (iptables-save syntax) names, or adds to them
    /// (`iptables-restore --noflush`; a chain of one's own that is declared starts anew all the same).
    ///
    /// # Errors
    /// Names the line; nothing is changed then.
    pub fn restore(&mut self, text: &str, add: bool) -> Result<(), NfError> {
        let (tables, on) = (self.tables.clone(), self.ct.is_on());
        let done = self.restore_lines(text, add);
        if done.is_err() {
            self.tables = tables;
            debug_assert!(on || !self.ct.is_on() || self.ct.is_empty());
        }
        done
    }

    fn restore_lines(&mut self, text: &str, add: bool) -> Result<(), NfError> {
        let mut current = None;
        for (number, line) in (1u32..).zip(text.lines()) {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let failed = || restore_failed(number);
            if let Some(name) = line.strip_prefix('*') {
                let kind = table(name.trim()).map_err(|_| no_table(name.trim(), number))?;
                if !add {
                    self.tables[kind as usize] = super::Table::new(kind);
                }
                self.touch(kind);
                current = Some(kind);
                continue;
            }
            let Some(kind) = current else { return Err(failed()) };
            if line == "COMMIT" {
                current = None;
            } else if let Some(chain) = line.strip_prefix(':') {
                self.restore_chain(kind, chain, add).ok_or_else(failed)?;
            } else {
                self.restore_rule(kind, line).map_err(|e| at_line(e, number))?;
            }
        }
        if current.is_some() {
            return Err(NfError {
                message: "iptables-restore: COMMIT expected at line ".to_owned()
                    + &(text.lines().count() + 1).to_string(),
                exit: 2,
            });
        }
        Ok(())
    }

    /// `NAME POLICY [PACKETS:BYTES]`.
    fn restore_chain(&mut self, kind: TableKind, text: &str, add: bool) -> Option<()> {
        let mut words = text.split_whitespace();
        let (name, policy) = (words.next()?, words.next()?);
        let (packets, bytes) = words.next().map_or(Some((0, 0)), counters)?;
        let accept = match policy {
            "ACCEPT" => Some(true),
            "DROP" => Some(false),
            "-" => None,
            _ => return None,
        };
        if accept.is_none() && self.table(kind).chain_named(name).is_none() {
            parse(&["-N", name]).ok()?;
            let (id, name) = intern(&mut self.names, name);
            self.tables[kind as usize].add_chain(id, name);
        }
        let id = self.table(kind).chain_named(name)?.id;
        let chain = self.tables[kind as usize].chain_mut(id)?;
        if chain.is_base() != accept.is_some() {
            return None;
        }
        if add && accept.is_none() {
            chain.rules.edit().clear();
        }
        (chain.policy, chain.packets, chain.bytes) = (accept, packets, bytes);
        (chain.made, chain.counting) = (true, true);
        Some(())
    }

    fn restore_rule(&mut self, kind: TableKind, line: &str) -> Result<(), NfError> {
        let (count, rest) = match line.strip_prefix('[').and_then(|l| l.split_once(']')) {
            Some((count, rest)) => (counters(&format!("[{count}]")), rest),
            None => (None, line),
        };
        let words = split_words(rest).ok_or_else(|| NfError::usage("unterminated quotation mark"))?;
        let mut args: Vec<&str> = vec!["-t", kind.name()];
        args.extend(words.iter().map(String::as_str));
        if words.iter().any(|w| w == "-t" || w == "--table") {
            return Err(NfError::usage("The -t option cannot be used in iptables-restore.\n"));
        }
        let mut parsed = parse(&args)?;
        if let Some(count) = count {
            parsed.counters = count;
        }
        if matches!(parsed.op, Op::List | Op::ListRules) {
            return Err(NfError::usage("no command specified"));
        }
        self.execute(&parsed)
    }
}

/// `[12:345]`.
fn counters(text: &str) -> Option<(u64, u64)> {
    let (packets, bytes) = text.strip_prefix('[')?.strip_suffix(']')?.split_once(':')?;
    Some((packets.parse().ok()?, bytes.parse().ok()?))
}

/// Words apart by blanks, with `"…"` and `'…'` and `\` in them (add_param_to_argv).
fn split_words(line: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match (c, quote) {
            ('\\', Some(_)) => word.get_or_insert_default().push(chars.next()?),
            (c, Some(q)) if c == q => quote = None,
            (c, Some(_)) => word.get_or_insert_default().push(c),
            ('"' | '\'', None) => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (c, None) if c.is_whitespace() => words.extend(word.take()),
            (c, None) => word.get_or_insert_default().push(c),
        }
    }
    if quote.is_some() {
        return None;
    }
    words.extend(word);
    Some(words)
}

fn restore_failed(line: u32) -> NfError {
    NfError { message: format!("iptables-restore: line {line} failed"), exit: 1 }
}

/// A rule's own error, with its line.
fn at_line(error: NfError, line: u32) -> NfError {
    // What the kernel refuses is told in one line.
    if let Some(cause) = error.message.strip_prefix("iptables: ") {
        return NfError {
            message: format!("iptables-restore: line {line} failed: {cause}"),
            exit: error.exit,
        };
    }
    let text = error.message.replacen("iptables v", "iptables-restore v", 1);
    let message = match text.split_once("\nTry `iptables -h'") {
        Some((text, _)) => format!("{text}\n{}", occurred(line)),
        None => format!("{text}\nError occurred at line: {line}"),
    };
    NfError { message, exit: error.exit }
}

fn occurred(line: u32) -> String {
    format!(
        "Error occurred at line: {line}\n\
         Try `iptables-restore -h' or 'iptables-restore --help' for more information."
    )
}

fn no_table(name: &str, line: u32) -> NfError {
    let what = format!("iptables-restore: line {line} table name '{name}' invalid");
    NfError { message: format!("iptables-restore v1.8.13 (nf_tables): {what}\n{}", occurred(line)), exit: 2 }
}
