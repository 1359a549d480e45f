//! Proposing a permission profile from a sentence: a draft in an owner's dialog, which the owner saves or doesn't.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use stoa_domain::ai::Feature;
use stoa_domain::permission::ai as may;
use stoa_domain::{Action, InstanceId, Permit, ProjectId, Refusal, Secret, ServerId};
use stoa_storage::attempt::Limit;
use stoa_storage::profile::Grantable;

use super::clean::Cleaner;
use super::explain::{Explaining, Telling};
use super::form::{Form, formless};
use super::going::{Going, Spent};
use super::prompt;
use crate::ports::ModelProblem;
use crate::{App, Failure, Fault};

/// Of one owner, so that nobody spends the workspace's money by holding a key down.
const A_MEMBER: Limit = Limit { count: 20, seconds: 600 };
const A_WORKSPACE: Limit = Limit { count: 100, seconds: 3600 };

/// Letters of the sentence.
const LONGEST: usize = 500;
/// Projects, instances and servers that are named, of each.
const MOST: usize = 200;
/// Letters of one name.
const LONGEST_NAME: usize = 100;
/// Words of an answer that are no part of a profile, and letters of each.
const MOST_UNKNOWN: usize = 20;
const LONGEST_UNKNOWN: usize = 60;

/// A profile as a model proposes it: nothing is in it that there isn't.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProposedProfile {
    /// In the order in which the page shows them.
    pub actions: Vec<Action>,
    pub projects: Vec<ProjectId>,
    pub instances: Vec<InstanceId>,
    pub servers: Vec<ServerId>,
    /// What else the model wrote where the profile was to be.
    pub unknown: Vec<String>,
    /// Things that the model wasn't shown, because there are so many; and those that it was, if so: of the others it says
    /// nothing.
    pub not_shown: usize,
    pub shown: Option<Named>,
}

/// What may be named, each by its number.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Named {
    pub projects: Vec<ProjectId>,
    pub instances: Vec<InstanceId>,
    pub servers: Vec<ServerId>,
    not_shown: usize,
}

impl App {
    /// Begins to propose a profile. Whoever sends it on asks again and again whether it may.
    ///
    /// # Errors
    /// `Invalid`; `Conflict` without a provider; `TooManyRequests`; a fault. What the provider refuses comes in the
    /// stream, and so does that its answer can't be read.
    pub async fn propose_profile(
        &self,
        permit: Permit<may::ProposeProfile>,
        sentence: String,
    ) -> Result<Explaining, Failure> {
        let workspace = permit.workspace();
        if sentence.trim().is_empty() {
            return Err(Refusal::invalid("sentence", "required", "Say what somebody is to do here.").into());
        }
        if sentence.chars().count() > LONGEST {
            return Err(Refusal::invalid("sentence", "too_long", "Say it in 500 characters at most.").into());
        }
        let access = self.load_model_access(workspace).await?;
        self.count(format!("ai:profile:member:{}", permit.member()), A_MEMBER).await?;
        self.count(format!("ai:profile:workspace:{workspace}"), A_WORKSPACE).await?;
        let all = self.store().list_grantable(workspace).await?;
        // Whatever an owner may have typed, or a name may hold.
        let mut secrets: Vec<Secret> = access.key.iter().cloned().collect();
        secrets.extend(self.open_secrets_of_workspace(workspace).await?);
        let mark = self.mark();
        let of_prompt = mark.clone();
        let (prompt, named) = tokio::task::spawn_blocking(move || {
            let cleaner = Cleaner::new(&secrets);
            let names = cleaner.text(&listed(&all));
            let sentence = cleaner.text(sentence.trim());
            (prompt::profile(&names, &sentence, &of_prompt), Named::of(all))
        })
        .await
        .map_err(Fault::new)?;
        let spent = Spent::new(self, &permit, Feature::ProposeProfile, &prompt);
        self.store().begin_ai_profile(permit, access.provider).await?;
        let saying = self.outside().models.ask(access, prompt);
        let form = Form::new(prompt::profile_marks(&mark));
        let going = Going::formed(saying, spent, form, move |block| named.read(block).map(Telling::Profile));
        Ok(going.telling())
    }
}

/// The names with their numbers, a line each: `i3 "Staging" (staging)`.
fn listed(all: &Grantable) -> String {
    let mut text = String::new();
    let mut line = |letter: char, at: usize, name: &str, stage: &str| {
        let name: String = name.chars().filter(|one| !one.is_control()).take(LONGEST_NAME).collect();
        // Writing into a text never fails.
        let _ = writeln!(text, "{letter}{} {name:?}{stage}", at + 1);
    };
    for (at, one) in all.projects.iter().take(MOST).enumerate() {
        line('p', at, &one.name, "");
    }
    for (at, (one, stage)) in all.instances.iter().take(MOST).enumerate() {
        line('i', at, &one.name, &format!(" ({})", stage.key()));
    }
    for (at, one) in all.servers.iter().take(MOST).enumerate() {
        line('s', at, &one.name, "");
    }
    text
}

