//! `GET /stream`: server-sent events, one stream for a browser. They carry numbers and versions only; what changed is
//! fetched as any page is, and permission is asked there.

use crate::extract::Query;
use crate::problem::{Fault, fault};
use crate::who::Who;
use crate::{App, RequestId};
use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use serde::Deserialize;
use serde_json::json;
use std::convert::Infallible;
use std::time::Duration;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::Instant;
use vorgang_core::ids::TicketNumber;
use vorgang_core::people::PersonKind;
use vorgang_core::rights::{self, Sight};
use vorgang_runtime::live::{Listener, Signal};

/// Tickets that one browser may have open.
const TICKETS_MAX: usize = 32;

/// How often it is looked whether the session still lasts.
const SESSION: Duration = Duration::from_secs(30);

#[derive(Debug, Deserialize)]
pub struct StreamQuery {
    #[serde(default)]
    tickets: String,
}

/// Those of the tickets that this person may see.
async fn seen(app: &App, who: &Who, numbers: &str) -> Vec<TicketNumber> {
    let mut seen = vec![];
    for number in numbers.split(',').filter(|n| !n.is_empty()).take(TICKETS_MAX) {
        if sees(app, who, number).await && !seen.iter().any(|n| n == number) {
            seen.push(number.into());
        }
    }
    seen
}

/// With the rights that the person has now: a stream lasts longer than a request.
async fn sees(app: &App, who: &Who, number: &str) -> bool {
    let people = app.desk.people();
    let Some(person) = people.get(&who.person.login) else { return false };
    let stored = app.desk.store.ticket_load(number).await.ok().flatten();
    stored.is_some_and(|s| rights::sight(&app.desk.model().names, person, &s.snapshot) != Sight::Nothing)
}

pub async fn stream(
    State(app): State<App>,
    Extension(who): Extension<Who>,
    Extension(id): Extension<RequestId>,
    Query(query): Query<StreamQuery>,
) -> Response {
    let tickets = seen(&app, &who, &query.tickets).await;
    let Some(listener) = app.desk.live.listen(&who.person.login, tickets) else {
        let busy = Fault::new(StatusCode::TOO_MANY_REQUESTS, "Too many streams are open.", "Zu viele Ströme sind offen.");
        return fault(false, busy, &id);
    };
    let state = (app, who, listener, Instant::now() + SESSION);
    let events = stream::unfold(state, |(app, who, mut listener, mut check)| async move {
        let event = next(&app, &who, &mut listener, &mut check).await?;
        Some((Ok::<Event, Infallible>(event), (app, who, listener, check)))
    });
    Sse::new(events).keep_alive(KeepAlive::new().interval(Duration::from_secs(20))).into_response()
}

/// The next event for this person; `None` ends the stream.
async fn next(app: &App, who: &Who, listener: &mut Listener, check: &mut Instant) -> Option<Event> {
    loop {
        // However much there is to hear.
        if Instant::now() >= *check {
            let session = who.session.as_deref()?;
            app.desk.session_person(session).await.ok().flatten()?;
            *check = Instant::now() + SESSION;
        }
        let signal = match tokio::time::timeout_at(*check, listener.signals.recv()).await {
            Err(_) => continue,
            // Too far behind: everything is looked at anew.
            Ok(Err(RecvError::Lagged(_)) | Ok(Signal::Missed)) => return Some(Event::default().event("resync").data("{}")),
            Ok(Err(RecvError::Closed)) => return None,
            Ok(Ok(signal)) => signal,
        };
        let mine = |number: &TicketNumber| listener.tickets.contains(number);
        match signal {
            Signal::Closing => return None,
            Signal::Told { login } if login == listener.login => return Some(Event::default().event("bell").data("{}")),
            Signal::Ticket { number, version } if mine(&number) && sees(app, who, &number).await => {
                return Some(Event::default().event("ticket").data(json!({"number": number, "version": version}).to_string()));
            }
            // Customers do not learn who works on it.
            Signal::Presence { number } if mine(&number) && who.person.kind == PersonKind::Agent => {
                return Some(Event::default().event("presence").data(json!({"number": number}).to_string()));
            }
            _ => {}
        }
    }
}
