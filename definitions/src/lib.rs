//! From the text of definitions to a checked [`model::Model`]: YAML with places, JSON Schema, CEL, templates,
//! processes, and the diagram of a process.

pub mod acls;
pub mod actions;
pub mod calendar;
pub mod canonical;
pub mod cel;
pub mod check;
pub mod codes;
pub mod counter_example;
pub mod data_types;
pub mod decimal;
pub mod decision;
pub mod diagnostic;
pub mod diagram;
pub mod display;
pub mod duration_text;
pub mod hit_policy;
pub mod holidays;
pub mod kinds;
pub mod load;
pub mod model;
pub mod mutants;
pub mod name;
pub mod names;
pub mod net;
pub mod outcomes;
pub mod site;
pub mod soundness;
pub mod source;
pub mod template;
pub mod text;
pub mod value_error;
pub mod value_expr;
pub mod values;
pub mod yaml;
pub mod zone;
