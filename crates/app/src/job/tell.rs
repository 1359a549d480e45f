//! A mail of a deployment, a backup or a restore that failed, to owners and to whoever began it, if they want one.

use stoa_domain::Secret;
use stoa_domain::instance::InstanceStatus;
use stoa_domain::job::JobKind;
use stoa_storage::attempt::Limit;
use stoa_storage::job::claim::Claim;
use stoa_storage::job::tell::FailedDeployment;

use crate::mail::{Button, Look, Words, framed};
use crate::{App, Failure};

/// Mails of failures to one account, at most: what fails again and again is told of often enough.
const MOST: Limit = Limit { count: 20, seconds: 3600 };

/// What failed, in a sentence about an instance, and the tab on which more stands.
fn what(kind: JobKind) -> Option<(&'static str, &'static str)> {
    match kind {
        JobKind::Deploy => Some(("couldn't be deployed", "deployments")),
        JobKind::Backup => Some(("couldn't be backed up", "backups")),
        JobKind::Restore => Some(("couldn't be restored", "backups")),
        _ => None,
    }
}

const WHY: &str = "You get such mails because your account says so. Change it under Account, Profile.";

const LAST: &str = "So much has failed within an hour that this is the last of these mails until it is over. What fails \
    meanwhile stands on the page.";

const GOES_ON: &str = "The release before it goes on running.";

/// What it was, and whose.
fn was_to_be(deployment: &FailedDeployment) -> String {
    let commit = deployment.commit.get(..7).unwrap_or(&deployment.commit);
    let of = deployment.author.as_ref().map_or_else(String::new, |author| format!(", begun by {author}"));
    format!("It was commit {commit} of the branch {}{of}.", deployment.branch)
}

impl App {
    /// Tells them. That it can't be told changes nothing about the work.
    pub(crate) async fn tell_of_failure(&self, claim: &Claim, sentence: &str) {
        if let Err(failure) = self.try_to_tell(claim, sentence).await {
            tracing::warn!(?failure, job = %claim.job.id, "nobody is told by mail of work that failed");
        }
    }

    async fn try_to_tell(&self, claim: &Claim, sentence: &str) -> Result<(), Failure> {
        let (Some((failed, tab)), Some(instance), true) =
            (what(claim.job.kind), claim.job.instance, self.sends_mail())
        else {
            return Ok(());
        };
        let Some(place) = self.store().find_failed_where(claim.workspace, instance, claim.job.id).await?
        else {
            return Ok(());
        };
        let title = format!("{} {failed}", place.instance);
        let (root, workspace, slug) =
            (&self.settings().public_url, &place.workspace_slug, &place.instance_slug);
        let mut link = format!("{root}/{workspace}/instances/{slug}/{tab}");
        // The one that failed, with its log: a later one may stand above it in the list.
        let mut paragraphs = vec![sentence.to_owned()];
        if let (JobKind::Deploy, Some(deployment)) = (claim.job.kind, &place.deployment) {
            link = format!("{link}/{}", deployment.id);
            paragraphs.push(was_to_be(deployment));
            if place.status == InstanceStatus::Running {
                paragraphs.push(GOES_ON.to_owned());
            }
        }
        for (account, email) in
            self.store().list_told_of_failures(claim.workspace, instance, claim.job.account).await?
        {
            let bucket = format!("failure:account:{account}");
            if self.store().count_attempt(bucket.clone(), MOST).await?.is_some() {
                tracing::info!(%account, job = %claim.job.id, "one failure more of which nobody is told by mail");
                continue;
            }
            let is_last = self.store().attempts_exhausted(&bucket, MOST).await?.is_some();
            let last = is_last.then(|| LAST.to_owned());
            let words = Words {
                subject: format!("{title} – {}", place.workspace),
                title: title.clone(),
                paragraphs: paragraphs.clone(),
                button: Some(Button {
                    words: format!("Open {}", place.instance),
                    link: Secret::from_text(link.clone()),
                }),
                notes: last.into_iter().chain([WHY.to_owned()]).collect(),
                ..Words::default()
            };
            let letter = framed(&email, Look::stoa(), &words)?;
            let mail = self.seal_letter(None, "failure", &letter).await?;
            self.store().queue_failure_mail(claim, account, mail).await?;
        }
        Ok(())
    }
}
