//! The images: what people run, each with its ports, its command, its tools, its environment.
//!
//! An image here has no file system but for what `docker commit` keeps (see `commit`): its command is one of
//! the guest programs that answers in its stead. Images that are not in the table cannot be pulled, and the answer says which are there.

use super::near::nearest;
use crate::wire::Protocol;
use std::net::Ipv4Addr;

/// The engine that is emulated.
pub(super) const ENGINE_VERSION: &str = "28.5.2";

/// An image.
#[derive(Debug, Clone, Copy)]
pub(super) struct Image {
    /// Repository, as on Docker Hub.
    pub name: &'static str,
    /// What `latest` stands for in `docker images`.
    pub size: &'static str,
    /// Exposed ports.
    pub expose: &'static [(u16, Protocol)],
    /// Entry point and command, as `docker ps` shows them.
    pub command: &'static [&'static str],
    /// The guest program that does the work of `command`; empty: it is a shell.
    pub runs: &'static [&'static str],
    /// The programs in it; None: all.
    pub tools: Option<&'static [&'static str]>,
    /// Its environment, beyond PATH.
    pub env: &'static [(&'static str, &'static str)],
    /// Environment variables without which it does not start, and what it says then.
    pub needs: Option<(&'static [&'static str], &'static str)>,
    /// What it writes when it starts.
    pub log: &'static str,
    /// It is the bare content of an archive (`docker import`).
    pub imported: bool,
}

const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

const DEBIAN: &[&str] = &["sh", "bash", "cat", "env", "hostname", "sleep", "echo", "true", "false", "getent"];
const DEBIAN_CURL: &[&str] =
    &["sh", "bash", "cat", "env", "hostname", "sleep", "echo", "true", "false", "getent", "curl"];
const DEBIAN_MONGO: &[&str] = &["sh", "bash", "getent", "mongod"];
const DEBIAN_NODE: &[&str] = &["sh", "bash", "getent", "curl", "node"];
const DEBIAN_PYTHON: &[&str] = &["sh", "bash", "getent", "curl", "python", "python3"];
const BUSYBOX: &[&str] = &[
    "sh",
    "ash",
    "cat",
    "env",
    "hostname",
    "sleep",
    "echo",
    "true",
    "false",
    "getent",
    "wget",
    "ping",
    "nslookup",
    "ip",
    "traceroute",
    "arping",
    "nc",
    "netstat",
    "arp",
    "route",
    "ifconfig",
];
const LAB: &[&str] = &[
    "sh",
    "bash",
    "serve",
    "udpq",
    "ip",
    "curl",
    "dig",
    "nslookup",
    "getent",
    "ping",
    "traceroute",
    "arping",
    "ss",
    "tcpdump",
    "cat",
    "hostname",
    "env",
    "sleep",
    "python3",
    "echo",
    "true",
    "false",
];

const TCP: Protocol = Protocol::Tcp;

const EMPTY: Image = Image {
    name: "",
    size: "78.1MB",
    expose: &[],
    command: &["/bin/bash"],
    runs: &[],
    tools: Some(DEBIAN),
    env: &[],
    needs: None,
    log: "",
    imported: false,
};

