//! `docker ps`, `network ls`, `port`, `version`: lists and their columns.

use super::Response;
use super::engine::{ContainerState, Engine, EngineError};
use super::image::{self, ENGINE_VERSION};
use super::names::short;
use super::ports;
use super::template::{Template, TemplateError};
use crate::sim::World;
use crate::time::Instant;
use serde_json::{Value, json};

/// `-a`, `-q`, `--no-trunc`.
type PsFlags = (bool, bool, bool);

impl Engine {
    pub(super) fn ps(
        &self,
        now: Instant,
        (all, quiet, no_trunc): PsFlags,
        format: Option<&str>,
        filters: &[(String, String)],
        last: Option<usize>,
    ) -> Response {
        const KNOWN: [&str; 14] = [
            "health", "is-task", "name", "id", "status", "network", "ancestor", "publish", "expose",
            "exited", "label", "before", "since", "volume",
        ];
        if let Some(e) = unknown_filter(filters, &KNOWN) {
            return e;
        }
        const STATES: [&str; 7] =
            ["created", "running", "paused", "restarting", "removing", "exited", "dead"];
        if let Some((_, bad)) = filters.iter().find(|f| f.0 == "status" && !STATES.contains(&f.1.as_str())) {
            return super::engine::reply(Err(EngineError::new(format!(
                "invalid filter 'status={bad}': invalid value for state ({bad}): must be one of {}",
                STATES.join(", ")
            ))));
        }
        let last = last.filter(|n| *n > 0);
        let all = all || last.is_some();
        let wanted = |i: &usize| {
            let c = &self.containers[*i];
            let listed = all
                || filters.iter().any(|f| f.0 == "status")
                || c.state.is_up()
                || matches!(c.state, ContainerState::Restarting { .. });
            let any = |key: &str, f: &dyn Fn(&str) -> bool| admits(filters, key, f);
            listed
                && any("name", &|v| name_matches(v, &c.name))
                && labels_match(filters, &c.inner.spec.labels)
                && any("expose", &|v| self.exposed(*i).iter().any(|e| port_matches(v, e.0, e.1)))
                && any("before", &|v| self.find(v).is_ok_and(|at| *i < at))
                && any("since", &|v| self.find(v).is_ok_and(|at| *i > at))
                && any("volume", &|_| false)
                && any("health", &|v| v == "none")
                && any("id", &|v| c.id.starts_with(v))
                && any("status", &|v| c.state.word() == v)
                && any("ancestor", &|v| image::full_name(&c.image) == image::full_name(v))
                && any(
                    "exited",
                    &|v| matches!(c.state, ContainerState::Exited { code } if code.to_string() == v),
                )
                && any("publish", &|v| c.ports.iter().any(|p| port_matches(v, p.host_port, p.proto)))
                && any("network", &|v| c.inner.attachments.iter().any(|a| a.spec.network == v))
        };
        // Newest first.
        let rows: Vec<Value> = (0..self.containers.len())
            .rev()
            .filter(wanted)
            .take(last.unwrap_or(usize::MAX))
            .map(|i| self.ps_row(now, i, no_trunc))
            .collect();
        let columns = [
            ("CONTAINER ID", "ID"),
            ("IMAGE", "Image"),
            ("COMMAND", "Command"),
            ("CREATED", "RunningFor"),
            ("STATUS", "Status"),
            ("PORTS", "Ports"),
            ("NAMES", "Names"),
        ];
        list(&rows, &columns, quiet, (format, "*formatter.ContainerContext"))
    }

