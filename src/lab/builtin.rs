//! The labs that come with the program, as data in labs/.

use super::Lab;

const LABS: [(&str, &str); 4] = [
    ("home", include_str!("../../labs/home.json")),
    ("empty", include_str!("../../labs/empty.json")),
    ("dns", include_str!("../../labs/dns.json")),
    ("oracle", include_str!("../../labs/oracle.json")),
];

pub(super) const NAMES: [&str; 4] = [LABS[0].0, LABS[1].0, LABS[2].0, LABS[3].0];

pub(super) fn find(name: &str) -> Option<Lab> {
    let (_, text) = LABS.iter().find(|(n, _)| *n == name)?;
    Some(Lab::from_json(text).expect("the labs in labs/ are read by a test"))
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
