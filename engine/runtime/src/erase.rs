//! Removing the content of a message or of a file for good: from the article, the history, the search, and wherever the desk itself
//! has copied the text to.

use crate::desk::{Answer, Desk, Done, Error, Idempotent, Request};
use jiff::Timestamp;
use vorgang_core::article::{Article, Erasure};
use vorgang_core::chain::Erasing;
use vorgang_core::commands::{Command, EraseContent};
use vorgang_core::ids::ArticleId;
use vorgang_core::people::{Person, PersonKind};
use vorgang_core::rejection::Rejection;
use vorgang_core::rights;
use vorgang_store::redaction::{Copies, Redaction};
use vorgang_store::{StoreError, Stored};

/// Shortest text that is looked for elsewhere, in characters: shorter ones stand everywhere.
const TEXT_MIN: usize = 8;
/// How often it is tried while others write on the ticket.
const TRIES_MAX: usize = 8;
const PAGE: u32 = 500;

impl Desk {
    /// Removes an article's content, or one file of it (by its place, from 0), for administrators, with a reason.
    pub async fn erase(
        &self,
        actor: &Person,
        number: &str,
        what: (ArticleId, Option<usize>),
        reason: &str,
        cause: &str,
    ) -> Result<Done, Error> {
        match self.erase_once(actor, number, what, reason, cause, None).await? {
            Answer::Done(done) => Ok(*done),
            Answer::Again(..) => Err(Error::KeyReused),
        }
    }

    /// As [`Desk::erase`]; with a key, a repeated request is answered as the first time.
    pub async fn erase_once(
        &self,
        actor: &Person,
        number: &str,
        (article, file): (ArticleId, Option<usize>),
        reason: &str,
        cause: &str,
        idempotent: Option<Idempotent<'_>>,
    ) -> Result<Answer, Error> {
        for _ in 0..TRIES_MAX {
            let stored = self.store.ticket_load(number).await?.ok_or(Rejection::NotFound)?;
            // Callers without the right learn nothing about the ticket.
            let model = self.model();
            if rights::sight(&model.names, actor, &stored.snapshot) == rights::Sight::Nothing {
                return Err(Rejection::NotFound.into());
            }
            if !rights::is_admin(&model.names, actor) && actor.kind != PersonKind::System {
                return Err(Rejection::Right(vorgang_core::rejection::RightReason::AdminOnly).into());
            }
            if let Some(i) = &idempotent
                && let Some(earlier) = self.earlier(&actor.login, i).await?
            {
                return Ok(earlier);
            }
            // One time for the entry of the history and for what is left of the message: the two are compared.
            let now = self.clock.now();
            let (wish, redaction) = self.redaction((actor, now), &stored, article, file, reason).await?;
            let blobs = redaction.blobs.clone();
            let request = Request { actor, ticket: Some(number), command: Command::EraseContent(wish), cause, at: Some(now) };
            match self.execute_erasing(request, idempotent, redaction).await {
                Err(Error::Rejected(Rejection::Stale) | Error::Store(StoreError::Conflict)) => continue,
                Ok(Answer::Done(done)) => {
                    let details = serde_json::json!({"article": article, "file": file.is_some(), "reason": reason});
                    self.note_security(self.by(&actor.login, cause), "content.erased", number, details).await;
                    self.store.files_forget(&blobs).await?;
                    return Ok(Answer::Done(done));
                }
                other => return other,
            }
        }
        Err(StoreError::Conflict.into())
    }

