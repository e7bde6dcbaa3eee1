//! Loads the files of a site.

use crate::canonical::hash;
use crate::check;
use crate::diagnostic::{self, Diagnostic, Severity};
use crate::kinds::process::Process;
use crate::kinds::{self, Definition};
use crate::load::{Loader, PartIds};
use crate::model::Model;
use crate::names::Faulty;
use crate::phase::Written;
use crate::source::{Sources, Span};
use crate::yaml::{self, Node, Value};

/// A file of a site, before it is read.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct SiteFile {
    pub path: String,
    pub text: String,
}

/// All findings, and the model where there is no error among them.
pub struct Loaded {
    pub model: Option<Model>,
    pub sources: Sources,
    pub diagnostics: Vec<Diagnostic>,
}

/// Loads and checks a site. `pinned` are canonical processes of running instances: each is compiled against the
/// new environment.
pub fn load(files: &[SiteFile], pinned: &[String]) -> Loaded {
    load_but(files, pinned, &[])
}

/// Findings with these codes leave a model.
fn load_but(files: &[SiteFile], pinned: &[String], but: &[&str]) -> Loaded {
    let mut sources = Sources::default();
    for file in files {
        sources.add(file.path.clone(), file.text.as_str());
    }
    let mut diagnostics = vec![];
    let mut faulty = Faulty::default();
    let mut nodes = vec![];
    for file in (0..files.len() as u32).filter(|f| !is_calendar_file(&files[*f as usize].path)) {
        utf8(&sources, file, &mut diagnostics);
        let before = diagnostics.len();
        nodes.extend(yaml::parse(&sources, file, &mut diagnostics));
        if diagnostics[before..].iter().any(|d| d.code == "yaml-syntax" || d.code == "too-large") {
            faulty.file(&sources.file(file).text);
        }
    }
    let mut definitions: Vec<(Node, Definition)> = vec![];
    let mut parts = PartIds::default();
    for node in nodes {
        let mut loader = Loader::new(&sources, &mut diagnostics, &mut parts);
        load_definitions(node, &mut loader, &mut definitions, &mut faulty);
    }
    let mut pinned_definitions = vec![];
    for canonical in pinned {
        pinned_definitions.extend(load_pinned(canonical, &mut sources, &mut diagnostics, &mut parts));
    }
    let spans: Vec<Span> = definitions.iter().map(|(node, _)| node.span).collect();
    let broken = diagnostic::has_errors(&diagnostics);
    diagnostic::limit(&mut diagnostics);
    let read = diagnostics.len();
    let model = check::build(&sources, definitions, pinned_definitions, &faulty, &mut diagnostics);
    // What a definition lacks is not told where a part of it was left out.
    let found = diagnostics.split_off(read);
    diagnostics.extend(found.into_iter().filter(|d| !faulty.explains(d)));
    diagnostic::without_echoes(&mut diagnostics, &spans);
    diagnostic::sort(&mut diagnostics);
    let wrong = |d: &Diagnostic| d.severity == Severity::Error && !but.contains(&d.code);
    let model = model.filter(|_| !broken && !diagnostics.iter().any(wrong));
    diagnostic::limit(&mut diagnostics);
    Loaded { model, sources, diagnostics }
}

/// As [`load`], for drawing: a model too where all that is wrong is that a net is not sound.
pub fn load_to_draw(files: &[SiteFile]) -> Loaded {
    load_but(files, &[], &["never-entered", "withdrawn", "no-end", "tokens-grow", "waits-for-ever"])
}

/// What calendars take holidays from; everything else of a site is YAML.
fn is_calendar_file(path: &str) -> bool {
    path.ends_with(".ics")
}

/// Bytes that are no UTF-8 have become this character when the file was read.
fn utf8(sources: &Sources, file: u32, diagnostics: &mut Vec<Diagnostic>) {
    if let Some(at) = sources.file(file).text.find(char::REPLACEMENT_CHARACTER) {
        let d = Diagnostic::error("not-utf8", Span::new(file, at, at + 3), "the file is not UTF-8 here");
        diagnostics.push(d.help("save the file in UTF-8; older editors write Latin-1"));
    }
}

