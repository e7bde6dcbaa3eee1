//! Requests of other commands to a running server and its answers: one JSON line each way.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use vorgang_core::ids::ArticleId;
use vorgang_core::people::PersonPatch;
use vorgang_definitions::site::SiteFile;

#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum Ask {
    Apply {
        files: Vec<SiteFile>,
    },
    /// Changes the named fields of a person, who is made where there is none.
    UserChange {
        login: String,
        patch: PersonPatch,
    },
    UserLink {
        login: String,
    },
    UserToken {
        login: String,
    },
    UserPassword {
        login: String,
        password: String,
    },
    JobRun {
        name: String,
    },
    JobDryRun {
        name: String,
    },
    JobList,
    JobExplain {
        name: String,
    },
    /// A checkpoint of the history, now.
    Checkpoint {
        files: Option<PathBuf>,
    },
    BackupMade {
        at: Timestamp,
        file: String,
        bytes: u64,
        history: u64,
        verified: bool,
    },
    /// A mail, whose bytes follow the line.
    Mail {
        door: String,
        account: Option<String>,
        recipients: Vec<String>,
        return_path: Option<String>,
        size: u64,
    },
    Erase {
        number: String,
        article: ArticleId,
        file: Option<usize>,
        reason: String,
    },
    TicketExplain {
        number: String,
        login: String,
    },
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Told {
    /// A line for stdout, if any.
    Good(String),
    /// Findings for stdout, and what to say of them.
    Found {
        findings: String,
        message: String,
    },
    Failed(String),
}
