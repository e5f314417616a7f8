//! Makes what lies beside the program light: a style sheet of the rules that a first visit needs and another
//! one for later, a file of texts for each language, scripts without comments.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::cut::{hash, read, write};
use crate::sh::{Result, root};
use crate::wasm::Module;

/// Of elements that are there before the program is.
const BEFORE: [&str; 4] = ["boot", "boot-mark", "boot-loading", "boot-failed"];

/// Merges the sheets that `html` links into two, and returns the html that names them: the rules for elements
/// of the classes `seen`, and all rules. The second comes with the rest of the program, on top of the
/// first, so that the cascade is then that of the separate sheets.
pub fn merge(dist: &Path, mut html: String, seen: &BTreeSet<String>) -> Result<String> {
    let mut all = String::new();
    let mut place = None;
    while let Some((from, to, file)) = next_sheet(&html) {
        let path = dist.join(&file);
        all.push_str(&String::from_utf8(read(&path)?).map_err(|_| format!("{file} is no UTF-8"))?);
        html.replace_range(from..to, "");
        place.get_or_insert(from);
        fs::remove_file(path).map_err(|e| format!("{file}: {e}"))?;
    }
    let Some(place) = place else { return Err("index.html links no style sheet".into()) };
    let first = needed(&all, &|class| seen.contains(class) || BEFORE.contains(&class));
    let name = |part: &str, text: &str| format!("{part}-{:016x}.css", hash(text.as_bytes()));
    let (one, two) = (name("first", &first), name("rest", &all));
    write(&dist.join(&one), first)?;
    write(&dist.join(&two), all)?;
    html.insert_str(place, &format!("<link href=./{one} rel=stylesheet>"));
    Ok(html.replacen(" data-rest=", &format!(" data-rest-style=./{two} data-rest="), 1))
}

/// The rules of a minified sheet of which one selector at least asks for no class but those that are seen.
fn needed(sheet: &str, seen: &dyn Fn(&str) -> bool) -> String {
    let mut out = String::new();
    let mut rest = sheet;
    while let Some(open) = rest.find('{') {
        let mut depth = 0;
        let close = rest[open..].find(|c| {
            depth += i32::from(c == '{') - i32::from(c == '}');
            depth == 0
        });
        let Some(close) = close.map(|n| open + n) else { break };
        // A statement without a block, such as `@charset`, belongs to what is before it.
        let (head, body) = (&rest[..open], &rest[open + 1..close]);
        let name = head.rsplit(';').next().unwrap_or_default().trim();
        if name.starts_with("@media") || name.starts_with("@supports") {
            let inner = needed(body, seen);
            if !inner.is_empty() {
                out.push_str(&format!("{head}{{{inner}}}"));
            }
        } else if name.starts_with('@') || is_needed(name, seen) {
            out.push_str(&rest[..=close]);
        }
        rest = &rest[close + 1..];
    }
    out
}

/// True if a selector of the list may match. What stands in parentheses is taken as given.
fn is_needed(selectors: &str, seen: &dyn Fn(&str) -> bool) -> bool {
    let mut depth = 0;
    let flat: String = selectors
        .chars()
        .filter(|c| {
            depth += i32::from(*c == '(' || *c == '[');
            let keep = depth == 0;
            depth -= i32::from(*c == ')' || *c == ']');
            keep
        })
        .collect();
    flat.split(',').any(|one| {
        one.split('.').skip(1).all(|part| {
            let end = part.find(|c: char| !c.is_alphanumeric() && c != '-' && c != '_').unwrap_or(part.len());
            seen(&part[..end])
        })
    })
}

/// Makes a file of the texts that each language needs first, and names it in the html.
pub fn texts(dist: &Path, mut html: String) -> Result<String> {
    for lang in ["en", "ko"] {
        let path = root().join(format!("www/locales/{lang}/ui.json"));
        let text = String::from_utf8(read(&path)?).map_err(|_| format!("{} is no UTF-8", path.display()))?;
        // A flat object, an entry a line.
        let text: String = text.lines().map(str::trim).collect();
        let file = format!("texts-{lang}-{:016x}.json", hash(text.as_bytes()));
        write(&dist.join(&file), text)?;
        html = html.replacen(" data-wasm=", &format!(" data-texts-{lang}=./{file} data-wasm="), 1);
    }
    Ok(html)
}

