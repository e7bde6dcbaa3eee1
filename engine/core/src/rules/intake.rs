//! What becomes of a mail that came in: pure, with the reasons, so that it can be tried without doing it.

use crate::rules::follow_up;
use crate::rules::rights::{self, Sight};
use crate::rules::scope::CommonScope;
use crate::state::attachment::{Attachment, Blob};
use crate::state::ids::{Login, TicketNumber};
use crate::state::mail::{Address, Mail, Nature, RESPONSES_A_DAY_MAX};
use crate::state::people::{Directory, Person, PersonKind};
use crate::state::snapshot::Snapshot;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::sync::Arc;
use vorgang_definitions::calendar::WorkTime;
use vorgang_definitions::cel::scope::{EvalError, Scope};
use vorgang_definitions::cel::value::Value;
use vorgang_definitions::kinds::auto_response::Occasion;
use vorgang_definitions::kinds::mail_account::MailAccount;
use vorgang_definitions::kinds::mail_filter::{Fate, MailFilter, Stage};
use vorgang_definitions::names::Names;
use vorgang_definitions::value_expr::ValueExpr;
use vorgang_definitions::values::Slot;

/// How a mail names the ticket that it may belong to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    /// Its subject carries the ticket's token, which nobody can guess.
    Subject,
    /// It answers a mail of ours, whose Message-ID nobody can guess.
    Token,
    /// It answers a mail that came in before.
    Reference,
    /// The same mail came to another account of the desk, and made this ticket.
    Copy,
    /// It has the number, which anybody can write.
    Number,
}

impl Proof {
    /// Only somebody who had a mail of the ticket can have written it.
    pub fn is_secret(self) -> bool {
        matches!(self, Self::Subject | Self::Token)
    }
}

/// A ticket that a mail names, as it is.
#[derive(Debug, Clone, Copy)]
pub struct Named<'a> {
    pub snapshot: &'a Snapshot,
    pub proof: Proof,
    /// Accounts that mail of the ticket came to or went out from, by name.
    pub accounts: &'a [String],
}

/// Everything that is looked at.
pub struct Arrival<'a> {
    pub mail: &'a Mail,
    /// The account that takes the mail.
    pub account: Option<&'a MailAccount>,
    /// Only the mail's own headers say so: what it asks for in `X-OTRS-…` is not done.
    pub guessed: bool,
    /// Every account whose address the envelope or the headers name, that one among them.
    pub addressed: &'a [&'a MailAccount],
    /// Of the envelope.
    pub recipients: &'a [String],
    pub named: Option<Named<'a>>,
    /// Automatic responses that the sender had today.
    pub responses: u64,
    pub now: Timestamp,
}

/// One line of the reasons.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// What decided: `sender`, `ticket`, `filter NAME`, …
    pub by: String,
    pub said: String,
}

/// Who a mail comes from, as far as it is believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Author {
    Customer,
    Agent,
    Machine,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// It stays in the log.
    Ignored,
    /// Somebody has to look at it.
    Quarantined,
    Taken(Box<Taken>),
}

/// What a ticket is to take in.
#[derive(Debug, Clone, PartialEq)]
pub struct Taken {
    /// The number of the ticket that it is added to; a new one otherwise.
    pub ticket: Option<TicketNumber>,
    /// Of a new one: the ticket that it is about, and that it does not belong to.
    pub related: Option<TicketNumber>,
    pub from: Author,
    /// The login, where the address is somebody's.
    pub person: Option<Login>,
    /// Of a new one.
    pub queue: String,
    pub ticket_type: String,
    pub set: Vec<(String, Option<Value>)>,
    pub visible: bool,
    /// What the desk answers.
    pub response: Option<Occasion>,
}

pub struct Sorted {
    pub verdict: Verdict,
    pub reasons: Vec<Reason>,
}

/// The work of [`sort`], with what was found so far.
struct Sorting<'a> {
    names: &'a Names,
    people: &'a Directory,
    arrival: &'a Arrival<'a>,
    person: Option<&'a Arc<Person>>,
    reasons: Vec<Reason>,
    set: BTreeMap<String, Option<Value>>,
    fate: Option<Fate>,
    /// Who said so.
    fated: Option<String>,
    stopped: bool,
    large: Large,
}

/// What filters see of a mail that is large: made once, for all that ask.
#[derive(Default)]
struct Large {
    body: OnceCell<Value>,
    headers: OnceCell<Value>,
    attachments: OnceCell<Value>,
}

