//! Texts with `{{ }}`: Handlebars, guarded. Only variables, `#if`, `#unless` and `#each` are let in, every
//! variable is checked against the typed environment, and data is never read as a template again.

use crate::cel::env::Env;
use crate::cel::program::Program;
use crate::cel::scope::Scope;
use crate::cel::types::Ty;
use crate::cel::value::Value;
use crate::diagnostic::Diagnostic;
use crate::display::display;
use crate::load::{Load, Loader, PartId, Schemas};
use crate::source::{Sources, Span};
use crate::text::Text;
use crate::yaml::{Node, locate};
use handlebars::template::{HelperTemplate, Parameter, TemplateElement};
use handlebars::{Handlebars, no_escape};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Longest template, in bytes.
pub const BYTES_MAX: usize = 64 * 1024;

/// Deepest nesting of blocks.
pub const BLOCKS_MAX: usize = 8;

/// Longest rendered text, in bytes.
pub const OUTPUT_MAX: usize = 1 << 20;

/// A text as its author wrote it.
#[derive(Debug, Clone)]
pub struct WrittenTemplate {
    pub text: Text,
    pub id: PartId,
}

/// A compiled text.
#[derive(Debug, Clone)]
pub struct Template {
    text: Text,
    translations: Arc<Vec<Translation>>,
}

/// A text in one language, compiled.
#[derive(Debug)]
pub struct Translation {
    language: String,
    registry: Handlebars<'static>,
    paths: Vec<Vec<Box<str>>>,
}

impl Load for WrittenTemplate {
    fn schema(g: &mut Schemas) -> serde_json::Value {
        Text::schema(g)
    }
    fn load(node: &Node, cx: &mut Loader) -> Option<Self> {
        Text::load(node, cx).map(|text| Self { text, id: cx.parts.new_id() })
    }
}

impl WrittenTemplate {
    /// With its translations.
    pub fn with(self, translations: Arc<Vec<Translation>>) -> Template {
        Template { text: self.text, translations }
    }

    /// Compiles each language, and returns with it the optional paths that it reads because its place proves them set.
    pub fn check(&self, env: &Env, sources: &Sources, out: &mut Vec<Diagnostic>) -> (Vec<Translation>, BTreeSet<String>) {
        let mut all = vec![];
        let mut relies = BTreeSet::new();
        for (language, text, span) in &self.text.values {
            let before = out.len();
            if text.trim_start().strip_prefix('=').is_some_and(|rest| !rest.starts_with('=')) {
                let d = Diagnostic::error("template", *span, "a text does not take an expression: it would be written as it stands");
                out.push(d.help("values stand in a text as `{{ticket.title}}`"));
            }
            let mut check = Check { text, span: *span, sources, out, paths: vec![], relies: BTreeSet::new(), guarded: BTreeSet::new() };
            let registry = check.template(env);
            relies.extend(std::mem::take(&mut check.relies));
            let paths = check.paths;
            if let Some(registry) = registry.filter(|_| out.len() == before) {
                all.push(Translation { language: language.clone(), registry, paths });
            }
        }
        (all, relies)
    }
}

impl Template {
    /// As it was written.
    pub fn text(&self) -> &Text {
        &self.text
    }

    /// The text in `language`, else in the site's. `Err` names what was unset or too long.
    pub fn render(&self, language: &str, site_language: &str, scope: &dyn Scope) -> Result<String, String> {
        let all = &self.translations;
        let find = |tag: &str| all.iter().find(|t| t.language == tag);
        let Some(translation) = find(language).or_else(|| find(site_language)).or_else(|| find("")).or(all.first()) else {
            return Ok(String::new());
        };
        let mut data = serde_json::json!({});
        for path in &translation.paths {
            let Some(value) = scope.get(path) else { continue };
            let mut place = &mut data;
            for part in path {
                place = &mut place[&**part];
            }
            *place = shown(&value, language, scope);
        }
        let mut output = Limited(Vec::new());
        translation.registry.render_to_write("t", &data, &mut output).map_err(|e| match e.reason() {
            handlebars::RenderErrorReason::MissingVariable(Some(name)) => format!("`{name}` is not set"),
            _ => "the text could not be rendered".to_owned(),
        })?;
        String::from_utf8(output.0).map_err(|_| "the text could not be rendered".to_owned())
    }
}

