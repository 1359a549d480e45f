//! One SQL text for both databases; where a statement must differ, a named pair with its reason.

/// A statement, known at compile time.
#[derive(Debug, Clone, Copy)]
pub struct Statement {
    pub name: &'static str,
    pub sqlite: &'static str,
    pub postgres: &'static str,
}

impl Statement {
    /// Whether it certainly changes nothing.
    pub(crate) fn only_reads(&self) -> bool {
        self.sqlite.starts_with("SELECT ")
    }

    /// Whether the two texts differ.
    #[must_use]
    pub fn is_pair(&self) -> bool {
        self.sqlite != self.postgres
    }
}

/// Declares the statements of a file and the list by which tests find them all.
///
/// `NAME = "sql";` is one text; `NAME = "sqlite" | "postgres" because "reason";` is a pair.
#[macro_export]
macro_rules! statements {
    ($($(#[$doc:meta])* $name:ident = $text:literal $(| $postgres:literal because $reason:literal)?;)*) => {
        $(
            $(#[$doc])*
            #[allow(dead_code)]
            pub(crate) const $name: $crate::statement::Statement =
                $crate::statements!(@one $name $text $(, $postgres, $reason)?);
        )*
        pub(crate) const STATEMENTS: &[$crate::statement::Statement] = &[$($name),*];
    };
    (@one $name:ident $text:literal) => {
        $crate::statement::Statement { name: stringify!($name), sqlite: $text, postgres: $text }
    };
    (@one $name:ident $text:literal, $postgres:literal, $reason:literal) => {
        $crate::statement::Statement { name: stringify!($name), sqlite: $text, postgres: $postgres }
    };
}
