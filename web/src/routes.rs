//! Every route with whom it lets in: the router, the OpenAPI document and the tests of the permission matrix are
//! made from this list. A route that is not here does not exist.

use crate::who::Access;
use crate::{App, api, asset_files, openapi, pages};
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
        route(BOTH, "/sign-in", Anyone, get(pages::sign_in::form).post(pages::sign_in::submit)),
        route(BOTH, "/link/{link}", Anyone, get(pages::sign_in::link).post(pages::sign_in::link_spend)),
        route(POST, "/sign-out", SignedIn, post(pages::sign_in::sign_out)),
        route(POST, "/language", SignedIn, post(pages::sign_in::language)),
        route(GET, "/", SignedIn, get(pages::home::page)),
        route(BOTH, "/start/{process}", SignedIn, get(pages::start::form).post(pages::start::submit)).takes(Kind::Create),
        route(GET, "/tickets/{number}", SignedIn, get(pages::ticket::page)),
        route(POST, "/tickets/{number}/article", SignedIn, post(pages::ticket::article)),
        route(POST, "/tickets/{number}/patch", SignedIn, post(pages::ticket::patch)),
        route(POST, "/tickets/{number}/work/{work}", SignedIn, post(pages::ticket::submit)),
        route(POST, "/tickets/{number}/work/{work}/claim", SignedIn, post(pages::ticket::claim)),
        route(POST, "/tickets/{number}/work/{work}/release", SignedIn, post(pages::ticket::release)),
        route(GET, "/tickets/{number}/files/{blob}", SignedIn, get(pages::ticket::file)).takes(Kind::File),
        route(GET, "/tickets/{number}/articles/{article}/html", SignedIn, get(pages::letter::html)),
        route(BOTH, "/notifications", SignedIn, get(pages::notifications::page).post(pages::notifications::read)),
        route(POST, "/notifications/{id}", SignedIn, post(pages::notifications::open)),
        route(GET, "/stream", SignedIn, get(crate::stream::stream)),
        route(BOTH, "/settings", SignedIn, get(pages::settings::page).post(pages::settings::save)),
        route(GET, "/agent", Agent, get(pages::agent::dashboard)),
        route(GET, "/agent/queue", Agent, get(pages::agent::queue)).takes(Kind::Search),
        route(GET, "/agent/work", Agent, get(pages::agent::work)).takes(Kind::Search),
        route(BOTH, "/agent/new", Agent, get(pages::agent::new_form).post(pages::agent::new_submit)).takes(Kind::Create),
        route(GET, "/agent/tickets/{number}", Agent, get(pages::ticket::page)),
        route(POST, "/agent/tickets/{number}/article", Agent, post(pages::ticket::article)),
        route(POST, "/agent/tickets/{number}/patch", Agent, post(pages::ticket::patch)),
        route(POST, "/agent/tickets/{number}/work/{work}", Agent, post(pages::ticket::submit)),
        route(POST, "/agent/tickets/{number}/work/{work}/claim", Agent, post(pages::ticket::claim)),
        route(POST, "/agent/tickets/{number}/work/{work}/release", Agent, post(pages::ticket::release)),
        route(POST, "/agent/tickets/{number}/steer", Agent, post(pages::steer::steer)),
        route(POST, "/agent/tickets/{number}/link", Agent, post(pages::related::link)),
        route(POST, "/agent/tickets/{number}/merge", Agent, post(pages::related::merge)),
        route(POST, "/agent/tickets/{number}/split", Agent, post(pages::related::split)).takes(Kind::Create),
        route(POST, "/agent/tickets/{number}/watch", Agent, post(pages::ticket::watch)),
        route(GET, "/agent/tickets/{number}/files/{blob}", Agent, get(pages::ticket::file)).takes(Kind::File),
        route(GET, "/agent/tickets/{number}/articles/{article}/html", Agent, get(pages::letter::html)),
        route(GET, "/agent/tickets/{number}/articles/{article}/raw", Agent, get(pages::letter::raw)).takes(Kind::Export),
        route(BOTH, "/agent/tickets/{number}/articles/{article}/take-back", Agent, get(pages::letter::back).post(pages::letter::take_back)),
        route(POST, "/agent/tickets/{number}/articles/{article}/erase", Admin, post(pages::letter::erase)),
        route(GET, "/admin", Admin, get(pages::admin::page)),
        route(GET, "/admin/jobs", Admin, get(pages::jobs::list)),
        route(GET, "/admin/jobs/{name}", Admin, get(pages::jobs::page)),
        route(POST, "/admin/jobs/{name}/run", Admin, post(pages::jobs::run_now)),
        route(POST, "/admin/jobs/{name}/try", Admin, post(pages::jobs::try_out)),
        route(GET, "/admin/mail", Admin, get(pages::mail::list)),
        route(GET, "/admin/mail/accounts", Admin, get(pages::mail::accounts)),
        route(POST, "/admin/mail/accounts/{name}/test", Admin, post(pages::mail::test)),
        route(GET, "/admin/mail/{id}", Admin, get(pages::mail::page)),
        route(GET, "/admin/mail/{id}/raw", Admin, get(pages::mail::raw)).takes(Kind::Export),
        route(POST, "/admin/mail/{id}/discard", Admin, post(pages::mail::discard)),
        route(POST, "/admin/mail/{id}/replay", Admin, post(pages::mail::replay)),
        route(GET, "/admin/notifications", Admin, get(pages::told::list)),
        route(GET, "/admin/notifications/{name}", Admin, get(pages::told::page)),
        route(GET, "/admin/outbox", Admin, get(pages::outbox::page)),
        route(POST, "/admin/outbox/send", Admin, post(pages::outbox::send_all)),
        route(POST, "/admin/outbox/{id}/send", Admin, post(pages::outbox::send)),
        route(POST, "/admin/events/{id}/retry", Admin, post(pages::admin::retry_event)),
        route(POST, "/admin/incidents/{number}/{incident}/retry", Admin, post(pages::admin::retry)),
        route(GET, "/api/v1/openapi.json", Anyone, get(openapi::serve)),
        route(GET, "/api/v1/tickets", Api, get(api::tickets::list)).takes(Kind::Search),
        route(POST, "/api/v1/tickets", Api, post(api::tickets::create)).takes(Kind::Create),
        route(&["GET", "PATCH"], "/api/v1/tickets/{number}", Api, get(api::tickets::read).merge(patch(api::tickets::change))),
        route(BOTH, "/api/v1/tickets/{number}/articles", Api, get(api::tickets::articles).post(api::tickets::article_add)),
        route(POST, "/api/v1/tickets/{number}/articles/{article}/take-back", Api, post(api::tickets::take_back)),
        route(POST, "/api/v1/tickets/{number}/articles/{article}/erase", ApiAdmin, post(api::tickets::erase)),
        route(GET, "/api/v1/tickets/{number}/choices", Api, get(api::choices::choices)),
        route(GET, "/api/v1/tickets/{number}/history", Api, get(api::tickets::history)).takes(Kind::Export),
        route(BOTH, "/api/v1/tickets/{number}/links", Api, get(api::tickets::links).post(api::tickets::link)),
        route(POST, "/api/v1/tickets/{number}/merge", Api, post(api::tickets::merge)),
        route(POST, "/api/v1/tickets/{number}/split", Api, post(api::tickets::split)).takes(Kind::Create),
        route(POST, "/api/v1/tickets/{number}/steer", Api, post(api::work::steer)),
        route(POST, "/api/v1/tickets/{number}/watch", Api, post(api::tickets::watch)),
        route(POST, "/api/v1/events/{name}", Api, post(api::events::send)),
        route(GET, "/api/v1/processes", Api, get(api::processes::list)),
        route(POST, "/api/v1/processes/{name}/start", Api, post(api::processes::start)).takes(Kind::Create),
        route(GET, "/api/v1/work", Api, get(api::work::list)).takes(Kind::Search),
        route(POST, "/api/v1/work/{id}/submit", Api, post(api::work::submit)),
        route(POST, "/api/v1/work/{id}/claim", Api, post(api::work::claim)),
        route(POST, "/api/v1/work/{id}/release", Api, post(api::work::release)),
        route(GET, "/api/v1/security-log", ApiAdmin, get(api::security::list)).takes(Kind::Export),
        route(GET, "/api/v1/incidents", ApiAdmin, get(api::incidents::list)),
        route(POST, "/api/v1/incidents/{id}/retry", ApiAdmin, post(api::incidents::retry)),
    ]
}
