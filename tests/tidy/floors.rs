//! The floors of every crate. A module imports from its own floor and from those below it, and modules that import each
//! other in a circle are few. Imports are read from the text: `use` statements and paths that begin with `crate`, `super`,
//! `self` or a child module. Tests inside a module are left out.

use super::{files, read, root};
use std::collections::{BTreeMap, BTreeSet};

/// Most modules of one circle.
const CIRCLE_MAX: usize = 3;

/// The crates, each with its floors from the lowest up: top-level modules that may import each other.
const CRATES: &[(&str, &[&[&str]])] = &[
    (
        "definitions/src",
        &[
            &["codes", "counter_example", "decimal", "hit_policy", "source", "value_error"],
            &["diagnostic"],
            &["yaml"],
            &["canonical", "load", "name", "text", "zone"],
            &["calendar", "cel", "decision", "display", "duration_text", "phase", "record", "template", "value_expr"],
            &["actions", "kinds"],
            &["acls", "data_types", "names", "net"],
            &["holidays", "model", "outcomes", "values"],
            &["diagram", "soundness"],
            &["check"],
            &["site"],
            &["mutants"],
        ],
    ),
    (
        "engine/core/src",
        &[
            &["state"],
            &["rules"],
            &["execution"],
            &["net"],
            &["react"],
            &["commands"],
            &["actions"],
            &["dispatch"],
            &["view"],
            &["coverage"],
            &["story"],
        ],
    ),
    (
        "engine/store/src",
        &[
            &[
                "articles",
                "checkpoints",
                "courier",
                "deliveries",
                "desk_events",
                "due",
                "error",
                "files",
                "health",
                "history",
                "inbox",
                "jobs",
                "measures",
                "names",
                "nodes",
                "notifications",
                "people",
                "redaction",
                "requests",
                "revisions",
                "secrets",
                "security",
                "site",
                "tickets",
                "timers",
                "transfer",
                "words",
                "work",
            ],
            &["conformance"],
        ],
    ),
    (
        "engine/store_sqlite/src",
        &[
            &["claims", "filter_sql", "names", "rows"],
            &["connection", "tables"],
            &["read", "reads", "transfer", "writer"],
            &["checkpoint"],
            &["open"],
            &[
                "articles",
                "checkpoints",
                "courier",
                "deliveries",
                "desk_events",
                "due",
                "health",
                "history",
                "inbox",
                "jobs",
                "measures",
                "nodes",
                "notifications",
                "people",
                "redaction",
                "requests",
                "revisions",
                "search",
                "secrets",
                "security",
                "site",
                "tickets",
                "timers",
                "work",
            ],
        ],
    ),
    (
        "engine/store_postgres/src",
        &[
            &["arg", "batch", "rows"],
            &["filter_sql", "read", "server", "tables"],
            &["names", "node", "write"],
            &["migrate", "transfer", "writer"],
            &["store"],
            &[
                "articles",
                "checkpoints",
                "courier",
                "deliveries",
                "desk_events",
                "due",
                "health",
                "history",
                "inbox",
                "jobs",
                "measures",
                "nodes",
                "notifications",
                "people",
                "redaction",
                "requests",
                "revisions",
                "search",
                "secrets",
                "security",
                "site",
                "tickets",
                "timers",
                "work",
            ],
        ],
    ),
    (
        "engine/runtime/src",
        &[
            &[
                "attention",
                "audit",
                "brake",
                "clock",
                "lane",
                "live",
                "locks",
                "numbers",
                "quota",
                "secrets",
                "threads",
                "told",
                "trace",
                "transfer",
                "wakes",
            ],
            &["desk", "intake", "scales"],
            &["accounts", "demo", "erase", "jobs", "limiter", "measures", "revisions", "search", "security", "view", "wake"],
            &["checkpoints", "delivery", "desk_events", "nodes", "timers"],
            &["courier", "outbox", "programs"],
        ],
    ),
    (
        "mail/src",
        &[
            &["address", "budget", "calendar", "charset", "flat", "flowed", "lexical", "signed", "transfer"],
            &["author", "html", "rtf", "words"],
            &["tnef"],
            &["files"],
            &["report"],
            &["nature"],
        ],
    ),
    (
        "transport/src",
        &[
            &["message", "secrets", "spool", "verify"],
            &["listener", "tls"],
            &["imap", "oauth"],
            &["pool", "pop3", "smtp"],
            &["fetch"],
            &["post"],
        ],
    ),
    (
        "web/src",
        &[
            &["assets", "backlog", "caller", "door", "flow", "quotes", "texts", "who"],
            &["session"],
            &["layout"],
            &["open_work", "problem", "widgets"],
            &["admission", "extract", "forms", "input"],
            &["call"],
            &["api", "asset_files", "kept", "pages", "stream"],
            &["auth", "openapi", "routes"],
        ],
    ),
    (
        "src",
        &[
            &["author", "database", "protocol", "seal", "traces"],
            &["answers", "backups", "explain", "mutants", "sweep"],
            &["control"],
            &["operate", "serve", "transfer"],
            &["config", "doctor", "job", "mail"],
        ],
    ),
];