    /// The content to erase, and the rows without it.
    async fn redaction(
        &self,
        (actor, now): (&Person, Timestamp),
        stored: &Stored,
        article: ArticleId,
        file: Option<usize>,
        reason: &str,
    ) -> Result<(EraseContent, Redaction), Error> {
        let ticket = stored.snapshot.ticket.id;
        let (found, others): (Vec<Article>, Vec<Article>) =
            self.store.article_list(ticket).await?.into_iter().partition(|a| a.seq == article);
        let found = found.into_iter().next().ok_or(Rejection::NotFound)?;
        let whole = file.is_none();
        let files: Vec<String> = match file {
            Some(at) => {
                let named = found.attachments.get(at).map(|f| f.blob.clone()).filter(|hash| !hash.is_empty());
                let named = named.ok_or(Rejection::NotFound)?;
                // The mail as it came has the file in it.
                [named].into_iter().chain(found.head.as_ref().and_then(|h| h.raw.clone())).collect()
            }
            None => {
                let attached = found.attachments.iter().map(|a| a.blob.clone());
                attached.chain(found.head.as_ref().and_then(|h| h.raw.clone())).filter(|hash| !hash.is_empty()).collect()
            }
        };
        let texts = if whole { texts(&found, &others) } else { vec![] };
        let erasing = Erasing { article, whole, files: files.clone(), texts };
        let (mut history, mut pieces, mut after) = (vec![], vec![], 0);
        loop {
            let rows = self.store.history_list(ticket, after, PAGE).await?;
            for row in rows.iter().filter(|r| r.version <= stored.snapshot.version) {
                let Some(personal) = &row.personal else { continue };
                let erased = erasing.of_row(row.format, &row.salt, &row.events, personal).map_err(StoreError::from)?;
                if let Some((left, gone)) = erased {
                    history.push((row.version, left));
                    pieces.push((row.version, gone));
                }
            }
            match rows.last() {
                Some(last) if rows.len() == PAGE as usize => after = last.version,
                _ => break,
            }
        }
        let mut left = found;
        let erasure = Erasure { by: actor.login.clone(), at: now, reason: vorgang_core::text::visible(reason) };
        left.erase(whole, &files, erasure);
        let copies = self.store.copies(ticket).await?;
        let Copies { incidents, outbox, notifications } = without(copies, &erasing)?;
        let wish = EraseContent { article, whole, files: files.clone(), reason: reason.to_owned(), pieces, seen: stored.snapshot.version };
        Ok((wish, Redaction { history, article: Some(left), incidents, outbox, notifications, blobs: files }))
    }
}

/// The texts to look for in copies: the whole body, and those paragraphs and the subject that no other message contains. A greeting is
/// shared by many messages.
fn texts(article: &Article, others: &[Article]) -> Vec<String> {
    let body = article.body.trim();
    // The subject of an answer is the ticket's title, which stays.
    let subject = Some(article.subject.trim()).filter(|s| !s.starts_with("Re: "));
    let is_others = |t: &&str| others.iter().any(|o| o.body.contains(t) || o.subject.contains(t));
    let parts = body.split("\n\n").map(str::trim).chain(subject).filter(|t| !is_others(t));
    let mut all: Vec<String> = std::iter::once(body).chain(parts).filter(|t| t.chars().count() >= TEXT_MIN).map(str::to_owned).collect();
    all.sort();
    all.dedup();
    all
}

/// Of the rows those that hold the text, without it.
fn without(copies: Copies, erasing: &Erasing) -> Result<Copies, StoreError> {
    let has = |text: &str| erasing.texts.iter().any(|t| text.contains(t));
    let corrupt = |e: serde_json::Error| StoreError::Corrupt(e.to_string());
    let mut left = Copies::default();
    for (seq, body) in copies.incidents {
        let mut json: serde_json::Value = serde_json::from_str(&body).map_err(corrupt)?;
        if erasing.blank(&mut json) {
            left.incidents.push((seq, json.to_string()));
        }
    }
    for (id, payload) in copies.outbox {
        let mut json: serde_json::Value = serde_json::from_str(&payload).map_err(corrupt)?;
        let of = json["outgoing"]["article"].as_u64();
        if of.is_some_and(|seq| seq != u64::from(erasing.article.0)) {
            // Another message, which is erased by itself.
            continue;
        }
        let is_it = erasing.whole && of.is_some();
        let mut changed = erasing.blank(&mut json);
        if is_it {
            json["outgoing"]["subject"] = "".into();
            json["outgoing"]["body"] = "".into();
        }
        let attached = json.get_mut("outgoing").and_then(|o| o.get_mut("attachments")).and_then(serde_json::Value::as_array_mut);
        if let Some(all) = attached {
            let before = all.len();
            all.retain(|a| !a["blob"].as_str().is_some_and(|b| erasing.files.iter().any(|f| f == b)));
            changed |= all.len() < before;
        }
        if changed || is_it {
            left.outbox.push((id, json.to_string()));
        }
    }
    for (id, subject, body) in copies.notifications {
        if has(&subject) || has(&body) {
            let keep = |text: String| if has(&text) { String::new() } else { text };
            left.notifications.push((id, keep(subject), keep(body)));
        }
    }
    Ok(left)
}
