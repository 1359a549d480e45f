//! Who can do this? The question of *Why?* the other way round.

use stoa_domain::instance::Stage;
use stoa_domain::member::Role;
use stoa_domain::permission::member as may;
use stoa_domain::{Action, Because, MemberId, Permit, Refusal, Timestamp, WorkspaceId};
use stoa_storage::member::MemberRecord;
use stoa_storage::profile::Wanted;

use super::explain::Question;
use crate::abilities::Verb;
use crate::{App, Failure};

/// Somebody who can, and why.
#[derive(Debug, Clone)]
pub struct Able {
    pub member: MemberRecord,
    pub because: Because,
    /// When it ends, where it does.
    pub until: Option<Timestamp>,
}

impl App {
    /// What a question is about: an action, or `manage`, what owners do. With what follows from the product's tables: a
    /// project is seen by whom the action lets open projects, and a production instance is an owner's to delete.
    pub(super) async fn asked(&self, workspace: WorkspaceId, question: &Question) -> Result<Wanted, Failure> {
        let of_owners = question.action.as_deref() == Some(Verb::Manage.key());
        let action = match &question.action {
            None => None,
            Some(_) if of_owners => None,
            Some(key) => Some(Action::from_key(key).ok_or_else(|| {
                Refusal::invalid("action", "unknown", format!("There is no action permission {key:?}."))
            })?),
        };
        let named = [&question.project, &question.instance, &question.server];
        if named.iter().filter(|word| word.is_some()).count() > 1 {
            return Err(Refusal::invalid("instance", "too_many", "Ask about one resource at a time.").into());
        }
        let mut wanted = Wanted { action, owners_only: of_owners, ..Wanted::default() };
        if let Some(word) = &question.project {
            wanted.project =
                Some(self.store().find_project_id(workspace, word).await?.ok_or(Refusal::NotFound)?);
            wanted.action = wanted.action.or((!of_owners).then_some(Action::ViewProjects));
        }
        if let Some(word) = &question.instance {
            let id = self.store().find_instance_id(workspace, word).await?.ok_or(Refusal::NotFound)?;
            let stage = self.store().find_stage(workspace, id).await?;
            wanted.owners_only |= action == Some(Action::DeleteInstances) && stage == Some(Stage::Production);
            wanted.instance = Some(id);
        }
        if let Some(word) = &question.server {
            wanted.server =
                Some(self.store().find_server_id(workspace, word).await?.ok_or(Refusal::NotFound)?);
        }
        Ok(wanted)
    }

    /// Who can, by name, after the one with this name and id.
    ///
    /// # Errors
    /// `Invalid` for a question about nothing, an unknown action, or more than one resource; `NotFound`.
    pub async fn find_who(
        &self,
        permit: Permit<may::FindWho>,
        question: Question,
        after: (&str, MemberId),
        limit: i64,
    ) -> Result<Vec<Able>, Failure> {
        let workspace = permit.workspace();
        let wanted = self.asked(workspace, &question).await?;
        let is_nothing = [wanted.project.is_none(), wanted.instance.is_none(), wanted.server.is_none()];
        if wanted.action.is_none() && !wanted.owners_only && is_nothing.iter().all(|none| *none) {
            return Err(
                Refusal::invalid("action", "missing", "Ask about an action, a resource, or both.").into()
            );
        }
        let found = self.store().list_holders(workspace, wanted, after, limit).await?;
        Ok(found
            .into_iter()
            .map(|holder| Able {
                because: if holder.member.role == Role::Owner { Because::Owner } else { Because::Granted },
                member: holder.member,
                until: holder.until,
            })
            .collect())
    }

    /// Everything that a profile's lists may hold.
    ///
    /// # Errors
    /// A fault.
    pub async fn list_grantable(
        &self,
        permit: Permit<may::ListGrantable>,
    ) -> Result<stoa_storage::profile::Grantable, Failure> {
        Ok(self.store().list_grantable(permit.workspace()).await?)
    }
}