    fn ps_row(&self, now: Instant, i: usize, no_trunc: bool) -> Value {
        let c = &self.containers[i];
        let ago = |at: Option<Instant>| at.map(|at| human(now.since(at).as_secs())).unwrap_or_default();
        let status = match c.state {
            ContainerState::Created => "Created".to_owned(),
            ContainerState::Running => format!("Up {}", ago(c.inner.started)),
            ContainerState::Paused => format!("Up {} (Paused)", ago(c.inner.started)),
            ContainerState::Restarting { code } => {
                format!("Restarting ({code}) {} ago", ago(c.inner.finished))
            }
            ContainerState::Exited { code } => format!("Exited ({code}) {} ago", ago(c.inner.finished)),
        };
        // Arguments with spaces are shown in quotes (moby, daemon/list.go).
        let quoted = |(i, word): (usize, &String)| match i > 0 && word.contains(' ') {
            true => format!("'{word}'"),
            false => word.clone(),
        };
        let command = c.inner.command.iter().enumerate().map(quoted).collect::<Vec<_>>().join(" ");
        let command = if no_trunc || command.chars().count() <= 20 {
            command
        } else {
            command.chars().take(19).chain(['…']).collect()
        };
        // Who is in another one's namespace is on no network of its own.
        let mut networks: Vec<&str> = c.inner.attachments.iter().map(|a| a.spec.network.as_str()).collect();
        networks.retain(|n| !n.starts_with("container:"));
        networks.sort_unstable();
        // What links call it are names, too, of which the short list shows none (docker/cli, formatter/container.go).
        let linked = self.containers.iter().flat_map(|by| by.inner.linked.iter().map(move |l| (by, l)));
        let linked = linked.filter(|(_, l)| no_trunc && l.id == c.id && !l.alias.is_empty());
        let mut names: Vec<String> = linked.map(|(by, l)| format!("{}/{}", by.name, l.alias)).collect();
        names.push(c.name.clone());
        names.sort_unstable();
        json!({
            "ID": if no_trunc { c.id.as_str() } else { short(&c.id) },
            "Names": names.join(","),
            "Image": self.image_shown(c, no_trunc),
            "Command": format!("{command:?}"),
            "CreatedAt": super::inspect::second_in_words(c.inner.created),
            "RunningFor": format!("{} ago", human(now.since(c.inner.created).as_secs())),
            "Ports": self.ports_column(i),
            "State": c.state.word(),
            "Status": status,
            "Networks": networks.join(","),
            "Labels": label_text(&c.inner.spec.labels),
            "Label()": label_map(&c.inner.spec.labels),
            "Mounts": "",
            "Size": "0B",
            "LocalVolumes": "0",
            "Platform": null,
        })
    }

    fn ports_column(&self, i: usize) -> String {
        let c = &self.containers[i];
        let way_out = c.inner.gateway_network.as_deref().and_then(|id| self.network_by_id(id));
        if !c.state.is_up() || !way_out.is_some_and(|n| n.publishes()) {
            return String::new();
        }
        let mut exposed = self.exposed(i);
        exposed.retain(|&(port, proto)| !c.ports.iter().any(|p| (p.port, p.proto) == (port, proto)));
        ports::column(&c.ports, &exposed)
    }

    pub(super) fn network_ls(
        &self,
        (quiet, no_trunc): (bool, bool),
        format: Option<&str>,
        filters: &[(String, String)],
    ) -> Response {
        if let Some(e) =
            unknown_filter(filters, &["name", "id", "driver", "type", "scope", "dangling", "label"])
        {
            return e;
        }
        let refuse = |m: String| super::engine::reply(Err(EngineError::new(m)));
        for (key, value) in filters {
            match key.as_str() {
                "type" if !matches!(value.as_str(), "builtin" | "custom") => {
                    return refuse(format!("invalid filter: 'type'='{value}'"));
                }
                "dangling" if !matches!(value.as_str(), "true" | "1" | "false" | "0") => {
                    return refuse(
                        "invalid value for filter 'dangling', must be \"true\" (or \"1\"), or \"false\" (or \"0\")".into(),
                    );
                }
                _ => {}
            }
        }
        let waiting = self.waiting_networks();
        let mut nets: Vec<_> = self
            .networks
            .iter()
            .chain(&waiting)
            .filter(|n| {
                let any = |key: &str, f: &dyn Fn(&str) -> bool| admits(filters, key, f);
                // The list does not look into networks: a used one counts as dangling too.
                any("name", &|v| name_matches(v, &n.name))
                    && labels_match(filters, &n.asked.labels)
                    && any("id", &|v| n.id.starts_with(v))
                    && any("driver", &|v| n.driver == v)
                    && any("scope", &|v| v == n.scope())
                    && any("type", &|v| (v == "builtin") == n.predefined())
                    && any("dangling", &|v| (v == "true" || v == "1") != n.predefined())
            })
            .collect();
        nets.sort_by(|a, b| natural(&a.name, &b.name));
        let rows: Vec<Value> = nets
            .iter()
            .map(|n| {
                json!({
                    "ID": if no_trunc { n.id.as_str() } else { short(&n.id) },
                    "Name": n.name,
                    "Driver": n.driver,
                    "Scope": n.scope(),
                    "CreatedAt": super::inspect::moment_in_words(n.created),
                    "IPv4": "true",
                    "IPv6": "false",
                    "Internal": n.internal().to_string(),
                    "Labels": label_text(&n.asked.labels),
                    "Label()": label_map(&n.asked.labels),
                })
            })
            .collect();
        let columns = [("NETWORK ID", "ID"), ("NAME", "Name"), ("DRIVER", "Driver"), ("SCOPE", "Scope")];
        list(&rows, &columns, quiet, (format, "*network.networkContext"))
    }