/// The table, sorted by name.
pub(super) const IMAGES: &[Image] = &[
    Image { name: "alpine", size: "8.32MB", command: &["/bin/sh"], tools: Some(BUSYBOX), ..EMPTY },
    Image { name: "busybox", size: "4.43MB", command: &["sh"], tools: Some(BUSYBOX), ..EMPTY },
    Image { name: "debian", size: "117MB", command: &["bash"], ..EMPTY },
    Image {
        name: "httpd",
        size: "117MB",
        expose: &[(80, TCP)],
        command: &["httpd-foreground"],
        runs: &["httpd-foreground"],
        log: "AH00558: httpd: Could not reliably determine the server's fully qualified domain name\n",
        ..EMPTY
    },
    Image {
        name: "lab",
        size: "184MB",
        command: &["serve", "tcp:80"],
        runs: &["serve", "tcp:80"],
        tools: Some(LAB),
        imported: true,
        ..EMPTY
    },
    Image {
        name: "mongo",
        size: "887MB",
        expose: &[(27017, TCP)],
        command: &["docker-entrypoint.sh", "mongod"],
        runs: &["mongod"],
        tools: Some(DEBIAN_MONGO),
        log: "{\"s\":\"I\",  \"c\":\"NETWORK\",  \"id\":23016,   \"ctx\":\"listener\",\"msg\":\"Waiting for connections\",\"attr\":{\"port\":27017,\"ssl\":\"off\"}}\n",
        ..EMPTY
    },
    Image {
        name: "mysql",
        size: "934MB",
        expose: &[(3306, TCP), (33060, TCP)],
        command: &["docker-entrypoint.sh", "mysqld"],
        runs: &["mysqld"],
        tools: Some(DEBIAN_CURL),
        needs: Some((
            &["MYSQL_ROOT_PASSWORD", "MYSQL_ALLOW_EMPTY_PASSWORD", "MYSQL_RANDOM_ROOT_PASSWORD"],
            "[ERROR] [Entrypoint]: Database is uninitialized and password option is not specified\n    \
             You need to specify one of the following as an environment variable:\n    \
             - MYSQL_ROOT_PASSWORD\n    - MYSQL_ALLOW_EMPTY_PASSWORD\n    - MYSQL_RANDOM_ROOT_PASSWORD\n",
        )),
        ..EMPTY
    },
    Image {
        name: "nginx",
        size: "192MB",
        expose: &[(80, TCP)],
        command: &["/docker-entrypoint.sh", "nginx", "-g", "daemon off;"],
        runs: &["nginx"],
        tools: Some(DEBIAN_CURL),
        log: "/docker-entrypoint.sh: Configuration complete; ready for start up\n",
        ..EMPTY
    },
    Image { name: "nicolaka/netshoot", size: "577MB", command: &["zsh"], tools: None, ..EMPTY },
    Image {
        name: "node",
        size: "1.13GB",
        command: &["docker-entrypoint.sh", "node"],
        runs: &["node"],
        tools: Some(DEBIAN_NODE),
        ..EMPTY
    },
    Image {
        name: "postgres",
        size: "438MB",
        expose: &[(5432, TCP)],
        command: &["docker-entrypoint.sh", "postgres"],
        runs: &["postgres"],
        needs: Some((
            &["POSTGRES_PASSWORD", "POSTGRES_HOST_AUTH_METHOD"],
            "Error: Database is uninitialized and superuser password is not specified.\n       \
             You must specify POSTGRES_PASSWORD to a non-empty value for the\n       \
             superuser. For example, \"-e POSTGRES_PASSWORD=password\" on \"docker run\".\n",
        )),
        ..EMPTY
    },
    Image {
        name: "python",
        size: "1.02GB",
        command: &["python3"],
        runs: &["python3"],
        tools: Some(DEBIAN_PYTHON),
        ..EMPTY
    },
    Image {
        name: "redis",
        size: "137MB",
        expose: &[(6379, TCP)],
        command: &["docker-entrypoint.sh", "redis-server"],
        runs: &["redis-server"],
        log: "* Ready to accept connections tcp\n",
        ..EMPTY
    },
    Image {
        name: "tomcat",
        size: "511MB",
        expose: &[(8080, TCP)],
        command: &["catalina.sh", "run"],
        runs: &["catalina.sh"],
        tools: Some(DEBIAN_CURL),
        log: "INFO [main] org.apache.catalina.startup.Catalina.start Server startup\n",
        ..EMPTY
    },
    Image {
        name: "traefik/whoami",
        size: "7.29MB",
        expose: &[(80, TCP)],
        command: &["/whoami"],
        runs: &["whoami"],
        tools: Some(&["whoami"]),
        log: "Starting up on port 80\n",
        ..EMPTY
    },
    Image { name: "ubuntu", ..EMPTY },
];

