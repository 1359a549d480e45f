//! *Why?*: the decision about somebody, said in a sentence.

use stoa_domain::permission::member as may;
use stoa_domain::{
    Action, Actor, Because, Credential, Permit, Refusal, Standing, Target, Timestamp, Via, explain,
};
use stoa_storage::profile::{Granted, Wanted};

use crate::{App, Failure};

/// What is asked: an action, a resource, or both.
#[derive(Debug, Clone, Default)]
pub struct Question {
    /// Its key, or `manage`: what owners do.
    pub action: Option<String>,
    pub project: Option<String>,
    pub instance: Option<String>,
    pub server: Option<String>,
}

#[derive(Debug, Clone)]
pub struct Explained {
    pub because: Because,
    pub detail: String,
    /// When what is granted ends, where it does.
    pub until: Option<Timestamp>,
}

impl App {
    /// # Errors
    /// `Invalid` for an unknown action or more than one resource; on oneself `NotFound` for a resource that isn't
    /// allowed.
    pub async fn explain(
        &self,
        permit: Permit<may::Explain>,
        question: Question,
    ) -> Result<Explained, Failure> {
        let workspace = permit.workspace();
        let wanted = self.asked(workspace, &question).await?;
        let member = self.store().load_member(workspace, *permit.target()).await?;
        let actor = Actor {
            account: member.account,
            name: member.name.clone(),
            via: Via::System,
            credential: Credential::Job,
            address: None,
        };
        let action = wanted.action;
        let (because, kind) = if let Some(id) = wanted.project {
            (self.because(&actor, &permit, action, Some(&id)).await?, "project")
        } else if let Some(id) = wanted.instance {
            (self.because(&actor, &permit, action, Some(&id)).await?, "instance")
        } else if let Some(id) = wanted.server {
            (self.because(&actor, &permit, action, Some(&id)).await?, "server")
        } else {
            (self.because::<stoa_domain::InstanceId>(&actor, &permit, action, None).await?, "workspace")
        };
        if because == Because::ResourceNotAllowed && !permit.by_owner() {
            return Err(Refusal::NotFound.into());
        }
        // An owner who looks on as the member is answered as that member is.
        let is_oneself = permit.account() == member.account;
        // Nothing that could be granted would change it: no remedy is told of.
        if because != Because::Owner && wanted.owners_only {
            let what = match action {
                Some(_) => "A production instance is deleted by owners only",
                None => "Owners alone do this",
            };
            let whom = if is_oneself { "you are" } else { &format!("{} is", member.name) };
            let mut detail = format!("{what}, whatever {whom} granted.");
            if !permit.by_owner() {
                detail.push(' ');
                detail.push_str(&whom_to_ask(&self.store().list_owner_names(workspace).await?));
            }
            return Ok(Explained { because: Because::ActionMissing, detail, until: None });
        }
        let until = match because {
            Because::Granted => self.end_of(&permit, &wanted).await?,
            _ => None,
        };
        let mut detail = sentence(because, (!is_oneself).then_some(&member.name), action, kind);
        if let Some(remedy) = self.remedy(because, &permit).await? {
            detail.push(' ');
            detail.push_str(&remedy);
        }
        Ok(Explained { because, detail, until })
    }

    /// What whoever asks can do about it: owners change it, a member asks one of them.
    async fn remedy(
        &self,
        because: Because,
        permit: &Permit<may::Explain>,
    ) -> Result<Option<String>, Failure> {
        Ok(match because {
            Because::ActionMissing if permit.by_owner() => {
                Some("Switch it on under Action Permissions.".to_owned())
            }
            Because::ResourceNotAllowed if permit.by_owner() => {
                Some("Add it under Resource Access.".to_owned())
            }
            Because::ActionMissing | Because::ResourceNotAllowed => {
                Some(whom_to_ask(&self.store().list_owner_names(permit.workspace()).await?))
            }
            Because::Owner | Because::Granted => None,
        })
    }

    async fn because<T: Target>(
        &self,
        actor: &Actor,
        permit: &Permit<may::Explain>,
        action: Option<Action>,
        target: Option<&T>,
    ) -> Result<Because, Failure> {
        let wanted = target.map(Target::resources).unwrap_or_default();
        let access = self.store().find_access(permit.workspace(), actor.account, &wanted).await?;
        let standing =
            access.and_then(|access| Standing::new(actor.clone(), access, None)).ok_or(Refusal::NotFound)?;
        Ok(explain(&standing, action, target))
    }

    /// When the first of the grants that it rests on ends.
    async fn end_of(
        &self,
        permit: &Permit<may::Explain>,
        wanted: &Wanted,
    ) -> Result<Option<Timestamp>, Failure> {
        let profile = self.store().load_profile(permit.workspace(), *permit.target()).await?;
        let rests_on = [
            wanted.action.map(Granted::Action),
            wanted.project.map(Granted::Project),
            wanted.instance.map(Granted::Instance),
            wanted.server.map(Granted::Server),
        ];
        Ok(rests_on.iter().flatten().filter_map(|granted| profile.until.get(granted).copied()).min())
    }
}

/// Of somebody by name, or of whoever asks.
fn sentence(because: Because, name: Option<&String>, action: Option<Action>, kind: &str) -> String {
    let (who, is, has) = match name {
        Some(name) => (name.as_str(), "is", "doesn't have"),
        None => ("You", "are", "don't have"),
    };
    let what = action.map_or("see it".to_owned(), |action| format!("do this ({})", action.label()));
    match because {
        Because::Owner => format!("{who} {is} an owner of the workspace and may do everything in it."),
        Because::Granted if kind == "workspace" => format!("{who} may {what}: the permission is granted."),
        Because::Granted if action.is_none() => format!("{who} may {what}: the {kind} is allowed."),
        Because::Granted => {
            format!("{who} may {what}: the permission is granted and the {kind} is allowed.")
        }
        Because::ActionMissing => {
            let label = action.map_or("", Action::label);
            format!("{who} {has} the permission {label}.")
        }
        Because::ResourceNotAllowed => {
            let whom = name.map_or("you", String::as_str);
            format!("This {kind} isn't among what {whom} {is} allowed.")
        }
    }
}

/// The owners by name, of whom one is enough.
fn whom_to_ask(owners: &[String]) -> String {
    match owners {
        [] => "Ask an owner of the workspace.".to_owned(),
        [one] => format!("Ask {one}, who owns the workspace."),
        [others @ .., last] => format!("Ask an owner of the workspace: {} or {last}.", others.join(", ")),
    }
}
