//! Names of images: `docker tag`, `rmi`, `images`, `image prune`.
//!
//! Supported: further names for the images that are here, and taking them back; `docker images` by name,
//! `--filter reference=`. Not supported: taking away an image that comes with netpier (there is no
//! registry to get it back from), digests, dangling images (none ever is).

use super::engine::{Engine, EngineError, reply};
use super::image::{self, IMAGES, Image};
use super::listing::{admits, list, unknown_filter};
use super::names::short;
use super::{Container, Response};
use crate::sim::World;
use crate::time::Instant;
use serde_json::{Value, json};

/// Names that one engine's images have, without those they come with.
const MOST: usize = 256;

impl Engine {
    /// The image of `reference`: a name that `docker tag` gave, an image's own with any tag, or an id.
    pub(super) fn image_of(&self, reference: &str) -> Option<&'static Image> {
        if let Some(m) = self.made_of(reference) {
            return Some(self.made[m].base);
        }
        let name = image::full_name(reference);
        let tagged = self.tags.iter().find(|t| t.0 == name).map(|t| t.1);
        tagged.or_else(|| image::find(reference)).or_else(|| by_id(reference))
    }

    /// All names of an image, in order.
    pub(super) fn names_of_image(&self, image: &Image) -> Vec<String> {
        let given = self.tags.iter().filter(|t| t.1.name == image.name).map(|t| t.0.clone());
        let mut all: Vec<String> = given.chain([image::full_name(image.name)]).collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    /// What `docker ps` calls the image of `c`: its id where the name now means another, or none.
    pub(super) fn image_shown(&self, c: &Container, no_trunc: bool) -> String {
        let now = match self.made_of(&c.image) {
            Some(m) => Some(self.made[m].id.clone()),
            None => self.image_of(&c.image).map(image::id),
        };
        let id = self.image_id(c);
        if now.as_ref() == Some(&id) {
            return c.image.clone();
        }
        if no_trunc { format!("sha256:{id}") } else { short(&id).to_owned() }
    }

    pub(super) fn docker_tag(&mut self, world: &mut World, source: &str, target: &str) -> Response {
        let Some(image) = self.image_of(source) else { return reply(Err(no_such(source))) };
        let name = image::full_name(target);
        let made = self.made_of(source).map(|m| self.made[m].id.clone());
        let own = |i: &Image| i.name == image.name && made.is_none();
        if IMAGES.iter().any(|i| image::full_name(i.name) == name && !own(i)) {
            let stderr = format!("{name} comes with netpier and stays: take another name\n");
            return Response { stderr, exit: 1, ..Response::default() };
        }
        let given = self.tags.iter().map(|t| &t.0).chain(self.made.iter().flat_map(|m| &m.names));
        if given.clone().count() >= MOST && !given.clone().any(|n| *n == name) {
            return reply(Err(EngineError::new(format!(
                "netpier keeps at most {MOST} names of images; docker rmi some"
            ))));
        }
        self.take_name(Some(&name));
        self.tell_image(world, made.as_ref().unwrap_or(&image::id(image)), "tag", &name);
        match self.made.iter_mut().find(|m| Some(&m.id) == made.as_ref()) {
            Some(made) => made.names.push(name),
            None => self.tags.push((name, image)),
        }
        Response::default()
    }

    pub(super) fn docker_rmi(&mut self, world: &mut World, names: &[String], force: bool) -> Response {
        let mut response = Response::default();
        for name in names {
            match self.untag(world, name, force) {
                Ok(line) => response.stdout += &line,
                Err((line, exit)) => {
                    response.stderr += &line;
                    response.exit = response.exit.max(exit);
                }
            }
        }
        response
    }

    /// Takes a name from an image (moby, daemon/images/image_delete.go).
    fn untag(&mut self, world: &mut World, reference: &str, force: bool) -> Result<String, (String, i32)> {
        let daemon = |e: String, exit| (format!("Error response from daemon: {e}\n"), exit);
        if let Some(m) = self.made_of(reference) {
            return self.untag_made(world, m, reference, force).map_err(|e| daemon(e, 1));
        }
        let image = self
            .image_of(reference)
            // With -f it is said, no more.
            .ok_or_else(|| daemon(no_such(reference).message, i32::from(!force)))?;
        let names = self.names_of_image(image);
        let user = self.containers.iter().find(|c| c.inner.made.is_none() && c.inner.base.name == image.name);
        if let (Some(c), false, 1) = (user, force, names.len()) {
            return Err(daemon(
                format!(
                    "conflict: unable to remove repository reference {reference:?} (must force) - container {} is \
                     using its referenced image {}",
                    short(&c.id),
                    short(&image::id(image))
                ),
                1,
            ));
        }
        let name = image::full_name(reference);
        match self.tags.iter().position(|t| t.0 == name) {
            Some(at) => {
                self.tags.remove(at);
                let id = image::id(image);
                self.tell_image(world, &id, "untag", &format!("sha256:{id}"));
                Ok(format!("Untagged: {name}\n"))
            }
            None => Err((format!("{name} comes with netpier and stays\n"), 1)),
        }
    }

    /// Images that were made here and have no name go.
    pub(super) fn image_prune(&mut self, world: &mut World, force: bool) -> Response {
        if force {
            let told = self.prune_made();
            self.tell_pruned(world, "image");
            return Response::ok(format!("{told}Total reclaimed space: 0B\n"));
        }
        Response {
            stdout:
                "WARNING! This will remove all dangling images.\nAre you sure you want to continue? [y/N] \n"
                    .into(),
            note: "netpier cannot ask here: give -f\n".into(),
            ..Response::default()
        }
    }

    pub(super) fn images(
        &self,
        now: Instant,
        quiet: bool,
        format: Option<&str>,
        filters: &[(String, String)],
        pattern: Option<&str>,
    ) -> Response {
        const KNOWN: [&str; 6] = ["dangling", "label", "before", "since", "reference", "until"];
        if let Some(e) = unknown_filter(filters, &KNOWN) {
            return e;
        }
        let mut rows: Vec<Value> = Vec::new();
        for made in self.made.iter().rev() {
            let none = made.names.is_empty();
            let dangling = |v: &str| none == (v == "true" || v == "1");
            if !admits(filters, "dangling", &dangling) || !admits(filters, "label", &|_| false) {
                continue;
            }
            let like = |name: &str, p: &str| {
                matches(p, name)
                    || name.rsplit_once(':').is_some_and(|(repository, _)| matches(p, repository))
            };
            for name in &made.names {
                if pattern.is_none_or(|p| like(name, p)) && admits(filters, "reference", &|p| like(name, p)) {
                    rows.push(made.row(Some(name), now));
                }
            }
            if none && pattern.is_none() && admits(filters, "reference", &|_| false) {
                rows.push(made.row(None, now));
            }
        }
        for image in IMAGES {
            for name in self.names_of_image(image) {
                let (repository, tag) = name.rsplit_once(':').unwrap_or((&name, "latest"));
                let like = |p: &str| matches(p, &name) || matches(p, repository);
                let any = |key: &str, f: &dyn Fn(&str) -> bool| admits(filters, key, f);
                let listed = pattern.is_none_or(like)
                    && any("reference", &like)
                    && any("dangling", &|v| v == "false" || v == "0")
                    && any("label", &|_| false);
                if listed {
                    rows.push(json!({
                        "Repository": repository,
                        "Tag": tag,
                        "ID": short(&image::id(image)),
                        "CreatedSince": "2 weeks ago",
                        "Size": image.size,
                    }));
                }
            }
        }
        let columns = [
            ("REPOSITORY", "Repository"),
            ("TAG", "Tag"),
            ("IMAGE ID", "ID"),
            ("CREATED", "CreatedSince"),
            ("SIZE", "Size"),
        ];
        list(&rows, &columns, quiet, (format, "*formatter.imageContext"))
    }

    /// The names of all images, for completion.
    pub fn image_names(&self) -> impl Iterator<Item = &str> {
        let made = self.made.iter().flat_map(|m| m.names.iter().map(String::as_str));
        IMAGES.iter().map(|i| i.name).chain(self.tags.iter().map(|t| t.0.as_str())).chain(made)
    }
}

