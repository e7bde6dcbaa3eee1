use crate::value_expr::ValueExpr;
use crate::{choice, record};

choice! {
    /// What the other ticket is to this one.
    pub enum LinkKind {
        /// A part of it.
        Child "child",
        /// What it is a part of.
        Parent "parent",
        /// Neither above nor below.
        Related "related",
    }
}

impl LinkKind {
    /// What this ticket is to the other one.
    pub fn turned(self) -> Self {
        match self {
            Self::Child => Self::Parent,
            Self::Parent => Self::Child,
            Self::Related => Self::Related,
        }
    }
}

record! {
    /// A link to another ticket.
    pub struct Link<S> as "`link`" {
        /// The other ticket's number.
        to "to": ValueExpr<S> = "= child";
        /// What the other ticket is to this one; `related` if not written.
        kind "type": Option<LinkKind> = "child";
    }
}
