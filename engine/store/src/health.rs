//! What a database says of itself.

use crate::Result;
use async_trait::async_trait;
use serde::Serialize;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    Good,
    Warning,
    Bad,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Sign {
    pub area: &'static str,
    pub level: Level,
    pub text: String,
}

impl Sign {
    pub fn new(area: &'static str, level: Level, text: impl Into<String>) -> Self {
        Self { area, level, text: text.into() }
    }

    /// Good where it holds, and of this level where not.
    pub fn judged(area: &'static str, holds: bool, level: Level, good: impl Into<String>, else_: impl Into<String>) -> Self {
        if holds { Self::new(area, Level::Good, good) } else { Self::new(area, level, else_) }
    }
}

#[async_trait]
pub trait Health: Send + Sync {
    /// Fails when the database cannot answer.
    async fn ping(&self) -> Result<()>;
    /// Schema, integrity, settings on which the promises rest.
    async fn examine(&self) -> Result<Vec<Sign>>;
}
