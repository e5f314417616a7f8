//! The blog posts in docs/blog are living examples: the labs in them are the files beside them, they
//! open, and the lines that they play go through as the text says.

#![cfg(not(target_arch = "wasm32"))]

use std::path::{Path, PathBuf};

use netpier::lab::Lab;
use netpier::lab::share::{Link, pack, unpack};
use netpier::time::Duration;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/blog")
}

fn read(name: &str) -> String {
    let path = folder().join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// A lab of a post: where a line is typed, which, and the lab as the link has it.
type Shown = (String, String, String);

/// The labs in a post, by element and by frame, in order.
fn labs(post: &str) -> Vec<Shown> {
    let text = read(post);
    let value = |tag: &str, name: &str| {
        let (_, rest) = tag.split_once(&format!(" {name}=\"")).unwrap_or_else(|| panic!("{name} in {tag}"));
        rest.split('"').next().unwrap_or_default().to_owned()
    };
    let tags = text.split('<').filter(|t| t.starts_with("netpier-lab ") || t.starts_with("iframe "));
    let shown = tags.map(|tag| {
        if tag.starts_with("netpier-lab") {
            return (value(tag, "in"), value(tag, "run"), value(tag, "lab"));
        }
        let address = value(tag, "src").replace("&amp;", "&");
        let (_, fragment) = address.split_once('#').expect("a fragment");
        let link = Link::from_fragment(fragment).unwrap_or_else(|e| panic!("{post}: {e}"));
        let (place, line) = link.run.expect("a line");
        let packed = fragment.split('&').find_map(|p| p.strip_prefix("lab=")).expect("a lab");
        (place, line, packed.to_owned())
    });
    shown.collect()
}

#[test]
fn the_labs_in_the_posts_are_the_files_beside_them_and_play_as_the_text_says() {
    let mut played = 0;
    for post in ["out-and-in.ko.html", "out-and-in.en.html"] {
        for (place, line, packed) in labs(post) {
            let lab = unpack(&packed).unwrap_or_else(|e| panic!("{post}: {e}"));
            let file = Lab::from_json(&read(&format!("{}.json", lab.name))).expect("a good lab");
            assert_eq!(lab, file, "{post}: {} is not its file; it would be\n{}", lab.name, pack(&file));
            let mut session = lab.boot().unwrap_or_else(|e| panic!("{post}: {e}"));
            let job = session.run_line(&place, &line, Duration::from_secs(60)).expect("the place is there");
            let said = job.stdout() + &job.stderr();
            match lab.name.as_str() {
                "door" => {
                    let verbose = line.replace("curl", "curl -v");
                    let job =
                        session.run_line(&place, &verbose, Duration::from_secs(60)).expect("it is there");
                    assert!(job.stderr().contains("Connection refused"), "{}", job.stderr());
                    assert_eq!((job.exit, said.contains("after 0 ms")), (Some(7), true), "{said}");
                }
                _ => assert_eq!(job.exit, Some(0), "{post} {}: {said}", lab.name),
            }
            played += 1;
        }
    }
    assert_eq!(played, 6);
}

#[test]
fn the_rules_that_the_posts_quote_are_the_rules_that_docker_wrote() {
    for (name, table, rule) in [
        ("out", "nat", "-A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE"),
        (
            "in",
            "nat",
            "-A DOCKER ! -i docker0 -p tcp -m tcp --dport 8080 -j DNAT --to-destination 172.17.0.2:80",
        ),
    ] {
        let mut session =
            Lab::from_json(&read(&format!("{name}.json"))).and_then(|l| l.boot()).expect("boots");
        let line = format!("iptables -t {table} -S");
        let job = session.run_line("docker-host", &line, Duration::from_secs(9)).expect("the host is there");
        assert!(job.stdout().lines().any(|l| l == rule), "{rule}\n{}", job.stdout());
    }
    assert!(read("out-and-in.ko.html").contains("! -o docker0 -j MASQUERADE"));
    assert!(read("out-and-in.en.html").contains("--dport 8080 -j DNAT --to-destination 172.17.0.2:80"));
}
