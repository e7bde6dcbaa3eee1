//! The two phases of a definition: as its author wrote it, and compiled. One type serves both; what differs is what
//! stands where an expression, a text or a plain value was written. After "Trees that grow" (S. Najd, S. Peyton Jones, 2017).

use crate::cel::expr::{Expr, WrittenExpr};
use crate::cel::program::Program;
use crate::cel::value::Value;
use crate::load::{Int, Named, OneOrMany, PartId};
use crate::name::Name;
use crate::source::Span;
use crate::template::{Template, Translation, WrittenTemplate};
use crate::text::Text;
use crate::value_expr::{Literal, WrittenLiteral};
use crate::yaml::Value as Yaml;
use std::collections::HashMap;
use std::fmt::Debug;
use std::sync::Arc;

/// A phase of a definition: the types of its expressions, texts and plain values.
pub trait Phase: Debug + Clone {
    type Expr: Debug + Clone;
    type Template: Debug + Clone;
    type Literal: Debug + Clone;

    /// Whether a plain value takes away the value of its attribute or field.
    fn unsets(literal: &Self::Literal) -> bool;
}

/// As the author wrote it. Only the loader and the checks see it.
#[derive(Debug, Clone)]
pub enum Written {}

/// Checked and compiled: what a [`Model`](crate::model::Model) consists of.
#[derive(Debug, Clone)]
pub enum Compiled {}

impl Phase for Written {
    type Expr = WrittenExpr;
    type Template = WrittenTemplate;
    type Literal = WrittenLiteral;

    fn unsets(literal: &WrittenLiteral) -> bool {
        match &literal.node.value {
            Yaml::Null => true,
            Yaml::Text(text) => text.is_empty(),
            _ => false,
        }
    }
}

impl Phase for Compiled {
    type Expr = Expr;
    type Template = Template;
    type Literal = Literal;

    fn unsets(literal: &Literal) -> bool {
        literal.value().is_none()
    }
}

// `S::Expr` names a type only where `S` is a parameter; these names work in both phases.
pub type ExprOf<S> = <S as Phase>::Expr;
pub type TemplateOf<S> = <S as Phase>::Template;
pub type LiteralOf<S> = <S as Phase>::Literal;

/// The results of the checks, by part: programs of expressions, translations of texts, values of literals.
#[derive(Debug, Default)]
pub struct Parts {
    pub programs: HashMap<PartId, Arc<Program>>,
    pub translations: HashMap<PartId, Arc<Vec<Translation>>>,
    /// `None` unsets.
    pub values: HashMap<PartId, Option<Value>>,
}

/// From what is written to what is compiled.
pub trait Compile {
    type Compiled;
    /// # Errors
    /// The place of the first part that the checks did not compile.
    fn compile(self, parts: &Parts) -> Result<Self::Compiled, Span>;
}

/// Types that hold nothing to compile.
#[macro_export]
macro_rules! plain {
    ($($ty:ty),* $(,)?) => {
        $(impl $crate::phase::Compile for $ty {
            type Compiled = Self;
            fn compile(self, _: &$crate::phase::Parts) -> Result<Self, $crate::source::Span> {
                Ok(self)
            }
        })*
    };
}

plain!(bool, usize, String, Name, Text, Span);

impl<const MIN: i64, const MAX: i64> Compile for Int<MIN, MAX> {
    type Compiled = Self;
    fn compile(self, _: &Parts) -> Result<Self, Span> {
        Ok(self)
    }
}

impl<T: Compile> Compile for Option<T> {
    type Compiled = Option<T::Compiled>;
    fn compile(self, parts: &Parts) -> Result<Self::Compiled, Span> {
        self.map(|t| t.compile(parts)).transpose()
    }
}

impl<T: Compile> Compile for Box<T> {
    type Compiled = Box<T::Compiled>;
    fn compile(self, parts: &Parts) -> Result<Self::Compiled, Span> {
        (*self).compile(parts).map(Box::new)
    }
}

impl<T: Compile> Compile for Vec<T> {
    type Compiled = Vec<T::Compiled>;
    fn compile(self, parts: &Parts) -> Result<Self::Compiled, Span> {
        self.into_iter().map(|t| t.compile(parts)).collect()
    }
}

impl<T: Compile> Compile for OneOrMany<T> {
    type Compiled = OneOrMany<T::Compiled>;
    fn compile(self, parts: &Parts) -> Result<Self::Compiled, Span> {
        self.0.compile(parts).map(OneOrMany)
    }
}

impl<T: Compile> Compile for Named<T> {
    type Compiled = Named<T::Compiled>;
    fn compile(self, parts: &Parts) -> Result<Self::Compiled, Span> {
        self.into_entries().map(|(name, t)| Ok((name, t.compile(parts)?))).collect()
    }
}

impl Compile for WrittenExpr {
    type Compiled = Expr;
    fn compile(self, parts: &Parts) -> Result<Expr, Span> {
        let program = parts.programs.get(&self.id).cloned().ok_or(self.span)?;
        Ok(self.with(program))
    }
}

impl Compile for WrittenTemplate {
    type Compiled = Template;
    fn compile(self, parts: &Parts) -> Result<Template, Span> {
        let translations = parts.translations.get(&self.id).cloned().ok_or(self.text.span)?;
        Ok(self.with(translations))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::{Load, Loader, PartIds};
    use crate::source::Sources;
    use crate::value_expr::ValueExpr;
    use crate::yaml;

    fn written(text: &str) -> Vec<ValueExpr<Written>> {
        let mut sources = Sources::default();
        let file = sources.add("values.yaml", text);
        let (mut diagnostics, mut parts) = (vec![], PartIds::default());
        let nodes = yaml::parse(&sources, file, &mut diagnostics);
        Vec::load(&nodes[0], &mut Loader::new(&sources, &mut diagnostics, &mut parts)).expect("values")
    }

    #[test]
    fn what_no_check_has_compiled_is_not_in_a_model() {
        for text in ["[ plain ]", "[ '= now' ]"] {
            let values = written(text);
            let place = values[0].span();
            assert_eq!(values.compile(&Parts::default()).expect_err("nothing is compiled"), place, "{text}");
        }
    }

    #[test]
    fn each_part_has_an_id_of_its_own() {
        let values = written("[ plain, plain, '= now', '= now' ]");
        let ids = values.iter().map(|v| match v {
            ValueExpr::Literal(l) => l.id,
            ValueExpr::Expr(e) => e.id,
        });
        assert_eq!(ids.collect::<std::collections::HashSet<_>>().len(), 4);
    }
}
