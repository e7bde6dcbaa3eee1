//! From the text of an expression to its program.

use crate::cel::check::{self, Checked};
use crate::cel::env::Env;
use crate::cel::program::Program;
use crate::cel::types::Ty;
use crate::cel::{finding, parse};

impl Program {
    pub fn compile(text: &str, env: &Env) -> Result<Self, Vec<finding::Finding>> {
        Self::compile_as(text, env, None)
    }

    /// As [`Program::compile`]; text literals are judged as words of the wanted type.
    pub fn compile_as(text: &str, env: &Env, wanted: Option<&Ty>) -> Result<Self, Vec<finding::Finding>> {
        let ast = parse::parse(text).map_err(|e| {
            vec![finding::Finding {
                code: "cel-syntax",
                start: e.start,
                end: e.end,
                message: e.message,
                help: e.help,
                about: None,
                meant: None,
            }]
        })?;
        let (code, ty, Checked { findings, reads, relies, proves }) = check::check(&ast, env, wanted);
        if findings.is_empty() { Ok(Self { text: text.to_owned(), ty, reads, relies, proves, code }) } else { Err(findings) }
    }
}
