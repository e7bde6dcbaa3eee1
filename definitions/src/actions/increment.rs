use crate::load::Named;
use crate::value_expr::ValueExpr;

/// Fields of numbers with what is added to each; one that is unset counts as 0.
pub type Increment = Named<ValueExpr>;
