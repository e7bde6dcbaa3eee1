//! Operations of the API. What the document says of one comes from the types of its handler: the parameters, the body, the answer
//! and its status. A handler whose types cannot be described does not compile.

use crate::App;
use crate::api::body::{Body, etag};
use crate::call::{Call, NoBody};
use crate::extract::Parameters;
use crate::problem::{Fault, problem};
use axum::extract::FromRequest;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodFilter, MethodRouter, on};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::marker::PhantomData;

/// An answer in JSON, of the type `A`, with the status `STATUS`.
pub struct Answer<A, const STATUS: u16 = 200> {
    /// Differs from `STATUS` in an answer that was kept.
    status: u16,
    body: String,
    version: Option<u64>,
    of: PhantomData<fn() -> A>,
}

impl<A: Serialize, const STATUS: u16> Answer<A, STATUS> {
    pub fn new(value: &A) -> Self {
        Self::written(STATUS, serde_json::to_string(value).unwrap_or_default())
    }

    /// The body as it was written before.
    pub fn written(status: u16, body: String) -> Self {
        Self { status, body, version: None, of: PhantomData }
    }

    /// With the ticket's version as the ETag.
    pub fn at_version(self, version: u64) -> Self {
        Self { version: Some(version), ..self }
    }
}

impl<A, const STATUS: u16> IntoResponse for Answer<A, STATUS> {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::OK);
        let mut response = (status, [(header::CONTENT_TYPE, "application/json")], self.body).into_response();
        if let Some(value) = self.version.and_then(|v| HeaderValue::from_str(&etag(v)).ok()) {
            response.headers_mut().insert(header::ETAG, value);
        }
        response
    }
}

/// What an operation answers.
pub trait Answers: IntoResponse {
    const STATUS: u16;
    type Body: JsonSchema;
}

impl<A: JsonSchema, const STATUS: u16> Answers for Answer<A, STATUS> {
    const STATUS: u16 = STATUS;
    type Body = A;
}

/// What an operation reads as its body.
pub trait Content: FromRequest<App, Rejection = Response> + Send {
    fn schema(generator: &mut SchemaGenerator) -> Option<Schema>;
}

impl Content for NoBody {
    fn schema(_: &mut SchemaGenerator) -> Option<Schema> {
        None
    }
}

impl<T: DeserializeOwned + JsonSchema + Send> Content for Body<T> {
    fn schema(generator: &mut SchemaGenerator) -> Option<Schema> {
        Some(generator.subschema_for::<T>())
    }
}

/// The types of an operation.
pub struct Described {
    /// The JSON types of the path's parameters.
    pub path: &'static [&'static str],
    /// An object whose properties are the parameters of the query.
    pub query: Schema,
    pub body: Option<Schema>,
    pub status: u16,
    pub answer: Schema,
}

/// One method of a path.
pub struct Operation {
    pub method: &'static str,
    pub summary: &'static str,
    /// With the generators of what is read and of what is written.
    pub describe: fn(&mut SchemaGenerator, &mut SchemaGenerator) -> Described,
    pub handler: MethodRouter<App>,
}

fn describe<P: Parameters, Q: JsonSchema, B: Content, A: Answers>(read: &mut SchemaGenerator, written: &mut SchemaGenerator) -> Described {
    Described {
        path: P::TYPES,
        query: Q::json_schema(read),
        body: B::schema(read),
        status: A::STATUS,
        answer: written.subschema_for::<A::Body>(),
    }
}

fn operation<P, Q, B, A, F, R>(method: (&'static str, MethodFilter), summary: &'static str, handler: F) -> Operation
where
    P: Parameters + 'static,
    Q: DeserializeOwned + JsonSchema + Send + 'static,
    B: Content + 'static,
    A: Answers + 'static,
    F: Fn(Call<P, Q, B>) -> R + Clone + Send + Sync + 'static,
    R: Future<Output = Result<A, Fault>> + Send + 'static,
{
    let answered = move |call: Call<P, Q, B>| {
        let (id, answer) = (call.id.clone(), handler(call));
        async move { answer.await.map_or_else(|fault| problem(&fault, &id), IntoResponse::into_response) }
    };
    Operation { method: method.0, summary, describe: describe::<P, Q, B, A>, handler: on(method.1, answered) }
}

pub fn get<P, Q, A, F, R>(summary: &'static str, handler: F) -> Operation
where
    P: Parameters + 'static,
    Q: DeserializeOwned + JsonSchema + Send + 'static,
    A: Answers + 'static,
    F: Fn(Call<P, Q>) -> R + Clone + Send + Sync + 'static,
    R: Future<Output = Result<A, Fault>> + Send + 'static,
{
    operation(("GET", MethodFilter::GET), summary, handler)
}

pub fn post<P, Q, T, A, F, R>(summary: &'static str, handler: F) -> Operation
where
    P: Parameters + 'static,
    Q: DeserializeOwned + JsonSchema + Send + 'static,
    T: DeserializeOwned + JsonSchema + Send + 'static,
    A: Answers + 'static,
    F: Fn(Call<P, Q, Body<T>>) -> R + Clone + Send + Sync + 'static,
    R: Future<Output = Result<A, Fault>> + Send + 'static,
{
    operation(("POST", MethodFilter::POST), summary, handler)
}

pub fn patch<P, Q, T, A, F, R>(summary: &'static str, handler: F) -> Operation
where
    P: Parameters + 'static,
    Q: DeserializeOwned + JsonSchema + Send + 'static,
    T: DeserializeOwned + JsonSchema + Send + 'static,
    A: Answers + 'static,
    F: Fn(Call<P, Q, Body<T>>) -> R + Clone + Send + Sync + 'static,
    R: Future<Output = Result<A, Fault>> + Send + 'static,
{
    operation(("PATCH", MethodFilter::PATCH), summary, handler)
}
