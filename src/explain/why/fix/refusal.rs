//! A command that was refused in words: what can be typed so that it is not, the next time.

use super::line::replace_word;
use super::{Fix, Remedy, Smith};
use crate::docker::ContainerState;
use crate::session::{Node, Stream};
use crate::shell::nearest;

impl Smith<'_> {
    /// The way out of what the engine or its client said. None where no line would do.
    pub(super) fn refusal(&self, words: &str, again: (String, String)) -> Option<Fix> {
        if let Some(fix) = self.meant() {
            return Some(fix);
        }
        let node = self.atlas.session.node(self.job.place.split(':').next()?).ok()?;
        let lines = |line: String| {
            let remedy = Remedy::Lines(vec![(node.config.id.clone(), line)]);
            Some(Fix { remedy, again: again.clone() })
        };
        if let Some(network) = between(words, "network ", " not found") {
            return self.absent_network(node, network, &again);
        }
        if let Some(name) = between(words, "The container name \"/", "\" is already in use") {
            return lines(format!("docker rm -f {name}"));
        }
        if let Some(network) = between(words, "network ", " has active endpoints") {
            let names = words.split("name:\"").skip(1).filter_map(|rest| rest.split('"').next());
            let all: Vec<String> =
                names.map(|name| format!("docker network disconnect -f {network} {name}")).collect();
            return (!all.is_empty()).then(|| lines(all.join(" && ")))?;
        }
        if let Some(name) =
            words.split("No such container: ").nth(1).or(words.split("No such object: ").nth(1))
        {
            let engine = node.engine.as_ref()?;
            let near = nearest(name.trim(), engine.containers().iter().map(|c| c.name.as_str()))?;
            return self.instead(name.trim(), near);
        }
        if words.contains("cannot assign requested address") {
            let asked = words.split("host port for ").nth(1)?.split(':').next()?;
            let own = self.host_addr(&node.config.id)?.to_string();
            let line = replace_word(&self.job.line, asked, &own)?;
            let remedy = self.leftover().map_or(Remedy::Retry, |l| Remedy::Lines(vec![l]));
            return Some(Fix { remedy, again: (self.job.place.clone(), line) });
        }
        if words.contains("already part of a swarm") {
            let own = node.engine.as_ref()?.membership()?;
            return (!own.manager).then(|| lines("docker swarm leave".to_owned()))?;
        }
        if let Some(parent) = between(words, "invalid subinterface vlan name ", ", example") {
            return self.instead(parent, &self.uplink(&node.config.id)?);
        }
        if words.contains("container is running: stop the container before removing") {
            return self.instead("rm", "rm -f");
        }
        None
    }

    /// What the tool itself took the word for: `Did you mean docker run?`
    pub(super) fn meant(&self) -> Option<Fix> {
        let out = self.job.output.iter().filter(|(_, stream, _)| *stream != Stream::Out);
        let said: String = out.map(|(_, _, text)| text.as_str()).collect();
        let line =
            said.lines().rev().find(|l| l.to_lowercase().contains("did you mean ") || l.contains("혹시 "))?;
        let quoted = line.split('"').nth(1);
        let plain = || line.trim().trim_end_matches('?').rsplit(' ').next();
        let right = quoted.or_else(plain)?;
        let typed = self.job.line.split_whitespace().map(|w| w.split('=').next().unwrap_or(w));
        let wrong = nearest(right, typed.filter(|w| !w.is_empty() && *w != right))?;
        self.instead(wrong, right)
    }

    /// The options behind the image go before it.
    pub(super) fn before_image(&self, option: &str, image: &str) -> Option<Fix> {
        let words: Vec<&str> = self.job.line.split_whitespace().collect();
        let at = words.iter().position(|w| *w == option)?;
        let line = [&words[..at - 1], &words[at..], &[image]].concat().join(" ");
        Some(Fix { remedy: Remedy::Retry, again: (self.job.place.clone(), line) })
    }

    fn instead(&self, wrong: &str, right: &str) -> Option<Fix> {
        let line = replace_word(&self.job.line, wrong, right)?;
        Some(Fix { remedy: Remedy::Retry, again: (self.job.place.clone(), line) })
    }

    /// A network that is not there: one of nearly its name, or it is made. What `docker run --name`
    /// had already made by then goes first, as its name would be in the way.
    fn absent_network(&self, node: &Node, network: &str, again: &(String, String)) -> Option<Fix> {
        let engine = node.engine.as_ref()?;
        let containers = engine.containers().iter();
        let left = containers
            .filter(|c| self.job.line.split([' ', '=']).any(|word| word == c.name))
            .find(|c| c.state == ContainerState::Created && c.attachments().any(|a| a.network == network))
            .map(|c| format!("docker rm {}", c.name));
        let (first, again) = match nearest(network, engine.networks().iter().map(|n| n.name.as_str())) {
            Some(near) => (None, self.instead(network, near)?.again),
            None => (Some(format!("docker network create {network}")), again.clone()),
        };
        let parts: Vec<String> = left.into_iter().chain(first).collect();
        let remedy = match parts.is_empty() {
            true => Remedy::Retry,
            false => Remedy::Lines(vec![(node.config.id.clone(), parts.join(" && "))]),
        };
        Some(Fix { remedy, again })
    }
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    let head = &text[..text.find(after)?];
    let name = &head[head.rfind(before)? + before.len()..];
    (!name.is_empty() && !name.contains(' ')).then_some(name)
}