    pub(super) fn pull(&self, world: &World, reference: &str) -> Response {
        let name = image::full_name(reference);
        if self.image_of(reference).is_some() {
            return Response::ok(format!(
                "Status: Image is up to date for {name}\ndocker.io/library/{name}\n"
            ));
        }
        let conf = super::resolv::ResolvConf::parse(&self.host_file(world, "/etc/resolv.conf"));
        let (error, hint) = image::unknown(reference, conf.servers.first());
        Response {
            stderr: format!("Error response from daemon: {error}\n"),
            note: hint,
            exit: 1,
            ..Response::default()
        }
    }

    pub(super) fn port_response(&self, name: &str, port: Option<&str>) -> Response {
        match self.docker_port(name, port) {
            // That nothing is published there the client itself says.
            Err(e) if e.message.starts_with("No public port") || e.message.starts_with("invalid port (") => {
                Response { stderr: format!("Error: {e}\n"), exit: 1, ..Response::default() }
            }
            other => super::engine::reply(other),
        }
    }

    fn docker_port(&self, name: &str, port: Option<&str>) -> Result<String, EngineError> {
        let c = &self.containers[self.find(name)?];
        // A port that is not translated has no number on the host.
        let at = |p: &super::PortBinding| match p.host_port {
            0 => ports::join(p.host_ip, ""),
            port => ports::join(p.host_ip, port),
        };
        let mut lines: Vec<String> = match port {
            None => {
                let line = |p: &super::PortBinding| format!("{}/{} -> {}", p.port, p.proto, at(p));
                c.ports.iter().map(line).collect()
            }
            Some(asked) => {
                let (number, proto) = asked.split_once('/').unwrap_or((asked, "tcp"));
                let matching =
                    c.ports.iter().filter(|p| p.port.to_string() == number && p.proto.to_string() == proto);
                matching.map(at).collect()
            }
        };
        let number = port.map(|asked| asked.split('/').next().unwrap_or_default());
        if let Some(bad) = number.filter(|n| n.parse::<u16>().is_err()) {
            let why = if !bad.is_empty() && bad.bytes().all(|b| b.is_ascii_digit()) {
                "value out of range"
            } else {
                "invalid syntax"
            };
            return Err(EngineError::new(format!(
                "invalid port ({bad}): strconv.ParseUint: parsing \"{bad}\": {why}"
            )));
        }
        if let (Some(asked), true) = (port, lines.is_empty()) {
            return Err(EngineError::new(format!("No public port '{asked}' published for {name}")));
        }
        lines.sort_by(|a, b| natural(a, b));
        Ok(lines.into_iter().map(|l| l + "\n").collect())
    }

    pub(super) fn version(&self, format: Option<&str>) -> Response {
        // A template names the client's fields, JSON the API's.
        let api = if format == Some("json") { "ApiVersion" } else { "APIVersion" };
        let side = json!({ "Version": ENGINE_VERSION, api: "1.51", "Os": "linux", "Arch": "amd64" });
        let value = json!({ "Client": side, "Server": side });
        if format == Some("json") {
            return Response::ok(format!("{value}\n"));
        }
        if let Some(text) = format {
            return match Template::parse(text).and_then(|t| t.render(&value)) {
                Ok(line) => Response::ok(line + "\n"),
                Err(e) => bad_template(e),
            };
        }
        Response::ok(format!(
            "Client:\n Version:           {ENGINE_VERSION}\n API version:       1.51\n OS/Arch:           linux/amd64\n\n\
             Server: netpier, after Docker Engine\n Engine:\n  Version:          {ENGINE_VERSION}\n  \
             API version:      1.51 (minimum version 1.24)\n  OS/Arch:          linux/amd64\n"
        ))
    }
}

/// `--filter name=`: a regular expression in Docker; here anchors and plain text.
fn name_matches(pattern: &str, name: &str) -> bool {
    let (start, rest) = pattern.strip_prefix('^').map_or((false, pattern), |r| (true, r));
    let (end, text) = rest.strip_suffix('$').map_or((false, rest), |r| (true, r));
    let (start, text) = text.strip_prefix('/').map_or((start, text), |r| (true, r));
    match (start, end) {
        (true, true) => name == text,
        (true, false) => name.starts_with(text),
        (false, true) => name.ends_with(text),
        (false, false) => name.contains(text),
    }
}

