//! A row of either database, read by column number.

use sqlx::{Row as _, ValueRef as _};

use crate::failure::StorageFault;
use crate::value::{Column, Kind, Value};

/// A row as it came.
pub enum Row {
    Sqlite(sqlx::sqlite::SqliteRow),
    Postgres(sqlx::postgres::PgRow),
}

impl Row {
    /// The value of column `index`, counted from zero.
    ///
    /// # Errors
    /// A fault where the column isn't of the type: the statement and its reader have drifted apart.
    pub fn get<T: Column>(&self, index: usize) -> Result<T, StorageFault> {
        let value = match self {
            Self::Sqlite(row) => {
                if row.try_get_raw(index)?.is_null() {
                    Value::Null(T::KIND)
                } else {
                    match T::KIND {
                        Kind::Uuid => Value::Uuid(row.try_get_unchecked(index)?),
                        Kind::Text => Value::Text(row.try_get_unchecked(index)?),
                        Kind::Bool => Value::Bool(row.try_get_unchecked(index)?),
                        Kind::Int => Value::Int(row.try_get_unchecked(index)?),
                        Kind::Bytes => Value::Bytes(row.try_get_unchecked(index)?),
                    }
                }
            }
            Self::Postgres(row) => {
                if row.try_get_raw(index)?.is_null() {
                    Value::Null(T::KIND)
                } else {
                    match T::KIND {
                        Kind::Uuid => Value::Uuid(row.try_get(index)?),
                        Kind::Text => Value::Text(row.try_get(index)?),
                        Kind::Bool => Value::Bool(row.try_get(index)?),
                        Kind::Int => Value::Int(row.try_get(index)?),
                        Kind::Bytes => Value::Bytes(row.try_get(index)?),
                    }
                }
            }
        };
        T::from_value(value).ok_or(StorageFault::Column { index })
    }
}
