//! What the core says against an edit, in the language of the page. What the core prints is English
//! (it is also what `netpier run` prints); what it says has its parts.

use super::App;
use crate::explain::{Lang, text};
use crate::lab::LabError;
use crate::session::Misfit;

impl App {
    /// A refusal in the page's language; as the core prints it, if there are no words for it.
    pub(super) fn in_words(&self, error: &LabError) -> String {
        in_words(self.settings.lang, error)
    }

    /// The same for a form that is open: where in the document it stands tells nobody anything there.
    pub(super) fn in_the_form(&self, error: &LabError) -> String {
        match error {
            LabError::Invalid { problem, .. } => misfit(self.settings.lang, problem),
            other => other.to_string(),
        }
    }
}

fn in_words(lang: Lang, error: &LabError) -> String {
    match error {
        // `nodes[2] (router)` says where in the file it stands: nothing to those who look at the picture.
        LabError::Invalid { place, problem: Misfit::Other(_) } => {
            let told = error.to_string();
            let inside = place.starts_with("nodes[") || place.starts_with("links[");
            told.split_once(": ").filter(|_| inside).map(|(_, rest)| rest.to_owned()).unwrap_or(told)
        }
        LabError::Invalid { problem, .. } => misfit(lang, problem),
        other => other.to_string(),
    }
}

/// Its key and the names in it, which the words call `a`, `b` and so on; None for what is only said in
/// the core's own words.
fn parts(misfit: &Misfit) -> Option<(&'static str, Vec<String>)> {
    let two = |a: &dyn ToString, b: &dyn ToString| vec![a.to_string(), b.to_string()];
    Some(match misfit {
        Misfit::IdTwice(id) | Misfit::IdTaken(id) => ("refusal.id_taken", vec![id.clone()]),
        Misfit::NoNode(id) => ("refusal.no_node", vec![id.clone()]),
        Misfit::NoPort { node, port } => ("refusal.no_port", two(node, port)),
        Misfit::PortUsed { node, port } => ("refusal.port_used", two(port, node)),
        Misfit::PortsUsed(a, b) => ("refusal.ports_used", [two(&a.1, &a.0), two(&b.1, &b.0)].concat()),
        Misfit::OnePort(port) => ("refusal.one_port", vec![port.to_string()]),
        Misfit::Bridge { node, port } => ("refusal.bridge", two(port, node)),
        Misfit::NoCable { node, port } => ("refusal.no_cable", two(port, node)),
        Misfit::Radio => ("refusal.radio", Vec::new()),
        Misfit::Nodes(n, most) => ("refusal.many_nodes", two(n, most)),
        Misfit::Commands(n, most) => ("refusal.many_commands", two(n, most)),
        Misfit::Ports(n, most) => ("refusal.many_ports", two(n, most)),
        Misfit::PortName(name) => ("refusal.port_name", vec![name.clone()]),
        Misfit::WanIsLan => ("refusal.wan_is_lan", Vec::new()),
        Misfit::Gateway => ("refusal.gateway", Vec::new()),
        Misfit::Other(_) => return None,
    })
}

fn misfit(lang: Lang, misfit: &Misfit) -> String {
    let Some((key, names)) = parts(misfit) else { return misfit.to_string() };
    let named: Vec<(&str, &str)> =
        ["a", "b", "c", "d"].into_iter().zip(names.iter().map(String::as_str)).collect();
    text(lang, key, &named)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::{Edit, Lab};

    /// What the core says when an edit is tried on the lab `home`, in Korean.
    #[track_caller]
    fn refused(edit: &Edit, expect: &str) {
        let mut lab = Lab::builtin("home").unwrap();
        let error = edit.apply(&mut lab).unwrap_err();
        assert_eq!(in_words(Lang::Ko, &error), expect, "{error}");
        assert!(!in_words(Lang::En, &error).starts_with("links["), "{error}");
    }

    #[test]
    fn edits_that_the_core_refuses_are_explained_in_korean() {
        let lab = Lab::builtin("home").unwrap();
        let mut node = lab.nodes[0].clone();
        node.pos = (0, 0);
        let used = lab.links[0].clone();
        refused(&Edit::AddNode(Box::new(node)), "이름 dns는 이미 쓰고 있어요. 기기마다 이름이 달라야 해요");
        let (port, of) = (used.a.1, used.a.0.clone());
        refused(
            &Edit::AddLink(used),
            &format!("{of}의 {port} 단자에 이미 랜선이 꽂혀 있어요. 그 랜선부터 뽑아 주세요"),
        );
    }

    #[test]
    fn every_refusal_has_its_words_and_keeps_its_names() {
        let (id, port) = (|| "x1".to_owned(), "x2".parse().unwrap());
        for problem in [
            Misfit::IdTwice(id()),
            Misfit::IdTaken(id()),
            Misfit::NoNode(id()),
            Misfit::NoPort { node: id(), port },
            Misfit::PortUsed { node: id(), port },
            Misfit::PortsUsed((id(), port), ("x3".into(), "x4".parse().unwrap())),
            Misfit::OnePort(port),
            Misfit::Bridge { node: id(), port },
            Misfit::NoCable { node: id(), port },
            Misfit::Radio,
            Misfit::Nodes(201, 200),
            Misfit::Commands(2001, 2000),
            Misfit::Ports(65, 64),
            Misfit::PortName(id()),
            Misfit::WanIsLan,
            Misfit::Gateway,
        ] {
            let (key, names) = parts(&problem).unwrap();
            let korean = misfit(Lang::Ko, &problem);
            assert!(korean.chars().any(|c| ('가'..='힣').contains(&c)), "{key}: {korean}");
            for name in names {
                assert!(problem.to_string().contains(&name), "{key}: {problem}");
                assert!(korean.contains(&name), "{key}: {korean}");
                assert!(misfit(Lang::En, &problem).contains(&name), "{key}");
            }
        }
        assert_eq!(misfit(Lang::Ko, &"something else".into()), "something else");
    }
}
