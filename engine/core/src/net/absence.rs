//! Absences and substitutes.

use crate::execution::run::Run;
use crate::state::ids::Login;
use crate::state::people::Person;
use jiff::civil::Date;
use std::collections::BTreeSet;

pub(crate) fn today(run: &Run) -> Date {
    run.ctx.now.to_zoned(run.model.names.site.zone.0.clone()).date()
}

pub fn is_away(run: &Run, person: &Person) -> bool {
    person.settings.away.as_ref().is_some_and(|a| (a.from..=a.until).contains(&today(run)))
}

/// Is this person, who is away, stood in for by that one?
pub fn stands_in(run: &Run, away: &Login, by: &Login) -> bool {
    let Some(mut next) = run.ctx.people.get(away) else { return false };
    let mut seen: BTreeSet<&str> = BTreeSet::new();
    while is_away(run, next) && seen.insert(&next.login) {
        let substitute = next.settings.away.as_ref().and_then(|a| a.substitute.as_deref());
        match substitute.and_then(|s| run.ctx.people.get(s)) {
            Some(substitute) => next = substitute,
            None => return false,
        }
    }
    next.login == by && next.login != away
}
