//! A table's walk, read from its trace: which rules were asked, in order, and what came of it.
//!
//! The trace names every rule that *matched*, with its chain and place. Between two matches the
//! kernel asks the rules in order, so what lies between them was passed over; jumps, returns and
//! ends of chains are followed as nft_do_chain does. No rule is evaluated here a second time.

use super::words;
use crate::netfilter::{Chain, ChainId, MatchedTarget, Netfilter, RuleId, Table, Target};

/// Passed-over rules in a row from which on they are folded into one line.
const FOLD: usize = 4;
/// Longest listing of a table that was not asked.
const MAX_LISTED: usize = 400;

/// A rule that matched, from the trace.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Hit {
    pub seq: u64,
    pub chain: ChainId,
    pub rule: RuleId,
    pub index: usize,
    pub target: MatchedTarget,
}

/// How a walk ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// A rule decided.
    Rule,
    /// The end of the base chain: true for ACCEPT.
    Policy(bool),
}

/// What became of a rule on this walk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// Asked, and it did not match.
    Passed,
    /// It matched.
    Matched(MatchedTarget),
    /// Never asked: something before it decided, or nothing came.
    Unasked,
}

/// What a line of a card is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineKind {
    /// A rule.
    Rule(RuleId),
    /// Several rules in a row, folded.
    Folded,
    /// The policy of the base chain; true for ACCEPT.
    Policy(bool),
}

/// A line of a card.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// What it is.
    pub kind: LineKind,
    /// How many jumps deep.
    pub depth: usize,
    /// Its chain.
    pub chain: String,
    /// Its number in the chain, from 1; of a fold: the first one's.
    pub number: usize,
    /// How many rules it stands for.
    pub count: usize,
    /// What became of it.
    pub mark: Mark,
    /// The record that says so, for a match.
    pub seq: Option<u64>,
    /// In few words.
    pub short: String,
    /// As iptables wants it, without `-A CHAIN`.
    pub full: String,
    /// Where on the track it is asked, in ms; set when the pass is placed.
    pub at: f64,
}

/// Folds that the reader has opened: chain, number of the first rule.
pub(super) type Unfolded = std::collections::BTreeSet<(String, usize)>;

pub(super) struct Reader<'a> {
    pub nf: &'a Netfilter,
    pub table: &'a Table,
    pub unfolded: &'a Unfolded,
}

