//! `systemctl` and `service` on a Docker host, as far as the engine goes: what is written into
//! `/etc/docker/daemon.json` counts after `systemctl restart docker`, as everywhere.

use super::stage::{Launch, Spot};
use super::{Session, remarks};

/// The words that a machine with an engine knows besides `docker`.
pub(super) const WORDS: [&str; 2] = ["service", "systemctl"];

/// Usage, and help in English and Korean.
pub(super) const USAGE: (&str, [&str; 2]) = (
    "systemctl restart|status|is-active docker",
    ["restarts the Docker engine", "도커 엔진을 다시 시작해요"],
);

impl Session {
    /// `systemctl VERB docker`, `service docker VERB`.
    pub(super) fn service(&mut self, spot: Spot, words: &[String]) -> Launch {
        let plain: Vec<&str> =
            words[1..].iter().map(String::as_str).filter(|w| !w.starts_with('-')).collect();
        let (verb, unit) = match (words[0].as_str(), &plain[..]) {
            ("service", [unit, verb]) => (*verb, *unit),
            ("systemctl", [verb, unit]) => (*verb, *unit),
            ("systemctl", ["daemon-reload"]) => return Launch::default(),
            ("service", _) => {
                return Launch::fail(
                    "Usage: service < option > | --status-all | [ service_name [ command | --full-restart ] ]\n",
                    1,
                );
            }
            _ => return Launch::fail("Too few arguments.\n", 1),
        };
        let name = unit.strip_suffix(".service").unwrap_or(unit);
        if name != "docker" {
            let text = match words[0].as_str() {
                "service" => format!("{unit}: unrecognized service\n"),
                _ if verb == "is-active" => {
                    return Launch { then: super::stage::Then::Exit(4), ..Launch::ok("inactive\n") };
                }
                _ if verb == "status" => format!("Unit {name}.service could not be found.\n"),
                _ => format!("Failed to {verb} {name}.service: Unit {name}.service not found.\n"),
            };
            return Launch::fail(text, if verb == "status" { 4 } else { 5 });
        }
        let node = self.nodes[spot.node].config.id.clone();
        match verb {
            "restart" | "try-restart" | "reload-or-restart" => match self.restart_engine(&node, None) {
                Ok(()) => Launch::default(),
                Err(why) => {
                    let goes_on = self.lang.of(remarks::GOES_ON);
                    let failed = "Job for docker.service failed because the control process exited with error \
                                  code.\nSee \"systemctl status docker.service\" and \"journalctl -xeu \
                                  docker.service\" for details.\n";
                    let note = format!("netpier: {why}\nnetpier: {goes_on}\n");
                    Launch { note, ..Launch::fail(failed, 1) }
                }
            },
            // It always runs here.
            "start" | "enable" | "unmask" => Launch::default(),
            "is-active" => Launch::ok("active\n"),
            "is-enabled" => Launch::ok("enabled\n"),
            "status" => Launch::ok(format!(
                "● docker.service - Docker Application Container Engine\n     \
                 Loaded: loaded (/usr/lib/systemd/system/docker.service; enabled; preset: enabled)\n     \
                 Active: active (running)\n       Docs: https://docs.docker.com\n     \
                 CGroup: /system.slice/docker.service\n             \
                 └─dockerd -H fd:// --containerd=/run/containerd/containerd.sock{}{}\n",
                if self.nodes[spot.node].config.daemon.is_empty() { "" } else { " " },
                self.nodes[spot.node].config.daemon
            )),
            "stop" | "disable" | "mask" | "reload" | "kill" => Launch::fail(
                format!(
                    "netpier: {} {verb} docker is not emulated: the engine always runs. Nearest: systemctl restart docker\n",
                    words[0]
                ),
                1,
            ),
            other => Launch::fail(format!("Unknown command verb '{other}', did you mean 'restart'?\n"), 1),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::lab::Lab;
    use crate::time::Duration;

    #[test]
    fn the_engine_restarts_with_its_file_and_refuses_a_wrong_one() {
        let mut s = Lab::builtin("home").expect("it comes along").boot().expect("it boots");
        let mut run =
            |place: &str, line: &str| s.run_line(place, line, Duration::from_secs(30)).expect("a place");
        let subnet = "docker network inspect bridge --format '{{(index .IPAM.Config 0).Subnet}}'";
        assert_eq!(run("docker-host:web", "systemctl restart docker").exit, Some(127));
        run("docker-host", "echo '{\"bip\": \"10.9.0.1/24\"}' > /etc/docker/daemon.json");
        assert_eq!(run("docker-host", subnet).stdout(), "172.17.0.0/16\n", "a file alone does nothing");
        assert_eq!(run("docker-host", "sudo systemctl restart docker").exit, Some(0));
        assert_eq!(run("docker-host", subnet).stdout(), "10.9.0.0/24\n");
        run("docker-host", "echo '{\"bop\": 1}' > /etc/docker/daemon.json");
        let job = run("docker-host", "service docker restart");
        assert_eq!(job.exit, Some(1));
        assert!(job.notes().contains("don't match any configuration option: bop"), "{}", job.notes());
        assert_eq!(run("docker-host", subnet).stdout(), "10.9.0.0/24\n", "nothing was lost");
        assert_eq!(run("docker-host", "systemctl restart sshd").exit, Some(5));
        assert_eq!(run("laptop", "systemctl restart docker").exit, Some(127), "no engine, no service");
    }
}
