//! Answers about jobs.

use crate::protocol::Told;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use std::sync::Arc;
use vorgang_core::pushdown::pushdown;
use vorgang_definitions::model::Model;
use vorgang_definitions::names::Names;
use vorgang_runtime::jobs::{DryRun, Overview, dry_run, go_on, overview, start_now};
use vorgang_runtime::{Desk, Error};

/// Tickets that a dry run lists.
const LISTED: usize = 50;

fn unknown(model: &Model, name: &str) -> Told {
    let hint = vorgang_definitions::diagnostic::did_you_mean(name, model.jobs.keys().map(String::as_str));
    Told::Failed(format!("no job is called `{name}`{}", hint.map_or(String::new(), |h| format!("; {h}"))))
}

fn answer(result: Result<Option<String>, Error>, desk: &Desk, name: &str) -> Told {
    match result {
        Ok(Some(text)) => Told::Good(text),
        Ok(None) => unknown(&desk.model(), name),
        Err(e) => Told::Failed(e.to_string()),
    }
}

pub async fn run_job(desk: &Arc<Desk>, name: &str) -> Told {
    let run = async || {
        let Some(run) = start_now(desk, name, &vorgang_core::people::SYSTEM).await? else { return Ok(None) };
        let run = go_on(desk, run).await?;
        let s = &run.summary;
        let mut text = format!("{name}: {} tickets changed, {} failed, {} could not be judged", s.done, s.failed, s.unclear);
        for (number, why) in &s.examples {
            text += &format!("\n  {number}: {why}");
        }
        Ok(Some(text))
    };
    answer(run().await, desk, name)
}

pub async fn try_out(desk: &Desk, name: &str) -> Told {
    let model = desk.model();
    let found = dry_run(desk, name, LISTED).await.map(|found| found.map(|f| listed(name, &f, &model.names)));
    answer(found, desk, name)
}

fn listed(name: &str, found: &DryRun, names: &Names) -> String {
    let count = found.tickets.len();
    let mut text = match (count, found.more) {
        (_, true) => format!("{name} would act on more than {count} tickets; the first are"),
        (0, _) => format!("{name} would act on no ticket"),
        (1, _) => format!("{name} would act on one ticket"),
        _ => format!("{name} would act on {count} tickets"),
    };
    for (number, title, decision) in &found.tickets {
        text += &format!("\n{number}  {title}");
        for event in &decision.events {
            text += &format!("\n    {}", event.summary(names));
        }
    }
    if !found.troubles.is_empty() {
        text += &format!("\n{} would fail or cannot be judged:", found.troubles.len());
        for (number, why) in found.troubles.iter().take(3) {
            text += &format!("\n  {number}: {why}");
        }
    }
    text
}

fn next(due: Option<Timestamp>, zone: &TimeZone) -> String {
    match due {
        Some(t) => t.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M %Z").to_string(),
        None => "by hand".into(),
    }
}

pub async fn list(desk: &Desk) -> Told {
    let zone = desk.model().names.site.zone.0.clone();
    let all = match overview(desk).await {
        Ok(all) => all,
        Err(e) => return Told::Failed(e.to_string()),
    };
    let line = |Overview { job, last, next: due }: Overview| {
        let last = last.map_or("never ran".into(), |r| {
            let s = &r.summary;
            let ended = if r.ended.is_some() { "" } else { ", under way" };
            let at = r.started.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M");
            format!("last {at}: {} changed, {} failed, {} not judged{ended}", s.done, s.failed, s.unclear)
        });
        format!("{}  next {}  {last}", job.name, next(due, &zone))
    };
    let lines: Vec<String> = all.into_iter().map(line).collect();
    Told::Good(if lines.is_empty() { "the site has no jobs".into() } else { lines.join("\n") })
}

pub async fn explain(desk: &Desk, name: &str) -> Told {
    let model = desk.model();
    let Some(job) = model.jobs.get(name) else { return unknown(&model, name) };
    let text = job.condition.text().trim();
    let (now, zone) = (desk.clock.now(), &model.names.site.zone.0);
    let split = pushdown(text, &model.names, now);
    let (sql, plan) = match desk.store.job_plan(&split.filter).await {
        Ok(found) => found,
        Err(e) => return Told::Failed(e.to_string()),
    };
    let here = if split.exact {
        "all of it is decided in the database, and asked again on each ticket".to_owned()
    } else {
        format!("left to be decided on each ticket:\n{}", split.left.iter().map(|p| format!("  {p}")).collect::<Vec<_>>().join("\n"))
    };
    let plan: String = plan.iter().map(|p| format!("\n  {p}")).collect();
    Told::Good(format!("job {name}\nnext {}\nwhere\n  {text}\n{here}\nquery\n  {sql}\nplan{plan}", next(job.next(now, zone), zone)))
}
