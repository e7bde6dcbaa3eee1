use crate::diagnostic::Diagnostic;
use crate::kinds::kind::Kind;
use crate::load::{Int, Load, Loader, Named, OneOrMany, Schemas};
use crate::name::Name;
use crate::record;
use crate::source::Span;
use crate::text::{LANGUAGE_PATTERN, Text, is_language};
use crate::yaml::{Node, Value};
use crate::zone::Zone;
use jiff::tz::TimeZone;
use serde_json::json;

record! {
    /// The desk itself: its languages, its zone, its settings. A site has one.
    pub struct Site as "a site" {
        /// The kind of this definition.
        kind "kind": Kind = "Site";
        /// The name of the site.
        name "name": Name = "helpdesk";
        /// The version of the definition language that the files are written in.
        language "language": Int<1, 1> = 1;
        /// The languages that people can choose; the first is the site's own.
        languages "languages": OneOrMany<Language> = ["en", "de"];
        /// The time zone in which days begin and times are shown.
        zone "zone": Zone = "Europe/Berlin";
        /// The calendar of business time where none is named.
        calendar "calendar": Option<Name> = "office";
        /// What people read as the name of the desk.
        title "title": Text = "Help desk";
        /// Values that expressions read as `site.settings.x`: text, whole number, true or false.
        settings "settings": Named<Setting> = { "finance_head": "mia" };
    }
}

impl Site {
    /// In the place of one that is missing or cannot be read, so that the rest is still checked.
    pub fn stand_in() -> Self {
        Self {
            at: Span::default(),
            kind: Kind::Site,
            name: Name::new(""),
            language: Int(1),
            languages: OneOrMany(vec![Language("en".into())]),
            zone: Zone(TimeZone::UTC),
            calendar: None,
            title: Text::plain(""),
            settings: Named::default(),
        }
    }

    /// Nothing is known of the site itself: its languages, its settings.
    pub fn is_stand_in(&self) -> bool {
        self.name.as_str().is_empty()
    }

    pub fn main_language(&self) -> &str {
        &self.languages[0].0
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Language(pub String);

impl Load for Language {
    fn schema(_: &mut Schemas) -> serde_json::Value {
        json!({"type": "string", "pattern": LANGUAGE_PATTERN})
    }
    fn load(node: &Node, cx: &mut Loader) -> Option<Self> {
        match &node.value {
            Value::Text(t) if is_language(t) => Some(Self(t.clone())),
            _ => {
                cx.push(Diagnostic::error("bad-language", node.span, "not a language tag").help("write `en`, `de` or `pt-BR`"));
                None
            }
        }
    }
}

/// A setting of the site: a constant that expressions can read.
#[derive(Debug, Clone, PartialEq)]
pub enum Setting {
    Text(String),
    Int(i64),
    Bool(bool),
}

impl Load for Setting {
    fn schema(_: &mut Schemas) -> serde_json::Value {
        json!({"type": ["string", "integer", "boolean"]})
    }
    fn load(node: &Node, cx: &mut Loader) -> Option<Self> {
        match &node.value {
            Value::Text(t) => Some(Self::Text(t.clone())),
            Value::Int(i) => Some(Self::Int(*i)),
            Value::Bool(b) => Some(Self::Bool(*b)),
            _ => {
                cx.wrong_type(node, "a text, a whole number, or true or false");
                None
            }
        }
    }
}
