use crate::diagnostic::Diagnostic;
use crate::duration_text::DurationText;
use crate::kinds::kind::Kind;
use crate::load::{Int, Load, Loader, Named, Schemas};
use crate::name::Name;
use crate::phase::Phase;
use crate::value_expr::{Entered, Plain};
use crate::yaml::{Node, Value};
use crate::{choice, record};
use jiff::Timestamp;
use serde_json::json;

record! {
    /// A story about a process, played in virtual time.
    pub struct Test<S> as "a test" {
        /// The kind of this definition.
        kind "kind": Kind = "Test";
        /// The name of the test.
        name "name": Name = "large_claim_is_approved";
        /// The process that it is about.
        process "process": Option<Name> = "expense_claim";
        /// The people of the story.
        people "people": Named<Person> = { "mia": { "kind": "agent", "roles": ["manager"] } };
        /// When it begins.
        starts_at "at": Option<Time> = "2026-03-02T09:00:00+01:00";
        /// What happens, and what is expected.
        steps "steps": Vec<Step<S>> = [{ "start": "expense_claim", "as": "anna" }, { "expect": { "state": "new" } }];
    }
}

choice! {
    /// What a person is.
    pub enum PersonKind {
        Customer "customer",
        Agent "agent",
    }
}

record! {
    /// A person of a test.
    pub struct Person as "a person" {
        /// Customer or agent.
        person_kind "kind": PersonKind = "agent";
        /// What others read; the login if not written.
        title "name": Option<String> = "Mia Berg";
        /// The company of a customer.
        company "company": Option<Name> = "north";
        /// The roles of an agent.
        roles "roles": Vec<Name> = ["manager"];
        /// What an agent can do.
        skills "skills": Vec<Name> = ["sap"];
        /// The login of the manager.
        manager "manager": Option<Name> = "mia";
        /// Out of office, all the time; the substitute's login.
        away "away": Option<Name> = "otto";
    }
}

/// A point in time with its offset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Time(pub Timestamp);

crate::plain!(Time);

impl Load for Time {
    fn schema(_: &mut Schemas) -> serde_json::Value {
        json!({"type": "string", "format": "date-time", "pattern": "^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}(:\\d{2}(\\.\\d{1,9})?)?(Z|[+-]\\d{2}:\\d{2})$"})
    }
    fn load(node: &Node, cx: &mut Loader) -> Option<Self> {
        let time = match &node.value {
            Value::Text(t) => t.parse().ok(),
            _ => None,
        };
        if time.is_none() {
            cx.push(Diagnostic::error("wrong-type", node.span, "expected a time").help("write `\"2026-03-02T09:00:00+01:00\"`"));
        }
        time.map(Self)
    }
}

choice! {
    /// Why something is refused.
    pub enum Refusal {
        /// The person has no right to it, or is not among those it is for.
        Right "right",
        /// The life cycle of the ticket's type does not allow it.
        LifeCycle "life_cycle",
        /// An ACL takes the value or the action away.
        Acl "acl",
        /// The form is not filled in as it must be.
        Form "form",
        /// What it is about is gone, or not offered.
        Gone "gone",
        /// Something else was changed meanwhile.
        Conflict "conflict",
        /// By hand: no way leads on, or what it does fails.
        NoWay "no_way",
        /// By hand: from there the process could not go on well.
        Unsound "unsound",
    }
}

