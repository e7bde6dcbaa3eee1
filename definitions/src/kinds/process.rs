use crate::actions::complete::{Complete, Completes};
use crate::actions::{self, Action, Verb};
use crate::duration_text::DurationText;
pub use crate::kinds::branch::Branch;
pub use crate::kinds::branch::Join;
pub use crate::kinds::branch::Next;
pub use crate::kinds::branch::OnChange;
pub use crate::kinds::branch::Rest;
pub use crate::kinds::branch::Split;
pub use crate::kinds::branch::Target;
pub use crate::kinds::branch::Transition;
use crate::kinds::group::{Group, Mutex};
use crate::kinds::handler::{EventName, LocalHandler};
use crate::kinds::kind::Kind;
use crate::kinds::message::{DataType, Message, Typed};
use crate::kinds::several::{ForEach, Repeat};
use crate::kinds::sub_process::SubProcess;
use crate::kinds::timer::Timer;
use crate::kinds::who::Whos;
use crate::load::{self, Int, Load, Loader, Named, Schemas};
use crate::name::Name;
use crate::phase::{Compile, Compiled, ExprOf, Parts, Phase, TemplateOf, Written};
use crate::source::Span;
use crate::text::Text;
use crate::value_expr::ValueExpr;
use crate::yaml::{Node, Value};
use crate::{choice, record};
use serde_json::json;

record! {
    /// A net of activities that drives one ticket.
    pub struct Process<S> as "a process" {
        /// The kind of this definition.
        kind "kind": Kind = "Process";
        /// The name by which definitions know the process.
        name "name": Name = "expense_claim";
        /// What people read.
        title "title": Option<Text> = { "en": "Expense claim", "de": "Spesenabrechnung" };
        /// A sentence in the catalogue.
        description "description": Option<Text> = { "en": "Money back for what you paid", "de": "Geld zurück für Auslagen" };
        /// Whether it can be started; `active` if not written.
        status "status": Option<Status> = "fading";
        /// What becomes of it when its ticket is closed, merged or removed by anything but itself; `cancel` if not written.
        when_closed "when_closed": Option<WhenClosed> = "keep";
        /// Who may start it, and in which activity it begins.
        starts "starts": Vec<Start> = [{ "by": "customer", "at": "claim" }];
        /// The ticket that a start creates.
        ticket "ticket": TicketDefaults = { "type": "expense", "queue": "finance", "state": "new", "priority": "normal" };
        /// Values of its own: `process.data.NAME`.
        data "data": Named<Typed> = { "booking": "text" };
        /// What its handlers wait for, from other processes or from outside.
        messages "messages": Named<Message<S>> = { "parts_arrived": { "data": { "order": "text" }, "keep": "30d" } };
        /// What happens on events while it runs.
        handlers "handlers": Vec<LocalHandler<S>> = [{ "on": "ticket.queue_changed", "do": [{ "notify": "moved" }] }];
        /// Phases: what is cancelled, timed and excluded together.
        groups "groups": Named<Group<S>> = { "deployment": { "activities": ["stop", "install"], "mutex": "desk" } };
        /// The steps.
        activities "activities": Named<Activity<S>> = { "claim": { "next": "pay" }, "pay": { "end": "paid" } };
    }
}

impl<S: Phase> Process<S> {
    pub fn status(&self) -> Status {
        self.status.unwrap_or(Status::Active)
    }

    pub fn when_closed(&self) -> WhenClosed {
        self.when_closed.unwrap_or(WhenClosed::Cancel)
    }

    /// Where it can begin: its starts, or, started by an action only, its first activity.
    pub fn begins(&self) -> std::collections::BTreeSet<&str> {
        let mut begins: std::collections::BTreeSet<&str> = self.starts.iter().map(|s| s.at_activity.as_str()).collect();
        if begins.is_empty() {
            begins.extend(self.first());
        }
        begins
    }

