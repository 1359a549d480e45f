//! Describing a merge before it is done, to whoever may do it.

use std::fmt::Write as _;

use stoa_domain::ai::Feature;
use stoa_domain::permission::ai as may;
use stoa_domain::{AccountStanding, ProjectId, Refusal, Secret, WorkspaceId};
use stoa_storage::attempt::Limit;

use super::clean::Cleaner;
use super::explain::Explaining;
use super::going::{Going, Spent};
use super::prompt;
use crate::authority::PathWords;
use crate::ports::Review;
use crate::project::merge::{Names, refusal};
use crate::{App, Failure, Fault};

/// Of one member, so that nobody spends the workspace's money by holding a key down.
const A_MEMBER: Limit = Limit { count: 20, seconds: 600 };
const A_WORKSPACE: Limit = Limit { count: 300, seconds: 3600 };

/// Bytes of the difference that are read to choose from, and letters of all that leaves of it.
const MOST_BYTES: usize = 512 * 1024;
const BUDGET: usize = 24_000;
/// Letters of one file that leave at least, while there is room.
const A_FILE: usize = 1_200;
/// Letters of a line: what is longer wasn't written by a person.
const LONGEST: usize = 400;
/// Instances of the project whose secrets are looked for.
const MOST_INSTANCES: usize = 500;

impl App {
    /// Begins to describe what a merge would change and what is risky about it. Whoever sends it on asks again and again
    /// whether it may.
    ///
    /// # Errors
    /// As a preview of the merge; `Conflict` without a provider; `TooManyRequests`; a fault. What the provider refuses
    /// comes in the stream.
    pub async fn describe_merge(
        &self,
        account: &AccountStanding,
        path: &PathWords,
        names: Names,
    ) -> Result<Explaining, Failure> {
        let permit = self.permit_target::<may::DescribeMerge>(account, path, &names.target).await?;
        let (workspace, project) = (permit.workspace(), permit.target().project);
        let access = self.load_model_access(workspace).await?;
        let ends = self.ends(project, &names).await?;
        self.count(format!("ai:merge:member:{}", permit.member()), A_MEMBER).await?;
        self.count(format!("ai:merge:workspace:{workspace}"), A_WORKSPACE).await?;
        let repositories = &self.outside().repositories;
        let place = self.merge_place(account.actor.account).await?;
        let review = repositories.review(project, ends.source.clone(), ends.target.clone()).await?;
        if let Some(refusal) = refusal(&review.merging) {
            return Err(refusal.into());
        }
        if review.commits.is_empty() {
            let sentence = "The target has all of it already, so there is nothing to describe.";
            return Err(Refusal::invalid("source", "empty", sentence).into());
        }
        let mut patch = repositories.patch(project, ends.source, ends.target, MOST_BYTES).await?;
        if patch.len() >= MOST_BYTES {
            // It was cut, perhaps within a secret: what was cut goes whole.
            patch.truncate(patch.rfind("\ndiff --git ").unwrap_or(0));
        }
        drop(place);
        let mut secrets: Vec<_> = access.key.iter().cloned().collect();
        secrets.extend(self.secrets_of(workspace, project).await?);
        let mark = self.mark();
        let of_prompt = mark.clone();
        // Searching a long text for pieces of secrets takes a while: other requests don't wait for it.
        let prompt = tokio::task::spawn_blocking(move || {
            let cleaner = Cleaner::new(&secrets);
            // Cleaned whole and then cut: what is cut first could hide a secret's half.
            let about = cleaner.text(&about(&names, &review));
            let patch = choose(&cleaner.text(&patch));
            prompt::describe(&about, &patch, &of_prompt)
        })
        .await
        .map_err(Fault::new)?;
        let spent = Spent::new(self, &permit, Feature::DescribeMerge, &prompt);
        let name = self
            .store()
            .load_project(workspace, project, permit.sees_everything(), permit.member())
            .await?
            .name;
        self.store().begin_ai_description(permit, access.provider, name).await?;
        let saying = self.outside().models.ask(access, prompt);
        Ok(Going::new(saying, Vec::new(), None, spent).telling())
    }

