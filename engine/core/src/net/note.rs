//! Notes that the engine writes.

use crate::execution::run::Run;
use crate::state::article::{Article, Sender};
use crate::state::ids::ArticleId;
use crate::state::people::SYSTEM;

/// A note of the system.
pub fn write(run: &mut Run, subject: String, body: String, visible: bool) {
    run.add_article(Article {
        seq: ArticleId(0),
        channel: "note".into(),
        sender: Sender::System,
        author: SYSTEM.into(),
        visible,
        subject,
        body,
        attachments: vec![],
        at: run.ctx.now,
        origin: None,
        head: None,
        withdrawn: false,
        rejected: false,
        erased: None,
    });
}
