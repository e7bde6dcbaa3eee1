//! Commands for whoever writes definitions: nothing here needs a database.

use crate::{End, color};
use anyhow::Context;
use serde_json::json;
use std::collections::BTreeMap;
use std::path::Path;
use vorgang_core::coverage::{Coverage, Covered, Part};
use vorgang_core::story::{self, Report};
use vorgang_definitions::cel::functions;
use vorgang_definitions::diagnostic::{self, Diagnostic, Severity};
use vorgang_definitions::diagram::{self, Mark};
use vorgang_definitions::kinds::handler::EVENTS;
use vorgang_definitions::kinds::kind::Kind;
use vorgang_definitions::site::{self, Loaded, SiteFile};
use vorgang_definitions::soundness::fault::{Answer, Fault};
use vorgang_definitions::source::Span;
use vorgang_definitions::{actions, codes, kinds, soundness};

pub fn read(site: &Path) -> anyhow::Result<Vec<SiteFile>> {
    let files = site::read_folder(site).with_context(|| format!("cannot read {}", site.display()))?;
    anyhow::ensure!(!files.is_empty(), "{} has no *.yaml", site.display());
    Ok(files)
}

/// Findings go to stdout: they are what was asked for.
pub fn print(loaded_sources: &vorgang_definitions::source::Sources, diagnostics: &[Diagnostic]) {
    print!("{}", diagnostic::render_human(loaded_sources, diagnostics, color(&std::io::stdout())));
}

pub fn check(site: &Path, json: bool, deny_warnings: bool, fix: bool) -> anyhow::Result<End> {
    let mut loaded = site::load(&read(site)?, &[]);
    if fix {
        // A replacement can uncover the next finding; a few rounds reach the end.
        for _ in 0..5 {
            if apply_fixes(&loaded)? == 0 {
                break;
            }
            loaded = site::load(&read(site)?, &[]);
        }
    }
    let count = |s: Severity| loaded.diagnostics.iter().filter(|d| d.severity == s).count();
    let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
    if json {
        println!("{:#}", diagnostic::render_json(&loaded.sources, &loaded.diagnostics));
    } else {
        print(&loaded.sources, &loaded.diagnostics);
        let plural = |n: usize, word: &str| format!("{n} {word}{}", if n == 1 { "" } else { "s" });
        eprintln!("{}: {}, {}", site.display(), plural(errors, "error"), plural(warnings, "warning"));
    }
    Ok(if errors > 0 || (deny_warnings && warnings > 0) { End::Found } else { End::Good })
}

/// Writes the certain replacements, from the end of each file to its beginning.
fn apply_fixes(loaded: &Loaded) -> anyhow::Result<usize> {
    let mut by_file: BTreeMap<u32, Vec<_>> = BTreeMap::new();
    for fix in loaded.diagnostics.iter().filter_map(|d| d.fix.as_ref()) {
        by_file.entry(fix.span.file).or_default().push(fix);
    }
    let mut done = 0;
    for (file, mut fixes) in by_file {
        let source = loaded.sources.file(file);
        let mut text = source.text.to_string();
        fixes.sort_by_key(|f| std::cmp::Reverse(f.span.start));
        let mut before = usize::MAX;
        for fix in fixes {
            if fix.span.end as usize <= before && text.get(fix.span.range()).is_some() {
                text.replace_range(fix.span.range(), &fix.text);
                before = fix.span.start as usize;
                done += 1;
            }
        }
        std::fs::write(&source.path, text).with_context(|| format!("cannot write {}", source.path))?;
    }
    Ok(done)
}

