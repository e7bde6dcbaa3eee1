use crate::kinds::who::Whos;
use crate::phase::Compiled;

/// Who watches the ticket from now on.
pub type Watch<S = Compiled> = Whos<S>;
