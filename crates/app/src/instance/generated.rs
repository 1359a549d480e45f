//! Secrets that an application asks to be made: once for each instance, by the first deployment that asks for them. From
//! then on they are its secret variables as any others.

use stoa_domain::branch::CommitId;
use stoa_domain::{InstanceId, ProjectId, Refusal, Secret};
use stoa_storage::job::claim::Claim;
use zeroize::Zeroizing;

use super::environment::WantedVariable;
use crate::ports::Generated;
use crate::{App, Failure};

/// Where an application says it, and how large that may be.
const FILE: &str = "stoa.toml";
const LARGEST: usize = 64 * 1024;

/// One for each six bits of chance. None of them means anything to a shell, in an address or in a file of settings.
const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

impl App {
    /// Makes those that the commit asks for and that aren't set. `false` where the claim has passed to another.
    pub(crate) async fn make_generated(
        &self,
        claim: &Claim,
        instance: InstanceId,
        project: ProjectId,
        commit: &CommitId,
    ) -> Result<bool, Failure> {
        let repositories = &self.outside().repositories;
        let file = repositories.file(project, commit.clone(), FILE.to_owned(), LARGEST).await?;
        let text = file.and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default();
        let asked = self.outside().expectations.generated(&text);
        if asked.is_empty() {
            return Ok(true);
        }
        let there = self.store().list_variables(claim.workspace, instance).await?;
        let is_new = |one: &Generated| there.iter().all(|variable| variable.name != one.name);
        let wanted: Vec<WantedVariable> = asked
            .into_iter()
            .filter(is_new)
            .map(|Generated { name, length }| WantedVariable {
                name,
                value: Some(self.letters(length)),
                is_secret: true,
            })
            .collect();
        if wanted.is_empty() {
            return Ok(true);
        }
        let mut problems = Vec::new();
        let made = self.seal_variables(claim.workspace, instance, wanted, &mut problems).await?;
        if !problems.is_empty() {
            // The deployment says that they aren't set.
            tracing::warn!(?problems, %instance, "what an application asks for can't be made");
            return Ok(true);
        }
        match self.store().add_variables(claim, instance, made).await.map_err(Failure::from) {
            Ok(true) => {
                self.secrets_changed(claim.workspace, instance).await;
                Ok(true)
            }
            Err(Failure::Refused(Refusal::Invalid(problems))) => {
                tracing::warn!(?problems, %instance, "what an application asks for can't be kept");
                Ok(true)
            }
            other => other,
        }
    }

    fn letters(&self, length: usize) -> Secret {
        let mut bytes = Zeroizing::new(vec![0; length]);
        self.outside().rng.fill(&mut bytes);
        for byte in bytes.iter_mut() {
            *byte = LETTERS[usize::from(*byte & 63)];
        }
        Secret::new(bytes.to_vec())
    }
}
