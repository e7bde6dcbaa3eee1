//! `GET /api/v1/tickets/{number}/choices`: what may be chosen and done by hand; `explain=true` says why not.

use crate::api::operation::Answer;
use crate::call::Call;
use crate::problem::Fault;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use std::collections::BTreeMap;
use vorgang_core::acl::Shape;
use vorgang_core::choices::{Choice, ChoiceOption, Choices};
use vorgang_core::denied::Denied;
use vorgang_core::rejection::Rejection;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ChoicesQuery {
    /// With the reasons why not.
    #[serde(default)]
    explain: bool,
}

/// What the caller may choose and do by hand.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Choices")]
pub struct Possible {
    choices: Vec<Values>,
    actions: Vec<Action>,
    /// Fields that rules hide, keep or require.
    fields: Vec<ShapedField>,
}

/// The values of an attribute or field.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Choice")]
struct Values {
    name: String,
    /// The value that it has.
    now: Json,
    /// The values that may be chosen.
    left: Vec<Json>,
    /// The others, with `explain`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Vec<Missing>")]
    missing: Option<Vec<Missing>>,
}

/// A value that may not be chosen.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "MissingChoice")]
struct Missing {
    value: Json,
    /// All that refuse it, in the order in which they are asked.
    refused: Vec<Refusal>,
}

/// Something that is done by hand.
#[derive(Debug, Serialize, JsonSchema)]
struct Action {
    name: &'static str,
    may: bool,
    /// All that refuse it, with `explain`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Vec<Refusal>")]
    refused: Option<Vec<Refusal>>,
}

/// What rules make of a field.
#[derive(Debug, Serialize, JsonSchema)]
struct ShapedField {
    name: String,
    /// `hidden`, `read_only` or `required`.
    is: &'static str,
    /// The rule, with `explain`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Refusal")]
    because: Option<Refusal>,
}

/// Why something is refused.
#[derive(Debug, Serialize, JsonSchema)]
struct Refusal {
    /// `acl`, or the right or rule that refuses.
    by: &'static str,
    detail: String,
    #[serde(flatten)]
    acl: Option<Acl>,
}

/// The ACL that refuses.
#[derive(Debug, Serialize, JsonSchema)]
struct Acl {
    rule: String,
    /// Its condition; null where it always holds.
    condition: Option<String>,
    /// What the condition read.
    values: BTreeMap<String, String>,
    /// Why the condition could not be evaluated.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    error: Option<String>,
}

impl From<&Rejection> for Refusal {
    fn from(refused: &Rejection) -> Self {
        match refused {
            Rejection::Acl(denied) => Self::from(&**denied),
            other => Self { by: other.word(), detail: other.say("en"), acl: None },
        }
    }
}

impl From<&Denied> for Refusal {
    fn from(denied: &Denied) -> Self {
        let acl = Acl {
            rule: denied.acl.clone(),
            condition: denied.condition.clone(),
            values: denied.values.clone(),
            error: denied.error.clone(),
        };
        Self { by: "acl", detail: denied.say("en"), acl: Some(acl) }
    }
}

impl Possible {
    fn new(all: Choices, explain: bool) -> Self {
        let refusals = |all: &[Rejection]| all.iter().map(Refusal::from).collect::<Vec<_>>();
        let missing = |o: &ChoiceOption| Missing { value: o.value.clone(), refused: refusals(&o.refused) };
        let values = |c: Choice| Values {
            left: c.left().cloned().collect(),
            missing: explain.then(|| c.missing().map(missing).collect()),
            name: c.name,
            now: c.now,
        };
        let action = |(name, refused): (&'static str, Vec<Rejection>)| Action {
            name,
            may: refused.is_empty(),
            refused: (explain && !refused.is_empty()).then(|| refusals(&refused)),
        };
        let field = |(name, shape): (String, Shape)| ShapedField {
            name,
            is: shape.word(),
            because: explain.then(|| Refusal::from(shape.denied())),
        };
        Self {
            choices: all.choices.into_iter().map(values).collect(),
            actions: all.actions.into_iter().map(action).collect(),
            fields: all.shapes.into_iter().map(field).collect(),
        }
    }
}

pub async fn choices(call: Call<String, ChoicesQuery>) -> Result<Answer<Possible>, Fault> {
    let view = call.app.desk.ticket_view(&call.who.person, &call.path).await?;
    let all = call.app.desk.choices(&call.who.person, &view, &BTreeMap::new());
    Ok(Answer::new(&Possible::new(all, call.query.explain)).at_version(view.snapshot.version))
}
