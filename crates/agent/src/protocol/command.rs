//! What an application is asked for somebody who connects as one of its users.

use serde::{Deserialize, Serialize};

use super::SecretText;

/// Users whose names, logins or ids fit a text; all of them where it is empty.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListUsers {
    pub query: String,
    /// 1 to 200.
    pub limit: usize,
}

/// A session as one of them.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OpenSession {
    /// The id by which the application listed the user.
    pub user: String,
    pub reason: String,
    /// Who connects, by name.
    pub actor: String,
    /// RFC 3339.
    pub expires_at: String,
}

/// Ends what `open` opened. It has no `Debug`: cookies are secret.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EndSession {
    pub cookies: Vec<SessionCookie>,
}

/// A cookie of the application's, as the browser would be given it.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SessionCookie {
    pub name: String,
    pub value: SecretText,
    pub path: String,
}

/// A user as the application tells of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UserView {
    pub id: String,
    pub login: String,
    pub name: String,
    pub active: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UsersView {
    pub users: Vec<UserView>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OpenedView {
    pub cookies: Vec<SessionCookie>,
    /// Where the browser goes first.
    pub path: String,
}

/// How it went.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Commanded<T> {
    Done(T),
    /// The application doesn't say how, or nothing of it is there to ask.
    NotPossible {
        sentence: String,
    },
    /// `sentence` is for whoever asked; `quote`, which repeats what the application wrote, for whoever may read its
    /// logs.
    Failed {
        sentence: String,
        quote: Option<String>,
    },
}
