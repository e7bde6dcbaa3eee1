//! Every route with whom it lets in: the router, the OpenAPI document and the tests of the permission matrix are
//! made from this list. A route that is not here does not exist.

use crate::api::{choices, events, incidents, processes, security, tickets, work};
use crate::pages::{admin, agent, home, jobs, letter, mail, notifications, outbox, related, settings, sign_in, start, steer, ticket, told};
use crate::who::Access;
use crate::{App, asset_files, openapi, stream};
use axum::routing::{MethodRouter, get, patch, post};
use vorgang_runtime::quota::Kind;

pub struct Route {
    pub methods: &'static [&'static str],
    pub path: &'static str,
    pub access: Access,
    /// The quota that a request counts against. For `Create` only requests that change something count.
    pub quota: Option<Kind>,
    pub handler: MethodRouter<App>,
}

fn route(methods: &'static [&'static str], path: &'static str, access: Access, handler: MethodRouter<App>) -> Route {
    Route { methods, path, access, quota: None, handler }
}

impl Route {
    fn takes(self, kind: Kind) -> Self {
        Self { quota: Some(kind), ..self }
    }
}

pub fn all() -> Vec<Route> {
    use Access::{Admin, Agent, Anyone, Api, ApiAdmin, SignedIn};
    const GET: &[&str] = &["GET"];
    const POST: &[&str] = &["POST"];
    const BOTH: &[&str] = &["GET", "POST"];
    vec![
        route(GET, "/livez", Anyone, get(crate::livez)),
        route(GET, "/readyz", Anyone, get(crate::readyz)),
        route(GET, "/metrics", Anyone, get(crate::metrics_text)),
        route(GET, "/assets/{hash}/{name}", Anyone, get(asset_files::serve)),
        route(BOTH, "/sign-in", Anyone, get(sign_in::form).post(sign_in::submit)),
        route(BOTH, "/link/{link}", Anyone, get(sign_in::link).post(sign_in::link_spend)),
        route(POST, "/sign-out", SignedIn, post(sign_in::sign_out)),
        route(POST, "/language", SignedIn, post(sign_in::language)),
        route(GET, "/", SignedIn, get(home::page)),
        route(BOTH, "/start/{process}", SignedIn, get(start::form).post(start::submit)).takes(Kind::Create),
        route(GET, "/tickets/{number}", SignedIn, get(ticket::page)),
        route(POST, "/tickets/{number}/article", SignedIn, post(ticket::article)),
        route(POST, "/tickets/{number}/patch", SignedIn, post(ticket::patch)),
        route(POST, "/tickets/{number}/work/{work}", SignedIn, post(ticket::submit)),
        route(POST, "/tickets/{number}/work/{work}/claim", SignedIn, post(ticket::claim)),
        route(POST, "/tickets/{number}/work/{work}/release", SignedIn, post(ticket::release)),
        route(GET, "/tickets/{number}/files/{blob}", SignedIn, get(ticket::file)).takes(Kind::File),
        route(GET, "/tickets/{number}/articles/{article}/html", SignedIn, get(letter::html)),
        route(BOTH, "/notifications", SignedIn, get(notifications::page).post(notifications::read)),
        route(POST, "/notifications/{id}", SignedIn, post(notifications::open)),
        route(GET, "/stream", SignedIn, get(stream::stream)),
        route(BOTH, "/settings", SignedIn, get(settings::page).post(settings::save)),
        route(GET, "/agent", Agent, get(agent::dashboard)),
        route(GET, "/agent/queue", Agent, get(agent::queue)).takes(Kind::Search),
        route(GET, "/agent/work", Agent, get(agent::work)).takes(Kind::Search),
        route(BOTH, "/agent/new", Agent, get(agent::new_form).post(agent::new_submit)).takes(Kind::Create),
        route(GET, "/agent/tickets/{number}", Agent, get(ticket::page)),
        route(POST, "/agent/tickets/{number}/article", Agent, post(ticket::article)),
        route(POST, "/agent/tickets/{number}/patch", Agent, post(ticket::patch)),
        route(POST, "/agent/tickets/{number}/work/{work}", Agent, post(ticket::submit)),
        route(POST, "/agent/tickets/{number}/work/{work}/claim", Agent, post(ticket::claim)),
        route(POST, "/agent/tickets/{number}/work/{work}/release", Agent, post(ticket::release)),
        route(POST, "/agent/tickets/{number}/steer", Agent, post(steer::steer)),
        route(POST, "/agent/tickets/{number}/link", Agent, post(related::link)),
        route(POST, "/agent/tickets/{number}/merge", Agent, post(related::merge)),
        route(POST, "/agent/tickets/{number}/split", Agent, post(related::split)).takes(Kind::Create),
        route(POST, "/agent/tickets/{number}/watch", Agent, post(ticket::watch)),
        route(GET, "/agent/tickets/{number}/files/{blob}", Agent, get(ticket::file)).takes(Kind::File),
        route(GET, "/agent/tickets/{number}/articles/{article}/html", Agent, get(letter::html)),
        route(GET, "/agent/tickets/{number}/articles/{article}/raw", Agent, get(letter::raw)).takes(Kind::Export),
        route(BOTH, "/agent/tickets/{number}/articles/{article}/take-back", Agent, get(letter::back).post(letter::take_back)),
        route(POST, "/agent/tickets/{number}/articles/{article}/erase", Admin, post(letter::erase)),
        route(GET, "/admin", Admin, get(admin::page)),
        route(GET, "/admin/jobs", Admin, get(jobs::list)),
        route(GET, "/admin/jobs/{name}", Admin, get(jobs::page)),
        route(POST, "/admin/jobs/{name}/run", Admin, post(jobs::run)),
        route(POST, "/admin/jobs/{name}/try", Admin, post(jobs::try_out)),
        route(GET, "/admin/mail", Admin, get(mail::list)),
        route(GET, "/admin/mail/accounts", Admin, get(mail::accounts)),
        route(POST, "/admin/mail/accounts/{name}/test", Admin, post(mail::test)),
        route(GET, "/admin/mail/{id}", Admin, get(mail::page)),
        route(GET, "/admin/mail/{id}/raw", Admin, get(mail::raw)).takes(Kind::Export),
        route(POST, "/admin/mail/{id}/discard", Admin, post(mail::discard)),
        route(POST, "/admin/mail/{id}/replay", Admin, post(mail::replay)),
        route(GET, "/admin/notifications", Admin, get(told::list)),
        route(GET, "/admin/notifications/{name}", Admin, get(told::page)),
        route(GET, "/admin/outbox", Admin, get(outbox::page)),
        route(POST, "/admin/outbox/send", Admin, post(outbox::send_all)),
        route(POST, "/admin/outbox/{id}/send", Admin, post(outbox::send)),
        route(POST, "/admin/events/{id}/retry", Admin, post(admin::retry_event)),
        route(POST, "/admin/incidents/{number}/{incident}/retry", Admin, post(admin::retry)),
        route(GET, "/api/v1/openapi.json", Anyone, get(openapi::serve)),
        route(GET, "/api/v1/tickets", Api, get(tickets::list)).takes(Kind::Search),
        route(POST, "/api/v1/tickets", Api, post(tickets::create)).takes(Kind::Create),
        route(&["GET", "PATCH"], "/api/v1/tickets/{number}", Api, get(tickets::read).merge(patch(tickets::change))),
        route(BOTH, "/api/v1/tickets/{number}/articles", Api, get(tickets::articles).post(tickets::article_add)),
        route(POST, "/api/v1/tickets/{number}/articles/{article}/take-back", Api, post(tickets::take_back)),
        route(POST, "/api/v1/tickets/{number}/articles/{article}/erase", ApiAdmin, post(tickets::erase)),
        route(GET, "/api/v1/tickets/{number}/choices", Api, get(choices::choices)),
        route(GET, "/api/v1/tickets/{number}/history", Api, get(tickets::history)).takes(Kind::Export),
        route(BOTH, "/api/v1/tickets/{number}/links", Api, get(tickets::links).post(tickets::link)),
        route(POST, "/api/v1/tickets/{number}/merge", Api, post(tickets::merge)),
        route(POST, "/api/v1/tickets/{number}/split", Api, post(tickets::split)).takes(Kind::Create),
        route(POST, "/api/v1/tickets/{number}/steer", Api, post(work::steer)),
        route(POST, "/api/v1/tickets/{number}/watch", Api, post(tickets::watch)),
        route(POST, "/api/v1/events/{name}", Api, post(events::send)),
        route(GET, "/api/v1/processes", Api, get(processes::list)),
        route(POST, "/api/v1/processes/{name}/start", Api, post(processes::start)).takes(Kind::Create),
        route(GET, "/api/v1/work", Api, get(work::list)).takes(Kind::Search),
        route(POST, "/api/v1/work/{id}/submit", Api, post(work::submit)),
        route(POST, "/api/v1/work/{id}/claim", Api, post(work::claim)),
        route(POST, "/api/v1/work/{id}/release", Api, post(work::release)),
        route(GET, "/api/v1/security-log", ApiAdmin, get(security::list)).takes(Kind::Export),
        route(GET, "/api/v1/incidents", ApiAdmin, get(incidents::list)),
        route(POST, "/api/v1/incidents/{id}/retry", ApiAdmin, post(incidents::retry)),
    ]
}
