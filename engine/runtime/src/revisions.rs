//! Revisions: a site is taken in whole, or not at all.

use crate::clock::Clock;
use crate::desk::Desk;
use std::sync::Arc;
use vorgang_core::desk_event::DeskEvent;
use vorgang_core::people::Directory;
use vorgang_definitions::canonical;
use vorgang_definitions::diagnostic::{Diagnostic, Severity};
use vorgang_definitions::model::Model;
use vorgang_definitions::site::{self, SiteFile};
use vorgang_definitions::source::Sources;
use vorgang_store::{NewRevision, Result, Revision, Store, StoreError};

/// What became of an apply.
pub enum Applied {
    /// The number of the new revision.
    New(i64),
    /// Nothing differs from what runs.
    Same,
    Refused {
        sources: Sources,
        diagnostics: Vec<Diagnostic>,
        reasons: Vec<String>,
    },
}

/// What would be applied: the checked model, or why not.
pub struct Plan {
    pub model: Option<Model>,
    pub sources: Sources,
    pub diagnostics: Vec<Diagnostic>,
    /// Refusals that are no finding in a file: names in use, running processes.
    pub reasons: Vec<String>,
}

/// Loads a site with every pinned process compiled in its environment: all that a stored revision needs.
async fn checked(store: &dyn Store, files: &[SiteFile]) -> Result<Plan> {
    let pinned = store.pinned_processes().await?;
    let loaded = site::load(files, &pinned);
    let mut reasons = vec![];
    for file in loaded.sources.files().iter().filter(|f| f.path.starts_with("running process")) {
        let index = loaded.sources.files().iter().position(|f| f.path == file.path).unwrap_or(0) as u32;
        let broken = loaded.diagnostics.iter().any(|d| d.severity == Severity::Error && d.span.file == index);
        if broken {
            let tickets = store.tickets_on_process(&canonical::hash(&file.text)).await?;
            reasons.push(format!("{} no longer checks; tickets on it: {}", file.path, tickets.join(", ")));
        }
    }
    Ok(Plan { model: loaded.model, sources: loaded.sources, diagnostics: loaded.diagnostics, reasons })
}

/// Checks a site against what runs: as it is loaded, and nothing that tickets use may be gone.
pub async fn plan(store: &dyn Store, files: &[SiteFile]) -> Result<Plan> {
    let mut plan = checked(store, files).await?;
    if let Some(model) = &plan.model {
        let names = &model.names;
        for kind in ["queue", "state", "type", "priority"] {
            for (name, tickets) in store.names_in_use(kind).await? {
                let known = match kind {
                    "queue" => names.queues.get(&name).is_some(),
                    "state" => names.states.get(&name).is_some(),
                    "type" => names.types.get(&name).is_some(),
                    _ => names.priorities.get(&name).is_some(),
                };
                if !known {
                    plan.reasons.push(format!("the {kind} `{name}` is gone, but tickets use it: {}", tickets.join(", ")));
                }
            }
        }
    }
    plan.model = plan.model.filter(|_| plan.reasons.is_empty());
    Ok(plan)
}

fn new_revision(model: &Model, files: &[SiteFile], actor: &str, clock: &dyn Clock) -> Result<NewRevision> {
    let names = &model.names;
    let mut all: Vec<(&'static str, String)> = vec![];
    all.extend(names.queues.iter().map(|q| ("queue", q.name.to_string())));
    all.extend(names.states.iter().map(|s| ("state", s.name.to_string())));
    all.extend(names.types.iter().map(|t| ("type", t.name.to_string())));
    all.extend(names.priorities.iter().map(|p| ("priority", p.name.to_string())));
    let indexed = names.fields.iter().filter(|f| f.indexed).map(|f| f.name.to_string()).collect();
    let happens = model.handlers.contains_key(DeskEvent::DEFINITIONS);
    let files = serde_json::to_string(files).map_err(|e| StoreError::Corrupt(e.to_string()))?;
    let processes = model.processes.values().map(|p| (p.hash.clone(), p.def.name.to_string(), p.canonical.clone())).collect();
    Ok(NewRevision {
        hash: model.hash.clone(),
        files,
        applied: Some(clock.now()),
        actor: actor.to_owned(),
        names: all,
        processes,
        indexed,
        happens,
    })
}

/// A revision as it was applied, with every pinned process.
pub(crate) async fn stored(store: &dyn Store, revision: &Revision) -> Result<Plan> {
    let files: Vec<SiteFile> = serde_json::from_str(&revision.files).map_err(|e| StoreError::Corrupt(e.to_string()))?;
    checked(store, &files).await
}

/// The desk on what was applied last; the given files are applied if nothing was.
pub async fn open(store: Arc<dyn Store>, clock: Arc<dyn Clock>, files: Option<&[SiteFile]>) -> Result<std::result::Result<Desk, Applied>> {
    let people = Directory::new(store.person_list().await?);
    let (plan, revision) = match (store.revision_latest().await?, files) {
        (Some(revision), _) => (stored(&*store, &revision).await?, revision.id),
        (None, Some(files)) => {
            let plan = plan(&*store, files).await?;
            let mut revision = 0;
            if let Some(model) = &plan.model {
                revision = store.revision_add(new_revision(model, files, "system", &*clock)?).await?;
            }
            (plan, revision)
        }
        (None, None) => return Err(StoreError::NotFound),
    };
    match plan.model {
        Some(model) => {
            store.runs(revision).await?;
            Ok(Ok(Desk::new(store, clock, (model, revision), people)))
        }
        None => Ok(Err(refused(plan))),
    }
}

fn refused(plan: Plan) -> Applied {
    Applied::Refused { sources: plan.sources, diagnostics: plan.diagnostics, reasons: plan.reasons }
}

impl Desk {
    /// Takes a good site into the running desk. Tickets under way keep the process they began with.
    pub async fn apply(&self, files: &[SiteFile], actor: &str) -> Result<Applied> {
        let plan = plan(&*self.store, files).await?;
        let Some(model) = plan.model else { return Ok(refused(plan)) };
        if model.hash == self.model().hash {
            return Ok(Applied::Same);
        }
        // Whoever handles that it was applied has it.
        let _held = self.locks.hold(crate::desk::DESK).await;
        let id = self.store.revision_add(new_revision(&model, files, actor, &*self.clock)?).await?;
        self.set_model(model, id);
        self.store.runs(id).await?;
        self.recount_timers();
        let details = serde_json::json!({"by": actor, "site": self.model().names.site.name.to_string(), "hash": self.model().hash});
        self.note_security(self.by("", actor), "definitions.applied", &id.to_string(), details).await;
        Ok(Applied::New(id))
    }
}
