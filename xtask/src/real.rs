//! The scripts of labs on a real Docker Engine.

use std::fs;

use crate::sh::{Result, command, output, root, run, watch};

/// Makes the folder, runs it on this machine's engine where that can be, and compares.
pub fn real() -> Result {
    let folder = root().join("target/real");
    let mut cargo = command("cargo", &["test", "--quiet", "--locked", "--test", "real"]);
    cargo.env("NETPIER_REAL_DIR", &folder);
    run(cargo)?;
    let folder = folder.to_string_lossy();
    let elsewhere = format!(
        "{folder} is ready: on a machine where it can be run, as root, with an engine without containers:\n  \
         sh probe.sh | diff expected.txt -"
    );
    if output("id", &["-u"]).as_deref() != Some("0") {
        return Err(format!("this needs root: it starts containers and changes the network\n{elsewhere}"));
    }
    if output("docker", &["version"]).is_none() {
        return Err(format!("no Docker Engine answers on this machine\n{elsewhere}"));
    }
    let script = format!("{folder}/probe.sh");
    let there = watch(command("sh", &[&script]), |line| line.contains(" => "))?;
    let here = fs::read_to_string(format!("{folder}/expected.txt")).map_err(|e| e.to_string())?;
    let here: Vec<&str> = here.lines().collect();
    let mut agree = 0;
    println!();
    for (i, ours) in here.iter().enumerate() {
        match there.get(i) {
            Some(theirs) if theirs == ours => agree += 1,
            theirs => println!("here   {ours}\nengine {}\n", theirs.map_or("nothing", String::as_str)),
        }
    }
    println!("{agree} of {} probes agree", here.len());
    if agree == here.len() { Ok(()) } else { Err("they differ; see above".into()) }
}
