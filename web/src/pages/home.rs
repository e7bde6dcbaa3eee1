//! Where customers begin: what can be started, and what is under way.

use crate::call::Call;
use crate::layout::Page;
use crate::problem::Fault;
use crate::{input, widgets};
use axum::http::StatusCode;
use axum::response::Response;
use maud::html;
use vorgang_core::filter::Filter;
use vorgang_core::people::PersonKind;
use vorgang_runtime::search::Wanted;
use vorgang_store::Sort;

#[derive(serde::Deserialize)]
pub struct At {
    cursor: Option<i64>,
    q: Option<String>,
}

pub async fn page(call: Call<(), At>) -> Result<Response, Fault> {
    let Call { app, who, query: at, .. } = call;
    let model = app.desk.model();
    let page = Page::new(&app, &who, &model).await;
    let (t, language) = (page.t, page.language());
    let catalogue = app.desk.catalogue(&who.person).await;
    let customer = who.person.kind == PersonKind::Customer;
    let mine = Filter::CustomerUser(who.person.login.clone());
    let (mut own, mut others, mut found) = (None, None, None);
    let asked = at.q.as_deref().map(str::trim).filter(|q| customer && !q.is_empty());
    if let Some(q) = asked {
        let wanted = Wanted { narrow: Filter::All, text: Some(q), sort: Sort::NewestFirst, limit: 25, after: at.cursor };
        found = Some(app.desk.tickets_with(&who.person, &wanted).await?);
    } else if customer {
        let not_mine = Filter::Not(Box::new(mine.clone()));
        let list = async |narrow: &Filter, after| app.desk.tickets(&who.person, narrow, Sort::NewestFirst, 25, after).await;
        (own, others) = (Some(list(&mine, at.cursor).await?), Some(list(&not_mine, None).await?));
    }
    let body = html! {
        h1 { (t.catalogue) }
        @if catalogue.is_empty() { p.quiet { (t.nothing_here) } }
        ul.grid {
            @for name in &catalogue {
                @if let Some(process) = model.processes.get(name) {
                    li { div.card.pick {
                        h2 { (model.title(process.def.title.as_ref(), name, language)) }
                        p { @if let Some(d) = &process.def.description { (d.get(language, model.names.site.main_language())) } }
                        a.button.primary href=(format!("/start/{name}")) data-enhance
                            aria-label=(format!("{}: {}", t.start, model.title(process.def.title.as_ref(), name, language))) { (t.start) }
                    } }
                }
            }
        }
        @if customer {
            form.card.inline method="get" action="/" role="search" data-enhance {
                div.field { label for="q" { (t.search_hint) } input id="q" name="q" type="search" value=(asked.unwrap_or("")); }
                button { (t.search) }
            }
        }
        @if let Some(found) = &found {
            section { h2 { (t.found) } (widgets::tickets(&page, t.found, &found.items))
                @if let Some(next) = found.next {
                    p { a href=(format!("/?q={}&cursor={next}", input::encode(asked.unwrap_or("")))) data-enhance { (t.older) } }
                } }
        }
        @if let Some(own) = &own {
            section { h2 { (t.my_tickets) } (widgets::tickets(&page, t.my_tickets, &own.items))
                @if let Some(next) = own.next { p { a href=(format!("/?cursor={next}")) data-enhance { (t.older) } } } }
        }
        @if let Some(others) = others.as_ref().filter(|o| !o.items.is_empty()) {
            section { h2 { (t.company_tickets) } (widgets::tickets(&page, t.company_tickets, &others.items)) }
        }
    };
    Ok(page.render(StatusCode::OK, t.home, "/", &body))
}
