//! `/api/v1/tickets/{number}/articles`

use crate::api::answers::{Changed, ItemPage};
use crate::api::body::{Body, Nothing};
use crate::api::commands::{Answerer, execute};
use crate::api::inputs::ArticleBody;
use crate::api::operation::Answer;
use crate::call::{Call, NoQuery};
use crate::problem::Fault;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use vorgang_core::article::Article;
use vorgang_core::commands::{AddArticle, Command, TakeBackMail};
use vorgang_core::ids::{ArticleId, TicketNumber};
use vorgang_core::mail::{Auth, Head};
use vorgang_core::rejection::Rejection;
use vorgang_runtime::{Done, Error};

/// Articles of a page.
const LIMIT: u32 = 100;
const LIMIT_MAX: u32 = 200;

/// Which articles of a ticket.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ArticleQuery {
    /// Articles of a page: 100 if not given.
    #[schemars(range(min = 1, max = 200))]
    limit: Option<u32>,
    /// `next` of the page before.
    cursor: Option<u32>,
}

/// What somebody wrote.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Article")]
pub struct ArticleItem {
    #[schemars(with = "u32")]
    id: ArticleId,
    /// `note`, `web`, `phone` or `mail`.
    channel: String,
    /// `agent`, `customer` or `system`.
    sender: &'static str,
    /// The login, or the name of a person who has none.
    author: String,
    /// Customers see it.
    visible: bool,
    subject: String,
    body: String,
    created: Timestamp,
    attachments: Vec<ArticleFile>,
    /// The head of a mail, for agents.
    mail: Option<Mail>,
    /// When its content was removed for good.
    erased: Option<Timestamp>,
    /// It came to a closed ticket whose queue takes no follow-ups.
    rejected: bool,
    /// The ticket on which it was written, where that is another one; for agents.
    #[schemars(with = "Option<String>")]
    origin: Option<TicketNumber>,
}

/// A file of an article.
#[derive(Debug, Serialize, JsonSchema)]
struct ArticleFile {
    name: String,
    content_type: String,
    /// In bytes.
    size: u64,
}

/// The head of a mail.
#[derive(Debug, Serialize, JsonSchema)]
struct Mail {
    from: String,
    to: Vec<String>,
    cc: Vec<String>,
    reply_to: Vec<String>,
    message_id: String,
    /// Whether the sender's domain stands for it; null where that was not asked.
    authenticated: Option<bool>,
    /// Why its author can be read in two ways.
    ambiguous: Option<String>,
    /// A program wrote it.
    auto: bool,
    /// It was to go out, and was taken back.
    taken_back: bool,
}

impl ArticleItem {
    fn new(a: Article, agent: bool) -> Self {
        let mail = a.head.as_deref().filter(|_| agent).map(|head| Mail::new(head, a.withdrawn));
        let file = |f: vorgang_core::attachment::Attachment| ArticleFile { name: f.name, content_type: f.content_type, size: f.size };
        Self {
            mail,
            id: a.seq,
            channel: a.channel,
            sender: a.sender.word(),
            author: a.author,
            visible: a.visible,
            subject: a.subject,
            body: a.body,
            created: a.at,
            attachments: a.attachments.into_iter().map(file).collect(),
            erased: a.erased.map(|e| e.at),
            rejected: a.rejected,
            origin: a.origin.filter(|_| agent),
        }
    }
}

impl Mail {
    fn new(head: &Head, taken_back: bool) -> Self {
        let list = |all: &[vorgang_core::mail::Address]| all.iter().map(ToString::to_string).collect();
        Self {
            from: head.from.to_string(),
            to: list(&head.to),
            cc: list(&head.cc),
            reply_to: list(&head.reply_to),
            message_id: head.message_id.clone(),
            authenticated: head.auth.as_ref().map(Auth::is_good),
            ambiguous: head.auth.as_ref().and_then(|a| a.ambiguous.clone()),
            auto: head.auto,
            taken_back,
        }
    }
}

pub async fn list(call: Call<String, ArticleQuery>) -> Result<Answer<ItemPage<ArticleItem>>, Fault> {
    let limit = call.query.limit.unwrap_or(LIMIT).clamp(1, LIMIT_MAX);
    let after = ArticleId(call.query.cursor.unwrap_or(0));
    let articles = call.app.desk.articles(&call.who.person, &call.path, after, limit).await?;
    let next = articles.last().map(|a| i64::from(a.seq.0)).filter(|_| articles.len() == limit as usize);
    let agent = call.is_agent();
    Ok(Answer::new(&ItemPage { items: articles.into_iter().map(|a| ArticleItem::new(a, agent)).collect(), next }))
}

pub async fn add(call: Call<String, NoQuery, Body<ArticleBody>>) -> Result<Answer<Changed, 201>, Fault> {
    let (body, key) = call.body.split();
    let command = Command::AddArticle(AddArticle { article: body.input()? });
    execute(&call.app, &call.who, Some(&call.path), command, &key).await
}

/// Before the mail went out.
pub async fn take_back(call: Call<(String, ArticleId), NoQuery, Body<Nothing>>) -> Result<Answer<Changed>, Fault> {
    let ((number, article), (_, key)) = (call.path, call.body.split());
    let head = call.app.desk.article(&call.who.person, &number, article).await?.head;
    let mail = head.and_then(|h| h.outgoing).ok_or(Error::Rejected(Rejection::NotFound))?;
    execute(&call.app, &call.who, Some(&number), Command::TakeBackMail(TakeBackMail { mail, article }), &key).await
}

/// The content to erase.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EraseBody {
    reason: String,
    /// The place of one file among the article's, from 1; without it everything goes.
    file: Option<usize>,
}

/// Removes the content of a message, or one of its files, for good.
pub async fn erase(call: Call<(String, ArticleId), NoQuery, Body<EraseBody>>) -> Result<Answer<Changed>, Fault> {
    let ((number, article), (wish, key)) = (call.path, call.body.split());
    let what = (article, wish.file.map(|n| n.wrapping_sub(1)));
    let writer = Answerer::new(&call.app, &call.who);
    let answer = |done: &Done| writer.kept(200, done);
    writer.answer(call.app.desk.erase_once(&call.who.person, &number, what, &wish.reason, "api", key.once(&answer)).await).await
}