/// A module's path inside its crate; the crate's own file is the empty one.
type Module = Vec<String>;

/// The imports of each module of a crate, each with the imported path.
struct Imports {
    of: BTreeMap<Module, BTreeMap<Module, String>>,
}

impl Imports {
    fn read(folder: &str) -> Self {
        let base = root().join(folder);
        let mut texts: BTreeMap<Module, String> = BTreeMap::new();
        for path in files(&base, &[".rs"]) {
            let relative = path.strip_prefix(&base).expect("inside the crate").with_extension("");
            let mut module: Module = relative.iter().map(|part| part.to_string_lossy().into_owned()).collect();
            if module.last().is_some_and(|last| ["lib", "main", "mod"].contains(&last.as_str())) {
                module.pop();
            }
            texts.insert(module, code(&read(&path)));
        }
        let mut of = BTreeMap::new();
        for (module, text) in &texts {
            let mut targets = BTreeMap::new();
            for path in paths(text) {
                let Some(target) = resolved(module, &path, &texts) else { continue };
                if !target.is_empty() && target != *module {
                    targets.entry(target).or_insert_with(|| path.join("::"));
                }
            }
            of.insert(module.clone(), targets);
        }
        Self { of }
    }

    /// Modules that can reach each other (the strongly connected components of R. Tarjan, 1972), here by reachability.
    fn circles(&self) -> Vec<BTreeSet<Module>> {
        let reach: BTreeMap<&Module, BTreeSet<&Module>> = self.of.keys().map(|m| (m, self.reached(m))).collect();
        let mut circles: Vec<BTreeSet<Module>> = vec![];
        for (module, reached) in &reach {
            let circle: BTreeSet<Module> =
                reached.iter().filter(|m| reach.get(**m).is_some_and(|back| back.contains(*module))).map(|m| (*m).clone()).collect();
            if circle.len() > 1 && !circles.contains(&circle) {
                circles.push(circle);
            }
        }
        circles
    }

    fn reached<'a>(&'a self, from: &'a Module) -> BTreeSet<&'a Module> {
        let mut reached = BTreeSet::new();
        let mut open = vec![from];
        while let Some(module) = open.pop() {
            for target in self.of.get(module).into_iter().flat_map(BTreeMap::keys) {
                if reached.insert(target) {
                    open.push(target);
                }
            }
        }
        reached
    }
}

/// The text without comments, strings and the tests at its end.
fn code(text: &str) -> String {
    let text = text.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
    let mut plain = String::new();
    for line in text.lines() {
        let mut in_string = false;
        let mut characters = line.chars().peekable();
        while let Some(c) = characters.next() {
            match c {
                '\\' if in_string => _ = characters.next(),
                '"' => in_string = !in_string,
                '/' if !in_string && characters.peek() == Some(&'/') => break,
                _ if in_string => {}
                _ => plain.push(c),
            }
        }
        plain.push('\n');
    }
    plain
}

