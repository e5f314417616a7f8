//! The labs that come with the program, as data in labs/.

use super::Lab;

/// The lab that a first visit opens.
const HOME: &str = include_str!("../../labs/home.json");

const LABS: [(&str, &str); 12] = [
    ("home", HOME),
    ("empty", include_str!("../../labs/empty.json")),
    ("street", include_str!("../../labs/street.json")),
    ("nat", include_str!("../../labs/nat.json")),
    ("dns", include_str!("../../labs/dns.json")),
    ("wifi", include_str!("../../labs/wifi.json")),
    ("two-routers", include_str!("../../labs/two-routers.json")),
    ("storm", include_str!("../../labs/storm.json")),
    ("host-network", include_str!("../../labs/host-network.json")),
    ("macvlan", include_str!("../../labs/macvlan.json")),
    ("overlay", include_str!("../../labs/overlay.json")),
    ("oracle", include_str!("../../labs/oracle.json")),
];

pub(super) const NAMES: [&str; LABS.len()] = {
    let mut names = [""; LABS.len()];
    let mut i = 0;
    while i < LABS.len() {
        names[i] = LABS[i].0;
        i += 1;
    }
    names
};

pub(super) fn find(name: &str) -> Option<Lab> {
    let text = if name == LABS[0].0 { HOME } else { other(name)? };
    Some(Lab::from_json(text).expect("the labs in labs/ are read by a test"))
}

// Not inlined: what only this names lies in the second part of the page's program.
#[inline(never)]
fn other(name: &str) -> Option<&'static str> {
    LABS.iter().find(|(n, _)| *n == name).map(|(_, text)| *text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_built_in_lab_is_read_checked_and_written_back_the_same() {
        for (name, text) in LABS {
            let lab = Lab::from_json(text).unwrap_or_else(|e| panic!("{name}: {e}"));
            lab.check().unwrap_or_else(|e| panic!("{name}: {e}"));
            assert_eq!(lab.name, name);
            assert_eq!(lab.to_json(), text, "{name} is not in the form that to_json writes");
        }
    }
}
