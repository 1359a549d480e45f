//! A profile in a few words, as the list of members tells it.

use serde::Serialize;
use stoa_app::member::Summary;
use stoa_app::preset::{SeenPreset, told};
use stoa_domain::Action;
use utoipa::ToSchema;

use crate::openapi::words;
use crate::routes::wire::time;

/// The preset that a profile comes nearest to.
#[derive(Serialize, ToSchema)]
struct ToldPreset {
    name: String,
    /// Whether it differs from that.
    changed: bool,
}

/// What ends first.
#[derive(Serialize, ToSchema)]
struct EndsView {
    #[schema(format = DateTime)]
    at: String,
    /// `action`, `project`, `instance` or `server`.
    #[schema(value_type = words::GrantKind)]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = words::ActionKey, required = false)]
    action: Option<&'static str>,
    /// Whether all that is granted ends at that moment.
    everything: bool,
    /// How many grants have an end, this one among them.
    #[schema(minimum = 1)]
    count: i64,
}

/// What one may do, in a few words; `null` counts are an owner's: not restricted.
#[derive(Serialize, ToSchema)]
pub(super) struct SummaryView {
    #[schema(value_type = Vec<words::ActionKey>)]
    actions: Vec<&'static str>,
    projects: Option<i64>,
    instances: Option<i64>,
    servers: Option<i64>,
    preset: Option<ToldPreset>,
    ends: Option<EndsView>,
}

impl SummaryView {
    /// An owner's.
    pub(super) fn everything() -> Self {
        let actions = Action::ALL.map(Action::key).to_vec();
        Self { actions, projects: None, instances: None, servers: None, preset: None, ends: None }
    }

    pub(super) fn of(summary: &Summary, presets: &[SeenPreset]) -> Self {
        Self {
            // In the order of the switches: the first few are shown.
            actions: summary.actions.iter().map(Action::key).collect(),
            projects: Some(summary.projects),
            instances: Some(summary.instances),
            servers: Some(summary.servers),
            preset: told(summary.actions, presets)
                .map(|told| ToldPreset { name: told.name.to_owned(), changed: told.is_changed }),
            ends: summary.ends.map(|ends| EndsView {
                at: time(ends.at),
                kind: ends.kind,
                action: ends.action.map(Action::key),
                everything: ends.is_everything,
                count: ends.count,
            }),
        }
    }
}
