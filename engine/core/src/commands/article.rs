//! Articles that people write.

use crate::commands::mail_out;
use crate::execution::ask;
use crate::execution::at::At;
use crate::execution::run::Run;
use crate::rules::rejection::{FormError, Rejection};
use crate::rules::rights;
use crate::state::article::Article;
use crate::state::attachment::{Attachment, Blob};
use crate::state::ids::{ArticleId, MailId};
use crate::state::mail::MailInput;
use crate::state::people::PersonKind;
use crate::state::text;
use vorgang_definitions::kinds::process::ArticleField;
use vorgang_definitions::kinds::role::Right;
use vorgang_definitions::value_error::ValueError;

#[derive(Debug, Clone, PartialEq, Default)]
pub struct ArticleInput {
    pub subject: String,
    pub body: String,
    pub visible: bool,
    pub channel: Option<String>,
    /// How long an agent worked.
    pub minutes: Option<u32>,
    /// It goes out as a mail.
    pub mail: Option<MailInput>,
    pub attachments: Vec<(Attachment, Blob)>,
    /// It is written to a closed ticket whose queue takes no follow-ups.
    pub rejected: bool,
}

/// Most files of one article.
pub const FILES_MAX: usize = 20;

/// Longest text of an article, in bytes.
pub const ARTICLE_BYTES_MAX: usize = 256 * 1024;

/// Most minutes of work in one message: a day.
pub const MINUTES_MAX: u32 = 24 * 60;

/// No text is left, once what cannot be stored is taken out.
pub fn is_mute(article: &ArticleInput) -> bool {
    article.body.replace('\0', "").trim().is_empty()
}

/// Nothing is left of it.
pub fn is_empty(article: &ArticleInput) -> bool {
    is_mute(article) && article.subject.trim().is_empty() && article.attachments.is_empty()
}

/// A wrong one with the name of the input that is meant.
pub(crate) type WrongInput = (&'static str, FormError);

pub fn check_article(input: &ArticleInput) -> Result<(), WrongInput> {
    use vorgang_definitions::value_error::{FILE_BYTES_MAX, LINE_BYTES_MAX};
    let too_long = |max: usize| Err(("article", FormError::Invalid(ValueError::TooLong(max))));
    if input.subject.len() > LINE_BYTES_MAX {
        return too_long(LINE_BYTES_MAX);
    }
    if input.body.len() > ARTICLE_BYTES_MAX {
        return too_long(ARTICLE_BYTES_MAX);
    }
    if input.attachments.len() > FILES_MAX {
        return Err(("article", FormError::TooManyFiles));
    }
    if input.attachments.iter().any(|(_, b)| b.bytes.len() > FILE_BYTES_MAX) {
        return too_long(FILE_BYTES_MAX);
    }
    if input.minutes.is_some_and(|m| m > MINUTES_MAX) {
        return Err(("minutes", FormError::Invalid(ValueError::TooLarge)));
    }
    Ok(())
}

/// Adds the form's article; its subject is the dialog's template, in the person's language.
pub fn write_article(run: &mut Run, filled: Option<(&ArticleField, ArticleInput)>, at: At) -> Result<(), Rejection> {
    let Some((field, input)) = filled else { return Ok(()) };
    if input.mail.is_some() {
        // A dialog has no recipients: what it sends, its actions say.
        return Err(Rejection::Form(vec![("to".into(), FormError::Unknown)]));
    }
    let site = run.model.names.site.main_language();
    let subject = match &field.subject {
        Some(template) => template.render(&run.ctx.actor.language, site, &run.scope(at)).unwrap_or_default(),
        None => input.subject.clone(),
    };
    let visible = field.visible.unwrap_or(true);
    add_article(run, ArticleInput { subject, visible, ..input })
}

/// Agents who may write into the ticket send mail from it. What a customer sends by mail comes by the mail's own door.
fn may_send(run: &Run) -> Result<(), Rejection> {
    match run.ctx.actor.kind {
        PersonKind::Customer => Err(Rejection::Form(vec![("to".into(), FormError::Unknown)])),
        PersonKind::Agent => {
            rights::require(&run.model.names, run.ctx.actor, &run.snapshot.ticket, Right::Note)?;
            ask::ask(run, "action", "answer", None)
        }
        PersonKind::System => Ok(()),
    }
}

/// Writes the article, and sends it where it is a mail.
pub fn add_article(run: &mut Run, input: ArticleInput) -> Result<(), Rejection> {
    if input.mail.is_some() {
        may_send(run)?;
    }
    let minutes = input.minutes.filter(|_| run.ctx.actor.kind == PersonKind::Agent);
    let (attachments, blobs): (Vec<_>, Vec<_>) = input.attachments.into_iter().unzip();
    run.blobs.extend(blobs);
    let mut article = Article {
        seq: ArticleId(0),
        channel: input.channel.unwrap_or_else(|| if input.visible { "web".into() } else { "note".into() }),
        sender: run.sender(),
        author: run.ctx.actor.login.to_string(),
        visible: input.visible,
        subject: text::visible(&input.subject),
        body: input.body.replace("\r\n", "\n").replace('\0', ""),
        attachments,
        at: run.ctx.now,
        origin: None,
        head: None,
        withdrawn: false,
        rejected: input.rejected,
        erased: None,
    };
    if let Some(mail) = &input.mail {
        // The article takes the next id, the mail the one behind it.
        let number = MailId(run.snapshot.last_seq + 2);
        article.head = Some(Box::new(mail_out::head(run, mail, number)?));
        article.channel = "mail".into();
    }
    let seq = run.add_article(article.clone());
    article.seq = seq;
    mail_out::send(run, &article);
    run.account(minutes.unwrap_or(0).into(), Some(seq));
    Ok(())
}
