//! Time zones as they are written.

use crate::diagnostic::Diagnostic;
use crate::load::{Load, Loader, Schemas};
use crate::yaml::{Node, Value};
use jiff::tz::TimeZone;
use serde_json::json;

#[derive(Debug, Clone)]
pub struct Zone(pub TimeZone);

crate::plain!(Zone);

impl Load for Zone {
    fn schema(_: &mut Schemas) -> serde_json::Value {
        json!({"type": "string", "minLength": 1})
    }
    fn load(node: &Node, cx: &mut Loader) -> Option<Self> {
        let zone = match &node.value {
            Value::Text(t) => TimeZone::get(t).ok(),
            _ => None,
        };
        if zone.is_none() {
            cx.push(
                Diagnostic::error("bad-zone", node.span, "not a time zone")
                    .help("write a zone of the IANA database, such as `Europe/Berlin`"),
            );
        }
        zone.map(Self)
    }
}
