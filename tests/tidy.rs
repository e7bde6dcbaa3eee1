//! What keeps the house in order: directions of dependencies, registries, fixtures, links, words.

#[path = "tidy/floors.rs"]
mod floors;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn files(folder: &Path, endings: &[&str]) -> Vec<PathBuf> {
    let mut all = vec![];
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let name = entry.file_name().to_string_lossy().into_owned();
        if path.is_dir() && !["target", "node_modules", ".git"].contains(&name.as_str()) {
            all.extend(files(&path, endings));
        } else if endings.iter().any(|e| name.ends_with(e)) {
            all.push(path);
        }
    }
    all.sort();
    all
}

fn read(path: impl AsRef<Path>) -> String {
    fs::read_to_string(path.as_ref()).unwrap_or_else(|e| panic!("{}: {e}", path.as_ref().display()))
}

/// The first minute of a stranger is spent compiling: how many crates that may be, and no optimization across crates, which is for
/// packages (the profile `dist`).
#[test]
fn the_first_build_stays_small() {
    const CRATES_MAX: usize = 400;
    let tree = std::process::Command::new(env!("CARGO"))
        .args(["tree", "--locked", "--package", "vorgang", "--edges", "normal,build", "--prefix", "none", "--format", "{p}"])
        .current_dir(root())
        .output()
        .expect("cargo");
    assert!(tree.status.success(), "{}", String::from_utf8_lossy(&tree.stderr));
    let text = String::from_utf8_lossy(&tree.stdout);
    let named = |line: &'_ str| line.trim_end_matches(" (*)").trim_end_matches(" (proc-macro)").to_owned();
    let crates: BTreeSet<String> = text.lines().filter(|l| !l.is_empty()).map(named).collect();
    assert!(crates.len() > 100, "the tree was not read: {text}");
    assert!(crates.len() <= CRATES_MAX, "{} crates; heavy optional parts go behind features", crates.len());
    let manifest = read(root().join("Cargo.toml"));
    let release = manifest.split("[profile.release]").nth(1).and_then(|p| p.split("[profile.").next()).expect("the profile");
    assert!(!release.contains("lto"), "{release}");
}

/// Who may use whom. `schema` is data, and everybody may read it.
#[test]
fn dependencies_point_one_way() {
    let allowed: &[(&str, &[&str])] = &[
        ("schema", &[]),
        ("definitions", &["schema"]),
        ("engine/core", &["definitions", "schema"]),
        ("engine/store", &["core", "schema"]),
        ("engine/store_postgres", &["store", "core", "schema"]),
        ("engine/store_sqlite", &["store", "core", "schema"]),
        ("engine/runtime", &["core", "mail", "store", "definitions", "schema"]),
        ("mail", &["core"]),
        ("transport", &["core", "definitions", "mail", "runtime", "store"]),
        ("web", &["runtime", "core", "mail", "store", "definitions", "schema"]),
    ];
    for (member, may) in allowed {
        let manifest = read(root().join(member).join("Cargo.toml"));
        let normal = manifest.split("[dev-dependencies]").next().unwrap_or_default();
        for line in normal.lines().filter(|l| l.starts_with("vorgang-")) {
            let used = line.trim_start_matches("vorgang-").split(['.', ' ', '=']).next().unwrap_or_default();
            assert!(
                may.contains(&used),
                "{member} uses {used}: only the composition root in src/ names a database, only web knows HTTP; put a trait where it is used and hand the thing in"
            );
        }
    }
    for (member, forbidden) in
        [("engine/core", ["tokio", "rusqlite", "axum", "getrandom"]), ("definitions", ["tokio", "rusqlite", "axum", "getrandom"])]
    {
        let manifest = read(root().join(member).join("Cargo.toml"));
        for name in forbidden {
            assert!(!manifest.contains(&format!("\n{name}")), "{member} uses {name}: the core has no I/O, no clock, no randomness");
        }
    }
    for file in files(&root().join("engine/core/src"), &[".rs"]) {
        let text = read(&file);
        for word in ["Timestamp::now", "SystemTime", "Instant::now", "async fn", "std::fs"] {
            assert!(!text.contains(word), "{} has {word}: what decide needs comes in the context", file.display());
        }
    }
}