record! {
    /// One step: exactly one of `start`, `create`, `submit`, `vote`, `claim`, `release`, `steer`, `patch`, `write`, `note`, `watch`, `merge`, `mail`, `message`, `answer`, `incident`, `job`, `advance`, `expect`.
    pub struct Step<S> as "a step" {
        /// Starts a process.
        start "start": Option<Name> = "expense_claim";
        /// Creates a ticket of this type without a process; `with` gives `title`, `queue` and the other values.
        create "create": Option<Name> = "incident";
        /// Submits a dialog of this activity.
        submit "submit": Option<Name> = "check_receipts";
        /// Votes in the approval of this activity.
        vote "vote": Option<Name> = "approve";
        /// Claims the work item of this activity.
        claim "claim": Option<Name> = "check_receipts";
        /// Gives back the work item of this activity.
        release "release": Option<Name> = "check_receipts";
        /// Does something by hand with the work item of an activity.
        steer "steer": Option<Box<Steering>> = { "move": "install", "to": "rejected", "reason": "The server is gone" };
        /// Changes attributes of the ticket, as a person.
        patch "patch": Option<Named<Entered<S>>> = { "state": "open" };
        /// Writes a message on the ticket, which customers see.
        write "write": Option<String> = "When will it be paid?";
        /// Writes a note on the ticket, which customers do not see.
        note "note": Option<String> = "Ask Mia";
        /// Begins or ends watching the ticket.
        watch "watch": Option<bool> = true;
        /// Merges the ticket into another one of the story, by its place.
        merge "merge": Option<Int<1, 1_000>> = 1;
        /// A mail comes in, and is sorted as at the door; the steps that follow are about its ticket.
        mail "mail": Option<Box<MailIn>> = { "from": "anna", "subject": "The printer is on fire", "body": "Please help" };
        /// Tries the open incident again whose kind this is, or whose message has it in it.
        incident "incident": Option<String> = "life_cycle";
        /// A message from outside comes; `with` says what it carries.
        message "message": Option<Name> = "parts_arrived";
        /// The program of this name, the oldest that is to run on the ticket, has ended: `output` or `fails` says how.
        answer "answer": Option<Name> = "stop_host";
        /// Runs a job on the ticket, as its schedule would.
        job "job": Option<Name> = "close_waiting";
        /// Moves the clock.
        advance "advance": Option<DurationText> = "1d";
        /// What must be true now.
        expect "expect": Option<Box<Expect>> = { "state": "new", "work": ["approve"] };
        /// The ticket it is about, by its place among all that were made, those that actions make too; the one of the
        /// step before if not written.
        ticket "ticket": Option<Int<1, 1_000>> = 2;
        /// The person who does it, a name of `people`; with `expect`, whose choices they are.
        actor "as": Option<Name> = "anna";
        /// The copy of a `for_each`, by its element.
        item "item": Option<Plain> = "mail";
        /// The dialog, where the activity has several.
        dialog "dialog": Option<Name> = "hand_in";
        /// The answer given.
        outcome "outcome": Option<Name> = "good";
        /// The values of the form.
        with "with": Named<Entered<S>> = { "amount": "400.00" };
        /// The text of the article.
        article "article": Option<String> = "Train to Kiel";
        /// What the program wrote.
        output "output": Option<String> = "{\"stopped\": 3}";
        /// Why the program failed for good.
        fails "fails": Option<String> = "no such host";
        /// The minutes of work that go with a `write` or `note`, or with the article of a form.
        minutes "minutes": Option<Int<1, 1_440>> = 15;
        /// It must be refused, for this reason.
        refuse "refuse": Option<Refusal> = "right";
        /// A part of what the person is told of the refusal, in the site's own language.
        because "because": Option<String> = "Enter the solution first";
    }
}

impl<S: Phase> Step<S> {
    /// What it does, by its keys: a checked one has exactly one.
    pub fn verbs(&self) -> Vec<&'static str> {
        let given = [
            ("start", self.start.is_some()),
            ("create", self.create.is_some()),
            ("submit", self.submit.is_some()),
            ("vote", self.vote.is_some()),
            ("claim", self.claim.is_some()),
            ("release", self.release.is_some()),
            ("steer", self.steer.is_some()),
            ("patch", self.patch.is_some()),
            ("write", self.write.is_some()),
            ("note", self.note.is_some()),
            ("watch", self.watch.is_some()),
            ("merge", self.merge.is_some()),
            ("mail", self.mail.is_some()),
            ("incident", self.incident.is_some()),
            ("message", self.message.is_some()),
            ("answer", self.answer.is_some()),
            ("job", self.job.is_some()),
            ("advance", self.advance.is_some()),
            ("expect", self.expect.is_some()),
        ];
        given.into_iter().filter(|(_, g)| *g).map(|(v, _)| v).collect()
    }
}

choice! {
    /// What becomes of a mail.
    pub enum Becomes {
        /// A ticket takes it in.
        Taken "taken",
        /// It stays in the log.
        Ignored "ignored",
        /// Somebody has to look at it.
        Quarantined "quarantined",
    }
}

record! {
    /// A mail that comes in.
    pub struct MailIn as "`mail`" {
        /// The address, or one of the test's people: who writes from LOGIN@example.org.
        from "from": String = "anna";
        /// The address it is for; that of the first mail account if not written.
        to "to": Option<String> = "support@example.org";
        /// Its subject.
        subject "subject": Option<String> = "The printer is on fire";
        /// Its text.
        body "body": Option<String> = "Please help";
        /// It answers a mail of this ticket, by its place among all that were made.
        answers "answers": Option<Int<1, 1_000>> = 1;
        /// Further lines of its head.
        headers "headers": Vec<String> = ["X-Priority: 1"];
        /// A machine wrote it.
        auto "auto": bool = true;
        /// The sender's domain says that it is none of its.
        forged "forged": bool = true;
        /// What has to become of it; `taken` if not written.
        becomes "becomes": Option<Becomes> = "quarantined";
    }
}

record! {
    /// Work by hand: exactly one of `complete`, `skip`, `cancel`, `move`, `redo`, `suspend`, `resume`, `hand_over`, each an activity.
    pub struct Steering as "`steer`" {
        /// It ends as if its people had given the `outcome`.
        complete "complete": Option<Name> = "check_receipts";
        /// It goes on as with the `outcome`, though nobody did it: nothing of it is undone later.
        skip "skip": Option<Name> = "check_receipts";
        /// It is taken away, and nothing follows.
        cancel "cancel": Option<Name> = "check_receipts";
        /// Its token goes to the activity in `to`.
        moves "move": Option<Name> = "install";
        /// It was completed, and begins again.
        redo "redo": Option<Name> = "install";
        /// Nobody can do it, and its clocks stand.
        suspend "suspend": Option<Name> = "install";
        /// It goes on.
        resume "resume": Option<Name> = "install";
        /// The person in `to` does it.
        hand_over "hand_over": Option<Name> = "install";
        /// With which outcome.
        outcome "outcome": Option<Name> = "good";
        /// The activity, or the person.
        to "to": Option<Name> = "rejected";
        /// Why.
        reason "reason": Option<String> = "The server is gone";
        /// Even where the process cannot go on well.
        anyway "anyway": bool = true;
    }
}