    /// The activity in which it begins when nobody has chosen a way to start it.
    pub fn first(&self) -> Option<&str> {
        self.starts.first().map(|s| s.at_activity.as_str()).or_else(|| self.activities.names().next())
    }
}

choice! {
    /// Whether a process can be started.
    pub enum Status {
        /// By whoever may.
        Active "active",
        /// By nobody, but for processes that run already and have it as one of their steps; what runs goes on.
        Fading "fading",
        /// By nothing. What runs stands: nobody can do its work until it is active or fading again.
        Inactive "inactive",
    }
}

choice! {
    /// What becomes of a running process when its ticket is closed by anything but itself.
    pub enum WhenClosed {
        /// It ends with the outcome `cancelled`.
        Cancel "cancel",
        /// It goes on.
        Keep "keep",
        /// The ticket cannot be closed as long as it runs.
        Refuse "refuse",
    }
}

choice! {
    /// Who may start a process.
    pub enum Starter {
        Customer "customer",
        Agent "agent",
    }
}

record! {
    /// One way to start a process.
    pub struct Start as "a start" {
        /// Who may start it this way.
        by "by": Starter = "customer";
        /// The activity in which it begins.
        at_activity "at": Name = "claim";
    }
}

record! {
    /// The ticket that a process creates when it is started without one.
    pub struct TicketDefaults as "the ticket of a process" {
        /// Its type.
        ticket_type "type": Name = "expense";
        /// Its queue.
        queue "queue": Name = "finance";
        /// Its state at the beginning.
        state "state": Name = "new";
        /// Its priority at the beginning, by name.
        priority "priority": Name = "normal";
    }
}

record! {
    /// One step: dialogs for people, or actions, or an approval.
    pub struct Activity<S> as "an activity" {
        /// What people read.
        title "title": Option<Text> = { "en": "Claim expenses", "de": "Spesen einreichen" };
        /// Done when the activity begins.
        actions "do": Vec<Action<S>> = [{ "set": { "state": "open" } }];
        /// What takes back what it has done, when `undo` asks for it.
        compensate "compensate": Vec<Action<S>> = [{ "notify": "cancelled" }];
        /// The forms; several are alternatives.
        dialogs "dialogs": Named<Dialog<S>> = { "hand_in": { "for": "customer", "fields": [{ "field": "amount", "required": true }] } };
        /// A vote.
        approval "approval": Option<Box<Approval<S>>> = { "required": 1, "of": { "role": "manager" }, "not": ["requester"] };
        /// Another process, as one step of this one.
        process "process": Option<Box<SubProcess<S>>> = { "name": "install_host", "on": "child" };
        /// One copy for each element of a list.
        for_each "for_each": Option<Box<ForEach<S>>> = { "in": "= ticket.fields.systems", "as": "system" };
        /// Done again on the same token, before `next` is looked at.
        repeat "repeat": Option<Box<Repeat<S>>> = { "until": "steps.install.outcome == \"good\"", "max": 3 };
        /// Open only while this holds; otherwise it waits, and its clocks stand.
        while_ "while": Option<ExprOf<S>> = "ticket.state_type == \"open\"";
        /// Where it goes when `while` does not hold, in place of waiting.
        else_ "else": Option<Name> = "rejected";
        /// Never under way at the same time as others with this mutex.
        mutex "mutex": Option<Mutex<S>> = "desk";
        /// Who does the work, where the dialogs do not say it.
        assign "assign": Option<Assignment<S>> = { "for": { "role": "accountant" }, "pick": "offer" };
        /// What happens when it takes long; counted from the entry.
        timers "timers": Vec<Timer<S>> = [{ "after": "2d", "calendar": "office", "do": [{ "notify": "reminder" }] }];
        /// What happens on events while it is under way.
        handlers "handlers": Vec<LocalHandler<S>> = [{ "on": "article.created", "when": "article.sender == \"customer\"", "next": "answered" }];
        /// When tokens that arrive go on.
        join "join": Option<Join> = { "first": 2, "rest": "cancel" };
        /// Which of the transitions that hold are taken.
        split "split": Option<Split> = "first";
        /// Where it goes afterwards.
        next "next": Option<Next<S>> = "pay";
        /// Ends the instance with this outcome.
        end "end": Option<Name> = "paid";
        /// Whether customers see the activity in drawings; yes if not written.
        public "public": Option<bool> = false;
    }
}

