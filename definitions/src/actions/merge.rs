use crate::record;
use crate::value_expr::ValueExpr;

record! {
    /// Merges the ticket into another one.
    pub struct Merge<S> as "`merge`" {
        /// The other ticket's number.
        into "into": ValueExpr<S> = "= child";
    }
}
