//! A lab's commands as a shell script, for machines with a real Docker Engine.

use std::fmt::Write as _;

use super::Lab;
use crate::session::NodeKind;

/// The script: one part for each Docker host, chosen by the first argument. Lines that were typed
/// inside a container go through `docker exec`; what belongs to other machines is left out.
pub fn script(lab: &Lab) -> String {
    const MEMORY: &str = "writing to memory does not fail";
    let hosts: Vec<_> = lab.nodes.iter().filter(|n| n.kind == NodeKind::DockerHost).collect();
    let mut out = String::from("#!/bin/sh\n# Docker commands of a netpier lab");
    // A name is data: it must not end the comment.
    let name: String = lab.name.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    writeln!(out, ": {name}\n# Needs Docker and the rights to change the network (root).\nset -eu")
        .expect(MEMORY);
    let first = hosts.first().map_or("", |h| h.id.as_str());
    writeln!(out, "\ncase \"${{1:-{first}}}\" in").expect(MEMORY);
    for host in &hosts {
        writeln!(out, "{})", host.id).expect(MEMORY);
        for line in host.daemon.lines() {
            writeln!(out, "  # the engine's settings: {line}").expect(MEMORY);
        }
        for (path, text) in &host.files {
            writeln!(out, "  mkdir -p \"$(dirname {0})\"; printf %s {1} > {0}", quoted(path), quoted(text))
                .expect(MEMORY);
        }
        for command in &lab.commands {
            let (node, container) = match command.at.split_once(':') {
                Some((node, container)) => (node, Some(container)),
                None => (command.at.as_str(), None),
            };
            if node != host.id {
                continue;
            }
            match container {
                None => writeln!(out, "  {}", command.run),
                Some(c) => writeln!(out, "  docker exec {} sh -c {}", quoted(c), quoted(&command.run)),
            }
            .expect(MEMORY);
        }
        out.push_str("  ;;\n");
    }
    let known = hosts.iter().map(|h| h.id.as_str()).collect::<Vec<_>>().join(" ");
    writeln!(out, "*) echo \"usage: $0 [HOST]; hosts: {known}\" >&2; exit 2 ;;\nesac").expect(MEMORY);
    out
}

/// POSIX shell, 2.2.2: nothing is special between single quotes.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_the_host_stay_and_those_of_a_container_go_through_exec() {
        let mut lab = Lab::builtin("home").unwrap();
        lab.name = "a\nrm -rf /".into();
        let host = lab.nodes.iter().find(|n| n.kind == NodeKind::DockerHost).unwrap().id.clone();
        lab.commands.push(super::super::LabCommand { at: format!("{host}:web"), run: "echo 'a'".into() });
        let script = script(&lab);
        assert!(!script.contains("\nrm -rf"), "{script}");
        assert!(script.contains("\n  docker exec 'web' sh -c 'echo '\\''a'\\'''\n"), "{script}");
        for command in lab.commands.iter().filter(|c| c.at == host) {
            assert!(script.contains(&format!("\n  {}\n", command.run)), "{script}");
        }
    }
}
