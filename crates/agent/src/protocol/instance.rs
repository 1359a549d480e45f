//! Instances: the form that is wanted of one, and how it is.

use serde::de::Error as _;
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use stoa_domain::Secret;
use uuid::Uuid;

/// The whole wanted form. It has no `Debug`: its variables are secret.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PutInstance {
    pub project: Uuid,
    /// The operating system's number, where the agent can give each instance its own.
    pub os_user: u32,
    pub variables: Vec<Variable>,
    /// Names of those that are secret: their values stand in no log.
    #[serde(default)]
    pub secrets: Vec<String>,
    pub wish: Wish,
    /// What every process is told of where it is.
    pub slug: String,
    pub project_slug: String,
    pub workspace_slug: String,
    pub stage: String,
    pub url: String,
    /// The host name by which its health is asked.
    pub host: String,
    /// What it may use, where that isn't what is usual.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limits: Option<WantedLimits>,
    /// How it is asked whether it is well, where that isn't left to the application.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub health: Option<WantedHealth>,
}

/// What an instance may use. What isn't said is as usual.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WantedLimits {
    /// Bytes of all its processes together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<u64>,
    /// Thousandths of one processor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub processor: Option<u64>,
    /// Processes and threads at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub processes: Option<u64>,
    /// Bytes of data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disk: Option<u64>,
}

/// The fields of `[health]`, all of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WantedHealth {
    pub path: String,
    pub status: Vec<String>,
    pub start_seconds: u64,
    pub every_seconds: u64,
    pub failures: u32,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Variable {
    pub name: String,
    pub value: SecretText,
}

/// A value on its way to the machine: the one place where a secret is serialised.
pub struct SecretText(pub Secret);

impl Serialize for SecretText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let text = self.0.reveal_text().ok_or_else(|| S::Error::custom("a value that isn't text"))?;
        serializer.serialize_str(text)
    }
}

impl<'de> Deserialize<'de> for SecretText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // What is said where it isn't a text must not repeat it.
        let text =
            String::deserialize(deserializer).map_err(|_| D::Error::custom("a value that isn't text"))?;
        Ok(Self(Secret::from_text(text)))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wish {
    Running,
    Stopped,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InstanceState {
    Running,
    /// It restarts or switches, and is back in a moment.
    Waiting,
    Starting,
    Stopped,
    Failed,
}

/// An instance as the machine sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InstanceView {
    pub id: Uuid,
    pub state: InstanceState,
    /// Why it failed, or was stopped where nobody wished that.
    pub sentence: Option<String>,
    /// What runs.
    pub release: Option<Uuid>,
    /// The number of process 1 of its sandbox.
    pub process: Option<i32>,
    /// Microseconds of UTC: since when it is in this state.
    pub since: i64,
    /// The highest that was seen.
    pub fence: i64,
    /// Changes with what answers to visitors.
    #[serde(default)]
    pub generation: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InstancesView {
    pub instances: Vec<InstanceView>,
}
