//! Logos: one PNG for each workspace that has uploaded one, made by Stoa itself from what was sent.

use stoa_domain::permission::logo::{Change, Remove};
use stoa_domain::{LogoId, Permit, Refusal, ResourceKind, WorkspaceId};

use crate::detail::{Detail, quoted};
use crate::event::EventType;
use crate::failure::{Failure, StorageFault};
use crate::store::{Store, Work};
use crate::tx::Tx;
use crate::values;

/// Bytes that a kept picture has at most.
pub const LARGEST: usize = 512 * 1024;

crate::statements! {
    FIND = "SELECT l.png, l.sha256 FROM workspaces w JOIN logos l ON l.workspace_id = w.id AND l.id = w.logo_id
        WHERE w.id = $1";
    STATE = "SELECT w.name, l.sha256 FROM workspaces w
        LEFT JOIN logos l ON l.workspace_id = w.id AND l.id = w.logo_id WHERE w.id = $1";
    INSERT = "INSERT INTO logos (id, workspace_id, png, sha256) VALUES ($1, $2, $3, $4)";
    CLEAR = "DELETE FROM logos WHERE workspace_id = $1";
    WEAR = "UPDATE workspaces SET logo_id = $2, revision = revision + 1 WHERE id = $1";
}

/// A workspace's picture as it is kept.
#[derive(Debug, Clone)]
pub struct LogoRecord {
    pub png: Vec<u8>,
    pub sha256: Vec<u8>,
}

/// A picture to be kept.
#[derive(Debug, Clone)]
pub struct NewLogo {
    pub id: LogoId,
    /// At most [`LARGEST`] bytes.
    pub png: Vec<u8>,
    pub sha256: Vec<u8>,
}

/// What a change of the logo was made from: refused where there is another one by now. `None` compares nothing,
/// `Some(None)` expects that there is none.
pub type ExpectedLogo = Option<Option<Vec<u8>>>;

/// Compares, names the workspace in the audit event, and tells what there was before.
async fn before(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    expected: &ExpectedLogo,
) -> Result<Option<Vec<u8>>, Failure> {
    let row = tx.fetch_optional(STATE, values![workspace]).await?.ok_or(Refusal::NotFound)?;
    let found = row.get::<Option<Vec<u8>>>(1)?;
    if expected.as_ref().is_some_and(|expected| *expected != found) {
        return Err(Refusal::PreconditionFailed.into());
    }
    tx.audit_name(row.get::<String>(0)?);
    Ok(found)
}

/// What the audit event says: the hashes of the pictures.
fn difference(before: Option<&[u8]>, after: Option<&[u8]>) -> String {
    let said = |hash: Option<&[u8]>| {
        let text = hash.map(|hash| hash.iter().map(|byte| format!("{byte:02x}")).collect::<String>());
        Detail::default().json("logo", &text.map_or("null".to_owned(), |text| quoted(&text))).finish()
    };
    Detail::default().json("before", &said(before)).json("after", &said(after)).finish()
}

impl Store {
    /// # Errors
    /// A fault.
    pub async fn find_logo(&self, workspace: WorkspaceId) -> Result<Option<LogoRecord>, StorageFault> {
        let row = self.fetch_optional(FIND, values![workspace]).await?;
        row.map(|row| Ok(LogoRecord { png: row.get(0)?, sha256: row.get(1)? })).transpose()
    }

    /// # Errors
    /// `PreconditionFailed`.
    pub async fn change_logo(
        &self,
        permit: Permit<Change>,
        new: NewLogo,
        expected: ExpectedLogo,
    ) -> Result<(), Failure> {
        let workspace = permit.workspace();
        let work: Work<()> = Box::new(move |tx| {
            let (new, expected) = (new.clone(), expected.clone());
            Box::pin(async move {
                let old = before(tx, workspace, &expected).await?;
                tx.audit_detail(difference(old.as_deref(), Some(&new.sha256)));
                tx.execute(CLEAR, values![workspace]).await?;
                tx.execute(INSERT, values![new.id, workspace, new.png, new.sha256]).await?;
                tx.execute(WEAR, values![workspace, new.id]).await?;
                tx.tell(workspace, EventType::Changed, ResourceKind::Workspace, workspace.uuid()).await?;
                Ok(())
            })
        });
        self.write(permit, work).await
    }

    /// Back to the drawn initials. Where there is no logo nothing changes.
    ///
    /// # Errors
    /// `PreconditionFailed`.
    pub async fn remove_logo(&self, permit: Permit<Remove>, expected: ExpectedLogo) -> Result<(), Failure> {
        let workspace = permit.workspace();
        let work: Work<()> = Box::new(move |tx| {
            let expected = expected.clone();
            Box::pin(async move {
                let old = before(tx, workspace, &expected).await?;
                tx.audit_detail(difference(old.as_deref(), None));
                if old.is_none() {
                    return Ok(());
                }
                tx.execute(CLEAR, values![workspace]).await?;
                tx.execute(WEAR, values![workspace, None::<LogoId>]).await?;
                tx.tell(workspace, EventType::Changed, ResourceKind::Workspace, workspace.uuid()).await?;
                Ok(())
            })
        });
        self.write(permit, work).await
    }
}
