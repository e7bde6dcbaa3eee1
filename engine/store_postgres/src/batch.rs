//! Rows of many commands as one statement: each table's rows are arrays, one array a column, and all tables are parts
//! of one `WITH`, so that a batch costs one way to the server and back, however many tables it touches.

use sqlx::postgres::{PgArguments, PgRow};
use sqlx::{AssertSqlSafe, PgConnection, Postgres, Row, query::Query};
use std::borrow::Cow;
use vorgang_core::ids::{ArticleId, CallId, IncidentId, InstanceId, KeptId, Login, MailId, NoticeId, TicketId, TimerId, WorkId};

/// One value of a row.
pub enum Cell<'a> {
    Int(i64),
    IntOpt(Option<i64>),
    Bool(bool),
    Text(Cow<'a, str>),
    TextOpt(Option<Cow<'a, str>>),
    Bytes(&'a [u8]),
}

impl From<i64> for Cell<'_> {
    fn from(n: i64) -> Self {
        Self::Int(n)
    }
}
impl From<u32> for Cell<'_> {
    fn from(n: u32) -> Self {
        Self::Int(n.into())
    }
}
macro_rules! cells_of_ids {
    ($($id:ident)*) => {
        $(impl From<$id> for Cell<'_> {
            fn from(id: $id) -> Self {
                id.0.into()
            }
        })*
    };
}

cells_of_ids!(ArticleId CallId IncidentId InstanceId KeptId MailId NoticeId TicketId TimerId WorkId);

impl From<u8> for Cell<'_> {
    fn from(n: u8) -> Self {
        Self::Int(n.into())
    }
}
impl From<Option<i64>> for Cell<'_> {
    fn from(n: Option<i64>) -> Self {
        Self::IntOpt(n)
    }
}
impl From<bool> for Cell<'_> {
    fn from(b: bool) -> Self {
        Self::Bool(b)
    }
}
impl<'a> From<&'a str> for Cell<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(text.into())
    }
}
impl<'a> From<&'a String> for Cell<'a> {
    fn from(text: &'a String) -> Self {
        Self::Text(text.as_str().into())
    }
}
impl From<String> for Cell<'_> {
    fn from(text: String) -> Self {
        Self::Text(text.into())
    }
}
impl<'a> From<&'a Login> for Cell<'a> {
    fn from(login: &'a Login) -> Self {
        Self::Text(login.as_str().into())
    }
}
impl<'a> From<&'a Option<Login>> for Cell<'a> {
    fn from(login: &'a Option<Login>) -> Self {
        Self::TextOpt(login.as_deref().map(Cow::Borrowed))
    }
}
impl<'a> From<Option<&'a str>> for Cell<'a> {
    fn from(text: Option<&'a str>) -> Self {
        Self::TextOpt(text.map(Cow::Borrowed))
    }
}
impl<'a> From<&'a Option<String>> for Cell<'a> {
    fn from(text: &'a Option<String>) -> Self {
        Self::TextOpt(text.as_deref().map(Cow::Borrowed))
    }
}
impl From<Option<String>> for Cell<'_> {
    fn from(text: Option<String>) -> Self {
        Self::TextOpt(text.map(Cow::Owned))
    }
}
impl<'a> From<&'a [u8]> for Cell<'a> {
    fn from(bytes: &'a [u8]) -> Self {
        Self::Bytes(bytes)
    }
}