impl<S: Phase> Process<S> {
    /// Every list of actions in it.
    pub fn action_lists(&self) -> impl Iterator<Item = &[Action<S>]> {
        let activities = self.activities.iter().flat_map(|(_, a)| a.action_lists());
        activities.chain(self.groups.iter().flat_map(|(_, g)| g.action_lists())).chain(self.handlers.iter().map(|h| &h.actions[..]))
    }

    /// Its own handlers, those of its groups, and those of its activities.
    pub fn all_handlers(&self) -> impl Iterator<Item = &LocalHandler<S>> {
        let activities = self.activities.iter().flat_map(|(_, a)| &a.handlers);
        activities.chain(self.groups.iter().flat_map(|(_, g)| &g.handlers)).chain(&self.handlers)
    }

    /// The outcomes with which an instance can end, beside `done` and `cancelled`.
    pub fn ends(&self) -> impl Iterator<Item = &Name> {
        self.activities.iter().filter_map(|(_, a)| a.end.as_ref())
    }

    /// The actions that complete this activity.
    pub fn completes(&self, activity: &str) -> impl Iterator<Item = &Complete> {
        let mut found = vec![];
        self.each_action(&mut |a| {
            if let Verb::Complete(Completes(c)) = &a.verb
                && c.activity == activity
            {
                found.push(c);
            }
        });
        found.into_iter()
    }

    /// Calls `f` with every action in it. Asked for each activity of large processes, so nothing is gathered first.
    fn each_action<'a>(&'a self, f: &mut impl FnMut(&'a Action<S>)) {
        fn list<'a, S: Phase>(actions: &'a [Action<S>], f: &mut impl FnMut(&'a Action<S>)) {
            for action in actions {
                f(action);
                list(action.on_error.as_deref().unwrap_or_default(), f);
            }
        }
        fn branch<'a, S: Phase>(branch: &'a Branch<S>, f: &mut impl FnMut(&'a Action<S>)) {
            if let Branch::Tried(transitions) = branch {
                transitions.iter().for_each(|t| list(&t.actions, f));
            }
        }
        fn clocks<'a, S: Phase>(timers: &'a [Timer<S>], handlers: &'a [LocalHandler<S>], f: &mut impl FnMut(&'a Action<S>)) {
            for (actions, next) in timers.iter().map(|t| (&t.actions, &t.next)).chain(handlers.iter().map(|h| (&h.actions, &h.next))) {
                list(actions, f);
                next.iter().for_each(|n| branch(n, f));
            }
        }
        for (_, a) in self.activities.iter() {
            list(&a.actions, f);
            list(&a.compensate, f);
            a.dialogs.iter().for_each(|(_, d)| list(&d.actions, f));
            a.approval.iter().for_each(|v| list(&v.actions, f));
            clocks(&a.timers, &a.handlers, f);
            match &a.next {
                Some(Next::Branch(b)) => branch(b, f),
                Some(Next::Outcomes(all)) => all.iter().for_each(|(_, b)| branch(b, f)),
                None => {}
            }
        }
        self.groups.iter().for_each(|(_, g)| clocks(&g.timers, &g.handlers, f));
        clocks(&[], &self.handlers, f);
    }
}

impl<S: Phase> Activity<S> {
    pub fn is_public(&self) -> bool {
        self.public.unwrap_or(true)
    }

    /// One of its own actions is waited for before its people come.
    pub fn waits_first(&self) -> bool {
        self.actions.iter().any(|a| matches!(a.verb, Verb::Run(_)))
    }

