//! Rows that nothing asks for before the commit: what open pages are told, and the audit log. Those of all the writes
//! that share a commit of SQLite are written at its end, many by one statement. Each statement is a way to SQLite's
//! thread and back, which costs more than what is done there.

use sqlx::{AssertSqlSafe, SqliteConnection};

use crate::failure::StorageFault;
use crate::statement::Statement;
use crate::tx::bound_to_sqlite;
use crate::value::Value;

/// Rows of one statement, the largest first. So few texts are needed that SQLite has all of them prepared.
const TOGETHER: [usize; 3] = [32, 8, 1];

/// Rows to be written before the commit, in the order in which they were made.
#[derive(Default)]
pub(crate) struct Later {
    rows: Vec<(Statement, Vec<Value>)>,
}

impl Later {
    /// `statement` inserts one row: it ends with `VALUES ($1, …)`, as many as there are `values`.
    pub(crate) fn push(&mut self, statement: Statement, values: Vec<Value>) {
        self.rows.push((statement, values));
    }

    /// Whether these rows have to be there when `statement` runs: it reads them, or takes away what they refer to.
    pub(crate) fn must_precede(&self, statement: &Statement) -> bool {
        !self.rows.is_empty() && (statement.sqlite.contains("events") || statement.sqlite.contains("DELETE "))
    }

    /// # Errors
    /// A fault. Then nothing of the transaction counts.
    pub(crate) async fn write(&mut self, connection: &mut SqliteConnection) -> Result<(), StorageFault> {
        let mut rows = std::mem::take(&mut self.rows);
        while let Some((statement, _)) = rows.first() {
            let statement = *statement;
            let (same, other): (Vec<_>, Vec<_>) =
                rows.into_iter().partition(|(one, _)| one.sqlite == statement.sqlite);
            rows = other;
            insert(connection, statement, same.into_iter().map(|(_, values)| values).collect()).await?;
        }
        Ok(())
    }
}

async fn insert(
    connection: &mut SqliteConnection,
    statement: Statement,
    mut rows: Vec<Vec<Value>>,
) -> Result<(), StorageFault> {
    while !rows.is_empty() {
        let together = TOGETHER.into_iter().find(|together| *together <= rows.len()).unwrap_or(1);
        let rest = rows.split_off(together);
        let text = text_of(statement, together, rows.first().map_or(0, Vec::len));
        let values = std::mem::replace(&mut rows, rest).into_iter().flatten();
        bound_to_sqlite(sqlx::query(AssertSqlSafe(text)), values).execute(&mut *connection).await?;
    }
    Ok(())
}

/// The statement for several rows at once.
fn text_of(statement: Statement, rows: usize, columns: usize) -> String {
    let head = statement.sqlite.rsplit_once("VALUES").map_or(statement.sqlite, |(head, _)| head);
    let row = format!("({})", vec!["?"; columns].join(", "));
    format!("{head}VALUES {}", vec![row; rows].join(", "))
}

#[cfg(test)]
mod tests {
    use super::{Later, text_of};
    use crate::statement::Statement;

    const INSERT: Statement = Statement {
        name: "INSERT",
        sqlite: "INSERT INTO events (id, at)\n        VALUES ($1, $2)",
        postgres: "",
    };

    #[test]
    fn a_statement_is_told_for_several_rows() {
        assert_eq!(text_of(INSERT, 2, 2), "INSERT INTO events (id, at)\n        VALUES (?, ?), (?, ?)");
    }

    #[test]
    fn rows_precede_what_reads_them_and_what_takes_away_what_they_refer_to() {
        let of = |sqlite| Statement { name: "ONE", sqlite, postgres: sqlite };
        let mut later = Later::default();
        assert!(!later.must_precede(&of("SELECT COUNT(*) FROM audit_events")), "there is none");
        later.push(INSERT, vec![]);
        assert!(later.must_precede(&of("SELECT COUNT(*) FROM audit_events")));
        assert!(later.must_precede(&of("DELETE FROM workspaces WHERE id = $1")));
        assert!(!later.must_precede(&of("SELECT id FROM projects WHERE id = $1")));
    }
}
