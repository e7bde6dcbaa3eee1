//! CEL: parsed, checked against a typed environment, and evaluated with exact decimals and fuel.

pub mod arguments;
pub mod ast;
mod call;
pub mod callable;
pub mod check;
pub mod code;
pub mod compile;
pub mod env;
pub mod eval;
mod evaluate;
pub mod expr;
pub mod finding;
pub mod function;
pub mod functions;
pub mod parse;
pub mod patterns;
pub mod program;
pub mod scope;
pub mod types;
pub mod value;

#[cfg(test)]
mod tests;
