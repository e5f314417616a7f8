//! Tables and chains: what is in them, in which order, and the names and texts that outlive it.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::chain_index::{ChainIndex, WORTH};
use super::packet::View;
use super::rule::{ChainId, RuleId, RuleSpec};
use super::{Hook, TableKind};
use crate::time::Instant;

impl Hook {
    /// The name of the base chains there.
    pub const fn chain_name(self) -> &'static str {
        match self {
            Self::Prerouting => "PREROUTING",
            Self::Input => "INPUT",
            Self::Forward => "FORWARD",
            Self::Output => "OUTPUT",
            Self::Postrouting => "POSTROUTING",
        }
    }
}

impl TableKind {
    /// All of them, in the order in which a hook asks them.
    pub const ALL: [Self; 4] = [Self::Raw, Self::Mangle, Self::Nat, Self::Filter];

    /// All of them, in the order in which `iptables-save` prints them.
    pub const SAVE_ORDER: [Self; 4] = [Self::Mangle, Self::Raw, Self::Filter, Self::Nat];

    /// The name, as after `-t`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Raw => "raw",
            Self::Mangle => "mangle",
            Self::Nat => "nat",
            Self::Filter => "filter",
        }
    }
    /// The hooks at which it has a base chain, in the order in which iptables-save prints them.
    pub const fn hooks(self) -> &'static [Hook] {
        match self {
            Self::Raw => &[Hook::Prerouting, Hook::Output],
            Self::Mangle => &[Hook::Prerouting, Hook::Input, Hook::Forward, Hook::Output, Hook::Postrouting],
            Self::Nat => &[Hook::Prerouting, Hook::Input, Hook::Output, Hook::Postrouting],
            Self::Filter => &[Hook::Input, Hook::Forward, Hook::Output],
        }
    }
}

/// A rule in its chain.
#[derive(Debug, Clone)]
pub struct Rule {
    /// Its number.
    pub id: RuleId,
    /// Packets that matched.
    pub packets: u64,
    /// Their IP lengths together.
    pub bytes: u64,
    /// What it matches and does.
    pub spec: Arc<RuleSpec>,
    /// The buckets of its `-m limit`s: nanoseconds of credit, and when it was counted.
    pub(super) buckets: Box<[(u64, Instant)]>,
}

/// The rules of a chain in order, to be read like a slice.
#[derive(Debug, Clone, Default)]
pub struct Rules {
    list: Vec<Rule>,
    /// Made when a packet first walks a long chain, and shared by snapshots.
    index: Option<Arc<ChainIndex>>,
    /// Tests compare the index with walking the chain.
    #[cfg(test)]
    pub(super) plain: bool,
}

impl Rules {
    /// To add, remove and change rules.
    pub(super) fn edit(&mut self) -> &mut Vec<Rule> {
        self.index = None;
        &mut self.list
    }
    /// To change counters; what the rules ask stays.
    pub(super) fn counters(&mut self) -> &mut [Rule] {
        &mut self.list
    }
    /// The first rule from `from` on that `matches` says yes to, as if it were asked about one after
    /// the other; rules that cannot match the packet by their address or port are passed over.
    #[inline]
    pub(super) fn find(
        &mut self,
        view: &View,
        from: usize,
        mut matches: impl FnMut(&mut Rule) -> bool,
    ) -> Option<usize> {
        let list = &mut self.list;
        let short = list.len() < WORTH;
        #[cfg(test)]
        let short = short || self.plain;
        if short {
            return (from..list.len()).find(|&i| matches(&mut list[i]));
        }
        let index = self.index.get_or_insert_with(|| Arc::new(ChainIndex::new(list)));
        index.candidates(view, from).find(|&i| matches(&mut list[i]))
    }
}

impl std::ops::Deref for Rules {
    type Target = [Rule];
    fn deref(&self) -> &[Rule] {
        &self.list
    }
}

impl<'a> IntoIterator for &'a Rules {
    type Item = &'a Rule;
    type IntoIter = std::slice::Iter<'a, Rule>;
    fn into_iter(self) -> Self::IntoIter {
        self.list.iter()
    }
}