/// What the engine says of an image that is not there.
pub(super) fn no_such(reference: &str) -> EngineError {
    EngineError::new(format!("No such image: {}", image::full_name(reference)))
}

/// The image whose id begins so.
fn by_id(reference: &str) -> Option<&'static Image> {
    let digits = reference.strip_prefix("sha256:").unwrap_or(reference);
    if digits.len() < 4 || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    IMAGES.iter().find(|i| image::id(i).starts_with(digits))
}

/// Go's path.Match without classes: `*` and `?` do not match a slash.
fn matches(pattern: &str, name: &str) -> bool {
    pattern.split('/').count() == name.split('/').count()
        && pattern.split('/').zip(name.split('/')).all(|(p, n)| {
            // How much of the pattern can have matched so far, letter by letter.
            let p: Vec<char> = p.chars().collect();
            let mut reached = vec![false; p.len() + 1];
            let stars = |reached: &mut Vec<bool>| {
                for i in 0..p.len() {
                    reached[i + 1] |= reached[i] && p[i] == '*';
                }
            };
            reached[0] = true;
            stars(&mut reached);
            for c in n.chars() {
                let mut next = vec![false; p.len() + 1];
                for i in 0..p.len() {
                    next[i] |= reached[i] && p[i] == '*';
                    next[i + 1] |= reached[i] && (p[i] == c || p[i] == '?');
                }
                stars(&mut next);
                reached = next;
            }
            reached[p.len()]
        })
}

