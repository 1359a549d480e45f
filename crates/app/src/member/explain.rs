//! *Why?*: the decision about somebody, said in a sentence.

use stoa_domain::permission::member as may;
use stoa_domain::{Action, Actor, Because, Credential, Permit, Refusal, Standing, Target, Via, explain};

use crate::{App, Failure};

/// What is asked: an action, a resource, or both.
#[derive(Debug, Clone, Default)]
pub struct Question {
    pub action: Option<String>,
    pub project: Option<String>,
    pub instance: Option<String>,
    pub server: Option<String>,
}

#[derive(Debug, Clone)]
pub struct Explained {
    pub because: Because,
    pub detail: String,
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
        let action = match &question.action {
            None => None,
            Some(key) => Some(Action::from_key(key).ok_or_else(|| {
                Refusal::invalid("action", "unknown", format!("There is no action permission {key:?}."))
            })?),
        };
        let named = [&question.project, &question.instance, &question.server];
        if named.iter().filter(|word| word.is_some()).count() > 1 {
            return Err(Refusal::invalid("instance", "too_many", "Ask about one resource at a time.").into());
        }
        let workspace = permit.workspace();
        let member = self.store().load_member(workspace, *permit.target()).await?;
        let actor = Actor {
            account: member.account,
            name: member.name.clone(),
            via: Via::System,
            credential: Credential::Job,
            address: None,
        };
        let (because, name) = if let Some(word) = &question.project {
            let id = self.store().find_project_id(workspace, word).await?.ok_or(Refusal::NotFound)?;
            (self.because(&actor, &permit, action, Some(&id)).await?, "project")
        } else if let Some(word) = &question.instance {
            let id = self.store().find_instance_id(workspace, word).await?.ok_or(Refusal::NotFound)?;
            (self.because(&actor, &permit, action, Some(&id)).await?, "instance")
        } else if let Some(word) = &question.server {
            let id = self.store().find_server_id(workspace, word).await?.ok_or(Refusal::NotFound)?;
            (self.because(&actor, &permit, action, Some(&id)).await?, "server")
        } else {
            (self.because::<stoa_domain::InstanceId>(&actor, &permit, action, None).await?, "workspace")
        };
        if because == Because::ResourceNotAllowed && !permit.by_owner() {
            return Err(Refusal::NotFound.into());
        }
        Ok(Explained { because, detail: sentence(because, &member.name, action, name) })
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
}

fn sentence(because: Because, name: &str, action: Option<Action>, kind: &str) -> String {
    let what = action.map_or("see it".to_owned(), |action| format!("do this ({})", action.label()));
    match because {
        Because::Owner => format!("{name} is an owner of the workspace and may do everything in it."),
        Because::Granted => {
            format!("{name} may {what}: the permission is granted and the {kind} is allowed.")
        }
        Because::ActionMissing => {
            let label = action.map_or("", Action::label);
            format!("{name} doesn't have the permission {label}. Switch it on under Action Permissions.")
        }
        Because::ResourceNotAllowed => {
            format!("This {kind} isn't among what {name} is allowed. Add it under Resource Access.")
        }
    }
}
