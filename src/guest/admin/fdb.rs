//! `bridge fdb add|append|replace|del MAC dev DEV dst ADDRESS [self] [permanent]`: the forwarding
//! entries of VXLAN devices. Entries of bridges themselves are only learned here.

use crate::guest::Sys;
use crate::stack::TunnelEntry;
use crate::wire::Mac;
use std::net::Ipv4Addr;

pub(super) fn change(verb: &str, args: &[&str], sys: &mut Sys<'_>) -> Result<String, String> {
    let (mut mac, mut dev, mut dst, mut permanent): (Option<Mac>, _, Option<Ipv4Addr>, _) =
        (None, None, None, true);
    let mut words = args.iter().copied();
    while let Some(word) = words.next() {
        match word {
            "dev" => {
                let name = words.next().unwrap_or_default();
                let found =
                    sys.ns.device_named(name).ok_or_else(|| format!("Cannot find device \"{name}\"\n"))?;
                dev = Some(found.index);
            }
            "dst" => {
                let text = words.next().unwrap_or_default();
                dst = Some(text.parse().map_err(|_| format!("Invalid address \"{text}\"\n"))?);
            }
            "self" | "permanent" | "local" | "static" => {}
            "dynamic" => permanent = false,
            "master" => return Err("RTNETLINK answers: Operation not supported\n".into()),
            text => mac = Some(text.parse().map_err(|_| format!("Invalid mac address {text}\n"))?),
        }
    }
    let (Some(mac), Some(dev)) = (mac, dev) else {
        return Err("Device and address are required arguments.\n".into());
    };
    let known = sys.ns.device(dev).and_then(|d| d.vxlan()).map(|v| v.fdb.iter().any(|e| e.mac == mac));
    match (verb, known, dst) {
        (_, None, _) | ("add" | "append" | "replace", _, None) => {
            Err("RTNETLINK answers: Operation not supported\n".into())
        }
        ("add", Some(true), _) => Err("RTNETLINK answers: File exists\n".into()),
        ("del", Some(_), _) => match sys.ns.remove_tunnel_entry(dev, mac, dst) {
            true => Ok(String::new()),
            false => Err("RTNETLINK answers: No such file or directory\n".into()),
        },
        (_, Some(_), Some(remote)) => {
            sys.ns.set_tunnel_entry(dev, TunnelEntry { mac, remote, permanent });
            Ok(String::new())
        }
        (_, Some(_), None) => Err("RTNETLINK answers: Invalid argument\n".into()),
    }
}
