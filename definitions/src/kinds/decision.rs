use crate::cel::expr::WrittenExpr;
use crate::cel::types::Ty;
use crate::hit_policy::{Collect, Hit};
use crate::kinds::kind::Kind;
use crate::kinds::message::DataType;
use crate::load::{Load, Loader, Named, Schemas};
use crate::name::Name;
use crate::phase::Written;
use crate::record;
use crate::text::Text;
use crate::value_expr::ValueExpr;
use crate::yaml::{Node, Value};
use serde_json::json;

record! {
    /// A table of rules: from inputs to outputs, as DMN has them.
    pub struct Decision as "a decision" {
        /// The kind of this definition.
        kind "kind": Kind = "Decision";
        /// The name; expressions call it: `discount(ticket.fields.amount, customer.company)`.
        name "name": Name = "discount";
        /// What people read.
        title "title": Option<Text> = { "en": "Discount", "de": "Rabatt" };
        /// What it is asked with, in this order: a type, or the words that there are.
        inputs "inputs": Named<Column> = { "amount": "decimal", "customer": ["gold", "silver", "none"] };
        /// What it answers. With one the answer is its value, with several it has them as `.NAME`. Listed values are in the order of their priority.
        outputs "outputs": Named<Column> = { "rate": "decimal" };
        /// What follows where several rules hold; `unique` if not written.
        hit "hit": Option<Hit> = "first";
        /// With `hit: collect` and one output: what is made of the list.
        collect "collect": Option<Collect> = "sum";
        /// The rules, in their order.
        rules "rules": Vec<Rule> = [{ "when": "amount > 100 && customer == \"gold\"", "then": { "rate": "0.15" } }];
        /// What it answers where no rule holds.
        otherwise "otherwise": Option<Named<ValueExpr<Written>>> = { "rate": 0 };
    }
}

record! {
    /// One row of a decision.
    pub struct Rule as "a rule" {
        /// When it holds: a condition over the inputs. Without it, it always does.
        when "when": Option<WrittenExpr> = "amount > 100";
        /// What it answers: each output, written plainly or as an expression over the inputs.
        then "then": Named<ValueExpr<Written>> = { "rate": "0.15" };
    }
}

/// What an input or output can be.
#[derive(Debug, Clone)]
pub enum Column {
    Type(DataType),
    /// One of these words.
    Words(Vec<String>),
}

impl Column {
    /// The type of the input, output or parameter of this name.
    pub fn ty(&self, name: &str) -> Ty {
        match self {
            Self::Type(of) => of.ty(),
            Self::Words(words) => Ty::word(&format!("value of `{name}`"), words.iter().map(String::as_str)),
        }
    }
}

impl Load for Column {
    fn schema(_: &mut Schemas) -> serde_json::Value {
        json!({"anyOf": [
            {"type": "string", "enum": DataType::WORDS},
            {"type": "array", "minItems": 1, "items": {"type": "string", "minLength": 1}}
        ]})
    }

    fn load(node: &Node, cx: &mut Loader) -> Option<Self> {
        match &node.value {
            Value::List(items) if !items.is_empty() => {
                let words: Option<Vec<String>> = items.iter().map(|i| String::load(i, cx)).collect();
                words.map(Self::Words)
            }
            _ => DataType::load(node, cx).map(Self::Type),
        }
    }
}
