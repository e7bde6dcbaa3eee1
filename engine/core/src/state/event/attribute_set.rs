use crate::state::attributes::set_attribute;
use crate::state::event_data::{EventData, plain};
use crate::state::snapshot::Snapshot;
use crate::state::touched::Touched;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use std::borrow::Cow;
use std::sync::Arc;
use vorgang_definitions::names::Names;

/// An attribute's new value; `null` where it is unset.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AttributeSet {
    pub name: String,
    pub old: Json,
    pub new: Json,
}

impl EventData for AttributeSet {
    fn apply(&self, snapshot: &mut Snapshot) {
        let Self { name, new, .. } = self;
        set_attribute(Arc::make_mut(&mut snapshot.ticket), name, new);
    }

    fn touch(&self, rows: &mut Touched) {
        let Self { name, .. } = self;
        rows.attributes_changed = true;
        rows.retitled |= name == "title";
    }

    fn name_for_handlers(&self, _before: &Snapshot) -> Option<Cow<'static, str>> {
        (self.name != "customer").then(|| format!("ticket.{}_changed", self.name).into())
    }

    fn summary(&self, names: &Names) -> String {
        let Self { name, new, .. } = self;
        format!("{name} = {}", plain(names, name, new))
    }
}
