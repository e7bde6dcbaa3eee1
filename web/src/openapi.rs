//! The OpenAPI 3.1 document, made from the list of routes. A route of the API without a description does not build
//! the document, and fails a test.

use crate::routes;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value as Json, json};
use std::sync::LazyLock;
use vorgang_core::commands::Hand;

/// (method, path, summary, schema of the body, schema of the answer)
const OPERATIONS: &[(&str, &str, &str, &str, &str)] = &[
    ("GET", "/api/v1/openapi.json", "This document", "", "Any"),
    (
        "GET",
        "/api/v1/tickets",
        "The tickets that you may see, newest first; `text` are words that have to be in one article, `where` is a condition in CEL, for agents",
        "",
        "TicketPage",
    ),
    ("POST", "/api/v1/tickets", "Creates a ticket", "NewTicket", "Ticket"),
    ("GET", "/api/v1/tickets/{number}", "One ticket", "", "Ticket"),
    ("PATCH", "/api/v1/tickets/{number}", "Changes attributes and fields", "Patch", "Ticket"),
    ("GET", "/api/v1/tickets/{number}/articles", "The ticket's articles", "", "Any"),
    ("POST", "/api/v1/tickets/{number}/articles", "Adds an article; with `mail` it goes out ten seconds later", "Article", "Ticket"),
    ("POST", "/api/v1/tickets/{number}/articles/{article}/take-back", "Takes a mail back before it goes out", "Any", "Ticket"),
    (
        "POST",
        "/api/v1/tickets/{number}/articles/{article}/erase",
        "Removes the content of a message or of one file for good, for administrators",
        "Erase",
        "Any",
    ),
    ("GET", "/api/v1/tickets/{number}/choices", "What you may choose and do by hand; `explain=true` says why not", "", "Any"),
    ("GET", "/api/v1/tickets/{number}/history", "Everything that happened, for agents", "", "Any"),
    ("GET", "/api/v1/tickets/{number}/links", "Linked tickets that you may see", "", "Any"),
    ("POST", "/api/v1/tickets/{number}/links", "Links another ticket, or takes the link away", "Link", "Any"),
    ("POST", "/api/v1/tickets/{number}/merge", "Merges the ticket into another one, which takes in what was written", "Merge", "Ticket"),
    (
        "POST",
        "/api/v1/tickets/{number}/split",
        "Makes a ticket of its own of one message; `made` in the answer is its number",
        "Split",
        "Ticket",
    ),
    ("POST", "/api/v1/tickets/{number}/steer", "Work by hand: people's with their own, administrators' with any", "Steer", "Ticket"),
    ("POST", "/api/v1/tickets/{number}/watch", "Begins or ends watching the ticket", "Watch", "Ticket"),
    ("POST", "/api/v1/events/{name}", "Sends a message to every process that waits for it; the body is what it carries", "Any", "Any"),
    ("GET", "/api/v1/processes", "The processes that you may start, with their first forms", "", "Any"),
    ("POST", "/api/v1/processes/{name}/start", "Starts a process", "Form", "Ticket"),
    ("GET", "/api/v1/work", "Open work that is for you; `assigned=me` only what is yours alone", "", "Any"),
    ("POST", "/api/v1/work/{id}/submit", "Submits a dialog, or votes (dialog `approval`)", "Form", "Ticket"),
    ("POST", "/api/v1/work/{id}/claim", "Claims a work item", "", "Ticket"),
    ("POST", "/api/v1/work/{id}/release", "Gives a work item back", "", "Ticket"),
    ("GET", "/api/v1/security-log", "The log of security, for administrators", "", "Any"),
    ("GET", "/api/v1/incidents", "Open incidents, for administrators", "", "Any"),
    ("POST", "/api/v1/incidents/{id}/retry", "Tries again what failed", "", "Ticket"),
];

static DOCUMENT: LazyLock<String> = LazyLock::new(|| document().to_string());

pub async fn serve() -> Response {
    ([(header::CONTENT_TYPE, "application/json")], DOCUMENT.as_str()).into_response()
}

