//! What a container may ask of its interface in a network, beside its address: a name, settings of the
//! kernel, link-local addresses.
//!
//! Source: docs.docker.com, "docker network connect"; moby, daemon/container_operations.go and
//! libnetwork/osl/interface_linux.go.

use super::EndpointSpec;
use super::endpoint::device;
use super::engine::Engine;
use crate::guest;
use crate::sim::World;
use crate::stack::NsId;
use crate::wire::{IfName, Ipv4Net};
use std::net::Ipv4Addr;

/// What it shall be called.
const NAME: &str = "com.docker.network.endpoint.ifname";
/// Settings of its own, with commas between them.
const SYSCTLS: &str = "com.docker.network.endpoint.sysctls";
/// Link-local addresses are those of 169.254.0.0/16 (RFC 3927).
const LINK_LOCAL_LEN: u8 = 16;

impl EndpointSpec {
    fn option(&self, key: &str) -> Option<&str> {
        self.driver_opts.iter().rev().find(|o| o.0 == key).map(|o| o.1.as_str())
    }
    /// What the interface shall be called, if somebody said so.
    pub(super) fn ifname(&self) -> Option<&str> {
        self.option(NAME).filter(|name| !name.is_empty())
    }
    /// The settings of its own that have no form (`net.X.Y.IFNAME.Z=V`), each with what is said of it.
    pub(super) fn bad_sysctls(&self) -> Vec<String> {
        let bad = |setting: &&str| {
            let parts: Vec<&str> = setting.splitn(5, '.').collect();
            let known = parts.len() == 5
                && matches!(parts[1], "ipv4" | "ipv6" | "mpls")
                && matches!(parts[3], "IFNAME" | "ifname");
            !known
        };
        let settings = self.option(SYSCTLS).into_iter().flat_map(|all| all.split(','));
        let told = |setting: &str| {
            format!(
                "unrecognised network interface sysctl '{setting}'; represent 'net.X.Y.ethN.Z=V' as \
                 'net.X.Y.IFNAME.Z=V', 'X' must be 'ipv4', 'ipv6' or 'mpls'"
            )
        };
        settings.filter(bad).map(told).collect()
    }
    /// The link-local addresses that are no addresses, each with what is said of it.
    pub(super) fn bad_link_local(&self) -> Vec<String> {
        let bad = |text: &&String| text.parse::<Ipv4Addr>().map_or(true, |addr| addr.is_unspecified());
        self.link_local.iter().filter(bad).map(|a| format!("invalid link-local IP address: {a}")).collect()
    }
    /// Its link-local addresses.
    ///
    /// # Errors
    /// One that is not link-local, in the engine's words.
    pub(super) fn link_local_addrs(&self) -> Result<Vec<Ipv4Net>, String> {
        let read = |text: &String| match text.parse::<Ipv4Addr>() {
            Ok(addr) if addr.is_link_local() => Ipv4Net::new(addr, LINK_LOCAL_LEN).map_err(|e| e.to_string()),
            _ => Err(format!("invalid link local IP address: {text}")),
        };
        self.link_local.iter().map(read).collect()
    }
}

/// What the kernel says of a name that an interface in `ns` cannot have.
pub(super) fn name_refused(world: &World, ns: NsId, name: &str) -> Option<&'static str> {
    if world.namespace(ns).is_some_and(|n| n.device_named(name).is_some()) {
        return Some("file exists");
    }
    match name.parse::<IfName>() {
        Ok(_) => None,
        // IFNAMSIZ is looked at before the letters are (net/core/rtnetlink.c, ifla_policy).
        Err(_) if name.len() > 15 => Some("numerical result out of range"),
        Err(_) => Some("invalid argument"),
    }
}

impl Engine {
    /// Gives the interface `ifname` of `ns` what was asked for beside its address. What was done of it when
    /// it fails goes with the interface, which the caller takes away.
    pub(super) fn settle_interface(
        &self,
        world: &mut World,
        ns: NsId,
        ifname: &str,
        asked: &EndpointSpec,
    ) -> Result<(), String> {
        let Some(dev) = device(world, ns, ifname) else { return Ok(()) };
        for addr in asked.link_local_addrs()? {
            let done = world.with(ns, |n, cx| {
                n.add_addr(dev, addr, cx)?;
                n.set_broadcast(dev, addr.addr());
                Ok::<(), crate::stack::ConfigError>(())
            });
            if let Some(Err(e)) = done {
                return Err(format!(
                    "error setting interface {ifname:?} link local IPs to [{addr}]: {}",
                    e.to_string().to_lowercase()
                ));
            }
        }
        for setting in asked.option(SYSCTLS).into_iter().flat_map(|all| all.split(',')) {
            let Some((key, value)) = setting.split_once('=') else {
                return Err(format!("expected sysctl '{setting}' to have format name=value"));
            };
            let parts: Vec<&str> = key.split('.').collect();
            let [a, b, c, _, e] = parts[..] else {
                return Err(format!("expected sysctl '{key}' to have format net.X.Y.IFNAME.Z"));
            };
            let path = format!("/proc/sys/{a}/{b}/{c}/{ifname}/{e}");
            let now = world.namespace(ns).and_then(|n| guest::read_proc(n, &path));
            let Some(now) = now else { return Err(format!("{path} is not a sysctl file")) };
            if now.trim() == value {
                continue;
            }
            let done = world.with(ns, |n, cx| guest::write_proc(n, cx, &path, value));
            if let Some(Err(e)) = done {
                return Err(format!("unable to write to '{path}': write {path}: {}", e.to_lowercase()));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(options: &[(&str, &str)], link_local: &[&str]) -> EndpointSpec {
        EndpointSpec {
            driver_opts: options.iter().map(|&(k, v)| (k.to_owned(), v.to_owned())).collect(),
            link_local: link_local.iter().map(|&a| a.to_owned()).collect(),
            ..EndpointSpec::from("net1")
        }
    }

    #[test]
    fn what_is_asked_of_an_interface_is_judged_before_it_is_made() {
        let good =
            asked(&[(SYSCTLS, "net.ipv4.conf.ifname.a=1,net.ipv4.conf.IFNAME.b=0"), (NAME, "lan0")], &[]);
        assert_eq!((good.bad_sysctls().len(), good.ifname()), (0, Some("lan0")));
        for bad in ["", "x", "net.ipv4.conf.eth0.a=1", "net.ipv5.conf.ifname.a=1"] {
            assert_eq!(asked(&[(SYSCTLS, bad)], &[]).bad_sysctls().len(), 1, "{bad}");
        }
        assert_eq!(asked(&[(NAME, "")], &[]).ifname(), None);
        let mixed = asked(&[], &["169.254.1.1", "0.0.0.0", "x"]);
        assert_eq!(
            mixed.bad_link_local(),
            ["invalid link-local IP address: 0.0.0.0", "invalid link-local IP address: x"]
        );
        let addrs = asked(&[], &["169.254.1.1"]).link_local_addrs();
        assert_eq!(addrs.map(|a| a[0].to_string()), Ok("169.254.1.1/16".to_owned()));
    }
}
