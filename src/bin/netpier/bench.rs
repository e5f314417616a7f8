//! `netpier bench`: the work items of benches/README.md, one CSV line each.

use cpu_time::ThreadTime;
use netpier::bench::{Meter, run};

/// Runs a work item.
pub fn main(args: &[String]) -> Result<u8, String> {
    let trace = args.first().is_none_or(|a| a != "--no-trace");
    let args = if trace { args } else { &args[1..] };
    let (item, numbers) = args.split_first().ok_or("which work item? netpier bench ITEM NUMBER...")?;
    let numbers: Result<Vec<u32>, _> = numbers.iter().map(|n| n.parse()).collect();
    let numbers = numbers.map_err(|_| format!("bench {item} takes whole numbers"))?;
    let start = ThreadTime::now();
    let clock = || start.elapsed().as_secs_f64();
    let meter = Meter { peer: "ours", clock: &clock, memory: &resident, trace };
    let line = run(item, &numbers, &meter)?;
    crate::print(&format!("{line}\n"));
    Ok(0)
}

/// Bytes of memory that this process has in use (proc_pid_statm(5); pages of 4 KiB). 0 where there
/// is no such file.
fn resident() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages: u64 = statm.split(' ').nth(1).and_then(|pages| pages.parse().ok()).unwrap_or(0);
    pages * 4096
}
