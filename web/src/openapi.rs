//! The OpenAPI 3.1 document, derived from the routes of the API and the types of their handlers.

use crate::api::operation::{Described, Operation};
use crate::problem::Problem;
use crate::routes;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use schemars::generate::SchemaSettings;
use schemars::{Schema, SchemaGenerator};
use serde_json::{Map, Value as Json, json};
use std::sync::LazyLock;

/// Where schemas of types lie in the document.
const SCHEMAS: &str = "/components/schemas";

static DOCUMENT: LazyLock<String> = LazyLock::new(|| document().to_string());

pub async fn serve() -> Response {
    ([(header::CONTENT_TYPE, "application/json")], DOCUMENT.as_str()).into_response()
}

pub fn document() -> Json {
    let mut schemas = Schemas::new();
    let problem = schemas.written.subschema_for::<Problem>();
    let mut paths: Map<String, Json> = Map::new();
    for route in routes::all().into_iter().filter(|r| r.path.starts_with("/api/")) {
        let entry = paths.entry(route.path.to_owned()).or_insert_with(|| json!({}));
        if route.path == "/api/v1/openapi.json" {
            entry["get"] = json!({
                "summary": "This document",
                "security": [],
                "responses": {"200": {"description": "Good", "content": {"application/json": {"schema": {"type": "object"}}}}},
            });
        }
        for operation in &route.operations {
            entry[operation.method.to_lowercase()] = described(route.path, operation, &problem, &mut schemas);
        }
    }
    let schemas = schemas.all();
    json!({
        "openapi": "3.1.0",
        "info": {"title": "vorgang", "version": "1", "description": "Tickets, processes and work items. Errors are problem documents (RFC 9457)."},
        "security": [{"token": []}],
        "paths": paths,
        "components": {"securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}, "schemas": schemas},
    })
}

/// Schemas of what is read, where what may be left out is not required, and of what is written, where all that always comes is.
pub struct Schemas {
    pub read: SchemaGenerator,
    pub written: SchemaGenerator,
}

impl Schemas {
    fn new() -> Self {
        let settings = SchemaSettings::draft2020_12().with(|s| {
            s.definitions_path = SCHEMAS.into();
            s.meta_schema = None;
        });
        let read = settings.clone().for_deserialize().into_generator();
        Self { read, written: settings.for_serialize().into_generator() }
    }

    /// By name.
    fn all(mut self) -> Map<String, Json> {
        let mut all = self.read.take_definitions(false);
        all.extend(self.written.take_definitions(false));
        all.sort_keys();
        all
    }
}

fn described(path: &str, operation: &Operation, problem: &Schema, schemas: &mut Schemas) -> Json {
    let Described { path: types, query, body, status, answer } = (operation.describe)(&mut schemas.read, &mut schemas.written);
    let names = path.split('/').filter_map(|p| p.strip_prefix('{').and_then(|p| p.strip_suffix('}')));
    let in_path = |(name, kind): (&str, &&str)| json!({"name": name, "in": "path", "required": true, "schema": {"type": kind}});
    let mut parameters: Vec<Json> = names.zip(types).map(in_path).collect();
    parameters.extend(in_query(&query));
    if body.is_some() {
        parameters.push(json!({
            "name": "Idempotency-Key",
            "in": "header",
            "description": "Makes the request repeatable: under the same key it is done once, and answered again as the first time.",
            "schema": {"type": "string", "minLength": 1, "maxLength": crate::api::body::KEY_BYTES_MAX},
        }));
    }
    if operation.method == "PATCH" {
        parameters.push(json!({
            "name": "If-Match",
            "in": "header",
            "description": "The ETag of a version. The change is refused (412) when a value that it writes, or that these depend on, has changed since.",
            "schema": {"type": "string"},
        }));
    }
    let mut described = json!({
        "summary": operation.summary,
        "parameters": parameters,
        "responses": {
            status.to_string(): {"description": "Good", "content": {"application/json": {"schema": answer}}},
            "default": {"description": "A problem document", "content": {"application/problem+json": {"schema": problem}}},
        },
    });
    if let Some(body) = body {
        described["requestBody"] = json!({"required": true, "content": {"application/json": {"schema": body}}});
    }
    described
}

/// A parameter for each property.
fn in_query(query: &Schema) -> Vec<Json> {
    let of = |key: &str| query.as_object().and_then(|o| o.get(key));
    let required = |name: &str| of("required").and_then(Json::as_array).is_some_and(|all| all.iter().any(|n| n == name));
    let parameter = |(name, schema): (&String, &Json)| {
        let mut schema = schema.clone();
        let description = schema.as_object_mut().and_then(|s| s.remove("description"));
        // What is not given is left out: there is no null in a query.
        if let Some(kind) = schema["type"].as_array().and_then(|kinds| kinds.iter().find(|k| *k != "null")).cloned() {
            schema["type"] = kind;
        }
        let mut parameter = json!({"name": name, "in": "query", "required": required(name), "schema": schema});
        if let Some(description) = description {
            parameter["description"] = description;
        }
        parameter
    };
    of("properties").and_then(Json::as_object).map_or_else(Vec::new, |p| p.iter().map(parameter).collect())
}
