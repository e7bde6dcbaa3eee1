use crate::kinds::kind::Kind;
use crate::load::{Int, Named};
use crate::name::Name;
use crate::text::Text;
use crate::{choice, record};

choice! {
    /// What a field holds.
    pub enum FieldType {
        Text "text",
        Multiline "multiline",
        Integer "integer",
        Decimal "decimal",
        Boolean "boolean",
        Date "date",
        Choice "choice",
        MultipleChoice "multiple_choice",
        User "user",
        File "file",
    }
}

record! {
    /// A typed attribute of tickets that designers add.
    pub struct Field as "a field" {
        /// The kind of this definition.
        kind "kind": Kind = "Field";
        /// The name; expressions read `ticket.fields.name`.
        name "name": Name = "amount";
        /// What it holds.
        field_type "type": FieldType = "decimal";
        /// What people read.
        title "title": Option<Text> = { "en": "Amount", "de": "Betrag" };
        /// A sentence under the field in forms.
        help "help": Option<Text> = { "en": "In euro, with tax", "de": "In Euro, mit Steuer" };
        /// Digits behind the point of a decimal.
        scale "scale": Option<Int<0, 9>> = 2;
        /// Jobs and searches find tickets by its value at once, at the price of a slower change of it.
        indexed "indexed": bool = true;
        /// What can be chosen, in this order, with what people read.
        options "options": Named<Text> = { "travel": "Travel", "food": "Food" };
    }
}

impl Field {
    /// Conditions on it are found in the database, not by looking at each ticket.
    pub fn can_be_indexed(&self) -> bool {
        matches!(self.field_type, FieldType::Text | FieldType::Integer | FieldType::Decimal | FieldType::Choice | FieldType::User)
    }
}
