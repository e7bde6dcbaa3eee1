//! The closed filter tree as SQL on `ticket t`. Every value is a bound parameter.
//!
//! A page of a list is found soonest by walking the newest tickets: there columns are wrapped, so that the planner does
//! not gather and sort a whole queue by its index. A count wants that index.

use crate::arg::Arg;
use serde_json::Value as Json;
use vorgang_core::filter::{Column, Filter};
use vorgang_store::names::{NameIds, is_plain};

/// What the condition is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Plan {
    /// Walk in the order of ids until the page is full.
    Walk,
    /// Gather by index.
    Gather,
}

/// A statement under way: its text, and what is bound.
pub struct Sql<'a> {
    pub text: String,
    pub args: Vec<Arg>,
    pub names: &'a NameIds,
    pub plan: Plan,
}

impl<'a> Sql<'a> {
    pub fn new(text: impl Into<String>, names: &'a NameIds, plan: Plan) -> Self {
        Self { text: text.into(), args: vec![], names, plan }
    }

    pub fn push(mut self, text: &str) -> Self {
        self.text.push_str(text);
        self
    }

    pub fn arg(mut self, value: impl Into<Arg>) -> Self {
        self.bind(value.into());
        self
    }

    fn bind(&mut self, value: Arg) {
        self.args.push(value);
        self.text.push('$');
        self.text.push_str(&self.args.len().to_string());
    }

    /// All of these hold.
    pub fn all(mut self, filters: &[&Filter]) -> Self {
        for (i, filter) in filters.iter().enumerate() {
            self.text.push_str(if i > 0 { " AND (" } else { "(" });
            self.condition(filter);
            self.text.push(')');
        }
        self
    }

    /// What names nothing that exists matches nothing.
    fn condition(&mut self, filter: &Filter) {
        match filter {
            Filter::All => self.text.push_str("true"),
            Filter::None => self.text.push_str("false"),
            Filter::And(list) => self.many(list, " AND ", "true"),
            Filter::Or(list) if list.iter().all(is_few) => self.gathered(list),
            Filter::Or(list) => self.many(list, " OR ", "false"),
            Filter::Not(inner) => {
                self.text.push_str("NOT (");
                self.condition(inner);
                self.text.push(')');
            }
            Filter::Queue(list) => self.ids("t.queue_id", "queue", list),
            Filter::State(list) => self.ids("t.state_id", "state", list),
            Filter::Type(list) => self.ids("t.type_id", "type", list),
            Filter::Priority(list) => self.ids("t.priority_id", "priority", list),
            Filter::Owner(login) => self.person("t.owner_id", login),
            Filter::CustomerUser(login) => self.person("t.customer_id", login),
            Filter::Responsible(login) => self.person("t.responsible_id", login),
            Filter::Customer(company) => match self.names.find("company", company) {
                Some(id) => self.compare("t.company_id = ", id),
                None => self.text.push_str("false"),
            },
            Filter::Lock => self.text.push_str("(t.owner_id IS NOT NULL AND NOT t.unlocked)"),
            Filter::Set(at) => {
                self.text.push_str(column(*at));
                self.text.push_str(" IS NOT NULL");
            }
            Filter::Time { column: at, compare, micros } => self.compare(&format!("{} {} ", column(*at), compare.sign()), *micros),
            Filter::Field { name, compare, value } => self.field(name, compare.sign(), value),
            Filter::FieldSet(name) => {
                self.text.push_str("coalesce(jsonb_typeof(t.fields -> ");
                self.bind(name.as_str().into());
                self.text.push_str("), 'null') <> 'null'");
            }
            Filter::Audience(keys) => {
                let ids: Vec<i64> = keys.iter().filter_map(|k| self.names.find("audience", k)).collect();
                if ids.is_empty() {
                    return self.text.push_str("false");
                }
                // Asked of one ticket at a time: as a set it would be gathered whole, for each page anew.
                self.compare("coalesce((SELECT true FROM work_audience a WHERE a.ticket_id = t.id AND a.key_id = ANY (", ids);
                self.text.push_str(") LIMIT 1), false)");
            }
            Filter::Among(ids) => {
                self.compare("t.id = ANY (", ids.clone());
                self.text.push(')');
            }
        }
    }