impl Named {
    fn of(all: Grantable) -> Self {
        let over = |count: usize| count.saturating_sub(MOST);
        let not_shown = over(all.projects.len()) + over(all.instances.len()) + over(all.servers.len());
        Self {
            projects: all.projects.into_iter().take(MOST).map(|one| one.id).collect(),
            instances: all.instances.into_iter().take(MOST).map(|(one, _)| one.id).collect(),
            servers: all.servers.into_iter().take(MOST).map(|one| one.id).collect(),
            not_shown,
        }
    }

    /// A line names one permission or one thing. What there isn't is left out, and said.
    fn read(&self, block: &str) -> Result<ProposedProfile, ModelProblem> {
        let shown = (self.not_shown > 0).then(|| self.clone());
        let mut found = ProposedProfile { not_shown: self.not_shown, shown, ..ProposedProfile::default() };
        let (mut actions, mut is_nothing) = (BTreeSet::new(), false);
        for line in block.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("```")) {
            let word = line.trim_start_matches(['-', '*', ' ']).split_whitespace().next().unwrap_or_default();
            let (letter, number) = word.split_at(word.chars().next().map_or(0, char::len_utf8));
            let number = number.parse::<usize>().ok().and_then(|number| number.checked_sub(1));
            let is_known = match (Action::from_key(word), letter, number) {
                (Some(_), ..) => actions.insert(word),
                (None, "p", Some(at)) => add(&mut found.projects, &self.projects, at),
                (None, "i", Some(at)) => add(&mut found.instances, &self.instances, at),
                (None, "s", Some(at)) => add(&mut found.servers, &self.servers, at),
                _ if word == "nothing" => {
                    is_nothing = true;
                    true
                }
                _ => false,
            };
            if !is_known && Action::from_key(word).is_none() && found.unknown.len() < MOST_UNKNOWN {
                found
                    .unknown
                    .push(line.chars().filter(|one| !one.is_control()).take(LONGEST_UNKNOWN).collect());
            }
        }
        found.actions = Action::ALL.into_iter().filter(|action| actions.contains(action.key())).collect();
        let is_empty = found.actions.is_empty()
            && found.projects.is_empty()
            && found.instances.is_empty()
            && found.servers.is_empty();
        // To take everything away it has to say so.
        if is_empty && !is_nothing { Err(formless()) } else { Ok(found) }
    }
}

/// Whether there is such a one; it is added once.
fn add<I: Copy + PartialEq>(found: &mut Vec<I>, all: &[I], at: usize) -> bool {
    let Some(one) = all.get(at) else { return false };
    if !found.contains(one) {
        found.push(*one);
    }
    true
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn named() -> Named {
        let id = |number| uuid::Uuid::from_u128(number);
        Named {
            projects: vec![ProjectId::new(id(1))],
            instances: vec![InstanceId::new(id(2)), InstanceId::new(id(3))],
            servers: vec![ServerId::new(id(4))],
            not_shown: 0,
        }
    }

    #[test]
    fn a_profile_is_read_line_by_line_in_the_order_of_the_page() {
        let found =
            named().read("view_logs\n- i2\nview_projects\np1\ni2 Staging\nview_logs\n\ns1\n").unwrap();
        assert_eq!(found.actions, [Action::ViewProjects, Action::ViewLogs]);
        assert_eq!((found.projects, found.servers), (named().projects, named().servers));
        assert_eq!(found.instances, named().instances[1..]);
        assert!(found.unknown.is_empty());
    }

    #[test]
    fn what_there_isnt_is_left_out_and_said() {
        let block = "view_logs\nfly\ni3\ni0\np-1\nview_log\nVIEW_LOGS\nowner\n\u{7}i1x\nx1\nü1";
        let found = named().read(block).unwrap();
        assert_eq!(found.actions, [Action::ViewLogs]);
        assert!(found.instances.is_empty() && found.projects.is_empty() && found.servers.is_empty());
        let unknown = ["fly", "i3", "i0", "p-1", "view_log", "VIEW_LOGS", "owner", "i1x", "x1", "ü1"];
        assert_eq!(found.unknown, unknown);
        let long = format!("view_logs\n{}", "every single thing that there is ".repeat(90)).repeat(90);
        let found = named().read(&long).unwrap();
        assert!(
            found.unknown.len() <= MOST_UNKNOWN
                && found.unknown.iter().all(|one| one.len() <= LONGEST_UNKNOWN)
        );
    }

    #[test]
    fn nothing_is_taken_away_because_an_answer_is_empty() {
        assert!(named().read("").is_err() && named().read("i9\neverything").is_err());
        assert_eq!(named().read("nothing").unwrap(), ProposedProfile::default());
    }
}
