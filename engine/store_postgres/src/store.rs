//! The trait on PostgreSQL.

use crate::arg::Arg;
use crate::filter_sql::{Plan, Sql};
use crate::node::Node;
use crate::rows::{error, ticket_row};
use crate::server::Server;
use crate::writer::{Shared, Writer};
use crate::{migrate, names, read};
use sqlx::postgres::PgRow;
use std::sync::Arc;
use vorgang_store::files::Shelf;
use vorgang_store::names::NameIds;
use vorgang_store::{Result, StoreError, Stored, TicketRow};

pub struct PostgresStore {
    pub(crate) server: Arc<Server>,
    pub(crate) names: Arc<NameIds>,
    pub(crate) node: Arc<Node>,
    pub(crate) files: Option<Shelf>,
    /// `None` when opened for reading only.
    pub(crate) writer: Option<Writer>,
}

impl PostgresStore {
    /// Opens for writing, migrates, and takes part as a node.
    pub async fn open(url: &str) -> Result<Self> {
        let server = Arc::new(Server::open(url).await?);
        migrate::migrate(&server).await?;
        let (names, node) = (Arc::new(NameIds::default()), Arc::new(Node::default()));
        names::reload(&server, &names).await?;
        node.start(&server).await?;
        let shared = Arc::new(Shared { server: server.clone(), names: names.clone(), node: node.clone() });
        Ok(Self { server, names, node, files: None, writer: Some(Writer::start(shared)) })
    }

    /// Opens for reading, beside whoever writes.
    pub async fn open_read_only(url: &str) -> Result<Self> {
        let server = Arc::new(Server::open(url).await?);
        migrate::check_version(&server).await?;
        let (names, node) = (Arc::new(NameIds::default()), Arc::new(Node::default()));
        names::reload(&server, &names).await?;
        Ok(Self { server, names, node, files: None, writer: None })
    }

    /// With large attachments in a folder that all nodes reach.
    pub fn with_files(self, files: Option<Shelf>) -> Self {
        Self { files, ..self }
    }

    pub(crate) async fn reload(&self) -> Result<()> {
        names::reload(&self.server, &self.names).await
    }

    /// Rows, each with its names. One that has a name which another node has made meanwhile: the names are read again.
    pub(crate) async fn named<T>(&self, rows: &[PgRow], read: impl Fn(&PgRow) -> Result<Option<T>>) -> Result<Vec<T>> {
        let all = |again: bool| -> Result<Option<Vec<T>>> {
            let mut all = Vec::with_capacity(rows.len());
            for row in rows {
                match read(row)? {
                    Some(one) => all.push(one),
                    None if again => return Ok(None),
                    None => return Err(StoreError::Corrupt("a ticket has a name that does not exist".into())),
                }
            }
            Ok(Some(all))
        };
        if let Some(all) = all(true)? {
            return Ok(all);
        }
        self.reload().await?;
        all(false).map(Option::unwrap_or_default)
    }

    pub(crate) async fn loaded(&self, condition: &'static str, args: Vec<Arg>) -> Result<Vec<Stored>> {
        let rows = self.server.ask(read::ticket_sql() + condition, args).await?;
        self.named(&rows, |r| read::stored(r, &self.names)).await
    }

    pub(crate) fn ticket_row(&self, row: &PgRow) -> Result<Option<TicketRow>> {
        ticket_row(row, &self.names).map_err(error)
    }

    pub(crate) fn sql(&self, text: impl Into<String>, plan: Plan) -> Sql<'_> {
        Sql::new(text, &self.names, plan)
    }
}
