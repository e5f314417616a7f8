//! Go templates as `--format` takes them, over JSON values.
//!
//! Supported: fields (`.A.B`, `$x.A`, `$`), variables, literals, pipelines, `{{-` and `-}}`,
//! comments, if/else if/else, range (with variables, with else), with, end, and the functions json, index, len,
//! join, split, upper, lower, title, println, print, printf (%s %v %d %q, widths), eq, ne, lt, le, gt, ge, slice, not, and, or,
//! truncate, pad. Not supported: define/template/block, break, methods, comparison of order.

mod eval;
mod parse;

pub(super) use eval::text_of;

use serde_json::Value;

/// Why a template gave no text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum TemplateError {
    /// It is no template (exit 64 of `docker inspect`).
    Parse(String),
    /// It asks for something that is not there (exit 1).
    Exec(String),
}

/// A template, read.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Template(Vec<Node>);

impl Template {
    /// Reads `text`.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        parse::parse(text).map(Self).map_err(TemplateError::Parse)
    }
    /// The text that it makes of `value`.
    pub fn render(&self, value: &Value) -> Result<String, TemplateError> {
        eval::render(&self.0, value, None).map_err(TemplateError::Exec)
    }
    /// The same of a value that is of Go's type `typed`: a field that it does not have is said so, and
    /// what is missing further in is no value.
    pub fn render_as(&self, value: &Value, typed: &str) -> Result<String, TemplateError> {
        eval::render(&self.0, value, Some(typed)).map_err(TemplateError::Exec)
    }
}

#[derive(Debug, Clone, PartialEq)]
enum Node {
    Text(String),
    Print(Pipe),
    Set(String, Pipe),
    If(Vec<(Pipe, Vec<Node>)>, Vec<Node>),
    With(Pipe, Vec<Node>, Vec<Node>),
    Range { vars: Vec<String>, over: Pipe, body: Vec<Node>, empty: Vec<Node> },
}

/// Calls, each of which gets the result of the one before as its last argument.
type Pipe = Vec<Vec<Expr>>;

#[derive(Debug, Clone, PartialEq)]
enum Expr {
    /// `.A.B`, and where it stands in the text.
    Field(Vec<String>, usize),
    /// `$x.A`; `$` is the whole value.
    Var(String, Vec<String>),
    Literal(Value),
    /// Where it stands in the text.
    Function(String, usize),
    Paren(Pipe, Vec<String>),
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn render(template: &str, value: &Value) -> Result<String, TemplateError> {
        Template::parse(template)?.render(value)
    }

    #[test]
    fn templates_as_people_type_them() {
        let value = json!({
            "Name": "/web", "N": 3, "On": true, "Empty": [], "Nothing": null,
            "IPAM": {"Config": [{"Subnet": "10.0.0.0/24", "Gateway": "10.0.0.1"}]},
            "Networks": {"b": {"IPAddress": "10.0.0.2"}, "a": {"IPAddress": "10.0.0.3"}},
            "Ports": {"80/tcp": [{"HostPort": "8080"}]},
        });
        let cases = [
            ("plain", "plain"),
            ("{{.Name}} {{ .N }}", "/web 3"),
            ("{{json .IPAM.Config}}", r#"[{"Subnet":"10.0.0.0/24","Gateway":"10.0.0.1"}]"#),
            ("{{.Name}} {{range .IPAM.Config}}{{.Subnet}} {{.Gateway}}{{end}}", "/web 10.0.0.0/24 10.0.0.1"),
            ("{{range $k, $v := .Networks}}{{$k}}={{$v.IPAddress}};{{end}}", "a=10.0.0.3;b=10.0.0.2;"),
            ("{{range .Empty}}x{{else}}none{{end}}", "none"),
            ("{{if .On}}yes{{else}}no{{end}}{{if not .On}}!{{end}}", "yes"),
            ("{{if eq .N 3}}three{{else if .On}}on{{end}}", "three"),
            ("{{with index .Ports \"80/tcp\"}}{{(index . 0).HostPort}}{{end}}", "8080"),
            ("{{len .IPAM.Config}} {{upper .Name}} {{.Name | json}}", "1 /WEB \"/web\""),
            ("a {{- .N -}} b{{/* nothing */}}", "a3b"),
            ("{{$x := .N}}{{$x}}{{printf \"%s-%d\" .Name $x}}", "3/web-3"),
            ("{{.Nothing}}", "<no value>"),
            ("{{println .N}}", "3\n"),
            ("{{(index .IPAM.Config 0).Gateway}}", "10.0.0.1"),
        ];
        for (template, want) in cases {
            assert_eq!(render(template, &value), Ok(want.to_owned()), "{template}");
        }
    }

    #[test]
    fn a_variable_that_doubles_itself_comes_to_an_end() {
        let text = format!("{{{{$a := \"xxxxxxxx\"}}}}{}", "{{$a := print $a $a}}".repeat(40));
        assert!(render(&text, &Value::Null).is_err());
    }

    #[test]
    fn what_is_wrong_is_said_in_gos_words() {
        let value = json!({"A": 1});
        assert_eq!(
            render("{{.B}}", &value),
            Err(TemplateError::Exec(
                "template: :1:2: executing \"\" at <.B>: map has no entry for key \"B\"".into()
            ))
        );
        for bad in ["{{.A", "{{foo .A}}", "{{if .A}}x", "{{end}}", "{{range}}{{end}}", "{{\"x}}"] {
            assert!(matches!(render(bad, &value), Err(TemplateError::Parse(_))), "{bad}");
        }
        assert_eq!(
            render("{{foo .A}}", &value),
            Err(TemplateError::Parse("template: :1: function \"foo\" not defined".into()))
        );
    }

    proptest! {
        #[test]
        fn no_template_makes_it_panic(text in "(\\{\\{[-. a-z$|()\"0-9]{0,14}\\}\\}|\\PC{0,5}){0,5}") {
            let value = json!({"a": [1, {"b": null}], "b": {"a": "x"}});
            if let Ok(t) = Template::parse(&text) {
                let _ = t.render(&value);
            }
        }
    }
}
