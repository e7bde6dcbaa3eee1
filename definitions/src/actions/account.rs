use crate::phase::Compiled;
use crate::value_expr::ValueExpr;

/// How long somebody worked: `15m`, or an expression.
pub type Account<S = Compiled> = ValueExpr<S>;
