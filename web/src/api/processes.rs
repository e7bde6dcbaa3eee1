//! `/api/v1/processes`

use crate::api::answers::{Changed, ItemList};
use crate::api::body::Body;
use crate::api::commands::execute;
use crate::api::inputs::FormBody;
use crate::api::operation::Answer;
use crate::call::{Call, NoQuery};
use crate::problem::Fault;
use schemars::JsonSchema;
use serde::Serialize;
use vorgang_core::commands::{Command, StartProcess};
use vorgang_core::offered::{OfferedForm, OfferedWork};

/// A process that the caller may start.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Process")]
pub struct ProcessItem {
    name: String,
    title: String,
    /// The forms that start it.
    dialogs: Vec<Dialog>,
}

/// A form.
#[derive(Debug, Serialize, JsonSchema)]
struct Dialog {
    dialog: String,
    fields: Vec<DialogField>,
    /// Null where the form takes no article.
    article: Option<DialogArticle>,
    outcomes: Vec<String>,
}

/// A field of a form.
#[derive(Debug, Serialize, JsonSchema)]
struct DialogField {
    name: String,
    required: bool,
}

/// The article of a form.
#[derive(Debug, Serialize, JsonSchema)]
struct DialogArticle {
    required: bool,
}

impl From<&OfferedForm> for Dialog {
    fn from(form: &OfferedForm) -> Self {
        Self {
            dialog: form.dialog.clone(),
            fields: form.fields.iter().map(|f| DialogField { name: f.name.clone(), required: f.required }).collect(),
            article: form.article.as_ref().map(|a| DialogArticle { required: a.required }),
            outcomes: form.outcomes.iter().map(|o| o.name.clone()).collect(),
        }
    }
}

pub async fn list(call: Call) -> Result<Answer<ItemList<ProcessItem>>, Fault> {
    let (desk, person) = (&call.app.desk, &call.who.person);
    let model = desk.model();
    let mut items = vec![];
    for name in desk.catalogue(person).await {
        let Some(process) = model.processes.get(&name) else { continue };
        // A process that could not begin now has no form.
        let work: Option<OfferedWork> = desk.start_form(person, &name, None).await.ok().flatten();
        let title = model.title(process.def.title.as_ref(), &name, &person.language).to_owned();
        items.push(ProcessItem { title, name, dialogs: work.iter().flat_map(|w| &w.forms).map(Dialog::from).collect() });
    }
    Ok(Answer::new(&ItemList { items }))
}

pub async fn start(call: Call<String, NoQuery, Body<FormBody>>) -> Result<Answer<Changed, 201>, Fault> {
    let (body, key) = call.body.split();
    let command = Command::StartProcess(StartProcess { process: call.path, form: body.form()? });
    execute(&call.app, &call.who, None, command, &key).await
}