#[test]
fn registries_are_sorted() {
    let codes: Vec<&str> = vorgang_definitions::codes::ALL.iter().map(|(c, _)| *c).collect();
    let verbs: Vec<&str> = vorgang_definitions::actions::VERBS.iter().map(|(v, _)| *v).collect();
    let kinds: Vec<&str> = vorgang_definitions::kinds::kind::Kind::WORDS.to_vec();
    for list in [codes, verbs, kinds, vorgang_definitions::kinds::RESERVED.to_vec(), vorgang_definitions::name::RESERVED.to_vec()] {
        let mut sorted = list.clone();
        sorted.sort_unstable();
        assert_eq!(list, sorted);
    }
}

/// Every code of a finding stands in the text of a fixture; every kind and verb has an example.
#[test]
fn every_check_kind_and_action_has_an_example() {
    let findings: String = files(&root().join("definitions/tests/findings"), &[".txt"]).iter().map(read).collect();
    // No text leads to `not-compiled`: a test of its own compiles with nothing checked.
    for (code, _) in vorgang_definitions::codes::ALL.iter().filter(|(code, _)| *code != "not-compiled") {
        assert!(findings.contains(&format!("[{code}]")), "no fixture shows `{code}`");
    }
    let examples: String = ["examples", "tests/sites"].iter().flat_map(|f| files(&root().join(f), &[".yaml"])).map(read).collect();
    for kind in vorgang_definitions::kinds::kind::Kind::WORDS {
        assert!(examples.contains(&format!("kind: {kind}")), "no example of `kind: {kind}`");
    }
    for (verb, _) in vorgang_definitions::actions::VERBS {
        assert!(examples.contains(&format!("{{ {verb}:")), "no example of the action `{verb}`");
        assert!(root().join(format!("engine/core/src/actions/{verb}.rs")).exists(), "the action `{verb}` has no file in core");
    }
}

/// What ARCHITECTURE.md and the docs name exists.
#[test]
fn links_and_named_files_exist() {
    let mut pages = vec![root().join("README.md"), root().join("ARCHITECTURE.md"), root().join("CHANGELOG.md")];
    pages.extend(files(&root().join("docs"), &[".md"]));
    for page in pages {
        let text = read(&page);
        let folder = page.parent().expect("a folder");
        for link in text.split("](").skip(1).filter_map(|l| l.split(')').next()) {
            let target = link.split('#').next().unwrap_or_default();
            if !target.is_empty() && !target.contains("://") {
                assert!(folder.join(target).exists(), "{} links to {target}", page.display());
            }
        }
        for named in text.split('`').skip(1).step_by(2) {
            let path = named.trim_end_matches('/');
            let is_path = path.contains('/')
                && !path.contains(['{', ' ', '<', '*', '$'])
                && !path.contains("NAME")
                && ["src/", "engine/", "definitions/", "web/", "schema/", "tests/", "examples/", "docs/", "benches/"]
                    .iter()
                    .any(|p| path.starts_with(p));
            assert!(!is_path || root().join(path).exists(), "{} names {path}", page.display());
        }
    }
}

/// Every crate in the manifest has its reason.
#[test]
fn every_dependency_has_its_reason() {
    let manifest = read(root().join("Cargo.toml"));
    let reasons = read(root().join("docs/dependencies.md"));
    let section = manifest.split("[workspace.dependencies]").nth(1).and_then(|s| s.split("\n[").next()).expect("the dependencies");
    for name in section.lines().filter_map(|l| l.split_once(" =").map(|(n, _)| n.trim())).filter(|n| !n.starts_with("vorgang")) {
        assert!(reasons.contains(&format!("`{name}`")), "docs/dependencies.md does not say what {name} is for");
    }
}

