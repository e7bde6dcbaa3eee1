//! The committed schemas are current, say something about every property, and take and refuse what the loader does.

use serde_json::{Value as Json, json};
use std::path::{Path, PathBuf};
use vorgang_definitions::kinds::kind::Kind;
use vorgang_definitions::kinds::{json_schema, load};
use vorgang_definitions::load::{Loader, PartIds};
use vorgang_definitions::site::read_folder;
use vorgang_definitions::source::Sources;
use vorgang_definitions::yaml::{self, Node, Value};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

#[test]
fn committed_schemas_are_current() {
    let mut files = vec![
        ("vorgang.schema.json".to_owned(), json_schema(None, false)),
        ("vorgang.draft7.schema.json".to_owned(), json_schema(None, true)),
    ];
    for kind in Kind::ALL {
        files.push((format!("{}.schema.json", kind.word()), json_schema(Some(*kind), false)));
    }
    for (name, schema) in files {
        let path = if name.starts_with("vorgang") { root().join("schema").join(&name) } else { root().join("schema/json").join(&name) };
        let text = format!("{schema:#}\n");
        if std::env::var_os("UPDATE_EXPECT").is_some() {
            std::fs::write(&path, &text).expect("the schema is written");
        }
        assert!(std::fs::read_to_string(&path).unwrap_or_default() == text, "{name} is not current: UPDATE_EXPECT=1 rewrites it");
    }
}

#[test]
fn every_property_says_what_it_is() {
    fn walk(at: &str, schema: &Json, poor: &mut Vec<String>) {
        if let Some(properties) = schema["properties"].as_object().filter(|_| schema["additionalProperties"] == false) {
            for (key, property) in properties {
                let small = ["role", "user", "did"].contains(&key.as_str());
                if !small && ["title", "description", "examples"].iter().any(|k| property.get(*k).is_none()) {
                    poor.push(format!("{at}/{key}"));
                }
            }
        }
        match schema {
            Json::Object(map) => map.iter().for_each(|(k, v)| walk(&format!("{at}/{k}"), v, poor)),
            Json::Array(list) => list.iter().for_each(|v| walk(at, v, poor)),
            _ => {}
        }
    }
    let mut poor = vec![];
    walk("", &json_schema(None, false), &mut poor);
    assert!(poor.is_empty(), "without title, description or example: {poor:?}");
}

#[test]
fn examples_in_the_schema_are_valid() {
    // Draft 7 tools show the same examples; the loader must take each where it stands.
    let schema = json_schema(None, false);
    let root = schema.clone();
    fn walk(root: &Json, schema: &Json, wrong: &mut Vec<String>) {
        if let (Some(examples), Some(_)) = (schema["examples"].as_array(), schema.as_object()) {
            let mut alone = schema.clone();
            alone["$defs"] = root["$defs"].clone();
            if let Ok(validator) = jsonschema::validator_for(&alone) {
                wrong.extend(examples.iter().filter(|e| !validator.is_valid(e)).map(|e| format!("{}: {e}", schema["title"])));
            }
        }
        match schema {
            Json::Object(map) => map.iter().filter(|(k, _)| *k != "examples").for_each(|(_, v)| walk(root, v, wrong)),
            Json::Array(list) => list.iter().for_each(|v| walk(root, v, wrong)),
            _ => {}
        }
    }
    let mut wrong = vec![];
    walk(&root, &schema, &mut wrong);
    assert!(wrong.is_empty(), "{wrong:?}");
}

/// Every definition of the examples and the fixtures, and each of them with one node changed: the loader takes it
/// exactly when the schema does.
#[test]
fn schema_and_loader_have_the_same_extent() {
    let validator = jsonschema::validator_for(&json_schema(None, false)).expect("a valid schema");
    let mut definitions = vec![];
    for folder in ["examples", "definitions/tests/findings"] {
        for file in read_folder(&root().join(folder)).expect("files") {
            let mut sources = Sources::default();
            let id = sources.add(file.path, file.text.as_str());
            let mut findings = vec![];
            let nodes = yaml::parse(&sources, id, &mut findings);
            // What is no YAML has no JSON to compare.
            if findings.is_empty() {
                definitions.extend(nodes.into_iter().flat_map(|n| match n.value {
                    Value::List(items) => items,
                    _ => vec![n],
                }));
            }
        }
    }
    let mut compared = 0;
    let mut wrong: Vec<String> = vec![];
    for definition in &definitions {
        let json = definition.to_json();
        for candidate in std::iter::once(json.clone()).chain(mutants(&json)) {
            compared += 1;
            let node = Node::from_json(&candidate, definition.span);
            let (loads, codes) = loads(&node);
            let valid = validator.is_valid(&candidate);
            // What a schema cannot say: that a zone exists, that a name is reserved, that a time comes.
            let beyond = codes.iter().all(|c| ["bad-zone", "bad-name", "schedule"].contains(c)) && !codes.is_empty();
            if loads != valid && !(valid && beyond) {
                wrong.push(format!("loader {loads} ({codes:?}), schema {valid}: {}", difference(&json, &candidate, "")));
            }
        }
    }
    wrong.sort();
    wrong.dedup();
    wrong.truncate(30);
    assert!(compared > 1_000, "only {compared} compared");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn loads(node: &Node) -> (bool, Vec<&'static str>) {
    let mut diagnostics = vec![];
    let mut sources = Sources::default();
    sources.add("x", "");
    let loaded = load(node, &mut Loader::new(&sources, &mut diagnostics, &mut PartIds::default()));
    (loaded.is_some() && diagnostics.is_empty(), diagnostics.iter().map(|d| d.code).collect())
}

/// Where the two differ, and how.
fn difference(a: &Json, b: &Json, at: &str) -> String {
    match (a, b) {
        (Json::Object(x), Json::Object(y)) => {
            let key = x.keys().chain(y.keys()).find(|k| x.get(*k) != y.get(*k));
            key.map_or("nowhere".into(), |k| {
                difference(x.get(k).unwrap_or(&Json::Null), y.get(k).unwrap_or(&json!("(removed)")), &format!("{at}/{k}"))
            })
        }
        (Json::Array(x), Json::Array(y)) if x.len() == y.len() => {
            let i = (0..x.len()).find(|i| x[*i] != y[*i]);
            i.map_or("nowhere".into(), |i| difference(&x[i], &y[i], &format!("{at}/{i}")))
        }
        _ => format!("{at}: {a} -> {b}").chars().take(200).collect(),
    }
}

/// The definition with one node replaced, one key added, one key removed: at every place.
fn mutants(json: &Json) -> Vec<Json> {
    let mut out = vec![];
    match json {
        Json::Object(map) => {
            for (key, value) in map {
                let mut without = map.clone();
                without.remove(key);
                out.push(Json::Object(without));
                for other in [json!(null), json!(true), json!(7), json!("word"), json!([]), json!({}), json!([{}])] {
                    let mut changed = map.clone();
                    changed.insert(key.clone(), other);
                    out.push(Json::Object(changed));
                }
                for deeper in mutants(value) {
                    let mut changed = map.clone();
                    changed.insert(key.clone(), deeper);
                    out.push(Json::Object(changed));
                }
            }
            let mut more = map.clone();
            more.insert("surplus".into(), json!("x"));
            out.push(Json::Object(more));
        }
        Json::Array(items) => {
            for (i, item) in items.iter().enumerate() {
                for deeper in mutants(item) {
                    let mut changed = items.clone();
                    changed[i] = deeper;
                    out.push(Json::Array(changed));
                }
            }
        }
        _ => {}
    }
    out
}
