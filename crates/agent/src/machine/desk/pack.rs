//! The pack of a push: the one thing of a desk's git that is read outside of it. Whoever takes it checks it whole.

use bytes::Bytes;
use futures_util::Stream;
use stoa_domain::branch::{BranchName, CommitId};

use super::DeskOf;
use super::inside::{cut_off, git_words};
use crate::init::{DeskRequest, RunProgram};
use crate::machine::Agent;
use crate::machine::operation::Refused;
use crate::protocol::piece::{self, Piece};

/// Seconds that making one may take.
const SECONDS: u64 = 600;

/// A commit with all that the branch it is pushed to doesn't have.
pub(crate) struct Pack<S> {
    pub commit: CommitId,
    pub bytes: S,
}

impl Agent {
    /// Has a pack made of a branch, for where that stands elsewhere.
    ///
    /// # Errors
    /// `Changed` where the branch doesn't have what stands elsewhere; `Conflict` where it has nothing more, or where the
    /// desk has no such branch.
    pub(crate) async fn desk_pack(
        &self,
        of: DeskOf,
        branch: &BranchName,
        have: Option<&CommitId>,
    ) -> Result<Pack<impl Stream<Item = std::io::Result<Bytes>> + Send + use<>>, Refused> {
        let inside = self.inside(of)?;
        let name = format!("refs/heads/{branch}^{{commit}}");
        let found = inside.git(&["rev-parse", "--verify", "--quiet", &name]).await?;
        let commit = CommitId::parse(found.text().trim()).filter(|_| found.succeeded());
        let commit = commit.ok_or_else(|| {
            Refused::Conflict(format!(
                "The working copy has no branch {branch} any more. In a terminal, git switch -c {branch} makes it anew of \
                 what is there."
            ))
        })?;
        if have == Some(&commit) {
            return Err(Refused::Conflict("There is nothing to push: commit first.".to_owned()));
        }
        let mut wanted = format!("{commit}\n");
        if let Some(have) = have {
            let words = ["merge-base", "--is-ancestor", &have.to_string(), &commit.to_string()];
            if !inside.git(&words).await?.succeeded() {
                return Err(Refused::File(crate::files::FileError::Changed));
            }
            wanted.push_str(&format!("^{have}\n"));
        }
        let words = ["pack-objects", "--quiet", "--revs", "--thin", "--delta-base-offset", "--stdout"];
        let program = RunProgram { command: git_words(&words), environment: Vec::new(), seconds: SECONDS };
        let (reader, mut write) = inside.ask(&DeskRequest::Run(program)).await?;
        piece::write(&mut write, &Piece::Bytes(Bytes::from(wanted.into_bytes()))).await.map_err(cut_off)?;
        piece::write(&mut write, &Piece::End).await.map_err(cut_off)?;
        let bytes = futures_util::stream::unfold(Some((reader, write)), |ends| async move {
            let (mut reader, write) = ends?;
            loop {
                return match reader.next().await {
                    Ok(Some(Piece::Bytes(bytes))) => Some((Ok(bytes), Some((reader, write)))),
                    Ok(Some(Piece::Ended(0))) => None,
                    Ok(Some(Piece::Ended(_) | Piece::Refused(_)) | None) => Some((Err(broken()), None)),
                    Ok(Some(_)) => continue,
                    Err(error) => Some((Err(error), None)),
                };
            }
        });
        Ok(Pack { commit, bytes })
    }
}

fn broken() -> std::io::Error {
    std::io::Error::other("the pack broke off")
}