/// The site's tests, played; `None` where the definitions do not check, which was said.
/// Plays the site's tests, or those that are named.
fn played(site: &Path, names: &[String], json: bool) -> anyhow::Result<Option<(Loaded, Vec<Report>)>> {
    let loaded = site::load(&read(site)?, &[]);
    let Some(model) = &loaded.model else {
        if json {
            println!("{:#}", diagnostic::render_json(&loaded.sources, &loaded.diagnostics));
        } else {
            print(&loaded.sources, &loaded.diagnostics);
            eprintln!("{}: the definitions do not check, so nothing was tested", site.display());
        }
        return Ok(None);
    };
    if let Some(unknown) = names.iter().find(|n| !model.tests.iter().any(|t| t.name == n.as_str())) {
        let hint = diagnostic::did_you_mean(unknown, model.tests.iter().map(|t| t.name.as_str()));
        anyhow::bail!("no test is called `{unknown}`{}", hint.map_or(String::new(), |h| format!("; {h}")));
    }
    let meant = model.tests.iter().filter(|t| names.is_empty() || names.iter().any(|n| t.name == n.as_str()));
    let reports = meant.map(|t| story::play(model, t)).collect();
    Ok(Some((loaded, reports)))
}

fn covered(loaded: &Loaded, reports: &[Report]) -> Vec<Covered> {
    let mut all = Coverage::default();
    reports.iter().for_each(|r| all.merge(&r.coverage));
    loaded.model.as_ref().map(|m| all.covered(m)).unwrap_or_default()
}

fn end(reports: &[Report]) -> End {
    if reports.iter().all(|r| r.failures.is_empty()) { End::Good } else { End::Found }
}

pub fn test(site: &Path, names: &[String], missing: bool) -> anyhow::Result<End> {
    let Some((loaded, reports)) = played(site, names, false)? else { return Ok(End::Found) };
    for r in &reports {
        println!("{} {}", if r.failures.is_empty() { "ok    " } else { "FAILED" }, r.name);
        for (span, message) in &r.failures {
            let (line, column) = loaded.sources.line_column(*span);
            println!("       {}:{line}:{column}: {message}", loaded.sources.file(span.file).path);
        }
        if !r.failures.is_empty() {
            println!("       what happened:");
            for line in &r.log {
                println!("         {line}");
            }
        }
    }
    let failed = reports.iter().filter(|r| !r.failures.is_empty()).count();
    println!("{} passed, {failed} failed", reports.len() - failed);
    for c in covered(&loaded, &reports) {
        let parts: Vec<String> =
            c.parts.iter().filter(|p| p.total > 0).map(|p| format!("{} of {} {}", p.reached(), p.total, p.name)).collect();
        println!("{}: {} reached", c.process.as_deref().unwrap_or("the site"), parts.join(", "));
        for part in c.parts.iter().filter(|p| missing && !p.missing.is_empty()) {
            println!("       no test reaches these {}: {}", part.name, part.missing.join(", "));
        }
    }
    Ok(end(&reports))
}

pub fn test_json(site: &Path, names: &[String]) -> anyhow::Result<End> {
    let Some((loaded, reports)) = played(site, names, true)? else { return Ok(End::Found) };
    let one = |r: &Report| {
        let failure = |(span, message): &(Span, String)| {
            let (line, column) = loaded.sources.line_column(*span);
            json!({"file": loaded.sources.file(span.file).path, "line": line, "column": column, "message": message})
        };
        let failures: Vec<_> = r.failures.iter().map(failure).collect();
        json!({"name": r.name, "passed": r.failures.is_empty(), "failures": failures, "log": r.log})
    };
    let part = |p: &Part| json!({"name": p.name, "total": p.total, "reached": p.reached(), "missing": p.missing});
    let coverage: Vec<_> = covered(&loaded, &reports)
        .iter()
        .map(|c| json!({"process": c.process, "parts": c.parts.iter().map(part).collect::<Vec<_>>()}))
        .collect();
    let failed = reports.iter().filter(|r| !r.failures.is_empty()).count();
    let tests: Vec<_> = reports.iter().map(one).collect();
    println!("{:#}", json!({"version": 1, "passed": reports.len() - failed, "failed": failed, "tests": tests, "coverage": coverage}));
    Ok(end(&reports))
}

/// How often a watched folder is looked at.
const LOOK: std::time::Duration = std::time::Duration::from_millis(300);

