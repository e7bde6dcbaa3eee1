use crate::load::Named;
use crate::phase::Compiled;
use crate::value_expr::ValueExpr;

/// Fields of numbers with what is added to each; one that is unset counts as 0.
pub type Increment<S = Compiled> = Named<ValueExpr<S>>;
