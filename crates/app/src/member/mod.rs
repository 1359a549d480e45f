//! Members: who they are, and what each may do.

mod ending;
mod explain;
mod permissions;
mod view_as;
mod who;

pub use explain::{Explained, Question};
pub use permissions::{OneOfSeveral, SeenProfile, SetPermissions, check_count};
pub(crate) use view_as::Views;
pub use who::Able;

use futures_util::future::BoxFuture;
use stoa_domain::member::Role;
use stoa_domain::permission::member as may;
use stoa_domain::{MemberId, Permission, Permit};
use stoa_storage::member::MemberRecord;

pub use stoa_storage::member::MemberFilter;
pub use stoa_storage::profile::{Ends, Grantable, Profile, Summary};

use crate::preset::SeenPreset;
use crate::{App, Failure, search};

/// A member as owners see one, or as members do (`None`).
#[derive(Debug, Clone)]
pub struct SeenMember {
    pub member: MemberRecord,
    /// What only owners, and the member itself, are shown.
    pub private: Option<PrivateMember>,
}

#[derive(Debug, Clone)]
pub struct PrivateMember {
    pub granted: Granted,
}

/// What a member may do: an owner's isn't restricted, a member's is told whole or in a few words.
#[derive(Debug, Clone)]
pub enum Granted {
    Everything,
    Profile(Profile),
    Summary(Summary),
}

impl Granted {
    /// `None` is an owner's: not restricted.
    #[must_use]
    pub fn into_profile(self) -> Option<Profile> {
        match self {
            Self::Profile(profile) => Some(profile),
            Self::Everything | Self::Summary(_) => None,
        }
    }
}

/// What is asked of the list of members.
#[derive(Debug, Clone, Default)]
pub struct ListMembers {
    /// Text in a name, or for owners in an address.
    pub search: Option<String>,
    pub filter: MemberFilter,
    /// Profiles in a few words, instead of whole.
    pub is_brief: bool,
    pub limit: i64,
}

/// A list of members, with what profiles are told by.
pub struct ListedMembers {
    pub members: Vec<SeenMember>,
    /// For owners who ask for it in brief.
    pub presets: Vec<SeenPreset>,
}

impl App {
    async fn seen(
        &self,
        workspace: stoa_domain::WorkspaceId,
        member: MemberRecord,
        whole: bool,
        is_brief: bool,
    ) -> Result<SeenMember, Failure> {
        let private = if whole {
            let granted = match member.role {
                Role::Owner => Granted::Everything,
                Role::Member if is_brief => {
                    Granted::Summary(self.store().summarize_profile(workspace, member.id).await?)
                }
                Role::Member => Granted::Profile(self.store().load_profile(workspace, member.id).await?),
            };
            Some(PrivateMember { granted })
        } else {
            None
        };
        Ok(SeenMember { member, private })
    }

    /// Members by name, after the one with this name and id.
    ///
    /// # Errors
    /// `OwnerRequired` for whoever asks what others may do without being shown it.
    pub async fn list_members(
        &self,
        permit: Permit<may::List>,
        after: (&str, MemberId),
        wish: ListMembers,
    ) -> Result<ListedMembers, Failure> {
        let workspace = permit.workspace();
        let is_owner = permit.by_owner();
        if wish.filter.action.is_some() && !is_owner {
            return Err(self.with_owners(workspace, permit.owner_required()).await?.into());
        }
        let me = (!is_owner).then(|| permit.member());
        let members = self.find_members(workspace, after, &wish, me).await?;
        let mut seen = Vec::with_capacity(members.len());
        for member in members {
            let whole = is_owner || member.id == permit.member();
            seen.push(self.seen(workspace, member, whole, wish.is_brief).await?);
        }
        let presets = if is_owner && wish.is_brief { self.presets_of(workspace).await? } else { Vec::new() };
        Ok(ListedMembers { members: seen, presets })
    }

    /// Addresses aren't for members to find: of `me`, who isn't an owner, it is the own one that is looked into.
    async fn find_members(
        &self,
        workspace: stoa_domain::WorkspaceId,
        after: (&str, MemberId),
        wish: &ListMembers,
        me: Option<MemberId>,
    ) -> Result<Vec<MemberRecord>, Failure> {
        let (filter, limit) = (wish.filter, wish.limit);
        let Some(query) = wish.search.as_deref().map(str::to_lowercase) else {
            return Ok(self.store().list_members(workspace, after, filter, limit).await?);
        };
        let read = |(name, id): (String, MemberId), size| -> BoxFuture<'_, _> {
            Box::pin(
                async move { Ok(self.store().list_members(workspace, (&name, id), filter, size).await?) },
            )
        };
        let after = (after.0.to_owned(), after.1);
        search::search(
            after,
            limit,
            read,
            |member: &MemberRecord| (member.name.clone(), member.id),
            |member| {
                member.name.to_lowercase().contains(&query)
                    || (me.is_none_or(|me| me == member.id) && member.email.to_lowercase().contains(&query))
            },
        )
        .await
    }

    /// # Errors
    /// `NotFound`.
    pub async fn view_member(&self, permit: Permit<may::View>) -> Result<SeenMember, Failure> {
        let member = self.store().load_member(permit.workspace(), *permit.target()).await?;
        let whole = permit.by_owner() || member.id == permit.member();
        self.seen(permit.workspace(), member, whole, false).await
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
        self.seen(permit.workspace(), member, true, false).await
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
        self.seen(workspace, member, true, false).await
    }

    /// Removes a member; on oneself, leaves.
    ///
    /// # Errors
    /// `LastOwner`, `PreconditionFailed`.
    pub async fn remove_member(
        &self,
        permit: Permit<may::Remove>,
        expected_revision: Option<i64>,
    ) -> Result<(), Failure> {
        Ok(self.store().remove_member(permit, expected_revision).await?)
    }
}