pub fn sort(names: &Names, people: &Directory, arrival: &Arrival) -> Sorted {
    let person = people.by_address(&arrival.mail.sender());
    let mut sorting = Sorting {
        names,
        people,
        arrival,
        person,
        reasons: vec![],
        set: BTreeMap::new(),
        fate: None,
        fated: None,
        stopped: false,
        large: Large::default(),
    };
    let verdict = sorting.verdict();
    sorting.conclude(&verdict);
    Sorted { verdict, reasons: sorting.reasons }
}

impl Sorting<'_> {
    fn say(&mut self, by: &str, said: impl Into<String>) {
        self.reasons.push(Reason { by: by.into(), said: said.into() });
    }

    /// The last line says it all.
    fn conclude(&mut self, verdict: &Verdict) {
        let by_filter = self.fated.as_ref().map_or(String::new(), |f| format!(", as {f} says"));
        let said = match verdict {
            Verdict::Ignored => format!("it makes nothing{by_filter}"),
            Verdict::Quarantined => format!("somebody has to look at it{by_filter}"),
            Verdict::Taken(taken) => {
                let to = match (&taken.ticket, &taken.related) {
                    (Some(number), _) => format!("added to {number}"),
                    (None, Some(number)) => format!("a new ticket in {}, linked to {number}", taken.queue),
                    (None, None) => format!("a new ticket in {}", taken.queue),
                };
                format!("{to}{}", taken.response.map_or("", |_| ", and answered"))
            }
        };
        self.say("result", said);
    }

    fn verdict(&mut self) -> Verdict {
        let mail = self.arrival.mail;
        self.say("sender", self.sender());
        if self.arrival.account.is_some_and(|a| a.trusted) && !self.arrival.guessed {
            self.headers();
        }
        if !self.ask(Stage::Arrival, None) {
            return Verdict::Quarantined;
        }
        let ticket = if self.fate == Some(Fate::NewTicket) { None } else { self.belongs() };
        if !self.ask(Stage::Sorted, ticket.as_ref()) {
            return Verdict::Quarantined;
        }
        match self.fate {
            Some(Fate::Ignore) => return Verdict::Ignored,
            Some(Fate::Quarantine) => return Verdict::Quarantined,
            _ => {}
        }
        let ticket = ticket.filter(|_| self.fate != Some(Fate::NewTicket));
        if mail.is_report() && ticket.is_none() && self.fate.is_none() {
            self.say("ticket", "a report about a mail that no ticket knows makes none");
            return Verdict::Ignored;
        }
        let Some((queue, ticket_type)) = self.place() else {
            self.say("ticket", "no account says where it belongs");
            return Verdict::Quarantined;
        };
        self.taken(ticket, queue, ticket_type)
    }

    /// Who it is from, and whether that is believed.
    fn sender(&self) -> String {
        let mail = self.arrival.mail;
        let who = match (&mail.from, self.person) {
            (None, _) => "no sender is named".to_owned(),
            (Some(from), None) => format!("{} is nobody's address here", from.address),
            (Some(from), Some(person)) => format!("{} is the address of {} `{}`", from.address, person.kind.word(), person.login),
        };
        let auth = &mail.auth;
        let believed = match (&auth.ambiguous, auth.is_forged(), auth.is_good()) {
            (Some(_), _, _) => "the author is ambiguous, so nobody is believed",
            (_, true, _) => "its domain says that it is forged",
            (_, _, true) => "its domain stands for it",
            _ => "nobody stands for it",
        };
        let nature = match &mail.nature {
            Nature::Person => String::new(),
            Nature::Machine(why) => format!("; automatic mail: {why}"),
            Nature::Report(r) if r.complaint => "; it is a complaint about a mail".into(),
            Nature::Report(_) => "; it reports what became of a mail".into(),
        };
        format!("{who}; {believed} ({auth}){nature}")
    }

    /// The agent or customer who is believed to have written it.
    fn believed(&self) -> Option<&Arc<Person>> {
        self.person.filter(|p| !self.arrival.mail.auth.is_forged() && (p.kind == PersonKind::Customer || self.arrival.mail.auth.is_good()))
    }

    /// The number of the ticket that it is added to.
    fn belongs(&mut self) -> Option<TicketNumber> {
        let Some(named) = self.arrival.named else {
            self.say("ticket", "it names none");
            return None;
        };
        let Named { snapshot, proof, .. } = named;
        let number = snapshot.ticket.number.clone();
        let mail = self.arrival.mail;
        if mail.is_report() {
            // Only a report on a mail of ours: its id cannot be made up.
            let ours = proof.is_secret();
            self.say("ticket", if ours { format!("it reports on a mail of {number}") } else { "it reports on no mail of ours".into() });
            return ours.then_some(number);
        }
        if proof == Proof::Copy {
            self.say("ticket", format!("the same mail made {number} for another account"));
            return None;
        }
        if let Some(account) = self.elsewhere(&named) {
            let said = format!("it answers {number}, but was sent to {}, which {number} does not write from", account.address.address);
            self.say("ticket", said);
            return None;
        }
        let (good, why) = match (proof, self.takes_part(snapshot)) {
            (Proof::Number | Proof::Copy, _) => (false, format!("it has the number {number}, which anybody can write")),
            (_, None) => (false, format!("it answers {number}, but the sender takes no part in it")),
            (Proof::Subject | Proof::Token, Some(how)) => (true, format!("it answers a mail of {number}, and the sender {how}")),
            (Proof::Reference, Some(how)) if !mail.auth.is_good() => {
                (false, format!("it answers a mail that came for {number}, and nobody stands for the sender, who {how}"))
            }
            (Proof::Reference, Some(how)) => (true, format!("it answers a mail that came for {number}, and the sender {how}")),
        };
        self.say("ticket", why);
        good.then_some(number)
    }

    /// The account that the mail was sent to instead of one that the ticket writes from. A token in the subject leads to the
    /// ticket wherever the mail was sent: people keep a subject, and forward a thread under a new one.
    fn elsewhere(&self, named: &Named) -> Option<&MailAccount> {
        let account = self.arrival.account?;
        let own = self.names.account_of(&named.snapshot.ticket.queue);
        let of_ticket = |a: &&&MailAccount| own.is_some_and(|o| o.name == a.name) || named.accounts.iter().any(|n| *a.name == **n);
        let known = self.arrival.addressed.iter().find(of_ticket).is_some() || of_ticket(&&account);
        (named.proof != Proof::Subject && !known).then_some(account)
    }

    /// How the sender takes part in the ticket.
    fn takes_part(&self, snapshot: &Snapshot) -> Option<&'static str> {
        let mail = self.arrival.mail;
        if mail.auth.is_forged() {
            return None;
        }
        let sender = mail.sender();
        if let Some(person) = self.believed() {
            let ticket = &snapshot.ticket;
            let of_company = person.kind == PersonKind::Customer && person.company.is_some() && person.company == ticket.customer;
            if ticket.customer_user.as_ref() == Some(&person.login) {
                return Some("is its customer");
            }
            if of_company {
                return Some("is of its customer's company");
            }
            if rights::sight(self.names, person, snapshot) == Sight::Agent {
                return Some("is an agent who may see it");
            }
        }
        // An agent's address that nobody stands for is no participant's.
        let agent = self.person.is_some_and(|p| p.kind == PersonKind::Agent);
        (!agent && snapshot.participants.iter().any(|p| p.is(&sender))).then_some("takes part in it")
    }

    /// Queue and type of a new ticket: as set, else the account's, else those of the first account.
    fn place(&self) -> Option<(String, String)> {
        let account = self.arrival.account.or_else(|| self.names.accounts.iter().next());
        let set = |name: &str| self.set.get(name).and_then(|v| v.as_ref()).and_then(Value::as_text).map(str::to_owned);
        let queue = set("queue").or_else(|| account.map(|a| a.queue.to_string()))?;
        let ticket_type = set("type").or_else(|| account.map(|a| a.ticket_type.to_string()))?;
        Some((queue, ticket_type))
    }

    fn taken(&mut self, mut ticket: Option<TicketNumber>, queue: String, ticket_type: String) -> Verdict {
        let mail = self.arrival.mail;
        let mut occasion = if ticket.is_some() { Occasion::FollowUp } else { Occasion::Reply };
        let mut related = self.arrival.named.filter(|_| ticket.is_none()).map(|n| n.snapshot.ticket.number.clone());
        if let (Some(number), Some(named)) = (ticket.clone(), self.arrival.named)
            && !mail.is_report()
        {
            match follow_up::fate(self.names, &named.snapshot.ticket) {
                follow_up::Fate::Gone => {
                    self.say("ticket", format!("{number} is no more; it makes a new one"));
                    (ticket, related, occasion) = (None, Some(number), Occasion::Remove);
                }
                follow_up::Fate::NewTicket => {
                    self.say("ticket", format!("{number} is closed, and its queue wants a new one"));
                    (ticket, related, occasion) = (None, Some(number), Occasion::NewTicket);
                }
                follow_up::Fate::Rejected => {
                    self.say("ticket", format!("{number} is closed, and its queue takes no more: it is added, and the sender is told"));
                    occasion = Occasion::Reject;
                }
                follow_up::Fate::Added => {}
            }
        }
        let person = self.believed().cloned();
        let from = match &person {
            _ if mail.is_report() => Author::Machine,
            Some(p) if p.kind == PersonKind::Agent => Author::Agent,
            _ => Author::Customer,
        };
        let response = self.may_respond(from).then_some(occasion);
        let old = ticket.is_some();
        let set = std::mem::take(&mut self.set).into_iter().filter(move |(n, _)| old || !matches!(n.as_str(), "queue" | "type"));
        Verdict::Taken(Box::new(Taken {
            ticket,
            related,
            from,
            person: person.map(|p| p.login.clone()),
            queue,
            ticket_type,
            set: set.collect(),
            visible: !mail.is_report() && from != Author::Agent,
            response,
        }))
    }

    /// Automatic mail is never answered, strangers whom nobody stands for neither, and nobody often.
    fn may_respond(&mut self, from: Author) -> bool {
        let mail = self.arrival.mail;
        let known = self.person.is_some();
        let automatic = match &mail.nature {
            Nature::Machine(why) => Some(format!("automatic mail: {why}")),
            _ => None,
        };
        let why_not = match from {
            Author::Machine => Some("it is a report".to_owned()),
            Author::Customer if automatic.is_some() => automatic,
            Author::Agent => Some("an agent wrote it".to_owned()),
            Author::Customer if mail.from.is_none() => Some("no sender is named".into()),
            Author::Customer if mail.from.as_ref().is_some_and(|f| self.names.account_at(&f.address).is_some()) => {
                Some("it comes from an address of the desk itself".into())
            }
            Author::Customer if mail.auth.is_forged() || !(known || mail.auth.is_good()) => {
                Some("the sender is not known here, and nobody stands for the address".into())
            }
            Author::Customer if self.arrival.responses >= RESPONSES_A_DAY_MAX => {
                Some(format!("the address had {} responses today", self.arrival.responses))
            }
            Author::Customer => None,
        };
        if let Some(why) = &why_not {
            self.say("response", format!("none: {why}"));
        }
        why_not.is_none()
    }

    /// Asks the filters of a stage; false where one could not be evaluated.
    fn ask(&mut self, stage: Stage, ticket: Option<&TicketNumber>) -> bool {
        let filters: Vec<&MailFilter> = self.names.mail_filters.iter().filter(|f| f.stage.unwrap_or(Stage::Arrival) == stage).collect();
        for filter in filters {
            if self.stopped {
                return true;
            }
            let by = format!("filter {}", filter.name);
            let scope = MailScope {
                common: CommonScope { names: self.names, now: self.arrival.now },
                arrival: self.arrival,
                ticket: ticket.map_or("", |t| t.as_str()),
                person: self.person.map(|p| &**p),
                large: &self.large,
            };
            match filter.when.as_ref().map_or(Ok(true), |w| w.program().holds(&scope)) {
                Ok(true) => {}
                Ok(false) => {
                    self.say(&by, "does not hold");
                    continue;
                }
                Err(e) => {
                    self.say(&by, format!("could not be evaluated: {e}"));
                    return false;
                }
            }
            let (mut values, mut left) = (vec![], vec![]);
            for (name, given) in filter.set.iter() {
                let value = match given {
                    ValueExpr::Literal(l) => Ok(l.value().cloned()),
                    ValueExpr::Expr(e) => e.program().evaluate(&scope).map(Some),
                };
                match value {
                    Ok(value) => values.push((name.to_string(), value)),
                    // What comes from outside may be no word of ours: then the field is as without the filter.
                    Err(e @ EvalError::NotAWord { .. }) => left.push(format!("`{name}` stays: {e}")),
                    Err(e) => {
                        self.say(&by, format!("`{name}` could not be evaluated: {e}"));
                        return false;
                    }
                }
            }
            left.into_iter().for_each(|why| self.say(&by, why));
            let shown: Vec<String> =
                values.iter().map(|(n, v)| format!("{n} = {}", v.as_ref().map_or("–".into(), Value::to_string))).collect();
            let mut said = vec!["holds".to_owned()];
            said.extend((!shown.is_empty()).then(|| format!("sets {}", shown.join(", "))));
            said.extend(filter.then.map(|f| f.word().to_owned()));
            said.extend(filter.stop.then(|| "no filter after it".to_owned()));
            self.say(&by, said.join("; "));
            if filter.then.is_some() {
                self.fated = Some(by);
            }
            self.set.extend(values);
            self.fate = filter.then.or(self.fate);
            self.stopped = filter.stop;
        }
        true
    }

    /// `X-OTRS-…` of an account that is trusted; before filters, which may say otherwise.
    fn headers(&mut self) {
        let follow_up = self.arrival.named.is_some();
        let arrival = self.arrival;
        for (name, value) in &arrival.mail.headers {
            let Some(key) = name.strip_prefix("x-otrs-") else { continue };
            let (for_follow_up, key) = key.strip_prefix("followup-").map_or((false, key), |k| (true, k));
            let by = format!("header {name}");
            // On new tickets and follow-ups alike.
            if key == "ignore" {
                match value.trim().to_ascii_lowercase().as_str() {
                    "yes" | "true" | "1" => {
                        self.fate = Some(Fate::Ignore);
                        self.fated = Some(by.clone());
                        self.say(&by, "ignore");
                    }
                    "" | "no" | "false" | "0" => self.say(&by, "does not ignore"),
                    other => self.say(&by, format!("`{other}` is neither yes nor no")),
                }
                continue;
            }
            if for_follow_up != follow_up || value.trim().is_empty() {
                continue;
            }
            match self.of_header(key, value.trim()) {
                Some(Ok((name, value))) => {
                    self.say(&by, format!("sets {name} = {value}"));
                    self.set.insert(name, Some(value));
                }
                Some(Err(why)) => self.say(&by, why),
                None => self.say(&by, "is not known"),
            }
        }
    }

    /// The value that a header means: names are found by name or title, in any language.
    fn of_header(&self, key: &str, value: &str) -> Option<Result<(String, Value), String>> {
        let names = self.names;
        let missing = |what: &str| Err(format!("there is no {what} `{value}`"));
        let is = |name: &str, title: Option<&vorgang_definitions::text::Text>| {
            let last = value.rsplit("::").next().unwrap_or(value);
            let same = |t: &str| t.eq_ignore_ascii_case(value) || t.eq_ignore_ascii_case(last);
            same(name) || title.is_some_and(|t| t.values.iter().any(|(_, t, _)| same(t)))
        };
        let text = |slot: &str, found: Option<String>, what: &str| match found {
            Some(name) => Ok((slot.to_owned(), Value::text(name))),
            None => missing(what),
        };
        let login = |slot: &str, agent: bool| {
            let person = self.people.get(value).or_else(|| self.people.by_address(&value.to_ascii_lowercase()));
            let found = person.filter(|p| p.active && (p.kind == PersonKind::Agent) == agent).map(|p| p.login.clone());
            text(slot, found.map(String::from), "person")
        };
        Some(match key {
            "queue" => text("queue", names.queues.iter().find(|q| is(&q.name, q.title.as_ref())).map(|q| q.name.to_string()), "queue"),
            "type" => text("type", names.types.iter().find(|t| is(&t.name, t.title.as_ref())).map(|t| t.name.to_string()), "ticket type"),
            "state" => text("state", names.states.iter().find(|s| is(&s.name, s.title.as_ref())).map(|s| s.name.to_string()), "state"),
            "title" => Ok(("title".into(), Value::text(value.chars().take(200).collect::<String>()))),
            "owner" | "responsible" => login(key, true),
            "customeruser" | "customerno" => login("customer_user", false),
            "priority" => {
                let word = value.trim_start_matches(|c: char| c.is_ascii_digit()).trim();
                let found = names.priorities.iter().find(|p| is(&p.name, p.title.as_ref()) || p.name.eq_ignore_ascii_case(word));
                match found {
                    Some(p) => Ok(("priority".into(), Value::Int(p.level.value.0))),
                    None => missing("priority"),
                }
            }
            "state-pendingtime" => match value.parse::<Timestamp>() {
                Ok(at) => Ok(("pending_until".into(), Value::Timestamp(at))),
                Err(_) => Err(format!("`{value}` is no time")),
            },
            key => {
                let wanted = key.strip_prefix("dynamicfield-")?;
                let same = |name: &str| name.replace('_', "").eq_ignore_ascii_case(&wanted.replace(['_', '-'], ""));
                match names.fields.iter().find(|f| same(&f.name)) {
                    None => Err(format!("there is no field `{wanted}`")),
                    Some(f) => match Slot::Field(f).json(&value.into(), names) {
                        Ok(Some(v)) => Ok((f.name.to_string(), v)),
                        Ok(None) => Err("has no value".into()),
                        Err(e) => Err(e.to_string()),
                    },
                }
            }
        })
    }
}