/// No page of ours loads anything inline or from elsewhere; budgets of the portal are kept.
#[test]
fn portal_assets_keep_their_budget() {
    let assets = root().join("web/src/assets");
    // gzip reaches a third at least; the plain size bounds it.
    let size = |ending: &str| files(&assets, &[ending]).iter().map(|f| read(f).len()).sum::<usize>();
    assert!(size(".js") < 15 * 1024 && size(".css") < 25 * 1024);
    for file in files(&root().join("web/src"), &[".rs"]) {
        let text = read(&file);
        assert!(!text.contains("onclick=") && !text.contains("style=\""), "{} has something inline", file.display());
    }
}

/// Identifiers never become SQL: only constants and the closed filter are put together.
#[test]
fn sql_is_not_formatted_from_data() {
    let folders = ["engine/store_sqlite/src", "engine/store_postgres/src"].map(|f| root().join(f));
    let text: String = folders.iter().flat_map(|f| files(f, &[".rs"])).map(read).collect();
    let allowed: BTreeSet<&str> = [
        "TICKET",
        "TICKET_ROW",
        "HISTORY_ROW",
        "WORK",
        "condition",
        "cursor",
        "order",
        "compare",
        "marks",
        "and",
        "column",
        "sql",
        "i + 1",
        "CHECKPOINT",
        "INBOX",
        "blob",
        "known",
        "INSTANCE",
        "STEP",
        "NOW",
        "ORPHANED",
        "MARKER",
        "comma",
        "i",
        // Names of tables and columns, from the list of them in `schema`, and numbers.
        "key",
        "read",
        "behind",
        "limit",
        "name",
        "bit",
        "of",
        "rest",
        // Parts of statements that stand beside each other.
        "claim",
        "DELIVERY",
        "BEFORE",
        "rank",
        "owner",
        "broken_off",
        "freed",
        "",
    ]
    .into();
    for statement in text.split("format!(").skip(1) {
        let statement: String = statement.chars().take(600).collect();
        let literal = statement.split('"').nth(1).unwrap_or_default();
        if ["SELECT ", "INSERT ", "UPDATE ", "DELETE ", "PRAGMA "].iter().any(|w| literal.contains(w)) {
            for hole in literal.split('{').skip(1).filter_map(|h| h.split('}').next()) {
                assert!(allowed.contains(hole), "SQL is put together from `{hole}`");
            }
        }
    }
}

/// A ticket changes in one place: `Desk::execute` decides, commits, wakes the lanes and tells open pages. Another caller of
/// the store's `commit` would leave a step out.
#[test]
fn nothing_changes_a_ticket_but_execute() {
    let folders = ["engine/runtime/src", "web/src", "src"];
    let sources = folders.iter().flat_map(|f| files(&root().join(f), &[".rs"]));
    let commits: Vec<String> = sources
        .flat_map(|path| {
            let lines = read(&path).matches("store.commit(").count();
            std::iter::repeat_n(path.strip_prefix(root()).unwrap_or(&path).display().to_string(), lines)
        })
        .collect();
    assert_eq!(commits, ["engine/runtime/src/desk.rs"], "commands go through `Desk::execute`");
    let events =
        files(&root().join("engine/core/src"), &[".rs"]).into_iter().filter(|p| !p.starts_with(root().join("engine/core/src/state")));
    let applied: Vec<_> = events.filter(|p| read(p).contains("apply(&mut self.snapshot")).collect();
    assert_eq!(applied, [root().join("engine/core/src/execution/run.rs")], "events are recorded by `Run::record`");
}

#[test]
fn files_can_be_held_in_mind() {
    for folder in ["definitions/src", "engine", "web/src", "src"] {
        for file in files(&root().join(folder), &[".rs"]) {
            let lines = read(&file).lines().count();
            assert!(lines <= 700, "{} has {lines} lines: split it by noun", file.display());
        }
    }
}