fn load_definitions(node: Node, loader: &mut Loader, out: &mut Vec<(Node, Definition)>, faulty: &mut Faulty) {
    match node.value {
        Value::Null => {}
        Value::List(items) => {
            for item in items {
                load_definitions(item, loader, out, faulty);
            }
        }
        _ => {
            let loaded = kinds::load(&node, loader);
            if loaded.is_none() {
                loader.leave_out(&node);
            }
            faulty.damaged.extend(std::mem::take(&mut loader.damaged).then_some(node.span));
            faulty.lost.append(&mut loader.lost);
            let is_site = || matches!(node.get("kind").map(|n| &n.value), Some(Value::Text(kind)) if *kind == *"Site");
            faulty.site |= loaded.is_none() && is_site();
            out.extend(loaded.map(|definition| (node, definition)));
        }
    }
}

fn load_pinned(
    canonical: &str,
    sources: &mut Sources,
    diagnostics: &mut Vec<Diagnostic>,
    parts: &mut PartIds,
) -> Option<(Node, Process<Written>)> {
    let json = serde_json::from_str::<serde_json::Value>(canonical).ok()?;
    let name = json["name"].as_str().unwrap_or("?");
    let file = sources.add(format!("running process `{name}` {}", &hash(canonical)[..12]), canonical);
    let node = Node::from_json(&json, Span::new(file, 0, 0));
    let mut loader = Loader::new(sources, diagnostics, parts);
    match kinds::load(&node, &mut loader) {
        Some(Definition::Process(process)) if !loader.damaged => Some((node, process)),
        _ => None,
    }
}

/// Largest file of a site, in bytes.
const FILE_BYTES_MAX: u64 = 4_000_000;

/// Reads every `*.yaml`, `*.yml` and `*.ics` below a folder, in the order of their paths.
///
/// # Errors
/// What cannot be read, a link that leaves the folder, a file of more than 4 MB.
pub fn read_folder(folder: &std::path::Path) -> std::io::Result<Vec<SiteFile>> {
    fn walk(folder: &std::path::Path, depth: usize, out: &mut Vec<std::path::PathBuf>) -> std::io::Result<()> {
        for entry in std::fs::read_dir(folder)? {
            let path = entry?.path();
            let hidden = path.file_name().is_some_and(|n| n.to_string_lossy().starts_with('.'));
            // Links to folders are not followed: they can lead in a circle.
            let linked = path.symlink_metadata().is_ok_and(|m| m.is_symlink());
            if path.is_dir() && !hidden && !linked && depth < 16 {
                walk(&path, depth + 1, out)?;
            } else if !hidden && path.is_file() && path.extension().is_some_and(|e| e == "yaml" || e == "yml" || e == "ics") {
                out.push(path);
            }
        }
        Ok(())
    }
    let mut paths = vec![];
    walk(folder, 0, &mut paths)?;
    paths.sort();
    let root = folder.canonicalize()?;
    let read = |path: &std::path::PathBuf| {
        // A link may name another file of the site, and nothing else of the machine.
        if !path.canonicalize()?.starts_with(&root) {
            let why = format!("{} is a link that leaves the site's folder", path.display());
            return Err(std::io::Error::new(std::io::ErrorKind::InvalidInput, why));
        }
        if path.metadata()?.len() > FILE_BYTES_MAX {
            let why =
                format!("{} is larger than {} MB, which no definitions are that people write", path.display(), FILE_BYTES_MAX / 1_000_000);
            return Err(std::io::Error::new(std::io::ErrorKind::InvalidInput, why));
        }
        let text = String::from_utf8_lossy(&std::fs::read(path)?).into_owned();
        Ok(SiteFile { path: path.to_string_lossy().into_owned(), text })
    };
    paths.iter().map(read).collect()
}