    /// Goes on by itself, without people (C2).
    pub fn is_automatic(&self) -> bool {
        // What goes another way only where it fails does not wait for that.
        let event = |h: &LocalHandler<S>| h.next.is_some() && !h.on.iter().all(EventName::is_failure);
        let waits = self.timers.iter().any(|t| t.next.is_some()) || self.handlers.iter().any(event);
        self.for_each.is_none() && self.process.is_none() && self.is_bare() && !waits
    }

    /// Nobody is asked for anything.
    pub fn is_bare(&self) -> bool {
        self.dialogs.is_empty() && self.approval.is_none()
    }

    /// Every activity that it may lead to.
    pub fn targets(&self) -> Vec<&Name> {
        let ways = self.ways();
        ways.iter().flat_map(|(_, b)| b.targets()).filter_map(|(_, t)| t.activity()).chain(&self.else_).collect()
    }

    /// Every way out, with what leads to it.
    pub fn ways(&self) -> Vec<(Way<'_>, &Branch<S>)> {
        let next = self.next.iter().flat_map(Next::branches).map(|(outcome, branch)| (Way::Outcome(outcome), branch));
        let timers = self.timers.iter().enumerate().filter_map(|(i, t)| t.next.as_ref().map(|b| (Way::Timer(i), b)));
        let handlers = self.handlers.iter().enumerate().filter_map(|(i, h)| h.next.as_ref().map(|b| (Way::Handler(i), b)));
        next.chain(timers).chain(handlers).collect()
    }

    /// Every list of actions in it.
    pub fn action_lists(&self) -> Vec<&[Action<S>]> {
        let mut lists: Vec<&[Action<S>]> = vec![&self.actions, &self.compensate];
        lists.extend(self.dialogs.iter().map(|(_, d)| &d.actions[..]));
        lists.extend(self.approval.iter().map(|p| &p.actions[..]));
        lists.extend(self.timers.iter().map(|t| &t.actions[..]));
        lists.extend(self.handlers.iter().map(|h| &h.actions[..]));
        let ways = self.ways();
        lists.extend(ways.iter().flat_map(|(_, b)| b.targets()).filter_map(|(t, _)| t).map(|t| &t.actions[..]));
        lists
    }

    /// The activities that its actions go back to.
    pub fn reopens(&self) -> impl Iterator<Item = &Name> {
        reopened(self.action_lists())
    }

    /// The transitions that are tried whenever something they read changes (C7).
    pub fn on_change(&self) -> impl Iterator<Item = &Transition<S>> {
        let tried = self.next.iter().flat_map(Next::branches).filter_map(|(_, b)| match b {
            Branch::Tried(list) => Some(list),
            Branch::To(_) => None,
        });
        tried.flatten().filter(|t| t.on.is_some())
    }
}

/// The activities that these actions go back to.
pub fn reopened<S: Phase>(lists: Vec<&[Action<S>]>) -> impl Iterator<Item = &Name> {
    lists.into_iter().flat_map(actions::with_others).filter_map(|a| match &a.verb {
        Verb::Reopen(name) => Some(name),
        _ => None,
    })
}

/// What leads out of an activity.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Way<'a> {
    /// Its completion, with this outcome or with any.
    Outcome(Option<&'a Name>),
    /// One of its timers.
    Timer(usize),
    /// One of its handlers.
    Handler(usize),
}

choice! {
    /// How the person is chosen.
    pub enum PickWord {
        /// All are offered it; the first who takes it has it.
        Offer "offer",
        /// One after the other, by login.
        RoundRobin "round_robin",
        /// Whoever has the least claimed work.
        ShortestQueue "shortest_queue",
        /// By chance.
        Random "random",
    }
}

/// How the person is chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pick {
    Offer,
    RoundRobin,
    ShortestQueue,
    Random,
    /// Whoever completed that activity, where that one is among those it is for.
    SameAs(Name),
}

crate::plain!(Pick);

