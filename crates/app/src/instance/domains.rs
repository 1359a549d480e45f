//! Domains of instances: whether the DNS holds their proofs. One serves only while it does.

use std::time::Duration;

use futures_util::StreamExt as _;
use stoa_domain::certificate::Leads;
use stoa_domain::permission::settings as may;
use stoa_domain::settings::DomainName;
use stoa_domain::{Permit, Refusal};
use stoa_storage::attempt::Limit;
use stoa_storage::instance::settings::domains::{DomainToCheck, Look};
use tokio_util::sync::CancellationToken;

pub use stoa_storage::instance::settings::domains::DomainRecord;

use crate::certificate::CertificateState;
use crate::ports::Texts;
use crate::{App, Failure};

/// Looks that members ask for, of one instance.
const ASKED: Limit = Limit { count: 30, seconds: 60 };

/// How often it is asked whose time has come.
const ROUNDS: Duration = Duration::from_secs(10);

/// Looks of one round, and of those the ones of one workspace.
const OF_ROUND: i64 = 64;
const OF_WORKSPACE: i64 = 4;
/// Looks at once.
const AT_ONCE: usize = 16;

const NO_ANSWER: &str = "The DNS didn't answer. It is asked again in a while.";

impl App {
    /// Looks now for the proof of a domain.
    ///
    /// # Errors
    /// `TooManyRequests`, `NotFound`, or a fault.
    pub async fn check_domain(
        &self,
        permit: Permit<may::CheckDomain>,
    ) -> Result<(DomainRecord, Vec<CertificateState>), Failure> {
        let (workspace, target) = (permit.workspace(), permit.target().clone());
        let bucket = format!("domain:instance:{}", target.instance);
        if let Some(retry_after) = self.store().count_attempt(bucket, ASKED).await? {
            return Err(Refusal::TooManyRequests { retry_after }.into());
        }
        let host = target.domain.as_str();
        let domain = self.store().load_domain(workspace, target.instance, host).await?;
        let look = self.look_for_proof(&domain).await;
        let pointing = self.where_it_leads(host, domain.given.as_deref()).await;
        let leads = pointing.leads;
        self.store().note_asked_look(permit, domain, look, pointing).await?;
        if leads == Leads::Here {
            self.store().try_certificate_soon(host).await?;
        }
        let all = self.store().list_domains(workspace, target.instance).await?;
        let found = all.into_iter().find(|one| one.host == host).ok_or(Refusal::NotFound)?;
        Ok((found, self.certificate_states(workspace, target.instance).await?))
    }

    /// Looks for the proofs whose time has come. To be called again and again; doing it twice does no harm.
    ///
    /// # Errors
    /// A fault.
    pub async fn check_due_domains(&self) -> Result<(), Failure> {
        let due = self.store().list_due_domains(OF_WORKSPACE, OF_ROUND).await?;
        futures_util::stream::iter(due)
            .for_each_concurrent(AT_ONCE, |domain| async move {
                let look = self.look_for_proof(&domain).await;
                let host = domain.host.clone();
                let pointing = self.where_it_leads(&host, domain.given.as_deref()).await;
                // One that can't be written down keeps the others from nothing.
                if let Err(failure) = self.store().note_look(domain, look, pointing).await {
                    tracing::warn!(?failure, host, "what the DNS says of a domain wasn't written down");
                }
            })
            .await;
        Ok(())
    }

    /// Looks for proofs, until `stop`.
    pub async fn run_domains(&self, stop: CancellationToken) {
        loop {
            if let Err(failure) = self.check_due_domains().await {
                tracing::warn!(?failure, "domains' proofs can't be looked for");
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(ROUNDS) => {}
            }
        }
    }

    async fn look_for_proof(&self, domain: &DomainToCheck) -> Look {
        let Ok(name) = DomainName::parse(&domain.host) else {
            return Look::Missing("This isn't a name that can be looked up.".to_owned());
        };
        let name = name.proof_name();
        match self.outside().names.texts(name.clone()).await {
            Texts::Found(texts) if texts.iter().any(|text| text.trim() == domain.proof) => Look::Found,
            Texts::Found(texts) if texts.is_empty() => {
                Look::Missing(format!("{name} has no TXT record yet."))
            }
            Texts::Found(_) => Look::Missing(format!("{name} has a TXT record, but none with the proof.")),
            Texts::NoAnswer => Look::NoAnswer(NO_ANSWER.to_owned()),
        }
    }
}