/// `80`, `80/udp`, `8000-8010`.
fn port_matches(wanted: &str, port: u16, proto: crate::wire::Protocol) -> bool {
    let (range, asked) = wanted.split_once('/').unwrap_or((wanted, "tcp"));
    asked == proto.to_string() && super::cli::port_range(range).is_some_and(|(a, b)| (a..=b).contains(&port))
}

/// Every `label=KEY[=VALUE]` is there, and no `label!=…`.
pub(super) fn labels_match(filters: &[(String, String)], labels: &[(String, String)]) -> bool {
    let has = |wanted: &str| match wanted.split_once('=') {
        Some((key, value)) => labels.iter().any(|l| l.0 == key && l.1 == value),
        None => labels.iter().any(|l| l.0 == wanted),
    };
    filters.iter().all(|(key, wanted)| match key.as_str() {
        "label" => has(wanted),
        "label!" => !has(wanted),
        _ => true,
    })
}

/// Labels for `.Label "key"`.
fn label_map(labels: &[(String, String)]) -> Value {
    Value::Object(labels.iter().map(|(k, v)| (k.clone(), json!(v))).collect())
}

/// Labels as lists show them, by key.
fn label_text(labels: &[(String, String)]) -> String {
    let mut all: Vec<String> = labels.iter().map(|(k, v)| format!("{k}={v}")).collect();
    all.sort_unstable();
    all.join(",")
}

/// No filter `key` was given, or one of those that were admits it.
pub(super) fn admits(filters: &[(String, String)], key: &str, admitted: &dyn Fn(&str) -> bool) -> bool {
    let mut given = filters.iter().filter(|f| f.0 == key).peekable();
    given.peek().is_none() || given.any(|f| admitted(&f.1))
}

pub(super) fn bad_template(e: TemplateError) -> Response {
    let (TemplateError::Parse(e) | TemplateError::Exec(e)) = e;
    Response { stderr: format!("failed to execute template: {e}\n"), exit: 1, ..Response::default() }
}

/// The same of a row in a list of things that Go calls `of`. `docker ps` tries its template beforehand,
/// and says it in other words (docker/cli, command/container/list.go).
fn bad_row(e: TemplateError, of: &str) -> Response {
    let head = match (&e, of) {
        (TemplateError::Parse(_), "*formatter.ContainerContext") => "failed to parse template",
        (TemplateError::Exec(_), "*formatter.ContainerContext") => "failed to execute template",
        _ => "template parsing error",
    };
    let (TemplateError::Parse(e) | TemplateError::Exec(e)) = e;
    Response { stderr: format!("{head}: {e}\n"), exit: 1, ..Response::default() }
}

pub(super) fn unknown_filter(filters: &[(String, String)], known: &[&str]) -> Option<Response> {
    let (key, _) = filters.iter().find(|(key, _)| !known.contains(&key.as_str()))?;
    let near = super::near::nearest(key, known.iter().copied());
    let note =
        near.map_or_else(|| format!("Filters here: {}\n", known.join(", ")), super::near::did_you_mean);
    let stderr = format!("Error response from daemon: invalid filter '{key}'\n");
    Some(Response { stderr, note, exit: 1, ..Response::default() })
}

/// Rows as a table, as ids, or through a template (`table …` has headings).
pub(super) fn list(
    rows: &[Value],
    columns: &[(&str, &str)],
    quiet: bool,
    (format, of): (Option<&str>, &str),
) -> Response {
    let cell = |row: &Value, key: &str| row.get(key).map(super::template::text_of).unwrap_or_default();
    if quiet && format.is_none() {
        return Response::ok(rows.iter().map(|r| cell(r, "ID") + "\n").collect::<String>());
    }
    let text = match format {
        None | Some("" | "table") => {
            let mut table: Vec<Vec<String>> = vec![columns.iter().map(|c| c.0.to_owned()).collect()];
            table.extend(rows.iter().map(|r| columns.iter().map(|c| cell(r, c.1)).collect()));
            return Response::ok(align(&table, 10));
        }
        Some("json") => return Response::ok(rows.iter().map(|r| row_json(r) + "\n").collect::<String>()),
        Some(text) => text,
    };
    let (body, headings) = match text.strip_prefix("table ") {
        Some(body) => (body, true),
        None => (text, false),
    };
    let body = body.replace("\\t", "\t").replace("\\n", "\n");
    let template = match Template::parse(&body) {
        Ok(template) => template,
        Err(e) => return bad_row(e, of),
    };
    let mut table = Vec::new();
    if headings {
        let heading: Value = rows
            .first()
            .and_then(Value::as_object)
            .map(|row| {
                let name = |key: &str| {
                    let known = columns.iter().find(|c| c.1 == key).map(|c| c.0.to_owned());
                    known.unwrap_or_else(|| key.to_uppercase())
                };
                row.keys().map(|k| (k.clone(), Value::String(name(k)))).collect()
            })
            .map_or(Value::Null, Value::Object);
        table.extend(template.render(&heading).ok());
    }
    for row in rows {
        match template.render_as(row, of) {
            Ok(line) => table.push(line),
            Err(e) => return bad_row(e, of),
        }
    }
    if headings {
        let cells: Vec<Vec<String>> =
            table.iter().map(|l| l.split('\t').map(str::to_owned).collect()).collect();
        return Response::ok(align(&cells, 10));
    }
    Response::ok(table.into_iter().map(|l| l + "\n").collect::<String>())
}

