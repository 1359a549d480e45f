//! `[connect_as]`: how the application lists its users, and opens and ends a session as one of them.

use serde::{Deserialize, Serialize};

use super::values::{Problem, Table, near};

const KINDS: [&str; 3] = ["command", "django", "odoo"];

/// The way that the application says, or that is built in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConnectAs {
    /// Commands of its own; `end` may be empty.
    Command {
        list: Vec<String>,
        open: Vec<String>,
        end: Vec<String>,
    },
    Django,
    Odoo,
}

impl ConnectAs {
    /// As it is written.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Command { .. } => "command",
            Self::Django => "django",
            Self::Odoo => "odoo",
        }
    }
}

fn missing(what: &str) -> Problem {
    Problem::plain("stoa_toml", format!("stoa.toml: connect_as.{what}"))
}

pub(super) fn parse(top: &mut Table<'_>) -> Result<Option<ConnectAs>, Problem> {
    let Some(mut table) = top.table("connect_as")? else { return Ok(None) };
    let text = table.text();
    let Some((kind, span)) = table.string("kind")? else {
        return Err(missing("kind is missing: \"command\", \"django\" or \"odoo\""));
    };
    let (list, open, end) = (table.command("list")?, table.command("open")?, table.command("end")?);
    let found = match kind.as_str() {
        "command" => {
            for (name, command) in [("list", &list), ("open", &open)] {
                if command.is_empty() {
                    return Err(missing(&format!("{name} is missing: kind = \"command\" needs a command")));
                }
            }
            ConnectAs::Command { list, open, end }
        }
        "django" | "odoo" => {
            for key in ["list", "open", "end"] {
                table.refuse(key, &format!("is for kind = \"command\"; \"{kind}\" is built in"))?;
            }
            if kind == "django" { ConnectAs::Django } else { ConnectAs::Odoo }
        }
        other => {
            let hint = match near(other, KINDS.iter()) {
                Some(known) => format!("did you mean \"{known}\"?"),
                None => "it can be \"command\", \"django\" or \"odoo\"".to_owned(),
            };
            return Err(text.wrong(&span, &format!("connect_as.kind is \"{other}\"; {hint}")));
        }
    };
    table.end()?;
    Ok(Some(found))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::application;
    use super::*;

    const RUN: &str = "[run]\ncommand = [\"a\"]\n[connect_as]\n";

    fn read(text: &str) -> Result<Option<ConnectAs>, String> {
        let read = application::parse(&format!("{RUN}{text}"));
        read.map(|read| read.connect_as).map_err(|problem| problem.sentence)
    }

    fn sentence(text: &str) -> String {
        read(text).unwrap_err()
    }

    #[test]
    fn the_three_ways_are_read() {
        let own = "kind = \"command\"\nlist = [\"./users\"]\nopen = [\"./open\", \"-v\"]\n";
        let words = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect::<Vec<_>>();
        assert_eq!(
            read(own).unwrap(),
            Some(ConnectAs::Command {
                list: words(&["./users"]),
                open: words(&["./open", "-v"]),
                end: Vec::new()
            })
        );
        assert_eq!(read("kind = \"django\"\n").unwrap(), Some(ConnectAs::Django));
        assert_eq!(read("kind = \"odoo\"\n").unwrap(), Some(ConnectAs::Odoo));
        assert_eq!(application::parse("[run]\ncommand = [\"a\"]\n").unwrap().connect_as, None);
    }

    #[test]
    fn what_is_wrong_is_said_and_what_was_meant() {
        assert_eq!(
            sentence("list = [\"a\"]\n"),
            "stoa.toml: connect_as.kind is missing: \"command\", \"django\" or \"odoo\""
        );
        assert_eq!(
            sentence("kind = \"djnago\"\n"),
            "stoa.toml, line 4: connect_as.kind is \"djnago\"; did you mean \"django\"?"
        );
        assert_eq!(
            sentence("kind = \"rails\"\n"),
            "stoa.toml, line 4: connect_as.kind is \"rails\"; it can be \"command\", \"django\" or \"odoo\""
        );
        assert_eq!(
            sentence("kind = \"command\"\nlist = [\"a\"]\n"),
            "stoa.toml: connect_as.open is missing: kind = \"command\" needs a command"
        );
        assert_eq!(
            sentence("kind = \"django\"\nlist = [\"a\"]\n"),
            "stoa.toml, line 5: connect_as.list is for kind = \"command\"; \"django\" is built in"
        );
        assert_eq!(
            sentence("kind = \"command\"\nlist = \"a\"\n"),
            "stoa.toml, line 5: connect_as.list must be a list of words: [\"python3\", \"app.py\"]"
        );
        assert_eq!(
            sentence("kind = \"django\"\nlst = [\"a\"]\n"),
            "stoa.toml, line 5: `lst` isn't known in [connect_as]; did you mean `list`?"
        );
    }
}
