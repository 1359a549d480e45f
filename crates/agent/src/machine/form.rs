//! The wanted form of an instance, and how it is kept on disk.

use std::io;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use stoa_domain::{InstanceId, ProjectId, Secret};

use super::sealing::Key;
use crate::folders::{Folders, write_whole};
use crate::protocol::{WantedHealth, WantedLimits};
use crate::sandbox::Limits;
use crate::stoa_toml::Health;

/// The wanted form of an instance.
#[derive(Clone)]
pub(crate) struct Form {
    pub instance: InstanceId,
    pub project: ProjectId,
    pub os_user: u32,
    pub variables: Vec<(String, Secret)>,
    /// Names of those that stand in no log.
    pub secrets: Vec<String>,
    pub wish_running: bool,
    pub instance_slug: String,
    pub project_slug: String,
    pub workspace_slug: String,
    pub stage: String,
    pub url: String,
    pub host: String,
    pub limits: WantedLimits,
    /// `None`: as the application says.
    pub health: Option<WantedHealth>,
}

/// Bytes of data that an instance may have where nothing else is set.
const USUAL_DATA: u64 = 20 << 30;

impl Form {
    /// What its sandbox may use.
    pub fn sandbox_limits(&self) -> Limits {
        let usual = Limits::default();
        Limits {
            memory: self.limits.memory.unwrap_or(usual.memory),
            processes: self.limits.processes.unwrap_or(usual.processes),
            processor: self.limits.processor,
            temporary: usual.temporary,
        }
    }

    /// Whether it reaches no mail server. Nobody but the control plane gives a variable of this name: what its
    /// application is told and what its sandbox keeps to are one.
    pub fn is_mail_off(&self) -> bool {
        self.variables.iter().any(|(name, value)| name == "STOA_MAIL" && value.reveal() == b"off")
    }

    /// Bytes of data that it may have.
    pub fn most_data(&self) -> u64 {
        self.limits.disk.unwrap_or(USUAL_DATA)
    }

    /// How it is asked whether it is well.
    pub fn health(&self, own: &Health) -> Health {
        let Some(set) = &self.health else { return own.clone() };
        Health {
            path: set.path.clone(),
            status: set.status.clone(),
            start_time: Duration::from_secs(set.start_seconds),
            every: Duration::from_secs(set.every_seconds),
            failures: set.failures,
        }
    }
}

impl PartialEq for Form {
    fn eq(&self, other: &Self) -> bool {
        let told = |form: &Self| {
            let names = [&form.instance_slug, &form.project_slug, &form.workspace_slug, &form.stage];
            let names = names.map(Clone::clone);
            (form.project, form.os_user, form.wish_running, names, form.url.clone(), form.host.clone())
        };
        let is_same_variable =
            |((name, value), (other, other_value)): (&(String, Secret), &(String, Secret))| {
                name == other && value.reveal() == other_value.reveal()
            };
        self.instance == other.instance
            && self.secrets == other.secrets
            && told(self) == told(other)
            && self.limits == other.limits
            && self.health == other.health
            && self.variables.len() == other.variables.len()
            && self.variables.iter().zip(&other.variables).all(is_same_variable)
    }
}

impl Form {
    /// What its logs are without.
    pub fn secret_values(&self) -> Vec<Secret> {
        let is_secret = |(name, _): &&(String, Secret)| self.secrets.contains(name);
        self.variables.iter().filter(is_secret).map(|(_, value)| value.clone()).collect()
    }
}

/// As it stands in a file: the variables sealed.
#[derive(Serialize, Deserialize)]
struct Kept {
    instance: String,
    project: String,
    os_user: u32,
    variables: Vec<u8>,
    #[serde(default)]
    secrets: Vec<String>,
    wish_running: bool,
    instance_slug: String,
    project_slug: String,
    workspace_slug: String,
    stage: String,
    url: String,
    host: String,
    #[serde(default)]
    limits: WantedLimits,
    #[serde(default)]
    health: Option<WantedHealth>,
    fence: i64,
}

fn bad(what: impl std::fmt::Display) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("a kept form: {what}"))
}

pub(super) fn save(form: &Form, fence: i64, folders: &Folders, key: &Key) -> io::Result<()> {
    let open: Vec<(&str, &str)> = form
        .variables
        .iter()
        .map(|(name, value)| (name.as_str(), value.reveal_text().unwrap_or_default()))
        .collect();
    let text = zeroize::Zeroizing::new(serde_json::to_vec(&open)?);
    let kept = Kept {
        instance: form.instance.to_string(),
        project: form.project.to_string(),
        os_user: form.os_user,
        variables: key.seal(&form.instance.to_string(), &text)?,
        secrets: form.secrets.clone(),
        wish_running: form.wish_running,
        instance_slug: form.instance_slug.clone(),
        project_slug: form.project_slug.clone(),
        workspace_slug: form.workspace_slug.clone(),
        stage: form.stage.clone(),
        url: form.url.clone(),
        host: form.host.clone(),
        limits: form.limits,
        health: form.health.clone(),
        fence,
    };
    write_whole(&folders.form(form.instance), &serde_json::to_vec(&kept)?)
}

/// All forms that are kept, with their fences.
pub(super) fn load_all(folders: &Folders, key: &Key) -> io::Result<Vec<(Form, i64)>> {
    let mut forms = Vec::new();
    for entry in std::fs::read_dir(folders.forms())? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "json") {
            forms.push(load(&std::fs::read(&path)?, key)?);
        }
    }
    Ok(forms)
}

fn load(bytes: &[u8], key: &Key) -> io::Result<(Form, i64)> {
    let kept: Kept = serde_json::from_slice(bytes)?;
    let text = key.open(&kept.instance, &kept.variables)?;
    let variables: Vec<(String, String)> = serde_json::from_slice(&text)?;
    let form = Form {
        instance: kept.instance.parse().map_err(|_| bad("its id"))?,
        project: kept.project.parse().map_err(|_| bad("its project"))?,
        os_user: kept.os_user,
        variables: variables.into_iter().map(|(name, value)| (name, Secret::from_text(value))).collect(),
        secrets: kept.secrets,
        wish_running: kept.wish_running,
        instance_slug: kept.instance_slug,
        project_slug: kept.project_slug,
        workspace_slug: kept.workspace_slug,
        stage: kept.stage,
        url: kept.url,
        host: kept.host,
        limits: kept.limits,
        health: kept.health,
    };
    Ok((form, kept.fence))
}
