//! Types of the data of processes and of copies.

use crate::cel::types::{Field, Ty};
use crate::kinds::message::DataType;
use crate::kinds::process::Activity;
use crate::phase::Phase;
use std::collections::BTreeMap;

/// Values of the process or of a copy; what is not set of them is absent, but for a no.
pub fn data_ty(what: &str, data: impl Iterator<Item = (String, DataType)>) -> Ty {
    let field =
        |(name, of): (String, DataType)| Field { name, ty: of.ty(), optional: of != DataType::Boolean, doc: "a value of its own".into() };
    Ty::object(what, data.map(field).collect())
}

/// What the copies of an activity are filled in with.
pub fn copy_data<S: Phase>(activity: &Activity<S>) -> BTreeMap<String, DataType> {
    let fields = activity.dialogs.iter().flat_map(|(_, d)| &d.fields).chain(activity.approval.iter().flat_map(|a| &a.fields));
    fields.filter_map(|f| Some((f.data.as_ref()?.to_string(), f.data_type?))).collect()
}
