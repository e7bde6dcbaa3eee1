//! `vorgang test --mutants`: small changes of the definitions, and whether a test notices each.

use crate::{End, author};
use anyhow::ensure;
use serde_json::json;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use vorgang_core::story;
use vorgang_definitions::mutants::{self, Mutant};
use vorgang_definitions::site::{self, Loaded, SiteFile};

/// What became of all changes.
struct Outcome {
    loaded: Loaded,
    total: usize,
    /// Those that `check` refuses: nobody could apply them.
    checked: usize,
    /// Those that nothing notices.
    left: Vec<Mutant>,
}

impl Outcome {
    fn noticed(&self) -> usize {
        self.total - self.left.len()
    }

    /// In percent, rounded down; all of nothing.
    fn share(&self) -> usize {
        (self.noticed() * 100).checked_div(self.total).unwrap_or(100)
    }

    fn end(&self, least: u8) -> End {
        if self.share() >= usize::from(least) { End::Good } else { End::Found }
    }
}

enum Noticed {
    ByCheck,
    ByTest,
    Not,
}

fn tried(files: &[SiteFile], mutant: &Mutant) -> Noticed {
    let loaded = site::load(&mutants::changed(files, mutant), &[]);
    let Some(model) = loaded.model else { return Noticed::ByCheck };
    if model.tests.iter().any(|t| !story::play(&model, t).failures.is_empty()) { Noticed::ByTest } else { Noticed::Not }
}

/// # Errors
/// The definitions do not check, or a test fails before anything was changed.
fn all(site: &Path) -> anyhow::Result<Outcome> {
    let files = author::read(site)?;
    let loaded = site::load(&files, &[]);
    let Some(model) = &loaded.model else {
        author::print(&loaded.sources, &loaded.diagnostics);
        anyhow::bail!("the definitions do not check, so nothing was tested");
    };
    let failing: Vec<&str> = model.tests.iter().filter(|t| !story::play(model, t).failures.is_empty()).map(|t| t.name.as_str()).collect();
    ensure!(failing.is_empty(), "these tests fail as it is: {}", failing.join(", "));
    let changes = mutants::all_mutants(&files);
    let next = AtomicUsize::new(0);
    let found = Mutex::new((0, vec![]));
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some(mutant) = changes.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let noticed = tried(&files, mutant);
                    let mut found = found.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                    match noticed {
                        Noticed::ByCheck => found.0 += 1,
                        Noticed::ByTest => {}
                        Noticed::Not => found.1.push(mutant.clone()),
                    }
                }
            });
        }
    });
    let (checked, mut left) = found.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    left.sort_by_key(|m| m.span);
    Ok(Outcome { total: changes.len(), checked, left, loaded })
}

pub fn human(site: &Path, least: u8) -> anyhow::Result<End> {
    let outcome = all(site)?;
    for mutant in &outcome.left {
        let (line, column) = outcome.loaded.sources.line_column(mutant.span);
        let path = &outcome.loaded.sources.file(mutant.span.file).path;
        println!("{path}:{line}:{column}: no test notices `{}` in the place of `{}`", mutant.to, mutant.from);
    }
    println!(
        "{} changes: {} noticed ({} %), {} of them by `check`; {} not noticed",
        outcome.total,
        outcome.noticed(),
        outcome.share(),
        outcome.checked,
        outcome.left.len()
    );
    Ok(outcome.end(least))
}

pub fn json(site: &Path, least: u8) -> anyhow::Result<End> {
    let outcome = all(site)?;
    let one = |m: &Mutant| {
        let (line, column) = outcome.loaded.sources.line_column(m.span);
        json!({"file": outcome.loaded.sources.file(m.span.file).path, "line": line, "column": column, "from": m.from, "to": m.to})
    };
    let left: Vec<_> = outcome.left.iter().map(one).collect();
    let count = json!({"version": 1, "changes": outcome.total, "noticed": outcome.noticed(), "by_check": outcome.checked, "left": left});
    println!("{count:#}");
    Ok(outcome.end(least))
}
