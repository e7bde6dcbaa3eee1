//! Who may vote in an approval (C11): the pool, seats, delegates, and the substitutes of those who are away.

use crate::execution::at::At;
use crate::execution::run::Run;
use crate::net::absence::{is_away, stands_in};
use crate::rules::rejection::{Rejection, RightReason};
use crate::rules::who;
use crate::state::ids::Login;
use crate::state::people::Person;
use crate::state::snapshot::WorkItem;
use std::collections::BTreeSet;
use vorgang_definitions::kinds::process::Approval;
use vorgang_definitions::kinds::who::{Who, WhoWord, Whos};

/// Anybody may vote.
pub fn is_open_to_all(approval: &Approval) -> bool {
    approval.of.iter().any(|w| matches!(w, Who::Word(WhoWord::Anyone)))
}

/// The delegations of an approval under way: who gave a vote, and to whom.
pub fn delegations(item: &WorkItem) -> &[(Login, Login)] {
    item.more.as_ref().map_or(&[], |m| &m.delegated)
}

/// Everybody who may vote, `not` taken out, each delegate in the place of whoever delegated.
pub fn voters(run: &Run, item: &WorkItem, approval: &Approval) -> Vec<Login> {
    let mut all: Vec<Login> = vec![];
    for member in pool(run, item, approval) {
        let voter = delegations(item).iter().find(|(from, _)| *from == member).map_or(member, |(_, to)| to.clone());
        if !all.contains(&voter) {
            all.push(voter);
        }
    }
    all
}

/// How many votes there can be: people, or with `seats` the seats that they can take.
pub fn votes_possible(run: &Run, item: &WorkItem, approval: &Approval) -> usize {
    let voters = voters(run, item, approval);
    if approval.seats { seated(run, item, approval, &voters) } else { voters.len() }
}

/// The pool as it is now.
fn pool(run: &Run, item: &WorkItem, approval: &Approval) -> Vec<Login> {
    let scope = run.scope(At::item(item));
    let mut pool = who::people(&approval.of, &scope).unwrap_or_default();
    pool.retain(|login| !is_excluded(run, item, approval, login));
    pool
}

/// What cannot be evaluated excludes: a doubt never gives a right.
fn is_excluded(run: &Run, item: &WorkItem, approval: &Approval, login: &Login) -> bool {
    let scope = run.scope(At::item(item));
    let person = run.ctx.people.get(login);
    person.is_none_or(|p| approval.not.as_ref().is_some_and(|n| who::includes(n, p, &scope).unwrap_or(true)))
}

pub fn has_voted(run: &Run, item: &WorkItem, login: &Login) -> bool {
    run.snapshot.votes.iter().any(|v| v.work == item.seq && v.person == login)
}

/// The member of the pool for whom this person may vote: that one self, one who delegated, or one who is away.
pub fn votes_for(run: &Run, item: &WorkItem, approval: &Approval, person: &Person) -> Result<Login, Rejection> {
    let scope = run.scope(At::item(item));
    let gave = |login: &Login| delegations(item).iter().any(|(from, _)| from == login);
    let own = who::includes(&approval.of, person, &scope).unwrap_or(false);
    let member = if own && !gave(&person.login) {
        person.login.clone()
    } else {
        let pool = pool(run, item, approval);
        let by_delegation =
            delegations(item).iter().find(|(from, to)| *to == person.login && pool.contains(from)).map(|(from, _)| from.clone());
        let away = || pool.iter().find(|m| !gave(m) && !has_voted(run, item, m) && stands_in(run, m, &person.login)).cloned();
        let found = by_delegation.or_else(|| if own { None } else { away() });
        found.ok_or(Rejection::Right(if own { RightReason::AlreadyVoted } else { RightReason::NotForYou }))?
    };
    if is_excluded(run, item, approval, &person.login) {
        return Err(Rejection::Right(RightReason::ExcludedByNot));
    }
    if has_voted(run, item, &person.login) {
        return Err(Rejection::Right(RightReason::AlreadyVoted));
    }
    // There has to be a seat left for whoever votes, beside those that votes have taken.
    if approval.seats {
        let mut voted = voted(run, item);
        voted.push(person.login.clone());
        if seated(run, item, approval, &voted) < voted.len() {
            return Err(Rejection::Right(RightReason::AlreadyVoted));
        }
    }
    Ok(member)
}

fn voted(run: &Run, item: &WorkItem) -> Vec<Login> {
    run.snapshot.votes.iter().filter(|v| v.work == item.seq).map(|v| v.person.clone()).collect()
}

/// How many may still vote.
pub fn remaining(run: &Run, item: &WorkItem, approval: &Approval) -> usize {
    let voted = voted(run, item);
    let mut all = voted.clone();
    all.extend(voters(run, item, approval).into_iter().filter(|l| !voted.contains(l)));
    let most = if approval.seats { seated(run, item, approval, &all) } else { all.len() };
    most.saturating_sub(voted.len())
}

/// How many of these people get a seat, each one of their own: a maximum matching, by augmenting paths.
fn seated(run: &Run, item: &WorkItem, approval: &Approval, people: &[Login]) -> usize {
    let scope = run.scope(At::item(item));
    let of: Vec<BTreeSet<usize>> = people
        .iter()
        .map(|login| {
            // A delegate sits where whoever delegated would.
            let member = delegations(item).iter().find(|(_, to)| to == login).map_or(login, |(from, _)| from);
            let person = run.ctx.people.get(member);
            let sits = |who: &Who| person.is_some_and(|p| who::includes(&Whos { 0: vec![who.clone()] }, p, &scope).unwrap_or(false));
            approval.of.iter().enumerate().filter(|(_, who)| sits(who)).map(|(seat, _)| seat).collect()
        })
        .collect();
    let mut taken: Vec<Option<usize>> = vec![None; approval.of.iter().count()];
    (0..people.len()).filter(|person| sit(*person, &of, &mut taken, &mut BTreeSet::new())).count()
}

fn sit(person: usize, of: &[BTreeSet<usize>], taken: &mut [Option<usize>], tried: &mut BTreeSet<usize>) -> bool {
    for seat in &of[person] {
        if tried.insert(*seat) && taken[*seat].is_none_or(|other| sit(other, of, taken, tried)) {
            taken[*seat] = Some(person);
            return true;
        }
    }
    false
}

/// To whom this person may give the vote.
pub fn delegates(run: &Run, item: &WorkItem, approval: &Approval) -> Vec<Login> {
    let Some(whos) = &approval.delegate else { return vec![] };
    let scope = run.scope(At::item(item));
    let may = |login: &Login| {
        let has_one = delegations(item).iter().any(|(_, to)| to == login);
        *login != run.ctx.actor.login && !has_one && !has_voted(run, item, login) && !is_excluded(run, item, approval, login)
    };
    who::people(whos, &scope).unwrap_or_default().into_iter().filter(may).collect()
}

/// Those who stand in for members of the pool who are away.
pub fn substitutes(run: &Run, item: &WorkItem, approval: &Approval) -> Vec<Login> {
    if is_open_to_all(approval) {
        return vec![];
    }
    let scope = run.scope(At::item(item));
    let away = run.ctx.people.with_absence().iter().filter(|p| is_away(run, p));
    let members = away.filter(|p| who::includes(&approval.of, p, &scope).unwrap_or(false));
    members.filter_map(|p| p.settings.away.as_ref()?.substitute.clone()).collect()
}