    /// Tickets that an index finds by any of these: who has few among many does not walk through all of them.
    fn gathered(&mut self, list: &[Filter]) {
        self.text.push_str("t.id IN (SELECT NULL::bigint WHERE false");
        for filter in list {
            let (sql, id) = match filter {
                Filter::Customer(company) => ("SELECT id FROM ticket WHERE company_id = ", self.names.find("company", company)),
                Filter::CustomerUser(login) => ("SELECT id FROM ticket WHERE customer_id = ", self.names.person(login)),
                Filter::Owner(login) => ("SELECT id FROM ticket WHERE owner_id = ", self.names.person(login)),
                Filter::Audience(keys) => {
                    let ids: Vec<i64> = keys.iter().filter_map(|k| self.names.find("audience", k)).collect();
                    self.compare(" UNION ALL SELECT ticket_id FROM work_audience WHERE key_id = ANY (", ids);
                    self.text.push(')');
                    continue;
                }
                _ => continue,
            };
            if let Some(id) = id {
                self.text.push_str(" UNION ALL ");
                self.compare(sql, id);
            }
        }
        self.text.push(')');
    }

    fn compare(&mut self, text: &str, value: impl Into<Arg>) {
        self.text.push_str(text);
        self.bind(value.into());
    }

    fn many(&mut self, filters: &[Filter], between: &str, empty: &str) {
        if filters.is_empty() {
            self.text.push_str(empty);
        }
        for (i, filter) in filters.iter().enumerate() {
            self.text.push_str(if i > 0 { between } else { "" });
            self.text.push('(');
            self.condition(filter);
            self.text.push(')');
        }
    }

    fn ids(&mut self, column: &str, kind: &str, wanted: &[String]) {
        let ids: Vec<i64> = wanted.iter().filter_map(|n| self.names.find(kind, n)).collect();
        if ids.is_empty() {
            return self.text.push_str("false");
        }
        let column = if self.plan == Plan::Walk { format!("({column} + 0)") } else { column.to_owned() };
        self.compare(&format!("{column} = ANY ("), ids);
        self.text.push(')');
    }

    fn person(&mut self, column: &str, login: &str) {
        match self.names.person(login) {
            Some(id) => self.compare(&format!("{column} = "), id),
            None => self.text.push_str("false"),
        }
    }

    /// As the indexes of the field have it: texts by their bytes, numbers as numbers. Yes and no are never unknown: an
    /// unset one is no.
    fn field(&mut self, name: &str, sign: &str, value: &Json) {
        if !is_plain(name) {
            return self.text.push_str("false");
        }
        match value {
            Json::Bool(b) => self.compare(&format!("coalesce(t.fields -> '{name}' = 'true', false) {sign} "), *b),
            Json::Number(n) => match n.as_i64() {
                Some(n) => {
                    let of = number(name);
                    self.compare(&format!("(jsonb_typeof(t.fields -> '{name}') = 'number' AND {of} {sign} "), n);
                    self.text.push_str("::bigint::numeric)");
                }
                None => self.text.push_str("false"),
            },
            Json::String(s) => {
                let of = string(name);
                self.compare(&format!("(jsonb_typeof(t.fields -> '{name}') = 'string' AND {of} {sign} "), s.as_str());
                self.text.push(')');
            }
            _ => self.text.push_str("false"),
        }
    }
}

/// Does an index find the tickets of this, and are they few?
fn is_few(filter: &Filter) -> bool {
    matches!(filter, Filter::Customer(_) | Filter::CustomerUser(_) | Filter::Owner(_) | Filter::Audience(_))
}

/// A field's value as a number; the index and the query have the same text.
pub fn number(field: &str) -> String {
    format!("(CASE WHEN jsonb_typeof(t.fields -> '{field}') = 'number' THEN (t.fields -> '{field}')::numeric END)")
}

/// A field's value as a text.
pub fn string(field: &str) -> String {
    format!("((t.fields ->> '{field}') COLLATE \"C\")")
}

fn column(column: Column) -> &'static str {
    match column {
        Column::Owner => "t.owner_id",
        Column::Responsible => "t.responsible_id",
        Column::Customer => "t.company_id",
        Column::CustomerUser => "t.customer_id",
        Column::PendingUntil => "t.pending_until",
        Column::Created => "t.created",
        Column::Updated => "t.updated",
    }
}
