//! Logos: the picture that a workspace wears. What was sent is never kept: only what Stoa has drawn anew.

use bytes::Bytes;
use sha2::{Digest as _, Sha256};
use stoa_domain::name::initials;
use stoa_domain::permission::logo as may;
use stoa_domain::{LogoId, Permit, Refusal, WorkspaceId};
use stoa_storage::attempt::Limit;
use stoa_storage::logo::{LARGEST, NewLogo};

pub use stoa_storage::logo::ExpectedLogo;

use crate::ports::PictureKind;
use crate::secrets::hash_of;
use crate::session::counted;
use crate::workspace::SeenWorkspace;
use crate::{App, Failure, Fault};

/// Bytes that may be sent: 2 MiB.
pub const LARGEST_SENT: usize = 2 * 1024 * 1024;

/// Pictures behind links of invitations, for each address that asks: pages show one for each look at a link.
const LINKED: Limit = Limit { count: 240, seconds: 60 };

/// A PNG, and the hash by which a browser knows that it has it already.
pub struct Picture {
    pub png: Vec<u8>,
    pub sha256: Vec<u8>,
}

/// What a workspace wears now.
#[derive(Debug, Clone)]
pub struct WornLogo {
    /// Of the picture.
    pub sha256: Vec<u8>,
    /// Not drawn from the workspace's name.
    pub is_uploaded: bool,
}

impl App {
    /// The workspace's logo, or its initials on its colour.
    ///
    /// # Errors
    /// A fault.
    pub async fn view_logo(&self, permit: Permit<may::View>) -> Result<Picture, Failure> {
        self.picture_of(permit.workspace()).await
    }

    /// What the bearer of an invitation's link sees of the workspace.
    ///
    /// # Errors
    /// `NotFound` for an unknown link, else the refusal of one that has ended; `TooManyRequests`.
    pub async fn view_linked_logo(&self, token: &str, address: &str) -> Result<Picture, Failure> {
        let bucket = format!("logo:address:{}", counted(address));
        self.count(bucket, LINKED).await?;
        let found = self.store().find_invitation_by_link(&hash_of(token)).await?.ok_or(Refusal::NotFound)?;
        found.status.usable(found.link)?;
        self.picture_of(found.workspace).await
    }

    /// The uploaded logo alone: a letter draws the initials itself.
    ///
    /// # Errors
    /// A fault.
    pub(crate) async fn uploaded_logo(&self, workspace: WorkspaceId) -> Result<Option<Vec<u8>>, Failure> {
        Ok(self.store().find_logo(workspace).await?.map(|logo| logo.png))
    }

    async fn picture_of(&self, workspace: WorkspaceId) -> Result<Picture, Failure> {
        if let Some(logo) = self.store().find_logo(workspace).await? {
            return Ok(Picture { png: logo.png, sha256: logo.sha256 });
        }
        let found = self.store().load_workspace(workspace).await?;
        let png = self.outside().logos.draw(initials(&found.name), found.primary_color).await?;
        let sha256 = Sha256::digest(&png).to_vec();
        Ok(Picture { png, sha256 })
    }

    /// What a guarded change is compared with, for whoever may change it.
    ///
    /// # Errors
    /// A fault.
    pub async fn worn_logo(&self, workspace: WorkspaceId) -> Result<WornLogo, Failure> {
        let is_uploaded = self.store().find_logo(workspace).await?.is_some();
        Ok(WornLogo { sha256: self.picture_of(workspace).await?.sha256, is_uploaded })
    }

    /// Keeps what was sent, drawn anew.
    ///
    /// # Errors
    /// `Invalid` where it can't be read, `TooManyRequests`, `PreconditionFailed`.
    pub async fn change_logo(
        &self,
        permit: Permit<may::Change>,
        kind: PictureKind,
        sent: Bytes,
        expected: ExpectedLogo,
    ) -> Result<SeenWorkspace, Failure> {
        let (workspace, member) = (permit.workspace(), permit.member());
        let png = self.outside().logos.make(kind, sent).await?;
        if png.len() > LARGEST {
            return Err(Fault::new(format!("a logo was made of {} bytes", png.len())).into());
        }
        let sha256 = Sha256::digest(&png).to_vec();
        let new = NewLogo { id: LogoId::new(self.new_uuid()), png, sha256 };
        self.store().change_logo(permit, new, expected).await?;
        self.seen_by_owner(workspace, member).await
    }

    /// Back to the drawn initials.
    ///
    /// # Errors
    /// `PreconditionFailed`.
    pub async fn remove_logo(
        &self,
        permit: Permit<may::Remove>,
        expected: ExpectedLogo,
    ) -> Result<(), Failure> {
        Ok(self.store().remove_logo(permit, expected).await?)
    }
}
