//! Definitions with all findings that they should have, by code and line.

use serde::Deserialize;
use std::path::Path;
use vorgang_definitions::diagnostic::render_human;
use vorgang_definitions::site::{SiteFile, load};
use vorgang_definitions::source::Sources;
use vorgang_definitions::yaml;

#[derive(Deserialize)]
struct Case {
    name: String,
    text: Option<String>,
    activities: Option<String>,
    findings: Vec<String>,
}

const HEAD: &str = "kind: Process\nname: p\nstarts: [ { by: agent, at: ask } ]\n\
                    ticket: { type: claim, queue: desk, state: new, priority: normal }\nactivities:\n";

fn cases(path: &Path) -> Vec<Case> {
    let mut sources = Sources::default();
    let file = sources.add("cases.yaml", std::fs::read_to_string(path).expect("the cases"));
    let mut wrong = vec![];
    let nodes = yaml::parse(&sources, file, &mut wrong);
    assert!(wrong.is_empty(), "{}", render_human(&sources, &wrong, false));
    serde_json::from_value(nodes[0].to_json()).expect("cases")
}

#[test]
fn every_case_has_its_findings_and_no_other() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let base = std::fs::read_to_string(folder.join("findings/_base.yaml")).expect("the base");
    let cases = cases(&folder.join("cases.yaml"));
    let mut wrong = vec![];
    for case in &cases {
        let (text, before) = match (&case.text, &case.activities) {
            (Some(text), None) => (text.clone(), 0),
            (None, Some(activities)) => {
                let indented: String = activities.lines().map(|l| format!("  {l}\n")).collect();
                (format!("{HEAD}{indented}"), HEAD.lines().count())
            }
            _ => panic!("{} has `text` or `activities`", case.name),
        };
        let files = [SiteFile { path: "base.yaml".into(), text: base.clone() }, SiteFile { path: format!("{}.yaml", case.name), text }];
        let loaded = load(&files, &[]);
        let line = |d: &vorgang_definitions::diagnostic::Diagnostic| loaded.sources.line_column(d.span).0.saturating_sub(before);
        let mut found: Vec<String> = loaded.diagnostics.iter().map(|d| format!("{} {}", d.code, line(d))).collect();
        let mut wanted = case.findings.clone();
        found.sort();
        wanted.sort();
        if found != wanted {
            let said = render_human(&loaded.sources, &loaded.diagnostics, false);
            wrong.push(format!("{}: found {found:?}, expected {wanted:?}\n{said}", case.name));
        }
    }
    assert!(cases.len() >= 80, "{} cases", cases.len());
    assert!(wrong.is_empty(), "{} of {} cases:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}
