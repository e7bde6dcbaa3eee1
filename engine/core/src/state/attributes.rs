//! Attributes of a ticket by their names, in the form of events.

use crate::state::ids::Login;
use crate::state::snapshot::Ticket;
use serde_json::Value as Json;

pub fn set_attribute(ticket: &mut Ticket, name: &str, new: &Json) {
    let text = || new.as_str().map(str::to_owned);
    match name {
        "title" => ticket.title = text().unwrap_or_default(),
        "type" => ticket.ticket_type = text().unwrap_or_default(),
        "queue" => ticket.queue = text().unwrap_or_default(),
        "state" => ticket.state = text().unwrap_or_default(),
        "priority" => ticket.priority = text().unwrap_or_default(),
        "owner" => {
            ticket.owner = text().map(Login::from);
            ticket.unlocked = false;
        }
        "lock" => ticket.unlocked = new == &Json::Bool(false),
        "responsible" => ticket.responsible = text().map(Login::from),
        "customer" => ticket.customer = text(),
        "customer_user" => ticket.customer_user = text().map(Login::from),
        "pending_until" => ticket.pending_until = text().and_then(|t| t.parse().ok()),
        // Read from the history there is none: see [`knows`].
        _ => debug_assert!(false, "the attribute {name} is not known"),
    }
}

/// The attribute's present value, in the form of [`Event::AttributeSet`].
pub fn attribute(ticket: &Ticket, name: &str) -> Json {
    match name {
        "title" => ticket.title.clone().into(),
        "type" => ticket.ticket_type.clone().into(),
        "queue" => ticket.queue.clone().into(),
        "state" => ticket.state.clone().into(),
        "priority" => ticket.priority.clone().into(),
        "owner" => ticket.owner.clone().into(),
        "responsible" => ticket.responsible.clone().into(),
        "lock" => ticket.lock().into(),
        "customer" => ticket.customer.clone().into(),
        "customer_user" => ticket.customer_user.clone().into(),
        "pending_until" => ticket.pending_until.map(|t| t.to_string()).into(),
        _ => Json::Null,
    }
}