impl Load for Pick {
    fn schema(g: &mut Schemas) -> serde_json::Value {
        let same = load::describe(Name::schema(g), "same_as", "Whoever completed that activity.", json!("plan"));
        let same = json!({"type": "object", "additionalProperties": false, "required": ["same_as"], "properties": {"same_as": same}});
        json!({"anyOf": [PickWord::schema(g), same]})
    }

    fn load(node: &Node, cx: &mut Loader) -> Option<Self> {
        let Value::Map(entries) = &node.value else {
            return PickWord::load(node, cx).map(|word| match word {
                PickWord::Offer => Self::Offer,
                PickWord::RoundRobin => Self::RoundRobin,
                PickWord::ShortestQueue => Self::ShortestQueue,
                PickWord::Random => Self::Random,
            });
        };
        let entries = &*cx.known_keys(entries, &["same_as"], "`pick`");
        cx.field(entries, "same_as", ("`pick`", node.span)).map(Self::SameAs)
    }
}

record! {
    /// Who does the work.
    pub struct Assignment<S> as "`assign`" {
        /// The people.
        who "for": Whos<S> = { "role": "accountant" };
        /// How one of them is chosen.
        pick "pick": Option<Pick> = "offer";
        /// People who may not, whatever else they are.
        not "not": Option<Whos<S>> = [{ "did": "claim" }];
    }
}

impl<S: Phase> Assignment<S> {
    pub fn pick(&self) -> &Pick {
        self.pick.as_ref().unwrap_or(&Pick::Offer)
    }
}

record! {
    /// A form that a person fills in.
    pub struct Dialog<S> as "a dialog" {
        /// What people read.
        title "title": Option<Text> = { "en": "Hand in", "de": "Einreichen" };
        /// Who may use it; may be left out only beside `assign`.
        who "for": Option<Whos<S>> = ["customer", "agent"];
        /// Offered only when this holds.
        when "when": Option<ExprOf<S>> = "ticket.priority > 2";
        /// The work item must be claimed before.
        claim "claim": bool = true;
        /// Attributes and fields that are shown and cannot be changed.
        show "show": Vec<Name> = ["amount"];
        /// What is filled in.
        fields "fields": Vec<FormField<S>> = [{ "field": "amount", "required": true }];
        /// The answers: the buttons, and the branches. Without them there is one, `submit`.
        outcomes "outcomes": Named<Outcome<S>> = { "good": "Receipts are good", "missing": "Something is missing" };
        /// Done when the form is submitted, before a branch is chosen.
        actions "do": Vec<Action<S>> = [{ "note": "Handed in" }];
    }
}

record! {
    /// A field or attribute in a form, or the article.
    pub struct FormField<S> as "a form field" {
        /// A field of the ticket's type, or an attribute such as `priority`.
        field "field": Option<Name> = "amount";
        /// A value of the process, or where the activity has copies one of the copy's own.
        data "data": Option<Name> = "ok";
        /// What a copy's own value holds.
        data_type "type": Option<DataType> = "boolean";
        /// What people read, of a value of the process or of a copy.
        title "title": Option<Text> = { "en": "In order", "de": "In Ordnung" };
        /// An article that the person writes.
        article "article": Option<ArticleField<S>> = { "subject": "Claim", "required": true };
        /// Must be filled in.
        required "required": bool = true;
        /// There only when this holds.
        when "when": Option<ExprOf<S>> = "ticket.priority > 2";
        /// What stands in it at first.
        default "default": Option<ValueExpr<S>> = "0.00";
    }
}

record! {
    /// The article of a form.
    pub struct ArticleField<S> as "`article`" {
        /// Its first line.
        subject "subject": Option<TemplateOf<S>> = "Claim over {{ticket.fields.amount}} EUR";
        /// The text must be filled in.
        required "required": bool = true;
        /// Whether customers see it; yes if not written.
        visible "visible": Option<bool> = true;
        /// Asks agents for the minutes that they worked; they must say it where this is `required`.
        time "time": Option<AskTime> = "required";
    }
}

