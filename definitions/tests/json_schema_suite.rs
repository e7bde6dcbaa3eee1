//! The JSON-Schema-Test-Suite (draft 2020-12) on the validator that checks our schemas against definitions in tests.

use serde_json::Value as Json;
use std::path::PathBuf;

/// Files of what our schemas do not use, and what the validator leaves to an option.
const OPTIONAL: &[&str] = &["format.json", "content.json", "refRemote.json", "vocabulary.json"];

#[test]
fn the_validator_keeps_to_the_standard() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/json-schema-2020-12");
    let mut files: Vec<PathBuf> = std::fs::read_dir(&folder).into_iter().flatten().flatten().map(|e| e.path()).collect();
    files.retain(|f| f.extension().is_some_and(|e| e == "json"));
    files.sort();
    if files.is_empty() {
        eprintln!("SKIPPED: ../shared/data/json-schema-2020-12 is not there");
        return;
    }
    let (mut passed, mut remote, mut wrong) = (0, 0, vec![]);
    for file in &files {
        let name = file.file_name().expect("a name").to_string_lossy().into_owned();
        let groups: Vec<Json> = serde_json::from_str(&std::fs::read_to_string(file).expect("a file")).expect("JSON");
        for group in &groups {
            let tests = group["tests"].as_array().expect("tests");
            // What is to be fetched from elsewhere cannot be had.
            let Ok(validator) = jsonschema::draft202012::new(&group["schema"]) else {
                remote += tests.len();
                continue;
            };
            for test in tests {
                if validator.is_valid(&test["data"]) == (test["valid"] == true) {
                    passed += 1;
                } else if !OPTIONAL.contains(&name.as_str()) {
                    wrong.push(format!("{name}: {} / {}", group["description"], test["description"]));
                }
            }
        }
    }
    println!("{passed} pass, {remote} need schemas from elsewhere, {} differ", wrong.len());
    assert!(wrong.is_empty() && passed > 1_000, "{passed} pass, {remote} need others:\n{}", wrong.join("\n"));
}
