//! Every code of a finding, with what `vorgang explain CODE` says. Sorted.

pub const ALL: &[(&str, &str)] = &[
    (
        "acl-leaves-nothing",
        "Whatever the ticket, this ACL and those before it leave no state that it could be changed to. `read_only: [state]` says so plainly.",
    ),
    ("acl-without-effect", "`allow` gives back what an earlier ACL took; none before this one takes anything of the kind."),
    (
        "activity-unreachable",
        "No path leads from a start to this activity, so it would never run. Either a transition to it is missing, or it can go.",
    ),
    (
        "always-false",
        "The comparisons with constants in the condition exclude each other: it holds for no values, so what it stands beside never happens.",
    ),
    (
        "automatic-circle",
        "Activities that go on by themselves lead back to each other, and nothing in the circle changes what its conditions read. The engine stops such a chain after 1,000 steps with an incident.",
    ),
    ("bad-language", "A language tag is `en`, `de` or, with a region, `pt-BR`."),
    (
        "bad-name",
        "A name begins with a small letter and has small letters, digits and `_`, at most 63. Words of CEL and `stay` are kept. What people read is `title`.",
    ),
    ("bad-zone", "A time zone is a name of the IANA database, such as `Europe/Berlin`."),
    (
        "bare-list",
        "A list in `next` holds transitions, tried in the order written. `next: [a, b]` could mean both or either; say which: `[ { to: [a, b] } ]` takes both, `[ { to: a, when: … }, { to: b } ]` the first that holds.",
    ),
    ("calendar-closed", "A calendar without a span of working time: what counts in it would never come."),
    ("calendar-file", "Holidays come from whole-day events of an iCalendar file, single or yearly; this one cannot be read."),
    ("cel-cost", "An expression may have eight comprehensions, two inside each other: what it costs has to have a limit."),
    ("cel-regex", "Regular expressions have RE2 syntax and linear time; this one cannot be read or is too large."),
    ("cel-syntax", "The expression cannot be read. Conditions are CEL without delimiters: `ticket.priority > 3 && has(ticket.owner)`."),
    (
        "cel-type",
        "Every expression is type-checked when definitions are loaded. `when` wants true or false; a value wants the type of its attribute.",
    ),
    ("decision-circle", "Decisions call each other in one direction: one that needs itself is never decided."),
    ("decision-gap", "For some inputs no rule of the decision holds, and there is no `otherwise`. The finding names such inputs."),
    ("decision-overlap", "Two rules hold for the same inputs, and the hit policy lets only one. The finding names such inputs."),
    ("duplicate-definition", "Two definitions of one kind have the same name."),
    ("duplicate-key", "A key stands twice in one map. YAML parsers elsewhere silently keep one of them."),
    ("empty-list", "At least one entry is needed here."),
    ("empty-template", "The text has nothing in the site's own language, to which others fall back."),
    (
        "error-elsewhere",
        "A step that runs a process does not fail when something in that process fails: the incident is raised there, and a handler on `error` in that process, or of the site, can lead on.",
    ),
    (
        "expression-cut",
        "Inside `{ }` or `[ ]` YAML ends a value at a comma or bracket, in the middle of an expression. Quote the whole expression.",
    ),
    ("function-circle", "Functions call each other in one direction: one that needs its own value would never have it."),
    ("groups-overlap", "Groups of activities lie inside each other or apart: what is cancelled with one has to be clear."),
    (
        "life-cycle",
        "The ticket type's life cycle can never allow this state here: it is not among its states, or no transition leads to it.",
    ),
    (
        "may-be-unset",
        "What is read may have no value here. There is no null: guard it with `has(…)`, give a value with `default(…, …)`, make the field required, or set it on every path to this place.",
    ),
    ("message-unused", "The process declares a message that none of its handlers waits for: here it would reach nobody."),
    ("missing-key", "A key that is needed is not written."),
    ("missing-outcome", "Every outcome that can occur must be a key of `next`, so that nothing falls through."),
    (
        "missing-translation",
        "The text has some of the site's languages and lacks others; people who chose one of those read it in the site's own.",
    ),
    (
        "mutex-order",
        "Two mutexes that are taken in different orders can wait for each other for ever. Take them everywhere in the same order.",
    ),
    (
        "never-entered",
        "Arrows lead to the activity, and yet it is never entered: its join waits for tokens that cannot come in the same run.",
    ),
    ("next-and-end", "An activity goes on (`next`) or ends the instance (`end`), not both."),
    ("no-calendar", "What counts in working time needs a calendar: one that is named, or the one of the site."),
    ("no-end", "The net can come to a point from which no way leads to an end: the instance would run for ever."),
    ("no-site", "A folder of definitions has exactly one `kind: Site`."),
    ("no-title", "The process has a title, and people who work on this activity read its bare name."),
    ("nobody-named", "Nobody would ever be told: `anyone` is nobody in particular, and an address is reached by mail only."),
    ("not-compiled", "The checks have left out an expression, a text or a value. That is a fault of vorgang: please report it."),
    ("not-decided", "Whether the net is sound was not found out within the limit of states. Sub-processes are proved each by itself."),
    ("not-in-type", "The process's ticket type does not have this field."),
    ("not-utf8", "Files are UTF-8. A byte that is none would become another letter somewhere."),
    ("other-message", "A message has one shape in the whole site, so that whoever sends it need not know who waits for it."),
    ("other-type", "A process runs on tickets of its own type: their fields and life cycle are what it was checked against."),
    ("otherwise", "`otherwise: true` stands alone: it holds when no other transition did, so it has no `when`, comes last and once."),
    ("out-of-range", "The number is outside what is allowed here."),
    (
        "outcome-clash",
        "An activity with an approval cannot have a dialog outcome called `approve` or `reject`: the branches could not be told apart.",
    ),
    (
        "parallel-write",
        "The ticket and the values of a process are shared. Where two branches that run at the same time write the same one, the later one wins, and nobody can say which that will be.",
    ),
    ("required-field", "The ticket type requires this field, but no form of the first step asks for it, so no start could succeed."),
    ("reserved-activity", "The name of the dialog is taken by the approval."),
    (
        "same-answers",
        "Dialogs of one activity are alternatives; where all their answers are the same, the branches cannot tell them apart.",
    ),
    ("schedule", "The cron line has five fields (minute, hour, day of the month, month, day of the week), and comes at some time."),
    (
        "second-token",
        "A second token can come to an activity while one is there, and nothing says that this is meant. `join:` says what is.",
    ),
    (
        "sent-by-event",
        "A notification with `on` is sent by its events, and its texts may speak of them; the action `notify` has no event for it.",
    ),
    ("shadowed", "A transition before this one always holds, so this one is never taken."),
    ("split-all", "`split: all` takes every transition, so none of them has a condition. `split: matching` takes those that hold."),
    ("state-unreachable", "No transition of the life cycle leads to this state from one in which a ticket can begin."),
    ("stay", "`stay` saves and remains in a dialog. An automatic activity or an approval has nothing to remain in."),
    ("template", "A text with `{{ }}` is Handlebars with variables, `#if`, `#unless` and `#each`, and nothing else."),
    ("text-cut", "In YAML ` #` begins a comment, and the text ends before it. A text with ` #` in it stands in quotes."),
    ("tokens-grow", "A loop makes tokens faster than they are taken: their number has no end."),
    (
        "too-large",
        "Definitions have counted limits: size, depth, number of nodes with aliases expanded, activities of a process, findings.",
    ),
    ("two-verbs", "An action is a map with exactly one verb."),
    ("unknown-key", "There is no such key here. What is not built yet is unknown, never ignored."),
    ("unknown-kind", "There is no such kind of definition."),
    ("unknown-language", "The site does not list this language."),
    ("unknown-name", "Nothing is defined under this name."),
    ("unknown-outcome", "No dialog or approval of the activity has this outcome, so the branch could never be taken."),
    ("unknown-word", "The word is not among those that can stand here."),
    ("unused", "Nothing uses it: it can go, or something that was meant to use it does not."),
    (
        "waits-for-ever",
        "A token can wait at a join for others that cannot come any more. The finding names the shortest way that leads there.",
    ),
    ("who-missing", "A dialog says whom it is for (`for:`), or the activity has `assign`."),
    (
        "withdrawn",
        "A token that enters the activity is withdrawn before its people, its clocks or its events can do anything: something beside it ends or cancels it at once.",
    ),
    ("without-ticket", "What happens to people and definitions has no ticket: a handler of the site can make one of it, and nothing else."),
    ("wrong-type", "The value has another type than its place wants."),
    ("yaml-key", "A key of a map is a plain word. `{{ }}` without quotes is read by YAML as a map inside a map."),
    ("yaml-merge", "YAML's merge key `<<` is not supported: what a definition says should stand in it."),
    ("yaml-syntax", "The file is not valid YAML 1.2."),
    ("yaml-tag", "A leading `!` is a YAML tag. An expression that begins with `!` needs quotes."),
];

pub fn known(code: &str) -> bool {
    ALL.iter().any(|(c, _)| *c == code)
}

pub fn explain(code: &str) -> Option<&'static str> {
    ALL.iter().find(|(c, _)| *c == code).map(|(_, text)| *text)
}
