use crate::cel::Expr;
use crate::cel::types::Ty;
use crate::kinds::Kind;
use crate::kinds::message::DataType;
use crate::load::{Load, Loader, Named, Schemas};
use crate::name::Name;
use crate::text::Text;
use crate::value_expr::ValueExpr;
use crate::yaml::{Node, Value};
use crate::{choice, record};
use serde_json::json;

choice! {
    /// What follows where several rules hold: the hit policies of DMN 1.5 (OMG formal/24-01-01, 8.2.11).
    pub enum Hit {
        /// One rule holds at most.
        Unique "unique",
        /// Those that hold say the same.
        Any "any",
        /// The first that holds.
        First "first",
        /// The one whose output stands first among the output's values.
        Priority "priority",
        /// All that hold, in their order: a list.
        RuleOrder "rule_order",
        /// All that hold, in the order of the output's values: a list.
        OutputOrder "output_order",
        /// All that hold: a list, or what `collect` makes of it.
        Collect "collect",
    }
}

impl Hit {
    /// The answer is a list of all that hold, or what `collect` makes of it.
    pub fn lists(self) -> bool {
        matches!(self, Self::Collect | Self::RuleOrder | Self::OutputOrder)
    }
}

choice! {
    /// What is made of the outputs of all rules that hold.
    pub enum Collect {
        Sum "sum",
        Min "min",
        Max "max",
        /// How many different ones.
        Count "count",
    }
}

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
        otherwise "otherwise": Option<Named<ValueExpr>> = { "rate": 0 };
    }
}

record! {
    /// One row of a decision.
    pub struct Rule as "a rule" {
        /// When it holds: a condition over the inputs. Without it, it always does.
        when "when": Option<Expr> = "amount > 100";
        /// What it answers: each output, written plainly or as an expression over the inputs.
        then "then": Named<ValueExpr> = { "rate": "0.15" };
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