/// A row as Go writes it: a map, in the order of its keys and fit for HTML, without what takes an argument
/// (`Label()`).
pub(super) fn row_json(row: &Value) -> String {
    let Some(fields) = row.as_object() else { return row.to_string() };
    let fields: std::collections::BTreeMap<_, _> =
        fields.iter().filter(|(k, _)| !k.ends_with("()")).collect();
    let text = serde_json::to_string(&fields).unwrap_or_default();
    text.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026")
}

/// Columns at least `narrowest` wide, three spaces apart (Go's text/tabwriter as the client sets it up).
pub(super) fn align(table: &[Vec<String>], narrowest: usize) -> String {
    let columns = table.iter().map(Vec::len).max().unwrap_or(0);
    let width = |i: usize| {
        let widest = table.iter().filter_map(|row| row.get(i)).map(|c| c.chars().count()).max().unwrap_or(0);
        (widest + 3).max(narrowest)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut text = String::new();
    for row in table {
        for (i, cell) in row.iter().enumerate() {
            if i + 1 == row.len() {
                text.push_str(cell);
            } else {
                text.push_str(cell);
                text.extend(std::iter::repeat_n(' ', widths[i] - cell.chars().count()));
            }
        }
        text.push('\n');
    }
    text
}

/// `About a minute`, `5 seconds` (github.com/docker/go-units, HumanDuration).
pub(super) fn human(secs: u64) -> String {
    let (minutes, hours) = (secs / 60, (secs + 1800) / 3600);
    match () {
        () if secs < 1 => "Less than a second".to_owned(),
        () if secs == 1 => "1 second".to_owned(),
        () if secs < 60 => format!("{secs} seconds"),
        () if minutes == 1 => "About a minute".to_owned(),
        () if minutes < 60 => format!("{minutes} minutes"),
        () if hours == 1 => "About an hour".to_owned(),
        () if hours < 48 => format!("{hours} hours"),
        () => format!("{} days", hours / 24),
    }
}

/// Order in which `x10` comes after `x9`.
fn natural(a: &str, b: &str) -> std::cmp::Ordering {
    let pieces = |s: &str| -> Vec<(String, u64)> {
        let mut all: Vec<(String, u64)> = Vec::new();
        let mut chars = s.chars().peekable();
        while chars.peek().is_some() {
            let mut text = String::new();
            while let Some(&c) = chars.peek().filter(|c| !c.is_ascii_digit()) {
                text.push(c);
                chars.next();
            }
            let mut number = 0_u64;
            while let Some(d) = chars.peek().and_then(|c| c.to_digit(10)) {
                number = number.saturating_mul(10).saturating_add(u64::from(d));
                chars.next();
            }
            all.push((text, number));
        }
        all
    };
    pieces(a).cmp(&pieces(b)).then_with(|| a.cmp(b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_aligned_as_dockers() {
        let table =
            [["NETWORK ID", "NAME"], ["0123456789ab", "bridge"]].map(|r| r.map(str::to_owned).to_vec());
        assert_eq!(align(&table, 10), "NETWORK ID     NAME\n0123456789ab   bridge\n");
    }

    #[test]
    fn durations_and_names_read_as_people_expect() {
        let cases = [
            (0, "Less than a second"),
            (1, "1 second"),
            (59, "59 seconds"),
            (61, "About a minute"),
            (4000, "About an hour"),
        ];
        for (secs, want) in cases {
            assert_eq!(human(secs), want);
        }
        assert_eq!(natural("x9", "x10"), std::cmp::Ordering::Less);
        assert_eq!(natural("80/tcp -> 0", "443/tcp -> 0"), std::cmp::Ordering::Less);
    }
}