/// A chain with its rules, policy and counters.
#[derive(Debug, Clone)]
pub struct Chain {
    /// Its number.
    pub id: ChainId,
    /// Its name.
    pub name: Arc<str>,
    /// For base chains: true if the policy is ACCEPT. None for users' chains.
    pub policy: Option<bool>,
    /// Packets that the policy decided, since somebody set the counters: before the first -P,
    /// -Z or restore, iptables (nf_tables) counts none.
    pub packets: u64,
    /// Their IP lengths together.
    pub bytes: u64,
    /// The rules in order.
    pub rules: Rules,
    /// True once a command has put something there; iptables makes base chains no sooner.
    pub(super) made: bool,
    /// True once a command has set the counters of the policy (-P, -Z, iptables-restore). The
    /// base chains of nf_tables do not count before that.
    pub(super) counting: bool,
}

/// A table: its chains in the order that iptables-save prints (base chains in the order of their
/// hooks, then users' chains by name).
#[derive(Debug, Clone)]
pub struct Table {
    kind: TableKind,
    /// True once a command has named it; only then iptables-save prints it.
    present: bool,
    chains: Vec<Chain>,
    /// Place of each chain in `chains`, by [`ChainId`]; `NOWHERE` if it is not in this table.
    places: Vec<u16>,
    /// What [`Table::reach`] found last, until a jump or a chain comes or goes.
    reach: Option<Reach>,
}

/// Each chain, in their order, with the hooks from which packets can come to it.
type Reach = Vec<(ChainId, Vec<Hook>)>;

const NOWHERE: u16 = u16::MAX;

impl Table {
    pub(super) const fn new(kind: TableKind) -> Self {
        Self { kind, present: false, chains: Vec::new(), places: Vec::new(), reach: None }
    }

    /// Which table it is.
    pub const fn kind(&self) -> TableKind {
        self.kind
    }
    /// True once a command has named it; only then iptables-save prints it.
    pub const fn is_present(&self) -> bool {
        self.present
    }
    /// The chains in the order that iptables-save prints.
    pub fn chains(&self) -> &[Chain] {
        &self.chains
    }
    /// A chain, by number.
    pub fn chain(&self, id: ChainId) -> Option<&Chain> {
        self.place(id).map(|at| &self.chains[at])
    }
    /// A chain, by name.
    pub fn chain_named(&self, name: &str) -> Option<&Chain> {
        self.chains.iter().find(|c| &*c.name == name)
    }
    /// The base chain at `hook`.
    pub fn base(&self, hook: Hook) -> Option<&Chain> {
        self.base_place(hook).and_then(|at| self.chains.get(at))
    }

    /// Where the base chain of `hook` stands: base chains come first, in the order of hooks.
    #[inline]
    pub(super) fn base_place(&self, hook: Hook) -> Option<usize> {
        self.kind.hooks().iter().position(|&h| h == hook)
    }
    #[inline]
    pub(super) fn place(&self, id: ChainId) -> Option<usize> {
        self.places.get(usize::from(id.0)).filter(|&&at| at != NOWHERE).map(|&at| usize::from(at))
    }
    #[inline]
    pub(super) fn chains_mut(&mut self) -> &mut [Chain] {
        &mut self.chains
    }
    pub(super) fn chain_mut(&mut self, id: ChainId) -> Option<&mut Chain> {
        self.place(id).map(|at| &mut self.chains[at])
    }

    /// Makes the base chains, as the first command about a table does.
    pub(super) fn make_present(&mut self, mut intern: impl FnMut(&str) -> (ChainId, Arc<str>)) {
        if self.present {
            return;
        }
        self.present = true;
        for hook in self.kind.hooks() {
            let (id, name) = intern(hook.chain_name());
            self.chains.push(Chain::new(id, name, Some(true)));
        }
        self.renumber();
    }