/// Booleans and lists stay what they are, for `#if` and `#each`, and what is in a list keeps its parts.
fn shown(value: &Value, language: &str, scope: &dyn Scope) -> serde_json::Value {
    match value {
        Value::Bool(b) => (*b).into(),
        Value::List(l) => l.iter().map(|v| element(v, language, scope)).collect(),
        other => display(other, language, scope.zone()).into(),
    }
}

fn element(value: &Value, language: &str, scope: &dyn Scope) -> serde_json::Value {
    match value {
        Value::Map(m) => m.iter().map(|(name, v)| (name.clone(), element(v, language, scope))).collect(),
        other => shown(other, language, scope),
    }
}

struct Limited(Vec<u8>);

impl std::io::Write for Limited {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if self.0.len() + bytes.len() > OUTPUT_MAX {
            return Err(std::io::Error::other("the text is too long"));
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

struct Check<'a> {
    text: &'a str,
    span: Span,
    sources: &'a Sources,
    out: &'a mut Vec<Diagnostic>,
    paths: Vec<Vec<Box<str>>>,
    relies: BTreeSet<String>,
    /// What the `#if` around guards.
    guarded: BTreeSet<String>,
}

impl Check<'_> {
    /// Where the braces print this variable; else where they name it; else where it stands at all.
    fn place_of(&self, needle: &str) -> Option<usize> {
        if needle.is_empty() {
            return None;
        }
        let braces = || self.text.match_indices("{{").map(|(at, _)| (at, self.text[at..].find("}}").map_or(self.text.len(), |n| at + n)));
        let printed = braces().find(|(at, end)| self.text[*at..*end].trim_start_matches('{').trim() == needle);
        let named = || braces().find(|(at, end)| self.text[*at..*end].contains(needle));
        let found = printed.or_else(named);
        found.and_then(|(at, end)| self.text[at..end].find(needle).map(|n| at + n)).or_else(|| self.text.find(needle))
    }

    fn report(&mut self, code: &'static str, needle: &str, message: String, help: Option<String>) {
        let span = self.span_of(needle);
        self.out.push(Diagnostic::error(code, span, message).maybe_help(help));
    }

    fn span_of(&self, needle: &str) -> Span {
        let raw = self.sources.slice(self.span);
        match self.place_of(needle) {
            Some(at) => {
                let start = self.span.start as usize + locate(raw, self.text, at);
                Span::new(self.span.file, start, (start + needle.len()).min(self.span.end as usize).max(start))
            }
            None => self.span,
        }
    }

