//! `netpier bench`: the work items of benches/README.md, one CSV line each.

use cpu_time::ThreadTime;

/// Runs a work item.
pub fn main(args: &[String]) -> Result<u8, String> {
    let numbers = |n: usize| -> Result<Vec<u64>, String> {
        let given: Result<Vec<u64>, _> = args[1..].iter().map(|a| a.parse()).collect();
        match given {
            Ok(values) if values.len() == n && values.iter().all(|v| *v > 0) => Ok(values),
            _ => Err(format!("bench {} takes {n} numbers above 0", args[0])),
        }
    };
    let start = ThreadTime::now();
    let clock = || start.elapsed().as_secs_f64();
    let line = match args.first().map(String::as_str) {
        Some("w1") => {
            let n = numbers(2)?;
            netpier::bench::w1(n[0] as u32, n[1] as u32, &clock)
        }
        Some(other) => return Err(format!("there is no work item {other:?}; there is w1 N K")),
        None => return Err("which work item? netpier bench w1 N K".into()),
    };
    crate::print(&format!("{line}\n"));
    Ok(0)
}
