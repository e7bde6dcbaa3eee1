//! A desk in this process that takes mail, and hands outgoing mail to the test.

use super::post::Post;
use super::world::{World, world};
use jiff::SignedDuration;
use std::sync::Arc;
use vorgang_core::article::Article;
use vorgang_core::commands::{AddArticle, ArticleInput, Command};
use vorgang_core::filter::Filter;
use vorgang_core::mail::{Address, Auth, MailInput, Outcome as Verdict};
use vorgang_core::people::{Person, PersonKind};
use vorgang_core::recipients::{self, Recipients};
use vorgang_runtime::intake::Outcome;
use vorgang_runtime::intake::incoming::{Incoming, Raw};
use vorgang_runtime::outbox::{Links, Mail, Mailer, deliver_due};
use vorgang_runtime::{Done, Error, Request, audit};

pub struct MailDesk {
    pub world: World,
    pub post: Arc<Post>,
}

/// A person of the English-speaking company `company`, with the address `LOGIN@example.org`.
pub fn person(login: &str, kind: PersonKind, company: Option<&str>, roles: &[&str]) -> Person {
    Person {
        login: login.into(),
        name: login.to_uppercase(),
        email: format!("{login}@example.org"),
        kind,
        company: company.map(str::to_owned),
        language: "en".into(),
        roles: roles.iter().map(|r| (*r).to_owned()).collect(),
        active: true,
        settings: Default::default(),
    }
}

/// The result of a mail server that confirmed the author of a mail.
pub fn confirmed() -> Option<Auth> {
    Some(Auth { dkim: Verdict::Pass, dmarc: Verdict::Pass, aligned: true, ..Auth::default() })
}

impl MailDesk {
    pub async fn new(name: &str, site: &str, people: &[Person]) -> Self {
        let world = world(name, site).await;
        world.desk.people_save(people).await.expect("people");
        Self { world, post: Arc::default() }
    }

    /// Takes a mail for these envelope recipients, byte for byte.
    pub async fn take_bytes(&self, raw: impl Into<Vec<u8>>, recipients: &[&str], auth: Option<Auth>) -> Outcome {
        let recipients = recipients.iter().map(|r| (*r).to_owned()).collect();
        let incoming = Incoming { door: "test".into(), auth, recipients, ..Incoming::default() };
        self.world.desk.take_mail(incoming, Raw::Memory(raw.into())).await.expect("it is taken")
    }

    /// Takes a mail that is written with `\n` line ends; they become `\r\n`.
    pub async fn take(&self, text: &str, recipients: &[&str], auth: Option<Auth>) -> Outcome {
        self.take_bytes(text.trim_start().replace('\n', "\r\n"), recipients, auth).await
    }

    /// The number of the ticket that the mail makes or goes to.
    pub async fn number(&self, text: &str, auth: Option<Auth>) -> String {
        match self.take(text, &[], auth).await {
            Outcome::Taken { number, .. } => number.to_string(),
            other => panic!("{other:?} of {text}"),
        }
    }

    pub async fn articles(&self, number: &str) -> Vec<Article> {
        let id = self.world.stored(number).await.ticket.id;
        self.world.desk.store.article_list(id).await.expect("articles")
    }

    pub async fn tickets(&self) -> u64 {
        self.world.desk.store.ticket_count_all().await.expect("a count")
    }

    /// The newest article of the ticket.
    pub async fn last(&self, number: &str) -> Article {
        self.articles(number).await.pop().expect("an article")
    }

    /// The numbers of related tickets.
    pub async fn related(&self, number: &str) -> Vec<String> {
        let id = self.world.stored(number).await.ticket.id;
        let links = self.world.desk.store.links(&Filter::All, id).await.expect("links");
        links.into_iter().filter(|(_, kind)| kind == "related").map(|(row, _)| row.number.to_string()).collect()
    }

    /// Otto answers the ticket by mail; the mail as it goes out.
    pub async fn answer(&self, number: &str, to: &[&str]) -> Mail {
        let to = to.iter().map(|a| Address::new("", a)).collect();
        let mail = Some(MailInput { to, cc: vec![] });
        let article = ArticleInput { subject: "Re".into(), body: "We look.".into(), visible: true, mail, ..ArticleInput::default() };
        self.world.execute(Some(number), Command::AddArticle(AddArticle { article })).await;
        self.world.advance(SignedDuration::from_secs(11));
        self.out().await.pop().expect("the answer")
    }

    /// A person writes an article through the portal.
    pub async fn write(&self, login: &str, number: &str, body: &str) -> Result<Done, Error> {
        let person = self.world.desk.people().get(login).cloned().expect("a person");
        let command = Command::AddArticle(AddArticle { article: ArticleInput { body: body.into(), ..ArticleInput::default() } });
        let request = Request { actor: &person, ticket: Some(number), command, cause: "test", at: None };
        self.world.desk.execute(request).await
    }

    /// The recipients that the answer form suggests: To, Cc, and unproved senders.
    pub async fn suggested(&self, number: &str) -> (Vec<String>, Vec<String>, Vec<String>) {
        let (model, people) = (self.world.desk.model(), self.world.desk.people());
        let found = recipients::suggest(&model.names, &people, &self.world.stored(number).await, &self.articles(number).await);
        let Recipients { to, cc, unproved } = found;
        let keys = |all: Vec<Address>| all.iter().map(Address::key).collect();
        (keys(to), keys(cc), keys(unproved))
    }

    /// Delivers what is due in the outbox, and returns it.
    pub async fn out(&self) -> Vec<Mail> {
        let (links, mailer): (_, Arc<dyn Mailer>) = (Links("https://desk.example.org".into()), self.post.clone());
        while deliver_due(&self.world.desk, &mailer, &links).await.expect("delivered") > 0 {}
        std::mem::take(&mut *self.post.0.lock().expect("the mails"))
    }

    /// Checks the history and the logs of the database.
    pub async fn sound(&self) {
        assert_eq!(audit::verify(&*self.world.desk.store).await.expect("a report").findings, Vec::<String>::new());
    }
}
