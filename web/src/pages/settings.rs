//! What a person has chosen about being told: quiet hours, being away with a substitute, notifications to do without.

use crate::input::FormData;
use crate::layout::Page;
use crate::pages::failed;
use crate::who::Who;
use crate::{App, RequestId, texts};
use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use jiff::civil::{Date, Time};
use maud::html;
use std::str::FromStr;
use vorgang_core::ids::Login;
use vorgang_core::people::{Away, PersonKind, PersonPatch, Quiet, Settings};

pub async fn page(State(app): State<App>, Extension(who): Extension<Who>) -> Response {
    draw(&app, &who, &who.person.settings, None, StatusCode::OK).await
}

async fn draw(app: &App, who: &Who, settings: &Settings, wrong: Option<&'static str>, status: StatusCode) -> Response {
    let model = app.desk.model();
    let page = Page::new(app, who, &model).await;
    let t = page.t;
    let (quiet, away) = (settings.quiet, settings.away.as_ref());
    let substitutes = candidates(app, who);
    let time = |time: Option<Time>| time.map_or(String::new(), |t| t.strftime("%H:%M").to_string());
    let date = |date: Option<Date>| date.map_or(String::new(), |d| d.to_string());
    let optional: Vec<_> = model.names.notifications.iter().filter(|n| n.opt_out).collect();
    let body = html! {
        h1 { (t.settings) }
        @if let Some(wrong) = wrong { div.notice.bad role="alert" tabindex="-1" data-focus="" { p { (wrong) } } }
        form.card method="post" action="/settings" data-enhance {
            (page.csrf())
            fieldset { legend { (t.quiet_hours) }
                p.quiet { (t.quiet_hours_hint) }
                div.inline {
                    div.field { label for="quiet-from" { (t.from) } input id="quiet-from" name="quiet_from" type="time" value=(time(quiet.map(|q| q.from))); }
                    div.field { label for="quiet-until" { (t.until) } input id="quiet-until" name="quiet_until" type="time" value=(time(quiet.map(|q| q.until))); }
                }
            }
            fieldset { legend { (t.out_of_office) }
                p.quiet { (t.out_of_office_hint) }
                div.inline {
                    div.field { label for="away-from" { (t.from) } input id="away-from" name="away_from" type="date" value=(date(away.map(|a| a.from))); }
                    div.field { label for="away-until" { (t.until) } input id="away-until" name="away_until" type="date" value=(date(away.map(|a| a.until))); }
                    div.field { label for="substitute" { (t.substitute) } select id="substitute" name="substitute" {
                        option value="" { (t.nobody) }
                        @for (login, name) in &substitutes {
                            option value=(login) selected[away.and_then(|a| a.substitute.as_deref()) == Some(login.as_str())] { (name) }
                        }
                    } }
                }
            }
            @if !optional.is_empty() {
                fieldset { legend { (t.not_wanted) }
                    @for n in &optional {
                        label { input type="checkbox" name="muted" value=(n.name) checked[settings.muted.contains(n.name.as_str())]; " "
                            (model.title(n.title.as_ref(), &n.name, page.language())) }
                    }
                }
            }
            div.buttons { button.primary { (t.save) } }
        }
    };
    page.render(status, t.settings, "/settings", &body)
}

/// Agents stand in for agents, colleagues of one company for each other.
fn candidates(app: &App, who: &Who) -> Vec<(Login, String)> {
    let me = &who.person;
    let people = app.desk.people();
    let may = |p: &vorgang_core::people::Person| {
        let same = p.kind == me.kind && (p.kind == PersonKind::Agent || (p.company.is_some() && p.company == me.company));
        p.active && p.login != me.login && same
    };
    people.iter().filter(|p| may(p)).map(|p| (p.login.clone(), p.name.clone())).collect()
}

/// Both or none; the two texts as values.
fn pair<T: FromStr>(data: &FormData, from: &str, until: &str) -> Result<Option<(T, T)>, ()> {
    let read = |name: &str| data.get(name).filter(|v| !v.is_empty()).map(|v| v.parse::<T>().map_err(|_| ())).transpose();
    match (read(from)?, read(until)?) {
        (Some(from), Some(until)) => Ok(Some((from, until))),
        (None, None) => Ok(None),
        _ => Err(()),
    }
}

/// The fields that the form changes; all others stay.
fn read(app: &App, who: &Who, data: &FormData) -> Result<PersonPatch, ()> {
    let quiet = pair::<Time>(data, "quiet_from", "quiet_until")?.map(|(from, until)| Quiet { from, until });
    let substitute = data.get("substitute").filter(|s| !s.is_empty()).map(Login::from);
    if substitute.as_ref().is_some_and(|s| !candidates(app, who).iter().any(|(login, _)| login == s)) {
        return Err(());
    }
    let away = pair::<Date>(data, "away_from", "away_until")?.map(|(from, until)| Away { from, until, substitute: substitute.clone() });
    let upside_down = away.as_ref().is_some_and(|a| a.from > a.until) || quiet.is_some_and(|q| q.from == q.until);
    if upside_down || (away.is_none() && substitute.is_some()) {
        return Err(());
    }
    let model = app.desk.model();
    let optional = |name: &&str| model.names.notifications.get(name).is_some_and(|n| n.opt_out);
    let muted = data.all("muted").filter(optional).map(str::to_owned).collect();
    Ok(PersonPatch { quiet: Some(quiet), away: Some(away), muted: Some(muted), ..PersonPatch::default() })
}

pub async fn save(State(app): State<App>, Extension(who): Extension<Who>, Extension(id): Extension<RequestId>, data: FormData) -> Response {
    let Ok(patch) = read(&app, &who, &data) else {
        let wrong = texts::texts(&who.person.language).settings_wrong;
        return draw(&app, &who, &who.person.settings, Some(wrong), StatusCode::UNPROCESSABLE_ENTITY).await;
    };
    let by = app.desk.by(&who.person.login, "portal");
    match app.desk.person_change(&who.person.login, &patch, None, &by).await {
        Ok(_) => Redirect::to("/settings").into_response(),
        Err(e) => failed(e.into(), &id),
    }
}
