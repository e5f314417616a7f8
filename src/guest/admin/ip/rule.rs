//! `ip rule` (ip-rule(8)).
//!
//! Not supported: TOS, ports, protocols, users and realms as selectors, `goto`, `nat`, `suppress_*`; save
//! and restore.

use super::route::table_number;
use super::{Fail, Flags, number, prefix, refused, verb};
use crate::guest::Sys;
use crate::stack::{RoutingRule, RuleAction, RulePattern, TABLE_MAIN};
use crate::wire::{IfName, Ipv4Net};

const USAGE: &str = "Usage: ip rule { add | del } SELECTOR ACTION\n       \
    ip rule { flush | list }\n\
SELECTOR := [ not ] [ from PREFIX ] [ to PREFIX ] [ fwmark FWMARK[/MASK] ]\n            \
    [ iif STRING ] [ oif STRING ] [ pref NUMBER ]\n\
ACTION := [ table TABLE_ID ] | [ prohibit | unreachable | blackhole ]\n";

/// What iproute2 has and netpier has not, each with a value.
const ABSENT: &[&str] = &[
    "tos",
    "dsfield",
    "realms",
    "realm",
    "ipproto",
    "sport",
    "dport",
    "uidrange",
    "nat",
    "map-to",
    "goto",
    "suppress_prefixlength",
    "suppress_ifgroup",
    "protocol",
    "tun_id",
];

pub(super) fn run(flags: Flags, args: &[&str], sys: &mut Sys<'_>) -> Result<String, Fail> {
    if args.first() == Some(&"help") {
        return Err((USAGE.to_owned(), 255));
    }
    let (verb, args) = verb(args, &["show", "add", "delete", "flush", "save", "restore"], "rule")?;
    if flags.v6 {
        // No family has registered rules of this kind (lookup_rules_ops of fib_rules.c).
        return match verb {
            "show" | "flush" => Ok(String::new()),
            _ => Err(("RTNETLINK answers: Address family not supported by protocol\n".into(), 2)),
        };
    }
    match verb {
        "show" => show(&args, sys),
        "add" => add(&args, sys),
        "delete" => delete(&args, sys),
        "flush" => flush(&args, sys),
        other => Err((format!("netpier does not have ip rule {other}\n"), 1)),
    }
}

/// What the words name. A rule of table main if no action is said.
fn pattern(args: &[&str]) -> Result<RulePattern, Fail> {
    let mut found = RulePattern::default();
    let mut words = args.iter().copied();
    let wrong = |word: &str, why: &str| (format!("Error: argument \"{word}\" is wrong: {why}\n\n"), 255);
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or_else(super::incomplete);
        match word {
            "not" => found.not = true,
            "from" => found.from = Some(net(value()?)?),
            "to" => found.to = Some(net(value()?)?),
            "preference" | "pref" | "order" | "priority" | "prio" => {
                let text = value()?;
                found.pref = Some(number(text).ok_or_else(|| wrong(text, "preference value is invalid\n"))?);
            }
            "fwmark" => {
                let text = value()?;
                let (value, mask) = text.split_once('/').unwrap_or((text, "0xffffffff"));
                let value = number(value).ok_or_else(|| wrong(text, "fwmark value is invalid\n"))?;
                let mask = number(mask).ok_or_else(|| wrong(mask, "fwmask value is invalid\n"))?;
                found.mark = Some((value, mask));
            }
            "table" | "lookup" => {
                let text = value()?;
                let table = table_number(text).ok_or_else(|| wrong(text, "invalid table ID\n"))?;
                found.action = Some(RuleAction::Lookup(table));
            }
            "dev" | "iif" => found.iif = Some(name(value()?, "iif")?),
            "oif" => found.oif = Some(name(value()?, "oif")?),
            "type" => found.action = Some(action(value()?)?),
            "help" => return Err((USAGE.to_owned(), 255)),
            absent if ABSENT.contains(&absent) => {
                return Err((format!("netpier does not have {absent} in routing rules\n"), 1));
            }
            word => found.action = Some(action(word)?),
        }
    }
    Ok(found)
}

fn net(text: &str) -> Result<Ipv4Net, Fail> {
    match text {
        "all" | "any" | "default" => Ok(Ipv4Net::default()),
        text => prefix(text, super::route::ANY).map(|net| net.trunc()),
    }
}

fn name(text: &str, what: &str) -> Result<IfName, Fail> {
    text.parse()
        .map_err(|_| (format!("Error: argument \"{text}\" is wrong: \"{what}\" not a valid ifname\n\n"), 255))
}

fn action(word: &str) -> Result<RuleAction, Fail> {
    match word {
        "unicast" => Ok(RuleAction::Lookup(TABLE_MAIN)),
        "prohibit" => Ok(RuleAction::Prohibit),
        "unreachable" => Ok(RuleAction::Unreachable),
        "blackhole" => Ok(RuleAction::Blackhole),
        _ => Err((format!("Error: argument \"{word}\" is wrong: Failed to parse rule type\n\n"), 255)),
    }
}

