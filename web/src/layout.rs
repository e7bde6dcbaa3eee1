//! The frame of every page.

use crate::texts::{Texts, texts};
use crate::who::Who;
use crate::{App, RequestId, assets, session};
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};
use maud::{DOCTYPE, Markup, html};
use vorgang_core::people::PersonKind;
use vorgang_core::rights;
use vorgang_definitions::model::Model;

/// What every page of a signed-in person needs.
pub struct Page<'a> {
    pub app: &'a App,
    pub who: &'a Who,
    pub model: &'a Model,
    pub t: &'static Texts,
    pub unread: u64,
    /// The session's token, as this page has it.
    csrf: String,
}

impl<'a> Page<'a> {
    pub async fn new(app: &'a App, who: &'a Who, model: &'a Model) -> Self {
        let unread = app.desk.store.notification_unread(&who.person.login).await.unwrap_or(0);
        Self { app, who, model, t: texts(&who.person.language), unread, csrf: session::masked(&who.csrf) }
    }

    pub fn language(&self) -> &str {
        &self.who.person.language
    }

    pub fn is_agent(&self) -> bool {
        self.who.person.kind == PersonKind::Agent
    }

    /// The hidden field that every form carries.
    pub fn csrf(&self) -> Markup {
        html! { input type="hidden" name="csrf" value=(self.csrf); }
    }

    /// With it a key of this drawing: whoever sends the form twice, after an answer that was lost, does it once.
    pub fn once(&self) -> Markup {
        html! { (self.csrf()) input type="hidden" name="once" value=(crate::request_id()); }
    }

    pub fn ticket_url(&self, number: &str) -> String {
        if self.is_agent() { format!("/agent/tickets/{number}") } else { format!("/tickets/{number}") }
    }

    pub fn render(&self, status: StatusCode, title: &str, current: &str, body: &Markup) -> Response {
        let site = self.model.names.site.title.get(self.language(), self.model.names.site.main_language());
        let page = document(
            self.t.language_tag,
            &format!("{title} · {site}"),
            &html! {
                header.top {
                    a.brand href=(if self.is_agent() { "/agent" } else { "/" }) { (site) }
                    nav aria-label=(self.t.menu) {
                        ul {
                            @for (href, label) in self.menu() {
                                li { a href=(href) aria-current=[(href == current || (href == "/admin" && current.starts_with("/admin/"))).then_some("page")] { (label) } }
                            }
                        }
                    }
                    div.me {
                        a.bell href="/notifications" aria-current=[(current == "/notifications").then_some("page")] {
                            (self.t.notifications)
                            @if self.unread > 0 { " " span.count { (self.unread) } }
                        }
                        details.menu {
                            summary { (self.who.person.name) }
                            div {
                                form method="post" action="/language" {
                                    (self.csrf())
                                    label { (self.t.language)
                                        select name="language" {
                                            @for l in self.model.names.site.languages.iter() {
                                                option value=(l.0) selected[l.0 == self.language()] { (language_name(&l.0)) }
                                            }
                                        }
                                    }
                                    button { (self.t.change) }
                                }
                                a href="/settings" { (self.t.settings) }
                                form method="post" action="/sign-out" { (self.csrf()) button { (self.t.sign_out) } }
                            }
                        }
                    }
                }
                main #main tabindex="-1" {
                    @if current.starts_with("/admin") {
                        nav aria-label=(self.t.admin) { ul.tabs {
                            @for (href, label) in self.admin_pages() { li { a href=(href) data-enhance aria-current=[(href == current).then_some("page")] { (label) } } }
                        } }
                    }
                    (body)
                }
            },
        );
        (status, Html(page.into_string())).into_response()
    }

    fn admin_pages(&self) -> [(&'static str, &'static str); 6] {
        let t = self.t;
        [
            ("/admin", t.overview),
            ("/admin/jobs", t.jobs),
            ("/admin/notifications", t.notifications),
            ("/admin/mail", t.inbox),
            ("/admin/mail/accounts", t.accounts),
            ("/admin/outbox", t.outbox),
        ]
    }

    fn menu(&self) -> Vec<(&'static str, &'static str)> {
        let mut menu = vec![];
        if self.is_agent() {
            menu.extend([
                ("/agent", self.t.dashboard),
                ("/agent/queue", self.t.queues),
                ("/agent/work", self.t.work),
                ("/agent/new", self.t.new_ticket),
            ]);
        }
        menu.push(("/", if self.is_agent() { self.t.catalogue } else { self.t.home }));
        if rights::is_admin(&self.model.names, &self.who.person) {
            menu.push(("/admin", self.t.admin));
        }
        menu
    }
}

fn language_name(tag: &str) -> &str {
    match tag {
        "de" => "Deutsch",
        "en" => "English",
        other => other,
    }
}

/// A page for nobody in particular: sign-in, errors.
pub fn bare(title: &str, body: &Markup) -> String {
    document("en", title, &html! { main #main.bare tabindex="-1" { (body) } }).into_string()
}

fn document(language: &str, title: &str, body: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang=(language) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) }
                link rel="stylesheet" href=(assets::url("portal.css"));
                link rel="icon" href=(assets::url("icon.svg")) type="image/svg+xml";
                script type="module" src=(assets::url("enhance.js")) {}
                script type="module" src=(assets::url("live.js")) {}
            }
            body {
                a.skip href="#main" { (texts(language).skip) }
                (body)
            }
        }
    }
}

/// Times, pages and errors need it; a request always has one.
pub fn no_id() -> RequestId {
    RequestId(String::new())
}
