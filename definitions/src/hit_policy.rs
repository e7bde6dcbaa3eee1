//! Hit policies of decision tables (DMN 1.5, OMG formal/24-01-01, 8.2.11).

use crate::choice;

choice! {
    /// What follows where several rules hold: the hit policies of DMN 1.5 (OMG formal/24-01-01, 8.2.11).
    pub enum Hit {
        /// One rule holds at most.
        Unique "unique",
        /// Those that hold say the same.
        Any "any",
        /// The first that holds.
        First "first",
        /// The one whose output stands first among the output's values.
        Priority "priority",
        /// All that hold, in their order: a list.
        RuleOrder "rule_order",
        /// All that hold, in the order of the output's values: a list.
        OutputOrder "output_order",
        /// All that hold: a list, or what `collect` makes of it.
        Collect "collect",
    }
}

impl Hit {
    /// The answer is a list of all that hold, or what `collect` makes of it.
    pub fn lists(self) -> bool {
        matches!(self, Self::Collect | Self::RuleOrder | Self::OutputOrder)
    }
}

choice! {
    /// What is made of the outputs of all rules that hold.
    pub enum Collect {
        Sum "sum",
        Min "min",
        Max "max",
        /// How many different ones.
        Count "count",
    }
}
