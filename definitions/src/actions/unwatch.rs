use crate::kinds::who::Whos;
use crate::phase::Compiled;

/// Who watches the ticket no more.
pub type Unwatch<S = Compiled> = Whos<S>;