impl Reader<'_> {
    /// The lines of a walk that begins at `base`. Without an end it was cut short by the trace.
    pub fn walked(&self, base: &Chain, hits: &[Hit], end: Option<End>) -> Vec<Line> {
        let mut out = Vec::new();
        let mut stack: Vec<(ChainId, usize)> = vec![(base.id, 0)];
        let mut returned = false;
        for hit in hits {
            while let Some(&(chain, next)) = stack.last()
                && chain != hit.chain
            {
                self.run(&mut out, chain, next..usize::MAX, stack.len() - 1, Mark::Passed);
                stack.pop();
            }
            if stack.is_empty() {
                // The rules are others by now: what matched is shown all the same.
                stack.push((hit.chain, hit.index));
            }
            let depth = stack.len() - 1;
            let next = stack[depth].1;
            self.run(&mut out, hit.chain, next..hit.index, depth, Mark::Passed);
            out.push(self.matched(hit, depth));
            stack[depth].1 = hit.index + 1;
            match hit.target {
                MatchedTarget::Jump(to) => {
                    if self.goes(hit) {
                        stack.pop();
                    }
                    stack.push((to, 0));
                }
                MatchedTarget::Return if depth > 0 => {
                    self.run(&mut out, hit.chain, hit.index + 1..usize::MAX, depth, Mark::Unasked);
                    stack.pop();
                }
                MatchedTarget::Return => returned = true,
                _ => {}
            }
        }
        let rest =
            if matches!(end, Some(End::Policy(_))) && !returned { Mark::Passed } else { Mark::Unasked };
        while let Some((chain, next)) = stack.pop() {
            self.run(&mut out, chain, next..usize::MAX, stack.len(), rest);
        }
        if let Some(End::Policy(accept)) = end {
            out.push(policy(base, accept, Mark::Matched(MatchedTarget::Count)));
        }
        out
    }

    /// All rules from `base` on, chains beneath the rules that lead to them; nothing was asked.
    pub fn listed(&self, base: &Chain) -> Vec<Line> {
        let mut out = Vec::new();
        self.list(&mut out, base, 0, &mut vec![base.id]);
        if let Some(accept) = base.policy {
            out.push(policy(base, accept, Mark::Unasked));
        }
        out
    }

    fn list(&self, out: &mut Vec<Line>, chain: &Chain, depth: usize, seen: &mut Vec<ChainId>) {
        for (i, rule) in chain.rules.iter().enumerate() {
            if out.len() >= MAX_LISTED {
                return self.run(out, chain.id, i..usize::MAX, depth, Mark::Unasked);
            }
            out.push(self.rule(chain, i, depth, Mark::Unasked));
            if let Some(to) = rule.spec.target.chain()
                && !seen.contains(&to)
                && let Some(next) = self.table.chain(to)
            {
                seen.push(to);
                self.list(out, next, depth + 1, seen);
            }
        }
    }

    /// The rules `range` of a chain, folded where they are many.
    fn run(
        &self,
        out: &mut Vec<Line>,
        chain: ChainId,
        range: std::ops::Range<usize>,
        depth: usize,
        mark: Mark,
    ) {
        let Some(chain) = self.table.chain(chain) else { return };
        let end = range.end.min(chain.rules.len());
        if range.start >= end {
            return;
        }
        let count = end - range.start;
        let opened = self.unfolded.contains(&(chain.name.to_string(), range.start + 1));
        let few = if mark == Mark::Unasked { 1 } else { FOLD };
        if count < few || opened {
            out.extend((range.start..end).map(|i| self.rule(chain, i, depth, mark)));
            return;
        }
        out.push(Line { kind: LineKind::Folded, count, ..self.rule(chain, range.start, depth, mark) });
    }

    fn rule(&self, chain: &Chain, i: usize, depth: usize, mark: Mark) -> Line {
        let id = chain.rules[i].id;
        Line {
            kind: LineKind::Rule(id),
            depth,
            chain: chain.name.to_string(),
            number: i + 1,
            count: 1,
            mark,
            seq: None,
            short: words::short(self.nf.rule_text(id)),
            full: spec(self.nf.rule_text(id)),
            at: 0.0,
        }
    }

    fn matched(&self, hit: &Hit, depth: usize) -> Line {
        let text = self.nf.rule_text(hit.rule);
        Line {
            kind: LineKind::Rule(hit.rule),
            depth,
            chain: self.nf.chain_name(hit.chain).to_owned(),
            number: hit.index + 1,
            count: 1,
            mark: Mark::Matched(hit.target),
            seq: Some(hit.seq),
            short: words::short(text),
            full: spec(text),
            at: 0.0,
        }
    }

    /// Was it `-g`, which does not come back?
    fn goes(&self, hit: &Hit) -> bool {
        let rule = self.table.chain(hit.chain).and_then(|c| c.rules.get(hit.index));
        rule.is_some_and(|r| matches!(r.spec.target, Target::Goto(_)))
    }
}

fn policy(base: &Chain, accept: bool, mark: Mark) -> Line {
    Line {
        kind: LineKind::Policy(accept),
        depth: 0,
        chain: base.name.to_string(),
        number: 0,
        count: 1,
        mark,
        seq: None,
        short: if accept { "ACCEPT" } else { "DROP" }.to_owned(),
        full: String::new(),
        at: 0.0,
    }
}

/// A rule without its `-A CHAIN `.
pub(super) fn spec(text: &str) -> String {
    let rest = text.strip_prefix("-A ").and_then(|t| t.split_once(' '));
    rest.map_or("", |(_, spec)| spec).to_owned()
}