    /// Adds a user's chain, in its place by name.
    pub(super) fn add_chain(&mut self, id: ChainId, name: Arc<str>) {
        let base = self.kind.hooks().len();
        let at = base + self.chains[base..].partition_point(|c| *c.name < *name);
        self.chains.insert(at, Chain::new(id, name, None));
        self.renumber();
    }

    pub(super) fn remove_chain(&mut self, id: ChainId) {
        self.chains.retain(|c| c.id != id);
        self.renumber();
    }

    /// Gives a user's chain another name (and with it, another number).
    pub(super) fn rename_chain(&mut self, old: ChainId, id: ChainId, name: Arc<str>) {
        let Some(at) = self.place(old) else { return };
        let mut chain = self.chains.remove(at);
        let base = self.kind.hooks().len();
        let to = base + self.chains[base..].partition_point(|c| *c.name < *name);
        (chain.id, chain.name) = (id, name);
        self.chains.insert(to, chain);
        self.renumber();
    }

    /// A jump came or went.
    pub(super) fn forget_reach(&mut self) {
        self.reach = None;
    }

    /// The hooks from which packets can come to the chain.
    pub(super) fn hooks_to(&mut self, id: ChainId) -> Result<&[Hook], TooManyLinks> {
        if self.reach.is_none() {
            self.reach = Some(self.reach()?);
        }
        let place = self.place(id);
        let found = place.and_then(|at| self.reach.as_ref()?.get(at));
        Ok(found.map_or(&[], |(_, hooks)| hooks))
    }

    fn renumber(&mut self) {
        self.reach = None;
        self.places.fill(NOWHERE);
        for (at, chain) in self.chains.iter().enumerate() {
            let id = usize::from(chain.id.0);
            if self.places.len() <= id {
                self.places.resize(id + 1, NOWHERE);
            }
            self.places[id] = at as u16;
        }
    }

    /// How many rules lead to the chain.
    pub fn references(&self, id: ChainId) -> usize {
        let rules = self.chains.iter().flat_map(|c| &c.rules);
        rules.filter(|r| r.spec.target.chain() == Some(id)).count()
    }

    /// The hooks from which packets can come to the chain, and whether a chain leads back to
    /// itself or the way is longer than the kernel's jump stack.
    pub(super) fn reach(&self) -> Result<Reach, TooManyLinks> {
        let mut reach: Reach = self.chains.iter().map(|c| (c.id, Vec::new())).collect();
        for &hook in self.kind.hooks() {
            let Some(at) = self.base_place(hook) else { continue };
            let mut todo = vec![(at, 0usize)];
            // A chain is looked at once for each depth, however many ways lead there.
            let mut seen = BTreeSet::new();
            while let Some((at, depth)) = todo.pop() {
                if depth > JUMP_STACK {
                    return Err(TooManyLinks);
                }
                if !seen.insert((at, depth)) {
                    continue;
                }
                if !reach[at].1.contains(&hook) {
                    reach[at].1.push(hook);
                }
                let mut next: Vec<_> =
                    self.chains[at].rules.iter().filter_map(|r| r.spec.target.chain()).collect();
                next.sort_unstable();
                next.dedup();
                todo.extend(next.into_iter().filter_map(|id| self.place(id)).map(|at| (at, depth + 1)));
            }
        }
        Ok(reach)
    }
}

/// The deepest way of jumps (NFT_JUMP_STACK_SIZE).
pub(super) const JUMP_STACK: usize = 16;

/// Chains lead in a circle, or too deep.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TooManyLinks;

impl Chain {
    /// Counts a packet that the policy decided.
    #[inline]
    pub(super) fn count(&mut self, len: u16) {
        if self.counting {
            self.packets += 1;
            self.bytes += u64::from(len);
        }
    }

    fn new(id: ChainId, name: Arc<str>, policy: Option<bool>) -> Self {
        Self {
            id,
            name,
            policy,
            packets: 0,
            bytes: 0,
            rules: Rules::default(),
            made: policy.is_none(),
            counting: false,
        }
    }
    /// True for the chains that hooks begin with.
    pub const fn is_base(&self) -> bool {
        self.policy.is_some()
    }
}
