use crate::load::Named;
use crate::phase::Compiled;
use crate::value_expr::ValueExpr;

/// Attributes and own fields share one name space.
pub type Set<S = Compiled> = Named<ValueExpr<S>>;

/// The attributes of a ticket that `set`, forms and people can change.
pub const ATTRIBUTES: &[&str] =
    &["title", "type", "queue", "state", "priority", "owner", "responsible", "lock", "customer_user", "pending_until", "pending"];
