//! The closed filter tree as SQL on `ticket t`. Every value is a bound parameter.
//!
//! A page of a list is found soonest by walking the newest tickets: there a `+` keeps the planner from gathering and
//! sorting a whole queue by its index. A count wants that index.

use rusqlite::types::Value;
use serde_json::Value as Json;
use vorgang_core::filter::{Column, Filter};
use vorgang_store::names::NameIds;

/// What the condition is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Plan {
    /// Walk in the order of ids until the page is full.
    Walk,
    /// Gather by index.
    Gather,
}

/// Appends a condition; what names nothing that exists matches nothing.
pub fn condition(filter: &Filter, plan: Plan, names: &NameIds, sql: &mut String, params: &mut Vec<Value>) {
    match filter {
        Filter::All => sql.push('1'),
        Filter::None => sql.push('0'),
        Filter::And(list) => many(list, plan, " AND ", "1", names, sql, params),
        Filter::Or(list) => many(list, plan, " OR ", "0", names, sql, params),
        Filter::Not(inner) => {
            sql.push_str("NOT ");
            sql.push('(');
            condition(inner, plan, names, sql, params);
            sql.push(')');
        }
        Filter::Queue(list) => ids(plan, "t.queue_id", "queue", list, names, sql, params),
        Filter::State(list) => ids(plan, "t.state_id", "state", list, names, sql, params),
        Filter::Type(list) => ids(plan, "t.type_id", "type", list, names, sql, params),
        Filter::Priority(list) => ids(plan, "t.priority_id", "priority", list, names, sql, params),
        Filter::Owner(login) => person("t.owner_id", login, names, sql, params),
        Filter::Customer(company) => ids(Plan::Gather, "t.company_id", "company", std::slice::from_ref(company), names, sql, params),
        Filter::CustomerUser(login) => person("t.customer_id", login, names, sql, params),
        Filter::Responsible(login) => person("t.responsible_id", login, names, sql, params),
        Filter::Lock => sql.push_str("(t.owner_id IS NOT NULL AND t.unlocked = 0)"),
        Filter::Set(at) => {
            sql.push_str(column(*at));
            sql.push_str(" IS NOT NULL");
        }
        Filter::Time { column: at, compare, micros } => {
            sql.push_str(column(*at));
            sql.push_str(compare.sign());
            sql.push('?');
            params.push(Value::Integer(*micros));
        }
        Filter::Field { name, compare, value } => {
            if plan == Plan::Gather && names.indexed(name) {
                // As the index has it.
                sql.push_str("(t.fields ->> '$.");
                sql.push_str(name);
                sql.push_str("')");
            } else {
                // Yes and no are never unknown: an unset one is no.
                sql.push_str(if value.is_boolean() { "coalesce(t.fields ->> ?, 0)" } else { "(t.fields ->> ?)" });
                params.push(Value::Text(format!("$.{name}")));
            }
            sql.push_str(compare.sign());
            sql.push('?');
            params.push(match value {
                Json::Bool(b) => Value::Integer((*b).into()),
                Json::Number(n) => n.as_i64().map_or(Value::Null, Value::Integer),
                Json::String(s) => Value::Text(s.clone()),
                _ => Value::Null,
            });
        }
        Filter::FieldSet(name) => {
            sql.push_str("(t.fields ->> ?) IS NOT NULL");
            params.push(Value::Text(format!("$.{name}")));
        }
        Filter::Audience(keys) => {
            let ids: Vec<i64> = keys.iter().filter_map(|k| names.find("audience", k)).collect();
            if ids.is_empty() {
                sql.push('0');
                return;
            }
            sql.push_str("t.id IN (SELECT ticket_id FROM work_audience WHERE key_id IN (");
            list(ids.into_iter().map(Value::Integer), sql, params);
            sql.push_str("))");
        }
        Filter::Among(ids) if ids.is_empty() => sql.push('0'),
        Filter::Among(ids) => {
            sql.push_str("t.id IN (");
            list(ids.iter().copied().map(Value::Integer), sql, params);
            sql.push(')');
        }
    }
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

fn many(filters: &[Filter], plan: Plan, between: &str, empty: &str, names: &NameIds, sql: &mut String, params: &mut Vec<Value>) {
    if filters.is_empty() {
        sql.push_str(empty);
        return;
    }
    for (i, f) in filters.iter().enumerate() {
        if i > 0 {
            sql.push_str(between);
        }
        sql.push('(');
        condition(f, plan, names, sql, params);
        sql.push(')');
    }
}

fn ids(plan: Plan, column: &str, kind: &str, wanted: &[String], names: &NameIds, sql: &mut String, params: &mut Vec<Value>) {
    let ids: Vec<i64> = wanted.iter().filter_map(|n| names.find(kind, n)).collect();
    if ids.is_empty() {
        sql.push('0');
        return;
    }
    if plan == Plan::Walk {
        sql.push('+');
    }
    sql.push_str(column);
    sql.push_str(" IN (");
    list(ids.into_iter().map(Value::Integer), sql, params);
    sql.push(')');
}

fn person(column: &str, login: &str, names: &NameIds, sql: &mut String, params: &mut Vec<Value>) {
    match names.person(login) {
        Some(id) => {
            sql.push_str(column);
            sql.push_str(" = ?");
            params.push(Value::Integer(id));
        }
        None => sql.push('0'),
    }
}

fn list(values: impl Iterator<Item = Value>, sql: &mut String, params: &mut Vec<Value>) {
    for (i, value) in values.enumerate() {
        sql.push_str(if i > 0 { ", ?" } else { "?" });
        params.push(value);
    }
}

pub(crate) fn sql_where(plan: Plan, names: &NameIds, filters: &[&Filter]) -> (String, Vec<Value>) {
    let (mut sql, mut params) = (String::new(), vec![]);
    for (i, filter) in filters.iter().enumerate() {
        sql.push_str(if i > 0 { " AND (" } else { "(" });
        condition(filter, plan, names, &mut sql, &mut params);
        sql.push(')');
    }
    (sql, params)
}