/// Whether `text` can name an image (distribution/reference, ParseNormalizedNamed).
///
/// # Errors
/// In the library's words.
pub(super) fn check_reference(text: &str) -> Result<(), String> {
    const BAD: &str = "invalid reference format";
    let host =
        |first: &str| first.contains(['.', ':']) || first == "localhost" || first.to_lowercase() != first;
    let (domain, rest) = match text.split_once('/') {
        Some((first, rest)) if host(first) => (Some(first), rest.to_owned()),
        Some(_) => (None, text.to_owned()),
        None => (None, format!("library/{text}")),
    };
    let (named, digest) = rest.split_once('@').map_or((rest.as_str(), None), |(n, d)| (n, Some(d)));
    let (path, tag) = named.split_once(':').map_or((named, None), |(n, t)| (n, Some(t)));
    if path.to_lowercase() != path {
        return Err(format!("{BAD}: repository name ({path}) must be lowercase"));
    }
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let tag_ok = tag.is_none_or(|t| {
        t.starts_with(word) && t.len() <= 128 && t.chars().all(|c| word(c) || matches!(c, '.' | '-'))
    });
    let digest_ok = digest.is_none_or(|d| {
        d.split_once(':').is_some_and(|(kind, hex)| {
            kind.starts_with(|c: char| c.is_ascii_alphabetic())
                && hex.len() >= 32
                && hex.bytes().all(|b| b.is_ascii_hexdigit())
        })
    });
    let domain_ok = domain.is_none_or(|d| {
        let (name, port) = d.split_once(':').map_or((d, None), |(n, p)| (n, Some(p)));
        let part = |p: &str| {
            !p.is_empty()
                && !p.starts_with('-')
                && !p.ends_with('-')
                && p.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
        };
        name.split('.').all(part)
            && port.is_none_or(|p| !p.is_empty() && p.bytes().all(|b| b.is_ascii_digit()))
    });
    if path.split('/').all(component) && tag_ok && digest_ok && domain_ok { Ok(()) } else { Err(BAD.into()) }
}

/// Letters and digits, with `.`, `_`, `__` or any number of `-` between them.
fn component(text: &str) -> bool {
    let inside = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    text.starts_with(inside)
        && text.ends_with(inside)
        && text.split(inside).all(|s| matches!(s, "" | "." | "_" | "__") || s.bytes().all(|b| b == b'-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_images_are_judged_as_the_library_does() {
        for good in ["lab", "lab:1.0", "a-b__c/d.e:V_1", "host:5000/x", "localhost/x", "ghcr.io/a/b"] {
            assert_eq!(check_reference(good), Ok(()), "{good}");
        }
        for bad in ["", "a b", "a:", "lab:foo@bar", "a//b", "-a", "a..b", "a___b", ":x", "a_b.c/d"] {
            assert_eq!(check_reference(bad), Err("invalid reference format".into()), "{bad}");
        }
        assert_eq!(
            check_reference("UPPER"),
            Err("invalid reference format: repository name (library/UPPER) must be lowercase".into())
        );
    }

    #[test]
    fn patterns_match_names_but_not_over_a_slash() {
        for (pattern, name, is) in [
            ("sh*", "shop", true),
            ("sh?p", "shop", true),
            ("*", "a/b", false),
            ("*/b", "a/b", true),
            ("", "a", false),
        ] {
            assert_eq!(matches(pattern, name), is, "{pattern} {name}");
        }
    }
}