choice! {
    /// How a form asks for the time of work.
    pub enum AskTime {
        /// It may be left out.
        Optional "optional",
        /// It must be said.
        Required "required",
    }
}

choice! {
    /// How a button looks.
    pub enum Style {
        Primary "primary",
        Normal "normal",
        Danger "danger",
    }
}

record! {
    /// An answer with more than a text.
    pub struct OutcomeMap<S> as "an outcome" {
        /// What stands on the button.
        title "title": Text = "Reject";
        /// A question that is asked before.
        confirm "confirm": Option<Text> = "Really reject it?";
        /// How the button looks.
        style "style": Option<Style> = "danger";
        /// Offered only when this holds.
        when "when": Option<ExprOf<S>> = "ticket.priority > 2";
    }
}

/// An answer of a dialog.
#[derive(Debug, Clone)]
pub struct Outcome<S: Phase = Compiled> {
    pub title: Text,
    pub confirm: Option<Text>,
    pub style: Option<Style>,
    pub when: Option<ExprOf<S>>,
}

impl Compile for Outcome<Written> {
    type Compiled = Outcome;
    fn compile(self, parts: &Parts) -> Result<Outcome, Span> {
        Ok(Outcome { title: self.title, confirm: self.confirm, style: self.style, when: self.when.compile(parts)? })
    }
}

impl Load for Outcome<Written> {
    fn schema(g: &mut Schemas) -> serde_json::Value {
        json!({"anyOf": [Text::schema(g), OutcomeMap::schema(g)]})
    }
    fn load(node: &Node, cx: &mut Loader) -> Option<Self> {
        match &node.value {
            Value::Map(entries) if entries.iter().any(|e| OutcomeMap::KEYS.contains(&e.key.as_str())) => {
                OutcomeMap::load(node, cx).map(|m| Self { title: m.title, confirm: m.confirm, style: m.style, when: m.when })
            }
            _ => Text::load(node, cx).map(|title| Self { title, confirm: None, style: None, when: None }),
        }
    }
}

record! {
    /// A vote: a dialog with the outcomes `approve` and `reject`.
    pub struct Approval<S> as "an approval" {
        /// What people read.
        title "title": Option<Text> = { "en": "Approve", "de": "Freigeben" };
        /// How many approvals decide; one if not written.
        required "required": Option<Int<1, 100>> = 2;
        /// How many rejections decide; one if not written.
        rejects "rejects": Option<Int<1, 100>> = 1;
        /// Each entry of `of` is a seat: it has one vote, of one of those whom it means.
        seats "seats": bool = true;
        /// To whom those who may vote can give their vote.
        delegate "delegate": Option<Whos<S>> = { "role": "manager" };
        /// The people who may vote.
        of "of": Whos<S> = { "role": "manager" };
        /// People who may not, whatever else they are.
        not "not": Option<Whos<S>> = ["requester"];
        /// How long there is time; then the outcome is `timeout`.
        within "within": Option<DurationText> = "5d";
        /// The calendar in whose working time `within` counts.
        calendar "calendar": Option<Name> = "office";
        /// Attributes and fields that are shown.
        show "show": Vec<Name> = ["amount"];
        /// What is filled in with the vote.
        fields "fields": Vec<FormField<S>> = [{ "article": { "required": false } }];
        /// Done at each vote.
        actions "do": Vec<Action<S>> = [{ "note": "Voted" }];
    }
}

/// The outcomes that a person can vote for.
pub const VOTES: &[&str] = &["approve", "reject"];

impl<S: Phase> Approval<S> {
    /// With what it can end.
    pub fn outcomes(&self) -> impl Iterator<Item = &'static str> {
        VOTES.iter().copied().chain(self.within.is_some().then_some("timeout"))
    }

    pub fn required(&self) -> usize {
        self.required.map_or(1, |i| i.0 as usize)
    }

    pub fn rejects(&self) -> usize {
        self.rejects.map_or(1, |i| i.0 as usize)
    }
}
