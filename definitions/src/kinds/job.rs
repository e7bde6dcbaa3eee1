use crate::actions::Action;
use crate::diagnostic::Diagnostic;
use crate::kinds::handler::EventName;
use crate::kinds::kind::Kind;
use crate::load::{Load, Loader, OneOrMany, Schemas};
use crate::name::Name;
use crate::phase::{ExprOf, Phase};
use crate::source::Span;
use crate::text::Text;
use crate::yaml::{Node, Value};
use crate::zone::Zone;
use crate::{choice, record};
use croner::errors::CronError;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::json;
use std::str::FromStr;

record! {
    /// Actions on all tickets that a condition holds for, by schedule or by hand.
    pub struct Job<S> as "a job" {
        /// The kind of this definition.
        kind "kind": Kind = "Job";
        /// The name of the job.
        name "name": Name = "close_waiting";
        /// What people read.
        title "title": Option<Text> = { "en": "Close what waited too long", "de": "Schließen, was zu lange wartet" };
        /// When it runs: minute, hour, day of the month, month, day of the week. Without it only by hand.
        times "at": Option<OneOrMany<Schedule>> = "0 6 * * 1-5";
        /// Events after which it runs on their ticket, beside its schedule.
        on "on": Option<OneOrMany<EventName>> = "ticket.state_changed";
        /// The zone of the schedule; the site's if not written.
        zone "zone": Option<Zone> = "Europe/Berlin";
        /// For which tickets. One for which it cannot be evaluated is left out, and the run says so.
        condition "where": ExprOf<S> = "ticket.state == \"waiting\" && ticket.updated < now - days(14)";
        /// What is done on each.
        actions "do": Vec<Action<S>> = [{ "set": { "state": "closed_successful" } }];
        /// What becomes of times at which nothing ran: `once` if not written.
        missed "missed": Option<Missed> = "once";
    }
}

choice! {
    /// What becomes of the times of a schedule that passed while nothing ran.
    pub enum Missed {
        /// They are left out.
        Skip "skip",
        /// One run stands for all of them.
        Once "once",
        /// Each has its run, the oldest first.
        All "all",
    }
}

/// A cron line of five fields: lists, ranges, steps, `L`, `W` and `#`, names of months and days.
#[derive(Debug, Clone)]
pub struct Schedule {
    pub text: String,
    pub span: Span,
    cron: croner::Cron,
}

impl PartialEq for Schedule {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Schedule {
    pub fn parse(text: &str, span: Span) -> Result<Self, String> {
        let fields = text.split_whitespace().count();
        if fields != 5 {
            return Err(format!("a schedule has five fields, this one has {fields}"));
        }
        let cron = croner::Cron::from_str(text).map_err(|e| match e {
            CronError::InvalidPattern(why) | CronError::IllegalCharacters(why) | CronError::ComponentError(why) => {
                format!("not a schedule: {}", why.to_lowercase())
            }
            other => other.to_string(),
        })?;
        let schedule = Self { text: text.to_owned(), span, cron };
        match schedule.next(Timestamp::UNIX_EPOCH, &TimeZone::UTC) {
            Some(_) => Ok(schedule),
            None => Err("this time never comes".into()),
        }
    }

    /// The first time after this one. A time that a change of the clock leaves out is the next that there is; one that
    /// comes twice counts once.
    pub fn next(&self, after: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        self.cron.find_next_occurrence(&after.to_zoned(zone.clone()), false).ok().map(|z| z.timestamp())
    }
}

crate::plain!(Schedule);

impl Load for Schedule {
    fn schema(g: &mut Schemas) -> serde_json::Value {
        g.define("Schedule", |_| {
            json!({
                "type": "string",
                "description": "A cron line: minute, hour, day of the month, month, day of the week",
                "pattern": "^\\s*\\S+(\\s+\\S+){4}\\s*$",
                "examples": ["0 6 * * 1-5", "*/15 8-17 * * *", "0 9 L * *"]
            })
        })
    }

    fn load(node: &Node, cx: &mut Loader) -> Option<Self> {
        let Value::Text(text) = &node.value else {
            cx.wrong_type(node, "a schedule: `0 6 * * 1-5`");
            return None;
        };
        match Self::parse(text, node.span) {
            Ok(schedule) => Some(schedule),
            Err(why) => {
                let d = Diagnostic::error("schedule", node.span, why.trim_end_matches('.').to_owned());
                cx.push(d.help("minute, hour, day of the month, month, day of the week: `0 6 * * 1-5` is at six on working days"));
                None
            }
        }
    }
}

impl<S: Phase> Job<S> {
    /// The first time after this one at which it is to run.
    pub fn next(&self, after: Timestamp, site_zone: &TimeZone) -> Option<Timestamp> {
        let zone = self.zone.as_ref().map_or(site_zone, |z| &z.0);
        self.times.iter().flat_map(|a| a.iter()).filter_map(|s| s.next(after, zone)).min()
    }

    /// The schedule as one text: where it changes, counting begins anew.
    pub fn schedule(&self) -> String {
        let lines: Vec<&str> = self.times.iter().flat_map(|a| a.iter()).map(|s| s.text.as_str()).collect();
        let zone = self.zone.as_ref().and_then(|z| z.0.iana_name()).unwrap_or("");
        format!("{} {zone}", lines.join("; ")).trim().to_owned()
    }
}