/// Paths of `use` statements, whole, and paths of more than one part elsewhere.
fn paths(text: &str) -> Vec<Vec<String>> {
    let mut found = vec![];
    let mut rest = text;
    while let Some(at) = rest.find(|c: char| c.is_alphabetic() || c == '_') {
        let word_end = rest[at..].find(|c: char| !(c.is_alphanumeric() || c == '_')).map_or(rest.len(), |n| at + n);
        let begins = !rest[..at].ends_with("::") && !rest[..at].ends_with('.');
        if begins && &rest[at..word_end] == "use" {
            let end = rest[word_end..].find(';').map_or(rest.len(), |n| word_end + n);
            expand(&[], &rest[word_end..end], &mut found);
            rest = &rest[end..];
            continue;
        }
        let end = rest[at..].find(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':')).map_or(rest.len(), |n| at + n);
        let path: Vec<String> = rest[at..end].split("::").filter(|p| !p.is_empty()).map(str::to_owned).collect();
        if begins && path.len() > 1 && rest[at..end].contains("::") {
            found.push(path);
        }
        rest = &rest[end..];
    }
    found
}

/// The single paths of a tree of imports.
fn expand(prefix: &[String], tree: &str, found: &mut Vec<Vec<String>>) {
    let tree = tree.trim();
    let path = |text: &str| prefix.iter().cloned().chain(text.split("::").filter(|p| !p.is_empty()).map(str::to_owned)).collect::<Vec<_>>();
    let Some(open) = tree.find('{') else {
        let name = tree.split_whitespace().next().unwrap_or_default();
        if !name.is_empty() {
            found.push(path(name));
        }
        return;
    };
    let inner = path(&tree[..open]);
    let (mut depth, mut begin) = (0, open + 1);
    for (at, c) in tree.char_indices().skip_while(|(at, _)| *at <= open) {
        match c {
            '{' => depth += 1,
            '}' if depth > 0 => depth -= 1,
            ',' | '}' if depth == 0 => {
                expand(&inner, &tree[begin..at], found);
                begin = at + 1;
            }
            _ => {}
        }
    }
}

/// The module of this crate in which the path ends; `None` for paths of other crates.
fn resolved(module: &Module, path: &[String], texts: &BTreeMap<Module, String>) -> Option<Module> {
    let mut at: Module = module.clone();
    let mut rest = path;
    match rest.first()?.as_str() {
        "crate" => {
            at.clear();
            rest = &rest[1..];
        }
        "self" | "super" => {
            while let Some(step @ ("self" | "super")) = rest.first().map(String::as_str) {
                if step == "super" {
                    at.pop();
                }
                rest = &rest[1..];
            }
        }
        child if texts.contains_key(&[at.clone(), vec![child.to_owned()]].concat()) => {}
        _ => return None,
    }
    for part in rest {
        let next = [at.clone(), vec![part.clone()]].concat();
        if !texts.contains_key(&next) {
            break;
        }
        at = next;
    }
    Some(at)
}