pub fn document() -> Json {
    let mut paths: Map<String, Json> = Map::new();
    for route in routes::all().iter().filter(|r| r.path.starts_with("/api/")) {
        for method in route.methods {
            let operation = OPERATIONS.iter().find(|(m, p, ..)| m == method && *p == route.path);
            let entry = paths.entry(route.path.to_owned()).or_insert_with(|| json!({}));
            if let Some((_, path, summary, body, answer)) = operation {
                entry[method.to_lowercase()] = describe(method, path, summary, body, answer);
            }
        }
    }
    json!({
        "openapi": "3.1.0",
        "info": {"title": "vorgang", "version": "1", "description": "Tickets, processes and work items. Errors are problem documents (RFC 9457)."},
        "security": [{"token": []}],
        "paths": paths,
        "components": {"securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}, "schemas": schemas()},
    })
}

fn describe(method: &str, path: &str, summary: &str, body: &str, answer: &str) -> Json {
    let mut parameters: Vec<Json> = path
        .split('/')
        .filter_map(|p| p.strip_prefix('{').and_then(|p| p.strip_suffix('}')))
        .map(|name| json!({"name": name, "in": "path", "required": true, "schema": {"type": "string"}}))
        .collect();
    let query = |name: &str, schema: Json| json!({"name": name, "in": "query", "schema": schema});
    match (method, path) {
        ("GET", "/api/v1/tickets") => {
            parameters.extend(["queue", "state", "type", "owner"].map(|n| query(n, json!({"type": "string"}))));
            parameters.push(query("sort", json!({"enum": ["created", "-created"]})));
            parameters.push(query("limit", json!({"type": "integer", "minimum": 1, "maximum": 200})));
            parameters.push(query("cursor", json!({"type": "integer"})));
        }
        ("GET", "/api/v1/work") => {
            parameters.push(query("assigned", json!({"enum": ["me"]})));
            parameters.push(query("limit", json!({"type": "integer", "minimum": 1, "maximum": 200})));
        }
        _ => {}
    }
    if method == "POST" {
        parameters.push(json!({"name": "Idempotency-Key", "in": "header", "schema": {"type": "string", "maxLength": 255}}));
    }
    if method == "PATCH" {
        parameters.push(json!({
            "name": "If-Match",
            "in": "header",
            "description": "The ETag of a version. The change is refused (412) when a value that it writes, or that these depend on, has changed since.",
            "schema": {"type": "string"}
        }));
    }
    let content = |name: &str| json!({"application/json": {"schema": {"$ref": format!("#/components/schemas/{name}")}}});
    let problem = json!({"description": "A problem document", "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}});
    let created = method == "POST"
        && matches!(
            path,
            "/api/v1/tickets" | "/api/v1/processes/{name}/start" | "/api/v1/tickets/{number}/articles" | "/api/v1/tickets/{number}/split"
        );
    let mut responses = json!({"default": problem});
    let good = match path {
        "/api/v1/events/{name}" => "202",
        _ if created => "201",
        _ => "200",
    };
    responses[good] = json!({"description": "Good", "content": content(answer)});
    let mut operation = json!({"summary": summary, "parameters": parameters, "responses": responses});
    if !body.is_empty() {
        operation["requestBody"] = json!({"required": true, "content": content(body)});
    }
    operation
}

fn schemas() -> Json {
    let text = || json!({"type": "string"});
    let maybe = || json!({"type": ["string", "null"]});
    let time = || json!({"type": "string", "format": "date-time"});
    let fields = || json!({"type": "object", "additionalProperties": true, "description": "Own fields by name; decimals are strings"});
    let attachment = json!({"type": "object", "required": ["name", "content"], "additionalProperties": false, "properties": {"name": text(), "content_type": text(), "content": {"type": "string", "contentEncoding": "base64"}}});
    let ticket = json!({"type": "object", "properties": {
        "number": text(), "title": text(), "type": text(), "queue": text(), "state": text(), "state_type": text(), "priority": {"type": "integer"}, "priority_name": text(),
        "owner": maybe(), "responsible": maybe(), "customer": maybe(), "customer_user": maybe(), "service": maybe(), "sla": maybe(), "fields": fields(),
        "created": time(), "updated": time(), "pending_until": maybe(), "first_response_due": maybe(), "update_due": maybe(), "solution_due": maybe(),
        "lock": {"type": ["boolean", "null"], "description": "Whether the owner holds it, for agents"},
        "accounted": {"type": ["integer", "null"], "description": "Minutes of work, for agents"},
        "watchers": {"type": "array", "items": text(), "description": "Logins, for agents"}, "version": {"type": "integer"}, "made": {"type": "array", "items": text(), "description": "Numbers of tickets that a change has made, for agents"}, "work": {"type": "array", "items": {"$ref": "#/components/schemas/Work"}}
    }});
    json!({
        "Any": {},
        "Problem": {"type": "object", "properties": {"type": text(), "title": text(), "status": {"type": "integer"}, "detail": text(), "reason": text(), "errors": {"type": "array"}, "conflicts": {"type": "array"}, "request_id": text()}},
        "Erase": {"type": "object", "additionalProperties": false, "required": ["reason"], "properties": {"reason": text(), "file": {"type": "integer", "minimum": 1, "description": "The place of one file among the article's; without it everything goes"}}},
        "Article": {"type": "object", "additionalProperties": false, "properties": {"subject": text(), "body": text(), "visible": {"type": "boolean"}, "minutes": {"type": "integer", "description": "How long the agent worked"}, "attachments": {"type": "array", "items": attachment}, "mail": {"type": "object", "description": "Sends it by mail; of a new article of an open ticket, by agents", "additionalProperties": false, "properties": {"to": {"type": "array", "items": text()}, "cc": {"type": "array", "items": text()}}}}},
        "Form": {"type": "object", "additionalProperties": false, "properties": {"dialog": text(), "outcome": text(), "fields": fields(), "article": {"$ref": "#/components/schemas/Article"}, "version": {"type": "integer"}}},
        "NewTicket": {"type": "object", "required": ["title", "type", "queue"], "additionalProperties": false, "properties": {"title": text(), "type": text(), "queue": text(), "state": text(), "priority": {"type": ["string", "integer"]}, "customer_user": text(), "fields": fields(), "article": {"$ref": "#/components/schemas/Article"}}},
        "Patch": {"type": "object", "additionalProperties": true, "description": "Attributes and own fields by name; `version` is the one that was seen"},
        "Link": {"type": "object", "required": ["to"], "additionalProperties": false, "properties": {"to": text(), "type": {"enum": ["child", "parent", "related"]}, "linked": {"type": "boolean"}}},
        "Merge": {"type": "object", "required": ["into"], "additionalProperties": false, "properties": {"into": text()}},
        "Split": {"type": "object", "required": ["article", "type", "queue"], "additionalProperties": false, "properties": {"article": {"type": "integer"}, "type": text(), "queue": text()}},
        "Steer": {"type": "object", "required": ["hand"], "additionalProperties": false, "properties": {
            "hand": {"enum": Hand::WORDS}, "work": {"type": "string", "description": "The id of the work item; all but `redo` need it"},
            "activity": {"type": "string", "description": "With `redo`, which step"}, "process": {"type": "string", "description": "With `redo`, the process that it belongs to, where several run"},
            "outcome": {"type": "string", "description": "With `complete` and `skip`"}, "to": {"type": "string", "description": "With `move` the activity, with `hand_over` the login"},
            "reason": {"type": "string", "description": "Needed for all but `resume` and `hand_over`"}, "anyway": {"type": "boolean", "description": "Even where the process cannot go on well from there"}}},
        "Watch": {"type": "object", "required": ["watch"], "additionalProperties": false, "properties": {"watch": {"type": "boolean"}}},
        "Work": {"type": "object", "properties": {"id": text(), "process": text(), "activity": text(), "status": text(), "element": {"type": ["string", "null"], "description": "Of a copy of `for_each`: what it is for"}, "dialogs": {"type": "array", "items": text()}, "assigned_to": maybe(), "due": maybe()}},
        "Ticket": ticket,
        "TicketPage": {"type": "object", "properties": {"items": {"type": "array", "items": {"$ref": "#/components/schemas/Ticket"}}, "next": {"type": ["integer", "null"], "description": "The cursor of the next page"}}},
    })
}
