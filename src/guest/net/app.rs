//! `node` and `python3`, as far as a server written with them goes: what it listens on is said by the
//! command (`python3 -m http.server 8000 --bind 127.0.0.1`) or by its environment (`PORT`, `HOST`), as
//! in most examples of such servers.
//!
//! What they say when their port is taken was seen with Node.js 20.20 and Python 3.11 (their stack traces
//! are left out). Not supported: running code.

use std::net::Ipv4Addr;

use crate::wire::Endpoint;

/// What a command line comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum App {
    /// It serves there; the text is what it says when it begins.
    Serves(Endpoint, String),
    /// It ends at once.
    Ends(String, i32),
}

/// Is this one of them?
pub(super) fn is_app(name: &str) -> bool {
    matches!(name, "node" | "python3" | "python")
}

/// What `name` does with `args` in this environment.
pub(super) fn read(name: &str, args: &[String], env: &[(String, String)]) -> App {
    let own = |key: &str| env.iter().rev().find(|(k, _)| k == key).map(|(_, v)| v.as_str());
    let mut port = own("PORT").and_then(|p| p.parse::<u16>().ok()).filter(|p| *p > 0);
    let mut addr = own("HOST").and_then(address);
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    let unknown = |what: &str| App::Ends(format!("{name}: {what} is not run here: no code is\n"), 2);
    match (name, words.as_slice()) {
        // An interactive one reads the end of its input.
        (_, [] | ["-i"]) => App::Ends(String::new(), 0),
        ("node", [script, ..]) if script.ends_with("js") => {
            let at = Endpoint::new(addr.unwrap_or(Ipv4Addr::UNSPECIFIED), port.unwrap_or(3000));
            App::Serves(at, format!("Server listening on http://{at}\n"))
        }
        ("python3" | "python", ["-m", "http.server", rest @ ..]) => {
            // Its own arguments alone count (http.server's main).
            (port, addr) = (None, None);
            let mut rest = rest.iter();
            while let Some(word) = rest.next() {
                match *word {
                    "-b" | "--bind" => addr = rest.next().and_then(|a| address(a)),
                    "-d" | "--directory" | "-p" | "--protocol" => drop(rest.next()),
                    number => match number.parse() {
                        Ok(n) => port = Some(n),
                        Err(_) => {
                            let text =
                                format!("server.py: error: argument port: invalid int value: '{number}'\n");
                            return App::Ends(text, 2);
                        }
                    },
                }
            }
            let at = Endpoint::new(addr.unwrap_or(Ipv4Addr::UNSPECIFIED), port.unwrap_or(8000));
            let Endpoint { addr, port } = at;
            App::Serves(at, format!("Serving HTTP on {addr} port {port} (http://{at}/) ...\n"))
        }
        ("python3" | "python", [script, ..]) if script.ends_with(".py") => {
            let at = Endpoint::new(addr.unwrap_or(Ipv4Addr::UNSPECIFIED), port.unwrap_or(8000));
            App::Serves(at, format!("Running on http://{at}\n"))
        }
        (_, [first, ..]) => unknown(first),
    }
}

fn address(text: &str) -> Option<Ipv4Addr> {
    if text == "localhost" { Some(Ipv4Addr::LOCALHOST) } else { text.parse().ok() }
}

/// What it says of an address that it cannot have.
pub(super) fn bind_failed(name: &str, at: Endpoint, why: &str) -> String {
    let Endpoint { addr, port } = at;
    if name != "node" {
        let number = if why == "Address already in use" { 98 } else { 99 };
        return format!("Traceback (most recent call last):\nOSError: [Errno {number}] {why}\n");
    }
    let (code, number, text) = match why {
        "Address already in use" => ("EADDRINUSE", -98, "address already in use"),
        _ => ("EADDRNOTAVAIL", -99, "address not available"),
    };
    format!(
        "node:events:502\n      throw er; // Unhandled 'error' event\n      ^\n\nError: listen {code}: {text} \
         {addr}:{port}\nEmitted 'error' event on Server instance at:\n  code: '{code}',\n  errno: {number},\n  \
         syscall: 'listen',\n  address: '{addr}',\n  port: {port}\n}}\n\nNode.js v20.20.2\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_or_the_environment_says_where_an_app_listens() {
        let at = |line: &str, env: &[(&str, &str)]| {
            let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
            let env: Vec<_> = env.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
            match read(&words[0], &words[1..], &env) {
                App::Serves(at, _) => at.to_string(),
                App::Ends(_, code) => format!("ends {code}"),
            }
        };
        for (line, env, expected) in [
            ("node server.js", &[][..], "0.0.0.0:3000"),
            ("node server.js", &[("PORT", "8080"), ("HOST", "127.0.0.1")], "127.0.0.1:8080"),
            ("node app.mjs", &[("HOST", "localhost")], "127.0.0.1:3000"),
            ("node -e 1", &[], "ends 2"),
            ("python3 -m http.server", &[("PORT", "1")], "0.0.0.0:8000"),
            ("python -m http.server 81 --bind 127.0.0.1", &[], "127.0.0.1:81"),
            ("python3 -m http.server x", &[], "ends 2"),
            ("python3 app.py", &[("PORT", "5000")], "0.0.0.0:5000"),
        ] {
            assert_eq!(at(line, env), expected, "{line} {env:?}");
        }
    }
}