    /// Secret variables of all instances of the project: whoever committed one needn't be who asks.
    async fn secrets_of(&self, workspace: WorkspaceId, project: ProjectId) -> Result<Vec<Secret>, Failure> {
        let mut secrets = Vec::new();
        let instances = self.store().list_instances_of(workspace, project).await?;
        if instances.len() > MOST_INSTANCES {
            return Err(Fault::new("a project has more instances than secrets are looked for in").into());
        }
        for instance in instances {
            secrets.extend(self.open_secret_variables(workspace, instance).await?);
        }
        Ok(secrets)
    }
}

/// What is merged, in numbers and names.
fn about(names: &Names, review: &Review) -> String {
    let mut text = format!(
        "The branch {} is about to be merged into {}: {} commits, {} files, {} lines added and {} removed.\n",
        names.source,
        names.target,
        review.commit_count,
        review.files.count,
        review.files.added,
        review.files.removed
    );
    if let stoa_domain::change::Merging::Conflicts(conflicts) = &review.merging {
        let paths: Vec<&str> = conflicts.files.iter().take(20).map(|file| file.path.as_str()).collect();
        // Writing into a text never fails.
        let _ = writeln!(text, "It has conflicts in {} files: {}.", conflicts.count, paths.join(", "));
    }
    text.push_str("\nCommits, newest first:\n");
    for commit in &review.commits {
        let subject: String = commit.subject.chars().take(LONGEST).collect();
        let _ = writeln!(text, "- {subject}");
    }
    text.push_str("\nFiles:\n");
    for file in review.files.files.iter().take(100) {
        let (added, removed) = file.lines.unwrap_or_default();
        let _ = writeln!(text, "- {} ({}, +{added} -{removed})", file.path, file.change.key());
    }
    text
}

/// Of each file its beginning, so that no long one keeps the others out.
fn choose(patch: &str) -> String {
    let mut files: Vec<String> = Vec::new();
    for line in patch.lines() {
        if line.starts_with("diff --git ") || files.is_empty() {
            files.push(String::new());
        }
        let Some(file) = files.last_mut() else { continue };
        let short: String = line.chars().take(LONGEST).collect();
        let _ = writeln!(file, "{short}{}", if short.len() < line.len() { "…" } else { "" });
    }
    let share = (BUDGET / files.len().max(1)).max(A_FILE);
    let (mut text, mut left_out) = (String::new(), 0);
    for file in &files {
        let room = share.min(BUDGET.saturating_sub(text.len()));
        if room < A_FILE.min(file.len()) {
            left_out += 1;
            continue;
        }
        let mut taken = 0;
        for line in file.lines() {
            if taken + line.len() + 1 > room {
                text.push_str("… the rest of this file is left out here\n");
                break;
            }
            taken += line.len() + 1;
            text.push_str(line);
            text.push('\n');
        }
    }
    if left_out > 0 {
        let _ = writeln!(text, "… {left_out} files are left out here");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_long_difference_every_file_has_its_beginning() {
        let file = |name: &str, lines: usize| {
            let body: String = (0..lines).map(|number| format!("+line {number} of {name}\n")).collect();
            format!("diff --git a/{name} b/{name}\n--- a/{name}\n+++ b/{name}\n@@ -0,0 +1 @@\n{body}")
        };
        let patch = format!("{}{}{}", file("long", 20_000), file("short", 3), "");
        let chosen = choose(&patch);
        assert!(chosen.contains("+line 0 of long") && chosen.contains("+line 2 of short"), "{chosen}");
        assert!(chosen.contains("the rest of this file is left out"));
        assert!(chosen.len() < BUDGET + 1_000);
        let many: String = (0..400).map(|number| file(&format!("f{number}"), 60)).collect();
        let chosen = choose(&many);
        assert!(chosen.contains("files are left out here") && chosen.len() < BUDGET + 2_000);
        assert_eq!(choose(""), "");
    }
}