enum Column<'a> {
    Int(Vec<i64>),
    IntOpt(Vec<Option<i64>>),
    Bool(Vec<bool>),
    Text(Vec<Cow<'a, str>>),
    TextOpt(Vec<Option<Cow<'a, str>>>),
    Bytes(Vec<&'a [u8]>),
}

impl<'a> Column<'a> {
    fn of_cell(cell: &Cell) -> Self {
        match cell {
            Cell::Int(_) => Self::Int(vec![]),
            Cell::IntOpt(_) => Self::IntOpt(vec![]),
            Cell::Bool(_) => Self::Bool(vec![]),
            Cell::Text(_) => Self::Text(vec![]),
            Cell::TextOpt(_) => Self::TextOpt(vec![]),
            Cell::Bytes(_) => Self::Bytes(vec![]),
        }
    }

    fn push(&mut self, cell: Cell<'a>) {
        match (self, cell) {
            (Self::Int(all), Cell::Int(n)) => all.push(n),
            (Self::IntOpt(all), Cell::IntOpt(n)) => all.push(n),
            (Self::Bool(all), Cell::Bool(b)) => all.push(b),
            (Self::Text(all), Cell::Text(t)) => all.push(t),
            (Self::TextOpt(all), Cell::TextOpt(t)) => all.push(t),
            (Self::Bytes(all), Cell::Bytes(b)) => all.push(b),
            _ => unreachable!("a column has one type: rows of a template are made in one place"),
        }
    }

    fn cast(&self) -> &'static str {
        match self {
            Self::Int(_) | Self::IntOpt(_) => "::bigint[]",
            Self::Bool(_) => "::boolean[]",
            Self::Text(_) | Self::TextOpt(_) => "::text[]",
            Self::Bytes(_) => "::bytea[]",
        }
    }

    fn bind<'q>(&'q self, query: Query<'q, Postgres, PgArguments>) -> Query<'q, Postgres, PgArguments> {
        match self {
            Self::Int(v) => query.bind(v),
            Self::IntOpt(v) => query.bind(v),
            Self::Bool(v) => query.bind(v),
            Self::Text(v) => query.bind(v),
            Self::TextOpt(v) => query.bind(v),
            Self::Bytes(v) => query.bind(v),
        }
    }
}

/// Rows for one part of the statement.
struct Part<'a> {
    template: &'static str,
    columns: Vec<Column<'a>>,
    rows: usize,
    /// Every row has to find its place: otherwise somebody was faster.
    checked: bool,
    /// A further statement, which finds the rows that the first returns as `{it}`.
    then: Option<&'static str>,
}

#[derive(Default)]
pub struct Batch<'a> {
    parts: Vec<Part<'a>>,
}

impl<'a> Batch<'a> {
    /// A row of the part that this template is. In it `{}` stands for the columns' arrays.
    pub fn row<const N: usize>(&mut self, template: &'static str, cells: [Cell<'a>; N]) {
        self.push(template, cells, false, None);
    }

    /// As [`Batch::row`]; the statement has to write each of these rows, and says so with `RETURNING 1`.
    pub fn certain<const N: usize>(&mut self, template: &'static str, cells: [Cell<'a>; N]) {
        self.push(template, cells, true, None);
    }

    /// As [`Batch::row`], with a statement that goes on from the rows that the template returns: it names them `{it}`.
    pub fn row_and<const N: usize>(&mut self, template: &'static str, then: &'static str, cells: [Cell<'a>; N]) {
        self.push(template, cells, false, Some(then));
    }

    fn push<const N: usize>(&mut self, template: &'static str, cells: [Cell<'a>; N], checked: bool, then: Option<&'static str>) {
        let part = match self.parts.iter_mut().position(|p| std::ptr::eq(p.template, template)) {
            Some(at) => &mut self.parts[at],
            None => {
                let columns = cells.iter().map(Column::of_cell).collect();
                self.parts.push(Part { template, columns, rows: 0, checked, then });
                self.parts.last_mut().expect("one was pushed")
            }
        };
        part.rows += 1;
        for (column, cell) in part.columns.iter_mut().zip(cells) {
            column.push(cell);
        }
    }

    pub fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// Writes all; false where a row that has to be written was not.
    pub async fn execute(&self, connection: &mut PgConnection) -> Result<bool, sqlx::Error> {
        let mut parts: Vec<&Part> = self.parts.iter().collect();
        // One order of parts, so that the statement is one of few and stays prepared.
        parts.sort_by_key(|p| p.template);
        let (mut sql, mut counts, mut number) = (String::from("WITH "), String::new(), 0);
        for (i, part) in parts.iter().enumerate() {
            let mut arrays = String::new();
            for column in &part.columns {
                number += 1;
                let comma = if arrays.is_empty() { "" } else { ", " };
                arrays.push_str(&format!("{comma}${number}{}", column.cast()));
            }
            let comma = if i > 0 { ", " } else { "" };
            sql.push_str(&format!("{comma}p{i} AS ({})", part.template.replace("{}", &arrays)));
            if let Some(then) = part.then {
                sql.push_str(&format!(", q{i} AS ({})", then.replace("{it}", &format!("p{i}"))));
            }
            if part.checked {
                let comma = if counts.is_empty() { "" } else { ", " };
                counts.push_str(&format!("{comma}(SELECT count(*) FROM p{i})"));
            }
        }
        sql.push_str(" SELECT ");
        sql.push_str(if counts.is_empty() { "0::bigint" } else { &counts });
        let mut query = sqlx::query(AssertSqlSafe(sql));
        for column in parts.iter().flat_map(|p| &p.columns) {
            query = column.bind(query);
        }
        let row: PgRow = query.fetch_one(connection).await?;
        for (i, part) in parts.iter().filter(|p| p.checked).enumerate() {
            if row.try_get::<i64, _>(i)? != part.rows as i64 {
                return Ok(false);
            }
        }
        Ok(true)
    }
}
