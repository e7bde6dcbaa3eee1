use crate::commands::article::MINUTES_MAX;
use crate::execution::at::At;
use crate::execution::evaluate::value;
use crate::execution::run::Run;
use crate::rules::failure::Failure;
use vorgang_definitions::actions::account::Account;
use vorgang_definitions::cel::value::Value;

/// A day of work has 24 hours here: what is written down is time on the clock.
const DAY: i64 = 24 * 60;

pub fn perform(run: &mut Run, time: &Account, at: At) -> Result<(), Failure> {
    match value(run, time, at)? {
        Some(Value::Duration(d)) => {
            let minutes =
                d.days.checked_mul(DAY).and_then(|m| m.checked_add(d.seconds / 60)).filter(|m| (0..=i64::from(MINUTES_MAX)).contains(m));
            let minutes = minutes.ok_or_else(|| Failure::new("value", format!("`account`: {d} is no time of work: a day at most")))?;
            run.account(minutes, None);
            Ok(())
        }
        _ => Err(Failure::new("value", "`account`: there is no time of at.work()")),
    }
}