/// Makes the scripts smaller: no comments, short names between the program and its JavaScript.
pub fn script(dist: &Path, mut html: String, first: &mut Module) -> Result<String> {
    let name = words(&html).find(|w| w.starts_with("netpier-page-") && w.ends_with(".js"));
    let name = name.ok_or("index.html names no script of the program")?.to_owned();
    let utf8 =
        |name: &str| String::from_utf8(read(&dist.join(name))?).map_err(|_| format!("{name} is no UTF-8"));
    let mut text = without_comments(&utf8(&name)?);
    // The longest first: a name may begin another.
    let mut order: Vec<usize> = (0..first.imports.len()).collect();
    order.sort_by_key(|i| std::cmp::Reverse(first.imports[*i].name.len()));
    for i in order {
        let import = &mut first.imports[i];
        let short = format!("_{i}");
        if !text.contains(&import.name) {
            return Err(format!("{name} does not know the import {}", import.name));
        }
        text = text.replace(&import.name, &short);
        import.name = short;
    }
    // Most of its functions are called at once: a browser that knows this word compiles them beside the
    // download, and not one by one when they are called.
    text.insert_str(0, "//# allFunctionsCalledOnLoad\n");
    // These keep their names.
    for kept in ["worker.js", "broken.js", "words.js"] {
        write(&dist.join(kept), without_comments(&utf8(kept)?))?;
    }
    let boot = without_comments(&utf8("boot.js")?);
    for (old, text) in [(name.as_str(), text), ("boot.js", boot)] {
        let stem = if old == "boot.js" { "boot" } else { "netpier" };
        let file = format!("{stem}-{:016x}.js", hash(text.as_bytes()));
        write(&dist.join(&file), text)?;
        fs::remove_file(dist.join(old)).map_err(|e| format!("{old}: {e}"))?;
        html = html.replace(old, &file);
    }
    Ok(html)
}

/// The words of the html, among them the names of files.
fn words(html: &str) -> impl Iterator<Item = &str> {
    html.split(['"', '\'', ' ', '>', '/', '='])
}

/// Where the html links its first remaining `NAME-HASH.css`, and that name.
fn next_sheet(html: &str) -> Option<(usize, usize, String)> {
    html.match_indices("<link ").find_map(|(from, _)| {
        let to = from + html[from..].find('>')? + 1;
        let file = words(&html[from..to]).find(|word| word.ends_with(".css"))?;
        Some((from, to, file.to_owned()))
    })
}

/// The lines of a script without indentation and without lines of comments. No text of ours, or of
/// wasm-bindgen, goes over several lines.
fn without_comments(script: &str) -> String {
    let mut out = String::new();
    let mut inside = false;
    for line in script.lines().map(str::trim) {
        inside |= line.starts_with("/*");
        if !inside && !line.is_empty() && !line.starts_with("//") {
            out.push_str(line);
            out.push('\n');
        }
        inside &= !line.ends_with("*/");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_go_and_code_stays() {
        let script = "/**\n * @param {number} a\n */\nfunction f(a) {\n    // why\n    return `//${a}`;\n}\n/* one line */\nf(1);\n";
        assert_eq!(without_comments(script), "function f(a) {\nreturn `//${a}`;\n}\nf(1);\n");
    }

    #[test]
    fn rules_for_what_is_seen_stay() {
        let sheet = ":root{--a:1}.a,.b.c{x:1}.b .c{x:2}.a:not(.c):hover{x:3}@media (max-width:9px){.c{x:4}.a{x:5}}@keyframes k{0%{x:6}}a[href=\".c\"]{x:7}";
        let seen = |class: &str| class == "a" || class == "b";
        let first = ":root{--a:1}.a,.b.c{x:1}.a:not(.c):hover{x:3}@media (max-width:9px){.a{x:5}}@keyframes k{0%{x:6}}a[href=\".c\"]{x:7}";
        assert_eq!(needed(sheet, &seen), first);
    }

    #[test]
    fn sheets_are_found_in_minified_html() {
        let html =
            "<link href=./a.svg rel=icon><link href=./base-12.css integrity=sha384-a/b rel=stylesheet>";
        let (from, to, file) = next_sheet(html).expect("there is one");
        assert_eq!((&html[from..to], file.as_str()), (&html[28..], "base-12.css"));
    }
}
