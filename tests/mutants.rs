//! Guards that a test notices: `tests/mutants/mutants.toml` has small mutations of them, each with the test that has to fail. The
//! long form builds one copy with all of them behind a switch, and runs each.

use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// A test that takes longer was held up by the mutation: noticed.
const TIME: Duration = Duration::from_secs(180);

#[derive(Deserialize)]
struct List {
    mutant: Vec<Mutant>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Mutant {
    name: String,
    file: String,
    /// A piece of the file, found once, with the expression to replace between « and ».
    code: String,
    instead: String,
    /// Another place with the same guard.
    also: Option<Also>,
    /// Arguments of `cargo test`; the last is a filter.
    test: Vec<String>,
    #[serde(default)]
    postgres: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Also {
    file: String,
    code: String,
}

impl Mutant {
    fn places(&self) -> impl Iterator<Item = (&str, &str)> {
        std::iter::once((self.file.as_str(), self.code.as_str())).chain(self.also.iter().map(|a| (a.file.as_str(), a.code.as_str())))
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn list() -> Vec<Mutant> {
    let text = std::fs::read_to_string(root().join("tests/mutants/mutants.toml")).expect("the list");
    toml::from_str::<List>(&text).expect("a list of mutants").mutant
}

/// The file with the expression behind a switch.
fn switched(text: &str, name: &str, code: &str, instead: &str) -> Result<String, String> {
    let (before, rest) = code.split_once('«').ok_or("no «")?;
    let (expression, after) = rest.split_once('»').ok_or("no »")?;
    let plain = format!("{before}{expression}{after}");
    match text.matches(&plain).count() {
        1 => {}
        count => return Err(format!("{name}: `{plain}` stands there {count} times")),
    }
    let switch = format!("std::env::var_os(\"VORGANG_MUTANT\").is_some_and(|m| m == \"{name}\")");
    Ok(text.replace(&plain, &format!("{before}(if {switch} {{ {instead} }} else {{ {expression} }}){after}")))
}

/// The list keeps up with the code: every place is found once, every test is there.
#[test]
fn each_mutation_finds_its_place_and_its_test() {
    let all = list();
    assert!(all.len() >= 40, "{}", all.len());
    assert_eq!(all.iter().map(|m| &m.name).collect::<BTreeSet<_>>().len(), all.len(), "names are unique");
    let all_sources = sources();
    let mut wrong = vec![];
    for mutant in &all {
        for (file, code) in mutant.places() {
            let text = std::fs::read_to_string(root().join(file)).unwrap_or_default();
            wrong.extend(switched(&text, &mutant.name, code, &mutant.instead).err());
        }
        let filter = mutant.test.last().expect("a filter");
        // Of `--test NAME` in that file, of `--lib` and `--bin` anywhere.
        let own = match mutant.test.as_slice() {
            [kind, name, _] if kind == "--test" => format!("tests/{name}.rs"),
            _ => ".rs".to_owned(),
        };
        let is_there = |(path, text): &(PathBuf, String)| path.to_string_lossy().ends_with(&own) && text.contains(&format!("fn {filter}("));
        let found = filter.is_empty() || all_sources.iter().any(is_there);
        if !found {
            wrong.push(format!("{}: there is no test `{filter}`", mutant.name));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// All files of the source, without what is built and what lies in hidden folders.
fn files() -> Vec<PathBuf> {
    fn walk(folder: &Path, all: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
            let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
            match ((name.starts_with('.') && name != ".cargo") || name == "target" || name == "node_modules", path.is_dir()) {
                (true, _) => {}
                (false, true) => walk(&path, all),
                (false, false) => all.push(path),
            }
        }
    }
    let mut all = vec![];
    walk(root(), &mut all);
    all
}

fn sources() -> Vec<(PathBuf, String)> {
    let rust = files().into_iter().filter(|f| f.extension().is_some_and(|e| e == "rs"));
    rust.map(|f| (f.clone(), std::fs::read_to_string(&f).expect("a source"))).collect()
}

/// Does the test pass, with this mutation switched on or not? `None` where it takes too long.
fn passes(copy: &Path, mutant: &Mutant, switched_on: bool) -> Option<bool> {
    let target = copy.join("../target");
    let mut command = Command::new(env!("CARGO"));
    if mutant.postgres {
        command = Command::new(target.join("debug/with-postgres"));
        command.arg(env!("CARGO"));
    }
    // Of the whole workspace, as it was built: single packages would be built again with other features.
    command.args(["test", "--quiet", "--workspace"]).args(&mutant.test).current_dir(copy).env("CARGO_TARGET_DIR", &target);
    command.env("RUSTFLAGS", "-Awarnings").env_remove("VORGANG_LONG").stdout(Stdio::null()).stderr(Stdio::null());
    match switched_on {
        true => command.env("VORGANG_MUTANT", &mutant.name),
        false => command.env_remove("VORGANG_MUTANT"),
    };
    let mut child = command.spawn().expect("cargo runs");
    let begun = Instant::now();
    loop {
        if let Some(status) = child.try_wait().expect("it runs") {
            return Some(status.success());
        }
        if begun.elapsed() > TIME {
            let _ = child.kill();
            let _ = child.wait();
            return None;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn no_mutation_lives() {
    if std::env::var_os("VORGANG_LONG").is_none() {
        return vorgang_testbed::skip("./test --long runs the mutations");
    }
    let place = root().join("target/mutants");
    let copy = place.join("source");
    let _ = std::fs::remove_dir_all(&copy);
    let all = list();
    let mut changed: BTreeMap<&str, String> = BTreeMap::new();
    for mutant in &all {
        for (file, code) in mutant.places() {
            let text = changed.entry(file).or_insert_with(|| std::fs::read_to_string(root().join(file)).expect("the file"));
            *text = switched(text, &mutant.name, code, &mutant.instead).expect("its place");
        }
    }
    for file in files() {
        let inside = file.strip_prefix(root()).expect("a file of ours");
        let target = copy.join(inside);
        std::fs::create_dir_all(target.parent().expect("a folder")).expect("a folder");
        match inside.to_str().and_then(|name| changed.get(name)) {
            Some(text) => std::fs::write(&target, text).expect("a file"),
            None => drop(std::fs::copy(&file, &target).expect("a copy")),
        }
    }
    let mut build = Command::new(env!("CARGO"));
    // The switches are written without regard to style.
    build
        .args(["build", "--workspace", "--lib", "--bins", "--tests", "--quiet"])
        .env("RUSTFLAGS", "-Awarnings")
        .current_dir(&copy)
        .env("CARGO_TARGET_DIR", place.join("target"));
    assert!(build.status().expect("cargo runs").success(), "the copy with all mutations is not built");
    let has_postgres = vorgang_testbed::cluster::programs().is_some();
    let (mut living, mut sane) = (vec![], BTreeSet::new());
    for mutant in all.iter().filter(|m| {
        let runs = has_postgres || !m.postgres;
        if !runs {
            vorgang_testbed::skip(format!("{}: PostgreSQL is not installed", m.name));
        }
        runs
    }) {
        if sane.insert(&mutant.test) {
            assert_eq!(passes(&copy, mutant, false), Some(true), "{}: the test fails without a mutation", mutant.name);
        }
        let noticed = passes(&copy, mutant, true) != Some(true);
        println!("{}: {}", mutant.name, if noticed { "noticed" } else { "LIVES" });
        if !noticed {
            living.push(&mutant.name);
        }
    }
    assert!(living.is_empty(), "{} of {} mutations live: {living:?}", living.len(), all.len());
}
