//! The work items of benches/README.md: fixed pieces of work, counted in hops, for measuring the
//! core beside its peers. The clock is passed in, so that the same items run in WebAssembly.
//!
//! A *hop* is one frame processed by one logical device (a bridge, a host's IP stack). An item
//! asserts that it did exactly the hops of its description and that every answer came: a run in
//! which something was lost gives no figure.
//!
//! Nothing here has a way of its own into the core: the worlds are built with the calls that labs
//! and the docker engine use, rules come as iptables command lines, traffic from programs.

mod build;
mod ev;
mod run;
mod traffic;
mod w1;
mod w2;
mod w3;
mod w4;
mod w6;

/// What an item needs of the machine that it is measured on.
pub struct Meter<'a> {
    /// The first field of the line.
    pub peer: &'a str,
    /// Seconds of the simulating thread's CPU time, from any beginning.
    pub clock: &'a dyn Fn() -> f64,
    /// Bytes of memory that the process holds.
    pub memory: &'a dyn Fn() -> u64,
    /// Whether the trace is kept, as in the page.
    pub trace: bool,
}

/// The items: name, parameters, what it is.
pub const ITEMS: &[(&str, &str, &str)] = &[
    ("w1", "N K", "N hosts on one bridge, K pings each"),
    ("w2", "C M K", "M flows of K requests from C containers through two masquerades"),
    ("w3", "R K NEW", "NEW flows and one of K requests through the last of R published ports"),
    ("w4", "N B", "N containers on B bridges are made"),
    ("w6", "H", "a broadcast in a ring of bridges, stopped after H hops"),
    ("ev", "N E", "N timers that renew themselves, E thousand events"),
    ("run", "N", "N times docker run -d -p"),
];

/// Runs an item and returns the CSV line
/// `peer,work,params,units,cpu_s,ns_per_unit,extra` (see benches/README.md).
///
/// # Errors
/// In a sentence: there is no such item, or it takes other numbers.
///
/// # Panics
/// If the hops done are not the hops that the item has, or an answer is missing: then the figure
/// would mean nothing.
pub fn run(item: &str, numbers: &[u32], meter: &Meter<'_>) -> Result<String, String> {
    match (item, numbers) {
        (_, n) if n.contains(&0) => Err(format!("{item} takes numbers above 0")),
        ("w1", &[n, k]) => Ok(w1::run(n, k, meter)),
        ("w2", &[c, m, k]) => Ok(w2::run(c, m, k, meter)),
        ("w3", &[r, k, new]) => w3::run(r, k, new, meter),
        ("w4", &[n, b]) => w4::run(n, b, meter),
        ("w6", &[h]) => Ok(w6::run(h, meter)),
        ("ev", &[n, e]) => Ok(ev::run(n, e, meter)),
        ("run", &[n]) => run::run(n, meter),
        _ => match ITEMS.iter().find(|i| i.0 == item) {
            Some((name, params, _)) => Err(format!("{name} takes the numbers {params}")),
            None => {
                let all: Vec<_> = ITEMS.iter().map(|(name, params, _)| format!("{name} {params}")).collect();
                Err(format!("there is no work item {item:?}; there is {}", all.join(", ")))
            }
        },
    }
}

impl Meter<'_> {
    fn line(&self, work: &str, params: &str, units: u64, cpu: f64, extra: &str) -> String {
        let trace = if self.trace { "on" } else { "off" };
        let each = cpu / units as f64 * 1e9;
        let gap = if extra.is_empty() { "" } else { " " };
        format!("{},{work},{params},{units},{cpu:.6},{each:.1},{extra}{gap}trace={trace}", self.peer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(item: &str, numbers: &[u32]) -> String {
        let meter = Meter { peer: "ours", clock: &|| 0.0, memory: &|| 0, trace: true };
        run(item, numbers, &meter).unwrap()
    }

    #[test]
    fn every_item_has_the_units_that_its_description_says() {
        let cases: [(&str, &[u32], &str); 7] = [
            ("w1", &[3, 4], "ours,w1,n=3 k=4,63,"),
            ("w2", &[2, 3, 4], "ours,w2,c=2 m=3 k=4,96,"),
            ("w3", &[10, 4, 3], "ours,w3,r=10 k=4 new=3,32,"),
            ("w4", &[7, 2], "ours,w4,n=7 b=2,7,"),
            ("w6", &[1000], "ours,w6,h=1000,1000,"),
            ("ev", &[10, 1], "ours,ev,n=10,1000,"),
            ("run", &[2], "ours,run,n=2,2,"),
        ];
        for (item, numbers, expected) in cases {
            let line = line(item, numbers);
            assert!(line.starts_with(expected), "{line}");
            assert_eq!(line.matches(',').count(), 6, "{line}");
        }
    }

    #[test]
    fn a_wrong_item_is_told_what_there_is() {
        let meter = Meter { peer: "ours", clock: &|| 0.0, memory: &|| 0, trace: true };
        let said = |item, numbers: &[u32]| run(item, numbers, &meter).unwrap_err();
        assert_eq!(said("w1", &[3]), "w1 takes the numbers N K");
        assert_eq!(said("w1", &[3, 0]), "w1 takes numbers above 0");
        assert!(said("w7", &[]).starts_with("there is no work item \"w7\"; there is w1 N K, w2 C M K"));
        assert!(said("w3", &[60_000, 1, 1]).contains("ports"));
    }
}
