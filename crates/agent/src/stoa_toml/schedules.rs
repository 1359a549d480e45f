//! `[schedules.<name>]`: commands that are run at their times.

use std::time::Duration;

use super::application::{Application, is_name};
use super::cron::Cron;
use super::values::{Problem, Table, Text};
use crate::init::Schedule;

/// Of one application.
const MOST: usize = 32;

const USUAL: Duration = Duration::from_secs(3600);
const LONGEST: Duration = Duration::from_secs(24 * 3600);

/// # Errors
/// What isn't right, with its place.
pub(super) fn parse(
    top: &mut Table<'_>,
    text: Text<'_>,
    application: &Application,
) -> Result<Vec<Schedule>, Problem> {
    let mut schedules = Vec::new();
    for (name, span, mut table) in top.tables("schedules")? {
        let wrong = |what: &str| Err(text.wrong(&span, what));
        if !is_name(&name) {
            return wrong("a schedule's name has letters, digits, `-` and `_`, 32 at most");
        }
        if application.processes.iter().any(|process| process.name == name) {
            return wrong(&format!("`{name}` is a process already; in the log they would be one"));
        }
        let command = table.command("command")?;
        if command.is_empty() {
            return wrong(&format!("schedules.{name} has no command"));
        }
        let Some((cron, place)) = table.string("cron")? else {
            return wrong(&format!("schedules.{name} has no cron: \"30 6 * * mon-fri\""));
        };
        if let Err(what) = Cron::parse(&cron) {
            return Err(text.wrong(&place, &format!("schedules.{name}.cron {what}")));
        }
        let seconds = table.duration("time_limit", LONGEST)?.unwrap_or(USUAL).as_secs();
        table.end()?;
        if schedules.len() == MOST {
            return wrong(&format!("there are more than {MOST} schedules"));
        }
        schedules.push(Schedule { name, command, cron, seconds });
    }
    Ok(schedules)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::application::parse;

    fn sentence(text: &str) -> String {
        parse(text).unwrap_err().sentence
    }

    #[test]
    fn a_schedule_has_a_command_its_times_and_a_limit() {
        let read = parse(
            "[schedules.tidy]\ncommand = [\"python3\", \"tidy.py\"]\ncron = \"0 3 * * *\"\n\
             [schedules.mail]\ncommand = [\"mail\"]\ncron = \"*/5 * * * *\"\ntime_limit = \"4m\"\n",
        )
        .unwrap();
        let told: Vec<_> =
            read.schedules.iter().map(|one| (one.name.as_str(), one.cron.as_str(), one.seconds)).collect();
        assert_eq!(told, [("mail", "*/5 * * * *", 240), ("tidy", "0 3 * * *", 3600)]);
    }

    #[test]
    fn what_is_wrong_with_one_is_said_with_its_place() {
        assert_eq!(
            sentence("[schedules.tidy]\ncommand = [\"a\"]\n"),
            "stoa.toml, line 1: schedules.tidy has no cron: \"30 6 * * mon-fri\""
        );
        assert_eq!(
            sentence("[schedules.tidy]\ncron = \"* * * * *\"\n"),
            "stoa.toml, line 1: schedules.tidy has no command"
        );
        let cron = |cron: &str| sentence(&format!("[schedules.x]\ncommand = [\"a\"]\ncron = \"{cron}\"\n"));
        assert_eq!(cron("0 0 30 2 *"), "stoa.toml, line 3: schedules.x.cron never comes");
        assert!(cron("99 * * * *").starts_with("stoa.toml, line 3: schedules.x.cron has `99` as its minute"));
        assert!(
            sentence("[schedules.x]\ncommand = [\"a\"]\ncron = \"* * * * *\"\ntime_limit = \"25h\"\n")
                .ends_with("schedules.x.time_limit is \"25h\"; at most 24h")
        );
        assert!(
            sentence(
                "[processes.x]\ncommand = [\"a\"]\n[schedules.x]\ncommand = [\"a\"]\ncron = \"* * * * *\"\n"
            )
            .contains("`x` is a process already")
        );
        assert!(sentence("[schedules.\"a b\"]\n").contains("a schedule's name has letters"));
    }
}