impl Steering {
    /// What is done, each with the activity: a checked one has exactly one.
    pub fn given(&self) -> Vec<(&'static str, &Name)> {
        let all = [
            ("complete", &self.complete),
            ("skip", &self.skip),
            ("cancel", &self.cancel),
            ("move", &self.moves),
            ("redo", &self.redo),
            ("suspend", &self.suspend),
            ("resume", &self.resume),
            ("hand_over", &self.hand_over),
        ];
        all.into_iter().filter_map(|(word, name)| Some((word, name.as_ref()?))).collect()
    }

    /// The activity.
    pub fn activity(&self) -> Option<&Name> {
        self.given().first().map(|(_, name)| *name)
    }
}

record! {
    /// What must be true: only what is written is looked at.
    pub struct Expect as "`expect`" {
        /// The ticket's state.
        state "state": Option<Name> = "closed_successful";
        /// The ticket's type.
        ticket_type "type": Option<Name> = "expense";
        /// The ticket's queue.
        queue "queue": Option<Name> = "finance";
        /// The ticket's priority, by name.
        priority "priority": Option<Name> = "normal";
        /// The owner's login; `nobody` where there is none.
        owner "owner": Option<String> = "mia";
        /// Whether its owner holds it.
        lock "lock": Option<bool> = true;
        /// Minutes of work that were written down.
        accounted "accounted": Option<Int<0, 1_000_000>> = 15;
        /// The activities that are under way, in any order.
        work "work": Option<Vec<Name>> = ["approve", "check_receipts"];
        /// The outcome with which the instance ended.
        outcome "outcome": Option<Name> = "paid";
        /// Who watches the ticket, in any order.
        watchers "watchers": Option<Vec<Name>> = ["mia"];
        /// For each attribute or field the values that the person in `as` may choose by hand, in any order.
        choices "choices": Named<Vec<String>> = { "state": ["open", "closed_successful"] };
        /// Values of the process that was started last, as they are written: `null` where one is not set.
        data "data": Named<Plain> = { "booking": "B-7" };
        /// Values of fields.
        fields "fields": Named<Plain> = { "amount": "400.00" };
        /// The activities of the ticket's processes that were completed, in the order of their completion.
        trace "trace": Option<Vec<Name>> = ["claim", "approve"];
        /// Addresses, or people of the test, to whom mails were written since the beginning, in any order.
        mailed "mailed": Option<Vec<String>> = ["anna"];
        /// Other tickets that are linked, in any order: what each is to this one, and its place among all that were made.
        links "links": Option<Vec<Named<Int<1, 1_000>>>> = [{ "child": 2 }];
        /// For each attribute or field the values that the person in `as` may not choose by hand: `right`, `life_cycle` or
        /// `acl`, or a part of what the person is told, in the site's own language.
        reasons "reasons": Named<Named<String>> = { "state": { "closed_successful": "Enter the solution first" } };
        /// The newest article.
        article "article": Option<Box<ArticleIs>> = { "body": "Train to Kiel", "visible": true };
        /// Mails and notifications that were sent since the beginning.
        texts "texts": Vec<TextSent> = [{ "to": "anna", "subject": "is paid" }];
        /// How many articles the ticket has.
        articles "articles": Option<Int<0, 100_000>> = 1;
        /// How many of them customers may read.
        visible "visible": Option<Int<0, 100_000>> = 1;
        /// How many other tickets were made since the beginning.
        created "created": Option<Int<0, 1_000>> = 1;
        /// How many incidents are open.
        incidents "incidents": Option<Int<0, 1_000>> = 0;
        /// Notifications sent since the beginning, each with its receiver and as often as it was sent; `[]` where nobody was
        /// told.
        notified "notified": Option<Vec<Named<Name>>> = [{ "claim_paid": "anna" }];
    }
}

record! {
    /// What an article must say: only what is written is looked at.
    pub struct ArticleIs as "`article`" {
        /// A part of its first line.
        subject "subject": Option<String> = "Claim over 400.00 EUR";
        /// A part of its text.
        body "body": Option<String> = "Train to Kiel";
        /// Whether customers may read it.
        visible "visible": Option<bool> = true;
        /// Its author's login.
        by "by": Option<Name> = "anna";
    }
}

record! {
    /// A mail or a notification.
    pub struct TextSent as "a text that was sent" {
        /// The receiver: an address, or one of the test's people.
        to "to": String = "anna";
        /// The notification; a mail of any kind if not written.
        of "of": Option<Name> = "claim_paid";
        /// A part of its subject.
        subject "subject": Option<String> = "is paid";
        /// A part of its text.
        body "body": Option<String> = "400.00";
    }
}
