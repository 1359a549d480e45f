//! Asking for certificates: when a host begins to serve, and before its certificate ends. A host is asked for once the
//! DNS leads it here, by one process at a time, after a failure not before a pause, and never oftener than an authority
//! bears.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::future::BoxFuture;
use stoa_domain::Secret;
use stoa_domain::certificate::{CertificateKind, Leads, Trouble, pause, renew_at};
use stoa_storage::certificate::CertificateScope;
use stoa_storage::certificate::tries::{
    Begun, ClaimedCertificate, DueCertificate, FailedCertificate, IssuedCertificate,
};
use tokio_util::sync::CancellationToken;

use super::{Certificates, IssueProblem, Issued, KeepsForAuthority, place};
use crate::pointing::sentence;
use crate::{App, Failure};

/// How often it is looked which are due.
const ROUNDS: Duration = Duration::from_secs(5);

/// Hosts that are asked for at once; of those, the ones of one workspace.
const AT_ONCE: usize = 4;
const OF_WORKSPACE: i64 = 2;
const OF_ROUND: i64 = 32;

/// Seconds for which an answer to a challenge is there.
const CHALLENGE_SECONDS: i64 = 600;

/// What is kept for one host, on the way.
struct Keeps {
    app: App,
    host: String,
    directory: String,
}

impl KeepsForAuthority for Keeps {
    fn account(&self, credentials: Secret) -> BoxFuture<'_, Result<(), IssueProblem>> {
        Box::pin(async move {
            let not_kept = |failure: Failure| {
                tracing::warn!(?failure, "the account at the certificate authority can't be kept");
                IssueProblem::away("the account at the certificate authority can't be kept")
            };
            let of_account = place("acme_accounts", "credentials", &self.directory);
            let sealed =
                self.app.seal_alone(&of_account, &credentials).map_err(|fault| not_kept(fault.into()))?;
            let kept = self.app.store().keep_acme_account(self.directory.clone(), sealed).await;
            kept.map_err(|failure| not_kept(failure.into()))
        })
    }

    fn challenge(&self, token: String, answer: String) -> BoxFuture<'_, Result<(), IssueProblem>> {
        Box::pin(async move {
            let until = self.app.store().now().plus_seconds(CHALLENGE_SECONDS);
            let kept = self.app.store().keep_challenge(self.host.clone(), token, answer, until).await;
            kept.map_err(|failure| {
                tracing::warn!(?failure, "an answer to a certificate authority can't be kept");
                IssueProblem::away("the proof that the host leads here can't be kept")
            })
        })
    }
}

impl App {
    /// Asks for what is due, until `stop`; nothing where no authority is configured.
    pub async fn run_certificates(&self, scope: CertificateScope, stop: CancellationToken) {
        if self.outside().certificates.is_none() {
            return;
        }
        // Nobody else has these records, so what is held is held by nobody.
        if self.store().is_sqlite()
            && let Err(failure) = self.store().free_certificates().await
        {
            tracing::warn!(?failure, "certificates that were being asked for wait for their time");
        }
        loop {
            let round = async {
                if let Err(failure) = self.issue_due(&scope).await {
                    tracing::warn!(?failure, "certificates can't be looked after");
                }
                tokio::time::sleep(ROUNDS).await;
            };
            tokio::select! {
                () = stop.cancelled() => return,
                () = round => {}
            }
        }
    }

    /// # Errors
    /// A fault.
    pub async fn issue_due(&self, scope: &CertificateScope) -> Result<(), Failure> {
        let Some(authority) = self.outside().certificates.clone() else { return Ok(()) };
        self.store().want_certificates(scope, authority.directory()).await?;
        let due = self.store().list_due_certificates(scope, OF_WORKSPACE, OF_ROUND).await?;
        futures_util::stream::iter(due)
            .for_each_concurrent(AT_ONCE, |due| async {
                let host = due.host.clone();
                // One that can't be written down keeps the others from nothing.
                if let Err(failure) = self.try_one(authority.as_ref(), due).await {
                    tracing::warn!(?failure, host, "a certificate can't be looked after");
                }
            })
            .await;
        Ok(())
    }

    async fn try_one(&self, authority: &dyn Certificates, due: DueCertificate) -> Result<(), Failure> {
        let Some(claimed) = self.store().claim_certificate(due).await? else { return Ok(()) };
        if claimed.due.kind == CertificateKind::Own {
            let pointing = self.where_it_leads(&claimed.due.host, claimed.due.given.as_deref()).await;
            if matches!(pointing.leads, Leads::Elsewhere | Leads::Nowhere) {
                let words = sentence(&claimed.due.host, &pointing).unwrap_or_default();
                return self.note(&claimed, Trouble::Dns, words, None).await;
            }
        }
        let id = match self.store().begin_certificate_try(&claimed).await? {
            Begun::Gone => return Ok(self.store().release_certificate(&claimed).await?),
            Begun::UsedUp(used) => {
                let words =
                    format!("no more than {} {}, so that there is room for others", used.most, used.what);
                return self.note(&claimed, Trouble::Waits, words, Some(used.span / 24)).await;
            }
            Begun::Try(id) => id,
        };
        let host = claimed.due.host.clone();
        let directory = authority.directory().to_owned();
        let account = match self.store().find_acme_account(&directory).await? {
            Some(sealed) => {
                Some(self.open_alone(&place("acme_accounts", "credentials", &directory), &sealed)?)
            }
            None => None,
        };
        let keeps = Keeps { app: self.clone(), host: host.clone(), directory: directory.clone() };
        match authority.issue(host.clone(), account, Arc::new(keeps)).await {
            Ok(issued) => self.take(&claimed, id, directory, issued).await,
            Err(problem) => {
                tracing::warn!(host, trouble = problem.trouble.key(), problem.detail, "no certificate");
                if problem.is_account_unknown {
                    self.store().forget_acme_account(directory).await?;
                }
                self.note(&claimed, problem.trouble, problem.detail, problem.retry_after).await
            }
        }
    }

    async fn take(
        &self,
        claimed: &ClaimedCertificate,
        id: uuid::Uuid,
        directory: String,
        issued: Issued,
    ) -> Result<(), Failure> {
        let host = &claimed.due.host;
        let private_key = self.seal_alone(&place("certificates", "private_key", host), &issued.key)?;
        let renew_at = renew_at(self.store().now(), issued.begins_at, issued.ends_at);
        let Issued { chain, ends_at, .. } = issued;
        let issued = IssuedCertificate { chain, private_key, directory, ends_at, renew_at };
        if self.store().certificate_issued(claimed, id, issued).await? {
            tracing::info!(host, "a certificate was issued");
        } else {
            tracing::info!(host, "a certificate was issued for a host that is gone");
        }
        Ok(())
    }

    async fn note(
        &self,
        claimed: &ClaimedCertificate,
        trouble: Trouble,
        problem: String,
        told: Option<i64>,
    ) -> Result<(), Failure> {
        let now = self.store().now();
        // Whoever wasn't asked has refused nothing.
        let was_asked = !matches!(trouble, Trouble::Dns | Trouble::Waits);
        let failures = claimed.failures.saturating_add(i64::from(was_asked));
        let wait = pause(trouble, failures, now.seconds_since(claimed.wanted_at), told);
        let failed = FailedCertificate { trouble, problem, failures, next_at: now.plus_seconds(wait) };
        Ok(self.store().certificate_failed(claimed, failed).await?)
    }
}
