//! What a machine asks an application for somebody who connects as one of its users.

use stoa_domain::{Secret, Timestamp};

/// What an application is asked for somebody who connects as one of its users.
#[derive(Clone)]
pub enum ConnectWish {
    List { query: String, limit: usize },
    Open { user: String, reason: String, actor: String, expires_at: Timestamp },
    End { cookies: Vec<AppCookie> },
}

/// A user as the application tells of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppUser {
    pub id: String,
    pub login: String,
    pub name: String,
    pub active: bool,
}

/// A cookie of the application's.
#[derive(Clone)]
pub struct AppCookie {
    pub name: String,
    pub value: Secret,
    pub path: String,
}

/// What came of it.
#[derive(Clone)]
pub enum ConnectAnswer {
    Users(Vec<AppUser>),
    /// `path`: where the browser goes first.
    Opened {
        cookies: Vec<AppCookie>,
        path: String,
    },
    Ended,
    /// Nothing there can be asked; the sentence says why.
    NotPossible(String),
    /// `quote` repeats what the application wrote.
    Failed {
        sentence: String,
        quote: Option<String>,
    },
    /// As many of its commands run as may.
    Busy,
    NoSandbox(String),
}
