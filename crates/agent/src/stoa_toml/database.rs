//! `[database]`: what the application keeps its records in.

use serde::{Deserialize, Serialize};

use super::application::Application;
use super::values::{Problem, Table};

/// Those that PostgreSQL itself lets a database's owner add, because they give nothing beyond that database
/// (postgresql.org, *Additional Supplied Modules*: the trusted ones).
const EXTENSIONS: [&str; 20] = [
    "btree_gin",
    "btree_gist",
    "citext",
    "cube",
    "dict_int",
    "fuzzystrmatch",
    "hstore",
    "intarray",
    "isn",
    "lo",
    "ltree",
    "pg_trgm",
    "pgcrypto",
    "seg",
    "tablefunc",
    "tcn",
    "tsm_system_rows",
    "tsm_system_time",
    "unaccent",
    "uuid-ossp",
];

/// A database of its own on the server's PostgreSQL.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Postgresql {
    /// Of the fixed list.
    pub extensions: Vec<String>,
}

pub(super) fn parse(top: &mut Table<'_>, application: &mut Application) -> Result<(), Problem> {
    let Some(mut table) = top.table("database")? else { return Ok(()) };
    let kind = table.string("kind")?.map(|(kind, _)| kind);
    let path = table.path("path")?;
    let extensions = table.texts("extensions")?;
    table.end()?;
    let wrong = |sentence: String| Err(Problem::plain("stoa_toml", format!("stoa.toml: {sentence}")));
    match (kind.as_deref(), path, extensions) {
        (Some("sqlite"), _, Some(_)) => wrong("database.extensions is for PostgreSQL".to_owned()),
        (Some("sqlite"), Some(path), None) => {
            application.sqlite = Some(path);
            application.overlap = false;
            Ok(())
        }
        (Some("sqlite"), None, None) => {
            wrong("database.path is missing: the SQLite file below /data".to_owned())
        }
        (Some("postgresql"), Some(_), _) => {
            wrong("database.path is for SQLite; the server's PostgreSQL knows its own place".to_owned())
        }
        (Some("postgresql"), None, extensions) => {
            let extensions = extensions.unwrap_or_default();
            if let Some(other) = extensions.iter().find(|name| !EXTENSIONS.contains(&name.as_str())) {
                return wrong(format!(
                    "database.extensions has `{other}`; possible are {}",
                    EXTENSIONS.join(", ")
                ));
            }
            application.postgresql = Some(Postgresql { extensions });
            Ok(())
        }
        _ => wrong("database.kind is \"sqlite\" or \"postgresql\"".to_owned()),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::application::parse;

    #[test]
    fn a_postgresql_database_may_have_extensions_that_give_nothing_beyond_it() {
        let read =
            parse("[database]\nkind = \"postgresql\"\nextensions = [\"citext\", \"uuid-ossp\"]\n").unwrap();
        assert_eq!(read.postgresql.unwrap().extensions, ["citext", "uuid-ossp"]);
        assert!(read.overlap, "PostgreSQL serves two releases at once");
        let sentence = |text: &str| parse(text).unwrap_err().sentence;
        let other = sentence("[database]\nkind = \"postgresql\"\nextensions = [\"plpython3u\"]\n");
        assert!(
            other.starts_with("stoa.toml: database.extensions has `plpython3u`; possible are btree_gin"),
            "{other}"
        );
        assert!(
            sentence("[database]\nkind = \"postgresql\"\npath = \"a.db\"\n")
                .contains("database.path is for SQLite")
        );
        assert!(sentence("[database]\nkind = \"mysql\"\n").contains("is \"sqlite\" or \"postgresql\""));
    }
}