/// What filters see.
struct MailScope<'a> {
    common: CommonScope<'a>,
    arrival: &'a Arrival<'a>,
    ticket: &'a str,
    person: Option<&'a Person>,
    large: &'a Large,
}

impl Scope for MailScope<'_> {
    fn get(&self, path: &[Box<str>]) -> Option<Value> {
        let [root, part] = path else { return self.common.get(path) };
        if &**root != "mail" {
            return self.common.get(path);
        }
        let mail = self.arrival.mail;
        let text = |t: &str| Some(Value::text(t));
        let list = |all: &[Address]| Some(Value::List(Arc::new(all.iter().map(|a| Value::text(a.key())).collect())));
        let map = |pairs: &[(&str, Value)]| {
            Value::Map(Arc::new(pairs.iter().map(|(k, v)| ((*k).to_owned(), v.clone())).collect::<BTreeMap<_, _>>()))
        };
        let made = |cell: &OnceCell<Value>, all: &dyn Fn() -> Vec<Value>| Some(cell.get_or_init(|| Value::List(Arc::new(all()))).clone());
        match &**part {
            "subject" => text(&mail.subject),
            "body" => Some(self.large.body.get_or_init(|| Value::text(mail.body.as_str())).clone()),
            "from" => text(&mail.sender()),
            "from_name" => text(mail.from.as_ref().map_or("", |f| f.name.as_str())),
            "reply_to" => list(&mail.reply_to),
            "to" => list(&mail.to),
            "cc" => list(&mail.cc),
            "recipients" => Some(Value::List(Arc::new(self.arrival.recipients.iter().map(|r| Value::text(r.to_lowercase())).collect()))),
            "account" => text(self.arrival.account.map_or("", |a| a.name.as_str())),
            "message_id" => text(mail.message_id.as_deref().unwrap_or("")),
            "headers" => made(&self.large.headers, &|| {
                let header = |(n, v): &(String, String)| map(&[("name", Value::text(n.as_str())), ("value", Value::text(v.as_str()))]);
                mail.headers.iter().map(header).collect()
            }),
            "attachments" => made(&self.large.attachments, &|| {
                let file = |(a, _): &(Attachment, Blob)| {
                    let (name, kind) = (Value::text(a.name.as_str()), Value::text(a.content_type.as_str()));
                    map(&[("name", name), ("type", kind), ("size", Value::Int(a.size as i64))])
                };
                mail.attachments.iter().map(file).collect()
            }),
            "size" => Some(Value::Int(mail.size as i64)),
            "auto" => Some(Value::Bool(mail.is_auto())),
            "bounce" => Some(Value::Bool(mail.is_report())),
            "authenticated" => Some(Value::Bool(mail.auth.is_good())),
            "spf" => text(mail.auth.spf.word()),
            "dkim" => text(mail.auth.dkim.word()),
            "dmarc" => text(mail.auth.dmarc.word()),
            "arc" => text(mail.auth.arc.word()),
            "customer" => text(self.person.filter(|p| p.kind == PersonKind::Customer).map_or("", |p| p.login.as_str())),
            "ticket" => text(self.ticket),
            _ => None,
        }
    }

    fn now(&self) -> Timestamp {
        self.common.now()
    }

    fn zone(&self) -> &TimeZone {
        self.common.zone()
    }

    fn work_time(&self, name: Option<&str>) -> Option<&WorkTime> {
        self.common.work_time(name)
    }
}
