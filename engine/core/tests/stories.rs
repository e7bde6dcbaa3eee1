//! Stories that go as they should and stories that do not, each with what their author reads.

use std::path::Path;
use vorgang_core::story::play;
use vorgang_definitions::diagnostic::render_human;
use vorgang_definitions::site::{load, read_folder};

/// `UPDATE_EXPECT=1` rewrites the expected text.
#[test]
fn failures_say_what_was_found() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/stories");
    let loaded = load(&read_folder(&folder).expect("the site"), &[]);
    assert_eq!(render_human(&loaded.sources, &loaded.diagnostics, false), "");
    let model = loaded.model.expect("a model");
    let mut said = String::new();
    for report in model.tests.iter().map(|test| play(&model, test)) {
        said += &format!("{}: {}\n", report.name, if report.failures.is_empty() { "good" } else { "failed" });
        report.failures.iter().for_each(|(_, message)| said += &format!("  {message}\n"));
        if report.name == "missed" {
            report.log.iter().for_each(|line| said += &format!("    | {line}\n"));
        }
    }
    let path = folder.join("site.txt");
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(&path, &said).expect("the expected text is written");
    }
    assert_eq!(said, std::fs::read_to_string(&path).unwrap_or_default(), "UPDATE_EXPECT=1 rewrites it");
}
