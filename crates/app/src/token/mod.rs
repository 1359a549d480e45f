//! Personal access tokens.

use stoa_domain::{AccountPermit, Action, ActionSet, FieldProblem, Refusal, Secret, Timestamp, TokenId};
pub use stoa_storage::token::ListedToken;
use stoa_storage::token::NewToken;

use crate::account::check_name;
use crate::secrets::TOKEN_PREFIX;
use crate::{App, Failure};

/// What a token is asked for with. `None` narrows nothing; an empty list means none.
#[derive(Debug, Clone)]
pub struct CreateToken {
    pub name: String,
    pub expires_at: Option<Timestamp>,
    pub workspaces: Option<Vec<String>>,
    pub actions: Option<Vec<String>>,
}

/// A token that was just made, with the secret that is shown this once.
pub struct CreatedToken {
    pub token: ListedToken,
    pub secret: Secret,
}

impl App {
    /// # Errors
    /// `Invalid`.
    pub async fn create_token(
        &self,
        permit: AccountPermit,
        wish: CreateToken,
    ) -> Result<CreatedToken, Failure> {
        let mut problems = Vec::new();
        let name = check_name("name", &wish.name, &mut problems);
        let now = self.store().now();
        if wish.expires_at.is_some_and(|at| at <= now) {
            problems.push(FieldProblem::new("expires_at", "past", "The end date lies in the past."));
        }
        let actions = wish.actions.map(|keys| known_actions("actions", &keys, &mut problems));
        let mut workspaces = wish.workspaces.as_ref().map(|_| Vec::new());
        let account = permit.actor().account;
        for (at, text) in wish.workspaces.iter().flatten().enumerate() {
            // Another's is answered as what isn't there.
            let found = match self.store().find_workspace_id(text).await? {
                Some(id) if self.store().is_workspace_of(account, id).await? => Some(id),
                _ => None,
            };
            match (found, &mut workspaces) {
                (Some(id), Some(list)) => list.push(id),
                _ => problems.push(FieldProblem::new(
                    &format!("workspaces.{at}"),
                    "unknown",
                    "This isn't one of your workspaces.",
                )),
            }
        }
        let (Some(name), true) = (name, problems.is_empty()) else {
            return Err(Refusal::Invalid(problems).into());
        };
        let new = self.new_secret(TOKEN_PREFIX);
        let text = new.text.reveal_text().unwrap_or_default();
        let last4 = text.get(text.len().saturating_sub(4)..).unwrap_or_default().to_owned();
        let id = TokenId::new(self.new_uuid());
        let token = NewToken {
            id,
            name: name.into_string(),
            token_hash: new.hash,
            last4,
            actions,
            workspaces,
            expires_at: wish.expires_at,
        };
        self.store().create_token(permit, token).await?;
        Ok(CreatedToken { token: self.store().load_token(account, id).await?, secret: new.text })
    }

    /// Newest first, older than the one that is named.
    ///
    /// # Errors
    /// A fault.
    pub async fn list_tokens(
        &self,
        permit: AccountPermit,
        before: Option<TokenId>,
        limit: i64,
    ) -> Result<Vec<ListedToken>, Failure> {
        Ok(self.store().list_tokens(permit.actor().account, before, limit).await?)
    }

    /// # Errors
    /// `NotFound`.
    pub async fn delete_token(&self, permit: AccountPermit, id: &str) -> Result<(), Failure> {
        let id = id.parse::<TokenId>().map_err(|_| Refusal::NotFound)?;
        Ok(self.store().delete_token(permit, id).await?)
    }
}

/// The actions that the keys name; what isn't one is a problem of its place in the list.
pub(crate) fn known_actions(field: &str, keys: &[String], problems: &mut Vec<FieldProblem>) -> ActionSet {
    let mut set = ActionSet::EMPTY;
    for (at, key) in keys.iter().enumerate() {
        match Action::from_key(key) {
            Some(action) => set = set.with(action),
            None => problems.push(FieldProblem::new(
                &format!("{field}.{at}"),
                "unknown",
                format!("There is no action permission {key:?}."),
            )),
        }
    }
    set
}