    fn template(&mut self, env: &Env) -> Option<Handlebars<'static>> {
        if self.text.len() > BYTES_MAX {
            self.report("too-large", "", format!("template is longer than {BYTES_MAX} bytes"), None);
            return None;
        }
        if nesting(self.text) > BLOCKS_MAX {
            self.report("too-large", "", format!("blocks are nested deeper than {BLOCKS_MAX}"), None);
            return None;
        }
        if self.text.contains("{{{") || self.text.contains("{{&") {
            self.report("template", "{{", "values cannot be put in unescaped".into(), Some("write `{{…}}`, with two braces".into()));
            return None;
        }
        let template = match handlebars::Template::compile(self.text) {
            Ok(t) => t,
            Err(e) => {
                let help = "a template has `{{name}}`, `{{#if name}} … {{/if}}`, `{{#each list}} … {{/each}}`".to_owned();
                let line = e.pos().map_or(1, |p| p.0);
                self.report("template", "{{", format!("the template cannot be read (its line {line})"), Some(help));
                return None;
            }
        };
        self.elements(&template.elements, env);
        let mut registry = Handlebars::new();
        registry.set_strict_mode(true);
        registry.register_escape_fn(no_escape);
        registry.register_template("t", template);
        Some(registry)
    }

    fn elements(&mut self, elements: &[TemplateElement], env: &Env) {
        for element in elements {
            match element {
                TemplateElement::RawString(_) | TemplateElement::Comment(_) => {}
                TemplateElement::Expression(e) | TemplateElement::HtmlExpression(e) => {
                    if !e.params.is_empty() || !e.hash.is_empty() {
                        let name = e.name.as_name().unwrap_or("").to_owned();
                        self.report(
                            "template",
                            &name,
                            format!("unknown helper `{name}`"),
                            Some("compute in CEL, print in the template".into()),
                        );
                    } else if let Some(path) = path(&e.name) {
                        self.variable(&path, env);
                    }
                }
                TemplateElement::HelperBlock(b) => self.block(b, env),
                // Decorators, partials, and whatever a later version of the crate adds.
                _ => {
                    self.report("template", "{{>", "partials and decorators are not part of a text".into(), None);
                }
            }
        }
    }

    fn block(&mut self, block: &HelperTemplate, env: &Env) {
        let name = block.name.as_name().unwrap_or("").to_owned();
        let inner = block.template.as_ref().map_or(&[][..], |t| &t.elements);
        let inverse = block.inverse.as_ref().map_or(&[][..], |t| &t.elements);
        let of = block.params.first().and_then(path);
        match (name.as_str(), of) {
            ("if" | "unless", Some(of)) => {
                self.variable_or_unset(&of, env);
                let mut known = env.clone();
                known.set.insert(of.clone());
                let outside = !self.guarded.contains(&of);
                self.guarded.insert(of.clone());
                let (yes, no) = if name == "if" { (&known, env) } else { (env, &known) };
                self.elements(inner, yes);
                self.elements(inverse, no);
                if outside {
                    self.guarded.remove(&of);
                }
            }
            ("each", Some(of)) => {
                let ty = self.variable(&of, env);
                let element = match ty {
                    Some(Ty::List(t)) => *t,
                    Some(other) => {
                        self.report("template", &of, format!("`#each` wants a list, found {other}"), None);
                        Ty::Any
                    }
                    None => Ty::Any,
                };
                // Inside, names belong to the element.
                let only = Env { roots: vec![("this".into(), element)], ..env.clone() };
                self.elements(inner, &only);
                self.elements(inverse, env);
            }
            _ => self.report("template", &name, format!("unknown block `{name}`"), Some("blocks are `#if`, `#unless`, `#each`".into())),
        }
    }

    fn variable(&mut self, path: &str, env: &Env) -> Option<Ty> {
        match Program::compile(path, env) {
            Ok(p) => {
                self.remember(path);
                self.relies.extend(p.relies.difference(&self.guarded).cloned());
                Some(p.ty)
            }
            Err(findings) => {
                for mut f in findings {
                    if f.code == "may-be-unset" {
                        f.help = Some(format!("guard it: `{{{{#if {path}}}}} … {{{{/if}}}}`"));
                    }
                    f.code = if f.code == "cel-syntax" { "template" } else { f.code };
                    self.out.push(f.at(self.span_of(path), self.sources));
                }
                None
            }
        }
    }

    fn variable_or_unset(&mut self, path: &str, env: &Env) {
        let mut known = env.clone();
        let parts: Vec<&str> = path.split('.').collect();
        known.set.extend((1..=parts.len()).map(|n| parts[..n].join(".")));
        let before = self.relies.clone();
        self.variable(path, &known);
        self.relies = before;
    }

    fn remember(&mut self, path: &str) {
        let path: Vec<Box<str>> = path.split('.').map(Into::into).collect();
        if &*path[0] != "this" && !self.paths.contains(&path) {
            self.paths.push(path);
        }
    }
}

/// The dotted words of a variable; `this.x` and `@index` included as written.
fn path(parameter: &Parameter) -> Option<String> {
    match parameter {
        Parameter::Name(n) => Some(n.clone()),
        Parameter::Path(handlebars::Path::Relative((_, raw))) => Some(raw.clone()),
        _ => None,
    }
}

fn nesting(text: &str) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0_usize);
    for part in text.split("{{").skip(1) {
        match part.trim_start_matches('~').chars().next() {
            Some('#' | '^') => depth += 1,
            Some('/') => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    deepest
}
