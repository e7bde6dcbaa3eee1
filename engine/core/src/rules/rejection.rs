//! Why a command is refused, as a value. What a person reads is made here too, in German and English.

use crate::rules::denied::Denied;
use crate::state::ids::TicketNumber;
use crate::state::people::PersonKind;
use serde_json::Value as Json;

pub fn say(rejection: &Rejection) -> String {
    match rejection {
        Rejection::Form(errors) => errors.iter().map(|(f, e)| format!("{f} {}", e.say("en"))).collect::<Vec<_>>().join("; "),
        other => other.say("en"),
    }
}

#[derive(Debug, Clone, PartialEq)]
pub enum Rejection {
    /// No such thing, or none that this person may know of.
    NotFound,
    Right(RightReason),
    LifeCycle {
        from: String,
        to: String,
        why: LifeCycleReason,
    },
    /// An ACL keeps this person from doing it.
    Acl(Box<Denied>),
    /// The form with what is wrong, field by field; the empty name is the form itself.
    Form(Vec<(String, FormError)>),
    /// The work item, dialog or outcome is no longer there.
    Gone,
    /// The ticket is not at the version that was asked for.
    Stale,
    /// Changed meanwhile by somebody else: name, the person's value, the stored value.
    Conflict(Vec<(String, Json, Json)>),
    /// A running process relies on the field being set.
    ReliedOn {
        field: String,
        process: String,
    },
    /// The ticket cannot be closed while this process runs.
    KeptOpen {
        process: String,
    },
    /// None of these conditions holds: there is no way on.
    NoBranch(Vec<String>),
    /// What was to be done by hand failed, for this reason.
    Failed(String),
    /// An event of the desk that no handler makes a ticket of.
    Unheard,
    /// The process could not end well from there, for this reason.
    Unsound(String),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RightReason {
    /// The right that is missing, and the queue.
    Queue {
        right: &'static str,
        queue: String,
    },
    NotForYou,
    ExcludedByNot,
    ClaimFirst,
    ClaimedBy(String),
    AlreadyVoted,
    AdminOnly,
    CannotStart,
    /// The process is not active.
    Inactive,
    /// Another ticket has what this needs of the site.
    HeldElsewhere {
        mutex: String,
        key: String,
        ticket: TicketNumber,
    },
    /// Another activity is under way that must not be at the same time; who does it, where somebody does.
    MutexHeld {
        mutex: String,
        activity: String,
        by: Option<String>,
    },
}

impl RightReason {
    /// Does the person lack the right itself? Otherwise it is only not the time, or somebody else's turn.
    pub fn is_denial(&self) -> bool {
        matches!(self, Self::Queue { .. } | Self::NotForYou | Self::ExcludedByNot | Self::AdminOnly | Self::CannotStart)
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LifeCycleReason {
    NoTransition,
    NotByYou,
    Condition(String),
    NotInType,
    PendingNeedsTime,
    /// A ticket is merged with another one; its state follows.
    OnlyByMerging,
}

#[derive(Debug, Clone, PartialEq)]
pub enum FormError {
    Required,
    Unknown,
    Invalid(vorgang_definitions::value_error::ValueError),
    NoSuchPerson,
    /// The work is not for this person.
    NotForPerson,
    TooManyFiles,
    UnknownOutcome,
    UnknownDialog,
    /// An ACL takes the value away, or protects the field.
    Denied(Box<Denied>),
}

impl From<Denied> for FormError {
    fn from(denied: Denied) -> Self {
        Self::Denied(Box::new(denied))
    }
}

impl From<Denied> for Rejection {
    fn from(denied: Denied) -> Self {
        Self::Acl(Box::new(denied))
    }
}

impl FormError {
    pub fn say(&self, language: &str) -> String {
        use vorgang_definitions::value_error::ValueError as V;
        let de = language.starts_with("de");
        match (self, de) {
            (Self::Required, false) => "must be filled in".into(),
            (Self::Required, true) => "muss ausgefüllt werden".into(),
            (Self::Unknown, false) => "is not part of this form".into(),
            (Self::Unknown, true) => "gehört nicht zu diesem Formular".into(),
            (Self::NoSuchPerson, false) => "nobody has this login".into(),
            (Self::NoSuchPerson, true) => "diese Anmeldung gibt es nicht".into(),
            (Self::NotForPerson, false) => "the work is not for this person".into(),
            (Self::NotForPerson, true) => "die Aufgabe ist nicht für diese Person".into(),
            (Self::TooManyFiles, false) => "too many files".into(),
            (Self::TooManyFiles, true) => "zu viele Dateien".into(),
            (Self::UnknownOutcome, false) => "this answer is not offered".into(),
            (Self::UnknownOutcome, true) => "diese Antwort steht nicht zur Wahl".into(),
            (Self::UnknownDialog, false) => "this form does not exist".into(),
            (Self::UnknownDialog, true) => "dieses Formular gibt es nicht".into(),
            (Self::Denied(denied), _) => denied.say(language),
            (Self::Invalid(e), false) => e.to_string(),
            (Self::Invalid(e), true) => match e {
                V::WrongType(what) => format!(
                    "erwartet wird {}",
                    match *what {
                        "a whole number" => "eine ganze Zahl",
                        "a decimal number" => "eine Zahl wie 12,50",
                        "true or false" => "ja oder nein",
                        "a date such as `2026-03-01`" => "ein Datum",
                        "a file" => "eine Datei",
                        "a list of choices" => "eine Auswahl",
                        _ => "ein Text",
                    }
                ),
                V::NotOffered(v) => format!("„{v}“ steht nicht zur Wahl"),
                V::TooLong(n) => format!("länger als {n} Byte"),
                V::Scale(n) => format!("mehr als {n} Stellen hinter dem Komma"),
                V::TooLarge => "zu groß".into(),
                V::LineBreak => "darf keinen Zeilenumbruch enthalten".into(),
            },
        }
    }
}

impl Rejection {
    /// A short word for the API and for tests.
    pub fn word(&self) -> &'static str {
        match self {
            Self::NotFound => "not_found",
            Self::Right(_) => "right",
            Self::LifeCycle { .. } => "life_cycle",
            Self::Acl(_) => "acl",
            Self::Form(errors) if errors.iter().any(|(_, e)| matches!(e, FormError::Denied(_))) => "acl",
            Self::Form(_) | Self::ReliedOn { .. } | Self::KeptOpen { .. } => "form",
            Self::Gone => "gone",
            Self::NoBranch(_) | Self::Failed(_) | Self::Unheard => "no_way",
            Self::Unsound(_) => "unsound",
            Self::Stale => "stale",
            Self::Conflict(_) => "conflict",
        }
    }

    /// As this kind of person may read it: customers never see conditions (C20).
    pub fn told_to(self, kind: PersonKind) -> Self {
        match self {
            Self::NoBranch(_) | Self::Failed(_) | Self::Unsound(_) if kind == PersonKind::Customer => Self::Gone,
            Self::Right(RightReason::HeldElsewhere { mutex, .. }) if kind == PersonKind::Customer => {
                Self::Right(RightReason::MutexHeld { activity: mutex.clone(), mutex, by: None })
            }
            Self::LifeCycle { from, to, why: LifeCycleReason::Condition(_) } if kind == PersonKind::Customer => {
                Self::LifeCycle { from, to, why: LifeCycleReason::NoTransition }
            }
            other => other,
        }
    }

    /// One sentence for a person.
    pub fn say(&self, language: &str) -> String {
        let de = language.starts_with("de");
        let pick = |en: &str, german: &str| if de { german.to_owned() } else { en.to_owned() };
        match self {
            Self::NotFound => pick("There is nothing here that you may see.", "Hier ist nichts, was Sie sehen dürfen."),
            Self::Right(reason) => match reason {
                RightReason::Queue { right, queue } => pick(
                    &format!("You do not have the right `{right}` in the queue `{queue}`."),
                    &format!("Ihnen fehlt das Recht `{right}` in der Queue `{queue}`."),
                ),
                RightReason::NotForYou => pick("This is for somebody else to do.", "Das ist für jemand anderen bestimmt."),
                RightReason::ExcludedByNot => pick("You may not decide this one yourself.", "Hier dürfen Sie nicht selbst entscheiden."),
                RightReason::ClaimFirst => pick("Claim the work first.", "Übernehmen Sie die Aufgabe zuerst."),
                RightReason::ClaimedBy(who) => pick(&format!("{who} is working on it."), &format!("{who} arbeitet daran.")),
                RightReason::AlreadyVoted => pick("You have voted already.", "Sie haben schon abgestimmt."),
                RightReason::AdminOnly => pick("Only an administrator may do this.", "Das darf nur die Administration."),
                RightReason::HeldElsewhere { mutex, key, ticket } => pick(
                    &format!("`{mutex}` of `{key}` is taken by ticket {ticket}: one at a time."),
                    &format!("`{mutex}` von `{key}` hat das Ticket {ticket}: immer nur eins zugleich."),
                ),
                RightReason::MutexHeld { activity, by, .. } => {
                    let by = by.as_ref().map_or(String::new(), |b| format!(" ({b})"));
                    pick(
                        &format!("`{activity}`{by} is under way: one at a time."),
                        &format!("`{activity}`{by} ist in Arbeit: immer nur eins zugleich."),
                    )
                }
                RightReason::Inactive => pick("The process is switched off.", "Der Prozess ist abgeschaltet."),
                RightReason::CannotStart => pick("You may not start this.", "Das dürfen Sie nicht starten."),
            },
            Self::LifeCycle { from, to, why } => {
                let why = match why {
                    LifeCycleReason::NoTransition => {
                        pick("the life cycle has no such transition", "der Lebenszyklus kennt diesen Übergang nicht")
                    }
                    LifeCycleReason::NotByYou => pick("it is for others to do", "das ist anderen vorbehalten"),
                    LifeCycleReason::Condition(c) => {
                        pick(&format!("its condition does not hold: {c}"), &format!("die Bedingung gilt nicht: {c}"))
                    }
                    LifeCycleReason::NotInType => {
                        pick("tickets of this type do not have the state", "Tickets dieses Typs kennen den Zustand nicht")
                    }
                    LifeCycleReason::OnlyByMerging => pick("it comes with merging", "er kommt mit dem Zusammenfassen"),
                    LifeCycleReason::PendingNeedsTime => pick("a time until when is needed", "es fehlt der Zeitpunkt, bis wann"),
                };
                pick(&format!("From `{from}` to `{to}`: {why}."), &format!("Von `{from}` nach `{to}`: {why}."))
            }
            Self::Acl(denied) => denied.say(language),
            Self::Form(_) => pick("The form is not filled in as it must be.", "Das Formular ist nicht richtig ausgefüllt."),
            Self::Gone => pick("This step is no longer open.", "Dieser Schritt ist nicht mehr offen."),
            Self::KeptOpen { process } => pick(
                &format!("The ticket cannot be closed while the process `{process}` runs."),
                &format!("Das Ticket kann nicht geschlossen werden, solange der Prozess `{process}` läuft."),
            ),
            Self::NoBranch(conditions) => {
                let list = conditions.iter().map(|c| format!("`{c}`")).collect::<Vec<_>>().join(", ");
                pick(&format!("No way leads on: false are {list}."), &format!("Es führt kein Weg weiter: falsch sind {list}."))
            }
            Self::Unheard => pick("No handler makes a ticket of it.", "Keine Behandlung macht daraus einen Vorgang."),
            Self::Failed(why) => pick(&format!("It failed: {why}."), &format!("Es ist gescheitert: {why}.")),
            Self::Unsound(why) => pick(
                &format!("The process could not go on well from there: {why}."),
                &format!("Der Prozess käme von dort nicht gut weiter: {why}."),
            ),
            Self::Stale => pick("The ticket is at another version.", "Das Ticket hat eine andere Version."),
            Self::Conflict(_) => pick("Somebody else changed this meanwhile.", "Jemand anders hat das inzwischen geändert."),
            Self::ReliedOn { field, process } if field == "type" => pick(
                &format!("The type cannot be changed: the process `{process}` runs, which is for tickets of this one."),
                &format!("Der Typ kann nicht geändert werden: es läuft der Prozess `{process}`, der zu diesem gehört."),
            ),
            Self::ReliedOn { field, process } => pick(
                &format!("`{field}` cannot be emptied: the process `{process}` relies on it."),
                &format!("`{field}` darf nicht geleert werden: der Prozess `{process}` braucht es."),
            ),
        }
    }
}
