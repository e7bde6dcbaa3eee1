use crate::record;
use crate::value_expr::ValueExpr;

record! {
    /// Gives the ticket an owner or a responsible.
    pub struct Assign<S> as "`assign`" {
        /// The new owner, a login; null takes it away.
        owner "owner": Option<ValueExpr<S>> = "= actor.login";
        /// The new responsible, a login; null takes it away.
        responsible "responsible": Option<ValueExpr<S>> = "mia";
    }
}