impl Image {
    /// PATH and the image's own variables.
    pub fn environment(&self) -> Vec<(String, String)> {
        let own = self.env.iter().map(|&(k, v)| (k.to_owned(), v.to_owned()));
        std::iter::once(("PATH".to_owned(), PATH.to_owned())).chain(own).collect()
    }
    /// The variables that it tells of itself: one that was imported says nothing.
    pub fn config_env(&self) -> Vec<(String, String)> {
        if self.imported { Vec::new() } else { self.environment() }
    }
    /// Whether `program` is in it. What comes with every shell is in each image that has one.
    pub fn has(&self, program: &str) -> bool {
        let name = program.rsplit('/').next().unwrap_or(program);
        self.tools.is_none_or(|tools| {
            tools.contains(&name) || (tools.contains(&"sh") && crate::guest::WITH_EVERY_SHELL.contains(&name))
        })
    }
}

/// A reference in its parts: repository without `library/` and `docker.io/`, and tag.
fn parts(reference: &str) -> (&str, &str) {
    let bare = reference.strip_prefix("docker.io/").unwrap_or(reference);
    let bare = bare.strip_prefix("library/").unwrap_or(bare);
    match bare.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => (name, tag),
        _ => (bare, "latest"),
    }
}

/// The image of `reference` (any tag of it stands for the same).
pub(super) fn find(reference: &str) -> Option<&'static Image> {
    let (name, _) = parts(reference);
    IMAGES.iter().find(|i| i.name == name)
}

/// What the engine says of an image that it would have to pull, and the line that names the nearest
/// one that is here. No lab has a registry in it: its name is not to be found at the host's first
/// name server, `resolver`.
pub(super) fn unknown(reference: &str, resolver: Option<&Ipv4Addr>) -> (String, String) {
    const REGISTRY: &str = "registry-1.docker.io";
    let (name, _) = parts(reference);
    // `whoami` is near to `traefik/whoami`: people leave the owner out.
    let last = |i: &Image| i.name.rsplit('/').next().unwrap_or(i.name);
    let near = IMAGES
        .iter()
        .find(|i| last(i) == name)
        .map(|i| i.name)
        .or_else(|| nearest(name, IMAGES.iter().map(|i| i.name)))
        .or_else(|| nearest(name, IMAGES.iter().map(last)));
    let hint = near.map(super::near::did_you_mean).unwrap_or_default();
    let server = resolver.copied().unwrap_or(Ipv4Addr::LOCALHOST);
    let error =
        format!("Get \"https://{REGISTRY}/v2/\": dial tcp: lookup {REGISTRY} on {server}:53: no such host");
    (error, hint)
}

/// Whether the images here are for this platform (`linux/amd64`, or a part of it).
pub(super) fn runs_on(platform: &str) -> bool {
    matches!(
        platform.to_ascii_lowercase().as_str(),
        "linux" | "linux/amd64" | "amd64" | "x86_64" | "linux/x86_64"
    )
}

/// `nginx:latest`, for `docker images` and inspect.
pub(super) fn full_name(reference: &str) -> String {
    let (name, tag) = parts(reference);
    format!("{name}:{tag}")
}

/// A made-up but steady id: 64 hexadecimal digits.
pub(super) fn id(image: &Image) -> String {
    let mut rng = crate::rng::Rng::new(28).fork(image.name);
    super::names::id(&mut rng)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_are_found_under_all_their_names() {
        for name in ["nginx", "nginx:1.27-alpine", "docker.io/library/nginx", "library/nginx:latest"] {
            assert_eq!(find(name).map(|i| i.name), Some("nginx"), "{name}");
        }
        assert!(find("ngnix").is_none());
        let (error, hint) = unknown("ngnix", Some(&Ipv4Addr::new(192, 168, 0, 1)));
        assert!(error.ends_with("dial tcp: lookup registry-1.docker.io on 192.168.0.1:53: no such host"));
        assert_eq!(hint, "Did you mean nginx?\n");
        assert_eq!(unknown("whoami", None).1, "Did you mean traefik/whoami?\n");
    }

    #[test]
    fn the_table_is_sorted_and_small_images_lack_curl() {
        assert!(IMAGES.windows(2).all(|w| w[0].name < w[1].name));
        let has = |image: &str, tool: &str| find(image).is_some_and(|i| i.has(tool));
        assert!(!has("alpine", "curl") && has("alpine", "/usr/bin/wget") && has("nicolaka/netshoot", "dig"));
        assert!(!has("traefik/whoami", "sh") && has("ubuntu", "cat") && !has("ubuntu", "ping"));
    }
}
