use crate::kinds::decision::Column;
use crate::kinds::kind::Kind;
use crate::load::Named;
use crate::name::Name;
use crate::phase::Written;
use crate::record;
use crate::text::Text;
use crate::value_expr::ValueExpr;

record! {
    /// An expression with a name and parameters, which other expressions call.
    pub struct Function as "a function" {
        /// The kind of this definition.
        kind "kind": Kind = "Function";
        /// The name; expressions call it: `net(ticket.fields.amount)`.
        name "name": Name = "net";
        /// What people read.
        title "title": Option<Text> = { "en": "Amount without tax", "de": "Betrag ohne Steuer" };
        /// Its parameters, in this order: a type, or the words that there are.
        takes "takes": Named<Column> = { "gross": "decimal" };
        /// The type of its value, or the words that it can be.
        returns "returns": Column = "decimal";
        /// Its value: an expression over the parameters, `site` and `now`.
        value "value": ValueExpr<Written> = "= div(gross, 1.19, 2)";
    }
}
