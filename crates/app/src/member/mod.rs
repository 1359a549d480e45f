//! Members: who they are, and what each may do.

mod explain;
mod permissions;

pub use explain::{Explained, Question};
pub use permissions::{SeenProfile, SetPermissions};

use stoa_domain::member::Role;
use stoa_domain::permission::member as may;
use stoa_domain::{MemberId, Permission, Permit};
use stoa_storage::member::MemberRecord;

pub use stoa_storage::profile::Profile;

use crate::{App, Failure};

/// Rows read at once while some of them are looked for: the databases don't agree on the case of letters.
const CHUNK: i64 = 1_000;

/// A member as owners see one, or as members do (`None`).
#[derive(Debug, Clone)]
pub struct SeenMember {
    pub member: MemberRecord,
    /// What only owners, and the member itself, are shown.
    pub private: Option<PrivateMember>,
}

#[derive(Debug, Clone)]
pub struct PrivateMember {
    /// `None` is an owner's: not restricted.
    pub profile: Option<Profile>,
}

impl App {
    async fn seen(
        &self,
        workspace: stoa_domain::WorkspaceId,
        member: MemberRecord,
        whole: bool,
    ) -> Result<SeenMember, Failure> {
        let private = if whole {
            let profile = match member.role {
                Role::Owner => None,
                Role::Member => Some(self.store().load_profile(workspace, member.id).await?),
            };
            Some(PrivateMember { profile })
        } else {
            None
        };
        Ok(SeenMember { member, private })
    }

    /// Members by name, after the one with this name and id.
    ///
    /// # Errors
    /// A fault.
    pub async fn list_members(
        &self,
        permit: Permit<may::List>,
        after: (&str, MemberId),
        query: Option<&str>,
        limit: i64,
    ) -> Result<Vec<SeenMember>, Failure> {
        let workspace = permit.workspace();
        let members = self.find_members(workspace, after, query, permit.by_owner(), limit).await?;
        let mut seen = Vec::with_capacity(members.len());
        for member in members {
            let whole = permit.by_owner() || member.id == permit.member();
            seen.push(self.seen(workspace, member, whole).await?);
        }
        Ok(seen)
    }

    /// Addresses are looked into only `by_email`: they aren't for members to find.
    async fn find_members(
        &self,
        workspace: stoa_domain::WorkspaceId,
        after: (&str, MemberId),
        query: Option<&str>,
        by_email: bool,
        limit: i64,
    ) -> Result<Vec<MemberRecord>, Failure> {
        let Some(query) = query.map(str::to_lowercase) else {
            return Ok(self.store().list_members(workspace, after, None, by_email, limit).await?);
        };
        let is_found = |member: &MemberRecord| {
            member.name.to_lowercase().contains(&query)
                || (by_email && member.email.to_lowercase().contains(&query))
        };
        let wanted = usize::try_from(limit).unwrap_or(0);
        let (mut name, mut id) = (after.0.to_owned(), after.1);
        let mut found = Vec::new();
        while found.len() < wanted {
            let chunk = self.store().list_members(workspace, (&name, id), None, by_email, CHUNK).await?;
            let Some(last) = chunk.last() else { break };
            (name, id) = (last.name.clone(), last.id);
            found.extend(chunk.into_iter().filter(is_found));
        }
        found.truncate(wanted);
        Ok(found)
    }

    /// # Errors
    /// `NotFound`.
    pub async fn view_member(&self, permit: Permit<may::View>) -> Result<SeenMember, Failure> {
        let member = self.store().load_member(permit.workspace(), *permit.target()).await?;
        let whole = permit.by_owner() || member.id == permit.member();
        self.seen(permit.workspace(), member, whole).await
    }

    /// The member as whoever may change its role sees it: what a guarded change is compared with.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn load_member_for_change<P>(&self, permit: &Permit<P>) -> Result<SeenMember, Failure>
    where
        P: Permission<Target = MemberId>,
    {
        let member = self.store().load_member(permit.workspace(), *permit.target()).await?;
        self.seen(permit.workspace(), member, true).await
    }

    /// # Errors
    /// `LastOwner`, `PreconditionFailed`.
    pub async fn change_role(
        &self,
        permit: Permit<may::ChangeRole>,
        role: Role,
        expected_revision: Option<i64>,
    ) -> Result<SeenMember, Failure> {
        let workspace = permit.workspace();
        let member = self.store().change_role(permit, role, expected_revision).await?;
        self.seen(workspace, member, true).await
    }

    /// Removes a member; on oneself, leaves.
    ///
    /// # Errors
    /// `LastOwner`.
    pub async fn remove_member(&self, permit: Permit<may::Remove>) -> Result<(), Failure> {
        Ok(self.store().remove_member(permit).await?)
    }
}