#[test]
fn modules_import_from_their_floor_and_below() {
    let mut wrong = vec![];
    for (folder, floors) in CRATES {
        let floor = |module: &Module| floors.iter().position(|floor| floor.contains(&module[0].as_str()));
        for (module, targets) in Imports::read(folder).of.iter().filter(|(module, _)| !module.is_empty()) {
            let Some(own) = floor(module) else {
                wrong.push(format!("{folder}: `{}` stands on no floor: name it in tests/tidy/floors.rs", module.join("::")));
                continue;
            };
            for (target, name) in targets {
                if floor(target).is_some_and(|other| other > own) {
                    wrong.push(format!("{folder}: `{}` imports `{name}` from a floor above it", module.join("::")));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "move the name to the lower floor, or its user to the higher one:\n{}", wrong.join("\n"));
}

#[test]
fn circles_of_modules_are_small() {
    let mut large = vec![];
    for (folder, _) in CRATES {
        for circle in Imports::read(folder).circles().into_iter().filter(|c| c.len() > CIRCLE_MAX) {
            let names: Vec<String> = circle.iter().map(|m| m.join("::")).collect();
            large.push(format!("{folder}: {} modules import each other: {}", circle.len(), names.join(", ")));
        }
    }
    assert!(large.is_empty(), "{}", large.join("\n"));
}

#[test]
fn imports_are_read_as_rust_reads_them() {
    let text = code(
        "use crate::a::{b::C, d};\n// use crate::no;\nfn f() { super::e::g(\"crate::no\") }\n#[cfg(test)]\nmod tests { use crate::no; }\n",
    );
    let found: Vec<String> = paths(&text).into_iter().map(|p| p.join("::")).collect();
    assert_eq!(found, ["crate::a::b::C", "crate::a::d", "super::e::g"]);
}

/// Most type names that a crate may declare twice. The numbers may only go down.
const TWICE: &[(&str, usize)] = &[("definitions/src", 25), ("engine/runtime/src", 2), ("transport/src", 1), ("web/src", 1), ("src", 1)];
/// Names of Rust's own that no type of ours may hide.
const PRELUDE: &[&str] = &[
    "Box", "Clone", "Copy", "Default", "Drop", "Eq", "From", "Into", "Iterator", "Option", "Ord", "Result", "Send", "String", "Sync", "Vec",
];

#[test]
fn types_have_names_of_their_own() {
    let mut wrong = vec![];
    for (folder, _) in CRATES {
        let mut places: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for path in files(&root().join(folder), &[".rs"]) {
            for line in code(&read(&path)).lines() {
                let line = line.trim_start_matches("pub(crate) ").trim_start_matches("pub ");
                let declared = ["struct ", "enum ", "trait "].iter().find_map(|word| line.strip_prefix(word));
                let name = declared.and_then(|rest| rest.split(|c: char| !(c.is_alphanumeric() || c == '_')).next());
                if let Some(name) = name.filter(|n| !n.is_empty()) {
                    places.entry(name.to_owned()).or_default().insert(path.display().to_string());
                }
            }
        }
        wrong
            .extend(places.keys().filter(|n| PRELUDE.contains(&n.as_str())).map(|n| format!("{folder}: `{n}` hides a name of Rust's own")));
        let twice: Vec<&String> = places.iter().filter(|(_, at)| at.len() > 1).map(|(name, _)| name).collect();
        let most = TWICE.iter().find(|(f, _)| f == folder).map_or(0, |(_, most)| *most);
        if twice.len() > most {
            wrong.push(format!("{folder}: {} names of types stand twice, at most {most} may: {twice:?}", twice.len()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Names of functions that say nothing of what they do.
const EMPTY_NAMES: [&str; 7] = ["go", "look", "of", "one", "rest", "run", "take"];

#[test]
fn functions_are_called_by_what_they_do() {
    for folder in [
        "definitions/src",
        "engine/core/src",
        "engine/runtime/src",
        "engine/store/src",
        "engine/store_postgres/src",
        "engine/store_sqlite/src",
        "mail/src",
        "src",
        "transport/src",
        "web/src",
    ] {
        let files = super::files(&super::root().join(folder), &[".rs"]);
        let found: Vec<String> = files
            .iter()
            .flat_map(|path| {
                let text = code(&super::read(path));
                let name = path.strip_prefix(super::root()).unwrap_or(path).display().to_string();
                let called = |empty: &&&str| text.contains(&format!("fn {empty}(")) || text.contains(&format!("fn {empty}<"));
                EMPTY_NAMES.iter().filter(called).map(|empty| format!("{name}: {empty}")).collect::<Vec<_>>()
            })
            .collect();
        assert_eq!(found, Vec::<String>::new(), "a function is called by what it does, such as `run_to_completion`");
    }
}
