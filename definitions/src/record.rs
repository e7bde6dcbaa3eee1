//! Macros that write the types of definitions: the type, its loader, its schema, and its way from one phase to the other.

/// Writes a struct that is a map in YAML: its fields, its loader and its schema.
///
/// Each field has a doc comment (the schema's description), the key, the type and an example in JSON.
/// `at` is the place of the whole map. A struct with a parameter has something to compile in it, and both phases.
#[macro_export]
macro_rules! record {
    (
        $(#[doc = $doc:literal])+
        pub struct $name:ident as $what:literal {
            $( $(#[doc = $field_doc:literal])+ $field:ident $key:literal : $ty:ty = $example:tt; )*
        }
    ) => {
        $(#[doc = $doc])+
        #[derive(Debug, Clone)]
        pub struct $name {
            pub at: $crate::source::Span,
            $( $(#[doc = $field_doc])+ pub $field: $ty, )*
        }

        $crate::plain!($name);

        impl $name {
            pub const KEYS: &'static [&'static str] = &[$($key),*];
        }

        impl $crate::load::Load for $name {
            $crate::record_loader! { {} $(#[doc = $doc])+ $name $what $( $(#[doc = $field_doc])+ $field $key : $ty = $example; )* }
        }
    };
    (
        $(#[doc = $doc:literal])+
        pub struct $name:ident<$phase:ident> as $what:literal {
            $( $(#[doc = $field_doc:literal])+ $field:ident $key:literal : $ty:ty = $example:tt; )*
        }
    ) => {
        $(#[doc = $doc])+
        #[derive(Debug, Clone)]
        pub struct $name<$phase: $crate::phase::Phase = $crate::phase::Compiled> {
            pub at: $crate::source::Span,
            $( $(#[doc = $field_doc])+ pub $field: $ty, )*
        }

        impl $name<$crate::phase::Written> {
            pub const KEYS: &'static [&'static str] = &[$($key),*];
        }

        impl $crate::load::Load for $name<$crate::phase::Written> {
            $crate::record_loader! {
                { type $phase = $crate::phase::Written; }
                $(#[doc = $doc])+ $name $what $( $(#[doc = $field_doc])+ $field $key : $ty = $example; )*
            }
        }

        impl $crate::phase::Compile for $name<$crate::phase::Written> {
            type Compiled = $name;
            fn compile(self, parts: &$crate::phase::Parts) -> Result<$name, $crate::source::Span> {
                let _ = parts;
                Ok($name { at: self.at, $( $field: $crate::phase::Compile::compile(self.$field, parts)?, )* })
            }
        }
    };
}

/// The functions of [`Load`] for a struct that `record!` writes.
#[macro_export]
macro_rules! record_loader {
    (
        { $($phase:item)? }
        $(#[doc = $doc:literal])+ $name:ident $what:literal
        $( $(#[doc = $field_doc:literal])+ $field:ident $key:literal : $ty:ty = $example:tt; )*
    ) => {
        fn schema(g: &mut $crate::load::Schemas) -> serde_json::Value {
            $($phase)?
            g.define(stringify!($name), |g| {
                let _ = &g;
                #[allow(unused_mut)]
                let mut properties = serde_json::Map::new();
                #[allow(unused_mut)]
                let mut required: Vec<&str> = vec![];
                $(
                    let text = $crate::load::doc(&[$($field_doc),+]);
                    let schema = <$ty as $crate::load::Load>::schema(g);
                    properties.insert($key.into(), $crate::load::describe(schema, $key, &text, serde_json::json!($example)));
                    if <$ty as $crate::load::Load>::absent().is_none() { required.push($key); }
                )*
                let mut schema = $crate::load::object(properties, required);
                schema["description"] = $crate::load::doc(&[$($doc),+]).into();
                schema
            })
        }

        fn load(node: &$crate::yaml::Node, cx: &mut $crate::load::Loader) -> Option<Self> {
            $($phase)?
            let entries = cx.entries(node, $what)?;
            let entries = &*cx.known_keys(entries, Self::KEYS, $what);
            cx.around.push(($what, Self::KEYS));
            $( let $field = cx.field::<$ty>(entries, $key, ($what, node.span)); )*
            cx.around.pop();
            Some(Self { at: node.span, $( $field: $field?, )* })
        }
    };
}

/// Writes an enum that is one of a closed set of words in YAML.
#[macro_export]
macro_rules! choice {
    (
        $(#[doc = $doc:literal])+
        pub enum $name:ident { $( $(#[doc = $variant_doc:literal])* $variant:ident $word:literal, )* }
    ) => {
        $(#[doc = $doc])+
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        pub enum $name { $( $(#[doc = $variant_doc])* #[serde(rename = $word)] $variant, )* }

        impl $name {
            pub const WORDS: &'static [&'static str] = &[$($word),*];
            pub const ALL: &'static [$name] = &[$($name::$variant),*];
            pub fn word(self) -> &'static str { match self { $( Self::$variant => $word, )* } }
            pub fn from_word(word: &str) -> Option<Self> { match word { $( $word => Some(Self::$variant), )* _ => None } }
        }

        $crate::plain!($name);

        impl $crate::load::Load for $name {
            fn schema(_: &mut $crate::load::Schemas) -> serde_json::Value {
                serde_json::json!({"type": "string", "enum": Self::WORDS})
            }
            fn load(node: &$crate::yaml::Node, cx: &mut $crate::load::Loader) -> Option<Self> {
                let $crate::yaml::Value::Text(text) = &node.value else {
                    cx.wrong_type(node, "a word");
                    return None;
                };
                let found = Self::from_word(text);
                if found.is_none() {
                    let words = Self::WORDS.iter().map(|w| format!("`{w}`")).collect::<Vec<_>>().join(", ");
                    let d = $crate::diagnostic::Diagnostic::error("unknown-word", node.span, format!("`{text}` is not one of {words}"));
                    cx.push(d.suggest(text, Self::WORDS.iter().copied(), node.span, cx.sources));
                }
                found
            }
        }
    };
}