fn add(args: &[&str], sys: &mut Sys<'_>) -> Result<String, Fail> {
    if args.is_empty() {
        return Err(("\"ip rule add\" requires arguments.\n".into(), 255));
    }
    let said = pattern(args)?;
    let rule = RoutingRule {
        not: said.not,
        from: said.from.unwrap_or_default(),
        to: said.to.unwrap_or_default(),
        mark: said.mark,
        iif: said.iif,
        oif: said.oif,
        ..RoutingRule::new(0, said.action.unwrap_or(RuleAction::Lookup(TABLE_MAIN)))
    };
    sys.ns.add_rule(rule, said.pref, &mut sys.cx).map_err(|e| refused(&e))?;
    Ok(String::new())
}

fn delete(args: &[&str], sys: &mut Sys<'_>) -> Result<String, Fail> {
    let said = pattern(args)?;
    sys.ns.remove_rule(&said, &mut sys.cx).map_err(|e| refused(&e))?;
    Ok(String::new())
}

/// All but the first, as iproute2 does it.
fn flush(args: &[&str], sys: &mut Sys<'_>) -> Result<String, Fail> {
    let said = pattern(args)?;
    for rule in sys.ns.rules().iter().skip(1).filter(|r| shown(&said, r)) {
        let this = RulePattern {
            pref: Some(rule.pref),
            not: rule.not,
            from: Some(rule.from),
            to: Some(rule.to),
            mark: rule.mark,
            iif: rule.iif,
            oif: rule.oif,
            action: Some(rule.action),
        };
        sys.ns.remove_rule(&this, &mut sys.cx).map_err(|e| refused(&e))?;
    }
    Ok(String::new())
}

/// True if the rule has what a listing asks for (filter_nlmsg of iprule.c).
fn shown(said: &RulePattern, r: &RoutingRule) -> bool {
    said.pref.is_none_or(|p| p == r.pref)
        && said.from.is_none_or(|f| f == r.from)
        && said.to.is_none_or(|t| t == r.to)
        && (said.mark.is_none() || said.mark == r.mark)
        && (said.iif.is_none() || said.iif == r.iif)
        && (said.oif.is_none() || said.oif == r.oif)
        && said.action.is_none_or(|a| a == r.action)
}

fn show(args: &[&str], sys: &Sys<'_>) -> Result<String, Fail> {
    let said = pattern(args)?;
    let line = |r: &RoutingRule| {
        let gone = |dev: Option<IfName>| dev.is_some_and(|d| sys.ns.device_named(d.as_str()).is_none());
        let mut text = r.to_string();
        for (word, dev) in [("iif", r.iif), ("oif", r.oif)] {
            if let Some(dev) = dev.filter(|d| gone(Some(*d))) {
                text = text.replacen(&format!(" {word} {dev}"), &format!(" {word} {dev} [detached]"), 1);
            }
        }
        format!("{}:\t{text}\n", r.pref)
    };
    Ok(sys.ns.rules().iter().filter(|r| shown(&said, r)).map(line).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_a_rule_prints_is_what_adds_it(
            not: bool,
            from in proptest::option::of((any::<u32>(), 1u8..=32)),
            to in proptest::option::of((any::<u32>(), 1u8..=32)),
            mark in proptest::option::of((any::<u32>(), any::<u32>())),
            iif in proptest::option::of("[a-z]{1,8}[0-9]"),
            action in 0usize..6,
        ) {
            let net = |n: Option<(u32, u8)>| {
                n.map(|(a, len)| Ipv4Net::new_assert(a.into(), len).trunc()).unwrap_or_default()
            };
            let actions = [
                RuleAction::Lookup(100),
                RuleAction::Lookup(TABLE_MAIN),
                RuleAction::Lookup(0x1234),
                RuleAction::Prohibit,
                RuleAction::Unreachable,
                RuleAction::Blackhole,
            ];
            let rule = RoutingRule {
                not,
                from: net(from),
                to: net(to),
                mark,
                iif: iif.as_deref().and_then(|n| n.parse().ok()),
                ..RoutingRule::new(7, actions[action])
            };
            let text = rule.to_string();
            let words: Vec<&str> = text.split(' ').collect();
            let said = pattern(&words).unwrap();
            prop_assert!(shown(&said, &rule), "{}", text);
            prop_assert_eq!(said.not, rule.not);
            prop_assert_eq!(said.action, Some(rule.action));
            prop_assert_eq!(said.to.unwrap_or_default(), rule.to);
        }

        #[test]
        fn no_words_make_it_panic(words in proptest::collection::vec("[a-z0-9./:-]{0,9}|from|to|table|pref|fwmark|not|iif", 0..9)) {
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            let _ = pattern(&words);
        }
    }
}