/// Tests now, and whenever a file has changed.
pub async fn watch(site: &Path, once: impl Fn() -> anyhow::Result<End>) -> anyhow::Result<End> {
    let mut before = None;
    loop {
        // While an editor saves, a file may be missing for a moment.
        let files = read(site).ok();
        if files.is_some() && files != before {
            if let Err(error) = once() {
                eprintln!("{error:#}");
            }
            before = files;
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// As continuous integration reads it.
pub fn test_junit(site: &Path, names: &[String]) -> anyhow::Result<End> {
    let Some((loaded, reports)) = played(site, names, false)? else { return Ok(End::Found) };
    let escape = |t: &str| {
        let plain: String = t.chars().map(|c| if c.is_control() && c != '\n' { ' ' } else { c }).collect();
        plain.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
    };
    let failed = reports.iter().filter(|r| !r.failures.is_empty()).count();
    let name = escape(&site.display().to_string());
    println!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>");
    println!("<testsuites><testsuite name=\"{name}\" tests=\"{}\" failures=\"{failed}\" errors=\"0\">", reports.len());
    for r in &reports {
        println!("  <testcase classname=\"{name}\" name=\"{}\">", escape(&r.name));
        for (span, message) in &r.failures {
            let (line, column) = loaded.sources.line_column(*span);
            let place = format!("{}:{line}:{column}", loaded.sources.file(span.file).path);
            println!("    <failure message=\"{}\">{}</failure>", escape(message), escape(&format!("{place}\n{}", r.log.join("\n"))));
        }
        println!("  </testcase>");
    }
    println!("</testsuite></testsuites>");
    Ok(end(&reports))
}

pub fn graph(site: &Path, process: &str, mermaid: bool, coverage: bool, language: &str) -> anyhow::Result<End> {
    let loaded = site::load_to_draw(&read(site)?);
    let Some(model) = &loaded.model else {
        eprint!("{}", diagnostic::render_human(&loaded.sources, &loaded.diagnostics, color(&std::io::stderr())));
        return Ok(End::Found);
    };
    let Some(found) = model.processes.get(process) else {
        let hint = diagnostic::did_you_mean(process, model.processes.keys().map(String::as_str));
        let known = model.processes.keys().cloned().collect::<Vec<_>>().join(", ");
        eprintln!("no process is called `{process}`; {}", hint.unwrap_or_else(|| format!("there are {known}")));
        return Ok(End::Usage);
    };
    let mut marks = BTreeMap::new();
    if coverage {
        let mut all = Coverage::default();
        model.tests.iter().for_each(|t| all.merge(&story::play(model, t).coverage));
        let reached = |a: &str| all.activities.contains(&(process.to_owned(), a.to_owned()));
        marks.extend(found.def.activities.names().map(|a| (a.to_owned(), if reached(a) { Mark::Done } else { Mark::Failed })));
    }
    // A net that is not sound is drawn with the way that shows it.
    let fault = match soundness::decide(&model.names, &found.def) {
        Answer::Unsound(faults) => faults.into_iter().find(|f| !matches!(f, Fault::Second { .. })),
        Answer::Sound | Answer::Undecided => None,
    };
    if let Some(fault) = &fault {
        eprintln!("{fault}");
        marks = fault.path().iter().map(|s| (s.at.clone(), Mark::Done)).collect();
        marks.insert(fault.activity().to_owned(), Mark::Failed);
    }
    let graph = diagram::graph(model, &found.def, language, &marks, false);
    println!("{}", if mermaid { diagram::mermaid(&graph) } else { diagram::svg(&graph, true) });
    Ok(if fault.is_some() { End::Found } else { End::Good })
}

pub fn explain(word: &str) -> anyhow::Result<End> {
    if let Some(text) = codes::explain(word) {
        println!("{word}\n\n{text}");
        return Ok(End::Good);
    }
    if let Some(kind) = Kind::from_word(word) {
        println!("kind: {word}\n\n{}\n\nKeys:", kind.doc());
        let schema = kinds::json_schema(Some(kind), false);
        let properties = schema["$defs"][word]["properties"].as_object().cloned().unwrap_or_default();
        let required = schema["$defs"][word]["required"].as_array().cloned().unwrap_or_default();
        for (key, property) in properties {
            let must = if required.iter().any(|r| r == key.as_str()) { " (required)" } else { "" };
            println!("  {key}{must}: {}", property["description"].as_str().unwrap_or(""));
        }
        return Ok(End::Good);
    }
    if word == "functions" {
        for (purpose, entries) in functions::list() {
            println!("{purpose}");
            entries.iter().for_each(|(calls, doc)| println!("  {calls}\n      {doc}"));
            println!();
        }
        return Ok(End::Good);
    }
    if let Some(function) = functions::find(word) {
        println!("{}\n\n{}", function.calls(), function.doc);
        for (expression, value) in function.examples {
            println!("  {expression}  gives  {value}");
        }
        return Ok(End::Good);
    }
    if let Some((verb, doc)) = actions::VERBS.iter().find(|(v, _)| *v == word) {
        println!("action `{verb}`\n\n{doc}");
        return Ok(End::Good);
    }
    if let Some((_, _, text)) = functions::SPECIAL.iter().find(|(_, w, _)| *w == word) {
        println!("{text}");
        return Ok(End::Good);
    }
    if let Some((event, what)) = EVENTS.iter().find(|(e, _)| *e == word) {
        println!("event `{event}`\n\n{what}");
        return Ok(End::Good);
    }
    let keys = keys();
    let found: Vec<&Key> = keys.iter().filter(|k| k.name == word).collect();
    for key in &found {
        println!("`{word}` of {}: {}", key.of, key.doc);
        if let Some(example) = &key.example {
            println!("  {word}: {example}");
        }
    }
    if !found.is_empty() {
        return Ok(End::Good);
    }
    let all = codes::ALL
        .iter()
        .map(|(c, _)| *c)
        .chain(Kind::WORDS.iter().copied())
        .chain(functions::all().map(|f| f.name))
        .chain(functions::SPECIAL.iter().map(|(_, name, _)| *name))
        .chain(["functions"])
        .chain(actions::VERBS.iter().map(|(v, _)| *v))
        .chain(EVENTS.iter().map(|(e, _)| *e))
        .chain(keys.iter().map(|k| k.name.as_str()));
    eprintln!(
        "nothing is known of `{word}`; {}",
        diagnostic::did_you_mean(word, all)
            .unwrap_or_else(|| "name the code of a finding, a kind, a key, a verb, an event or a function".into())
    );
    Ok(End::Usage)
}

/// A key of some definition.
struct Key {
    name: String,
    /// The part of a definition that it is a key of.
    of: String,
    doc: String,
    example: Option<serde_json::Value>,
}

/// Every key that the schema describes, but for the actions, which are verbs.
fn keys() -> Vec<Key> {
    let schema = kinds::json_schema(None, false);
    let defs = schema["$defs"].as_object().cloned().unwrap_or_default();
    let mut all = vec![];
    for (of, def) in &defs {
        for (name, property) in def["properties"].as_object().into_iter().flatten() {
            let doc = property["description"].as_str().unwrap_or_default().to_owned();
            all.push(Key { name: name.clone(), of: of.clone(), doc, example: property["examples"].get(0).cloned() });
        }
    }
    all
}

pub fn schema(kind: Option<&str>, draft: &str) -> anyhow::Result<End> {
    if !["7", "2020-12"].contains(&draft) {
        eprintln!("the draft is 2020-12 or 7");
        return Ok(End::Usage);
    }
    let kind = match kind {
        None => None,
        Some(word) => match Kind::from_word(word) {
            Some(kind) => Some(kind),
            None => {
                eprintln!("no kind is called `{word}`; kinds are {}", Kind::WORDS.join(", "));
                return Ok(End::Usage);
            }
        },
    };
    println!("{:#}", kinds::json_schema(kind, draft == "7"));
    Ok(End::Good)
}
