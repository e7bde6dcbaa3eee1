//! Every route with whom it lets in: the router, the OpenAPI document and the tests of the permission matrix are
//! made from this list. A route that is not here does not exist.

use crate::api::operation::{Operation, get, patch, post};
use crate::api::{articles, choices, events, incidents, processes, related, security, tickets, work};
use crate::who::Access;
use crate::{App, asset_files, openapi, pages};
use axum::routing::{MethodRouter, get as reading, post as writing};
use vorgang_runtime::quota::Kind;

pub struct Route {
    pub methods: Vec<&'static str>,
    pub path: &'static str,
    pub access: Access,
    /// The quota that a request counts against. For `Create` only requests that change something count.
    pub quota: Option<Kind>,
    pub handler: MethodRouter<App>,
    /// Of the API, for its document: one for each method.
    pub operations: Vec<Operation>,
}

fn route(methods: &[&'static str], path: &'static str, access: Access, handler: MethodRouter<App>) -> Route {
    Route { methods: methods.to_vec(), path, access, quota: None, handler, operations: vec![] }
}

/// Operations of the API on one path.
fn described<const N: usize>(path: &'static str, access: Access, operations: [Operation; N]) -> Route {
    let methods = operations.iter().map(|o| o.method).collect();
    let handler = operations.iter().fold(MethodRouter::new(), |all, o| all.merge(o.handler.clone()));
    Route { methods, path, access, quota: None, handler, operations: operations.into() }
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
        route(GET, "/livez", Anyone, reading(crate::livez)),
        route(GET, "/readyz", Anyone, reading(crate::readyz)),
        route(GET, "/metrics", Anyone, reading(crate::metrics_text)),
        route(GET, "/assets/{hash}/{name}", Anyone, reading(asset_files::serve)),
        route(BOTH, "/sign-in", Anyone, reading(pages::sign_in::form).post(pages::sign_in::submit)),
        route(BOTH, "/link/{link}", Anyone, reading(pages::sign_in::link).post(pages::sign_in::link_spend)),
        route(POST, "/sign-out", SignedIn, writing(pages::sign_in::sign_out)),
        route(POST, "/language", SignedIn, writing(pages::sign_in::language)),
        route(GET, "/", SignedIn, reading(pages::page(pages::home::page))),
        route(BOTH, "/start/{process}", SignedIn, reading(pages::start::form).post(pages::start::submit)).takes(Kind::Create),
        route(GET, "/tickets/{number}", SignedIn, reading(pages::ticket::page)),
        route(POST, "/tickets/{number}/article", SignedIn, writing(pages::ticket::article)),
        route(POST, "/tickets/{number}/patch", SignedIn, writing(pages::ticket::patch)),
        route(POST, "/tickets/{number}/work/{work}", SignedIn, writing(pages::ticket::submit)),
        route(POST, "/tickets/{number}/work/{work}/claim", SignedIn, writing(pages::ticket::claim)),
        route(POST, "/tickets/{number}/work/{work}/release", SignedIn, writing(pages::ticket::release)),
        route(GET, "/tickets/{number}/files/{blob}", SignedIn, reading(pages::ticket::file)).takes(Kind::File),
        route(GET, "/tickets/{number}/articles/{article}/html", SignedIn, reading(pages::letter::html)),
        route(
            BOTH,
            "/notifications",
            SignedIn,
            reading(pages::page(pages::notifications::page)).post(pages::page(pages::notifications::read)),
        ),
        route(POST, "/notifications/{id}", SignedIn, writing(pages::page(pages::notifications::open))),
        route(GET, "/stream", SignedIn, reading(crate::stream::stream)),
        route(BOTH, "/settings", SignedIn, reading(pages::settings::page).post(pages::settings::save)),
        route(GET, "/agent", Agent, reading(pages::agent::dashboard)),
        route(GET, "/agent/queue", Agent, reading(pages::agent::queue)).takes(Kind::Search),
        route(GET, "/agent/work", Agent, reading(pages::agent::work)).takes(Kind::Search),
        route(BOTH, "/agent/new", Agent, reading(pages::agent::new_form).post(pages::agent::new_submit)).takes(Kind::Create),
        route(GET, "/agent/tickets/{number}", Agent, reading(pages::ticket::page)),
        route(POST, "/agent/tickets/{number}/article", Agent, writing(pages::ticket::article)),
        route(POST, "/agent/tickets/{number}/patch", Agent, writing(pages::ticket::patch)),
        route(POST, "/agent/tickets/{number}/work/{work}", Agent, writing(pages::ticket::submit)),
        route(POST, "/agent/tickets/{number}/work/{work}/claim", Agent, writing(pages::ticket::claim)),
        route(POST, "/agent/tickets/{number}/work/{work}/release", Agent, writing(pages::ticket::release)),
        route(POST, "/agent/tickets/{number}/steer", Agent, writing(pages::steer::steer)),
        route(POST, "/agent/tickets/{number}/link", Agent, writing(pages::related::link)),
        route(POST, "/agent/tickets/{number}/merge", Agent, writing(pages::related::merge)),
        route(POST, "/agent/tickets/{number}/split", Agent, writing(pages::related::split)).takes(Kind::Create),
        route(POST, "/agent/tickets/{number}/watch", Agent, writing(pages::ticket::watch)),
        route(GET, "/agent/tickets/{number}/files/{blob}", Agent, reading(pages::ticket::file)).takes(Kind::File),
        route(GET, "/agent/tickets/{number}/articles/{article}/html", Agent, reading(pages::letter::html)),
        route(GET, "/agent/tickets/{number}/articles/{article}/raw", Agent, reading(pages::letter::raw)).takes(Kind::Export),
        route(
            BOTH,
            "/agent/tickets/{number}/articles/{article}/take-back",
            Agent,
            reading(pages::letter::back).post(pages::letter::take_back),
        ),
        route(POST, "/agent/tickets/{number}/articles/{article}/erase", Admin, writing(pages::letter::erase)),
        route(GET, "/admin", Admin, reading(pages::admin::page)),
        route(GET, "/admin/jobs", Admin, reading(pages::jobs::list)),
        route(GET, "/admin/jobs/{name}", Admin, reading(pages::jobs::page)),
        route(POST, "/admin/jobs/{name}/run", Admin, writing(pages::jobs::run_now)),
        route(POST, "/admin/jobs/{name}/try", Admin, writing(pages::jobs::try_out)),
        route(GET, "/admin/mail", Admin, reading(pages::mail::list)),
        route(GET, "/admin/mail/accounts", Admin, reading(pages::mail::accounts)),
        route(POST, "/admin/mail/accounts/{name}/test", Admin, writing(pages::mail::test)),
        route(GET, "/admin/mail/{id}", Admin, reading(pages::mail::page)),
        route(GET, "/admin/mail/{id}/raw", Admin, reading(pages::mail::raw)).takes(Kind::Export),
        route(POST, "/admin/mail/{id}/discard", Admin, writing(pages::mail::discard)),
        route(POST, "/admin/mail/{id}/replay", Admin, writing(pages::mail::replay)),
        route(GET, "/admin/notifications", Admin, reading(pages::told::list)),
        route(GET, "/admin/notifications/{name}", Admin, reading(pages::told::page)),
        route(GET, "/admin/outbox", Admin, reading(pages::outbox::page)),
        route(POST, "/admin/outbox/send", Admin, writing(pages::outbox::send_all)),
        route(POST, "/admin/outbox/{id}/send", Admin, writing(pages::outbox::send)),
        route(POST, "/admin/events/{id}/retry", Admin, writing(pages::admin::retry_event)),
        route(POST, "/admin/incidents/{number}/{incident}/retry", Admin, writing(pages::admin::retry)),
        route(GET, "/api/v1/openapi.json", Anyone, reading(openapi::serve)),
        described("/api/v1/tickets", Api, [get("The tickets that you may see, newest first", tickets::list)]).takes(Kind::Search),
        described("/api/v1/tickets", Api, [post("Creates a ticket", tickets::create)]).takes(Kind::Create),
        described(
            "/api/v1/tickets/{number}",
            Api,
            [get("One ticket", tickets::read), patch("Changes attributes and fields", tickets::change)],
        ),
        described(
            "/api/v1/tickets/{number}/articles",
            Api,
            [
                get("What was written on the ticket, oldest first", articles::list),
                post("Adds an article; with `mail` it goes out ten seconds later", articles::add),
            ],
        ),
        described(
            "/api/v1/tickets/{number}/articles/{article}/take-back",
            Api,
            [post("Takes a mail back before it goes out", articles::take_back)],
        ),
        described(
            "/api/v1/tickets/{number}/articles/{article}/erase",
            ApiAdmin,
            [post("Removes the content of a message or of one file for good, for administrators", articles::erase)],
        ),
        described(
            "/api/v1/tickets/{number}/choices",
            Api,
            [get("What you may choose and do by hand; `explain=true` says why not", choices::choices)],
        ),
        described("/api/v1/tickets/{number}/history", Api, [get("Everything that happened, for agents", related::history)])
            .takes(Kind::Export),
        described(
            "/api/v1/tickets/{number}/links",
            Api,
            [get("Linked tickets that you may see", related::links), post("Links another ticket, or takes the link away", related::link)],
        ),
        described(
            "/api/v1/tickets/{number}/merge",
            Api,
            [post("Merges the ticket into another one, which takes in what was written", related::merge)],
        ),
        described(
            "/api/v1/tickets/{number}/split",
            Api,
            [post("Makes a ticket of its own of one message; `made` in the answer is its number", related::split)],
        )
        .takes(Kind::Create),
        described(
            "/api/v1/tickets/{number}/steer",
            Api,
            [post("Work by hand: people's with their own, administrators' with any", work::steer)],
        ),
        described("/api/v1/tickets/{number}/watch", Api, [post("Begins or ends watching the ticket", related::watch)]),
        described(
            "/api/v1/events/{name}",
            Api,
            [post("Sends a message to every process that waits for it; the body is the data of the message", events::send)],
        ),
        described("/api/v1/processes", Api, [get("The processes that you may start, with their first forms", processes::list)]),
        described("/api/v1/processes/{name}/start", Api, [post("Starts a process", processes::start)]).takes(Kind::Create),
        described("/api/v1/work", Api, [get("Open work that is for you", work::list)]).takes(Kind::Search),
        described("/api/v1/work/{id}/submit", Api, [post("Submits a dialog, or votes (dialog `approval`)", work::submit)]),
        described("/api/v1/work/{id}/claim", Api, [post("Claims a work item", work::claim)]),
        described("/api/v1/work/{id}/release", Api, [post("Gives a work item back", work::release)]),
        described("/api/v1/security-log", ApiAdmin, [get("The log of security, for administrators", security::list)]).takes(Kind::Export),
        described("/api/v1/incidents", ApiAdmin, [get("Open incidents, for administrators", incidents::list)]),
        described("/api/v1/incidents/{id}/retry", ApiAdmin, [post("Tries again what failed", incidents::retry)]),
    ]
}
