//! A checked expression.

use crate::cel::code::Code;
use crate::cel::types::Ty;
use std::collections::BTreeSet;

/// A checked expression.
#[derive(Debug)]
pub struct Program {
    pub text: String,
    pub ty: Ty,
    /// Every path that it reads.
    pub reads: BTreeSet<String>,
    /// Optional paths that it reads because its place proves them set.
    pub relies: BTreeSet<String>,
    /// Paths that are set where it is true: `has(x) && …`.
    pub proves: BTreeSet<String>,
    pub(crate) code: Code,
}

impl Program {
    pub(crate) fn code(&self) -> &Code {
        &self.code
    }
}
