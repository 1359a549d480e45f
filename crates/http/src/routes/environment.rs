//! The variables of an instance.

use serde::{Deserialize, Serialize};
use serde_json::json;
use stoa_app::instance::environment::{SeenEnvironment, SeenVariable, WantedVariable};
use stoa_domain::Secret;
use stoa_domain::permission::instance as may;
use utoipa::ToSchema;

use crate::answer::{Answer, Object};
use crate::argument::{IfMatch, Json, Uses};
use crate::conditional::{check, etag};
use crate::gate::May;
use crate::router::{Operation, Routes};

pub(super) fn routes(routes: Routes) -> Routes {
    const ONE: &str = "/api/v1/workspaces/{workspace}/instances/{instance}/environment";
    let sample = json!({ "environment": [{ "name": "GREETING", "value": "hello", "secret": false }] });
    routes.get(ONE, view, Operation::new("viewEnvironment", 200, "An instance's variables.").tagged()).put(
        ONE,
        change,
        Operation::new("setEnvironment", 200, "Replaces an instance's variables, whole.")
            .body(sample)
            .tagged(),
    )
}

/// A variable as somebody wants it.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct VariableWish {
    name: String,
    /// `null` keeps the value of a secret one.
    value: Option<String>,
    #[serde(default)]
    secret: bool,
}

impl VariableWish {
    pub(super) fn wanted(self) -> WantedVariable {
        WantedVariable { name: self.name, value: self.value.map(Secret::from_text), is_secret: self.secret }
    }
}

#[derive(Serialize, ToSchema)]
pub(super) struct VariableView {
    name: String,
    /// Always `null` for a secret one.
    value: Option<String>,
    secret: bool,
}

impl VariableView {
    pub(super) fn of(variable: SeenVariable) -> Self {
        Self { name: variable.name, value: variable.value, secret: variable.is_secret }
    }
}

#[derive(Serialize, ToSchema)]
struct EnvironmentView {
    environment: Vec<VariableView>,
    /// Whether what runs was started with other variables.
    restart_needed: bool,
}

fn tag(seen: &SeenEnvironment) -> Result<String, stoa_app::Failure> {
    etag(&("environment", seen.revision))
}

fn answer(seen: SeenEnvironment) -> Answer<Object<EnvironmentView>> {
    let tag = tag(&seen)?;
    let environment = seen.variables.into_iter().map(VariableView::of).collect();
    Ok(Object::ok(EnvironmentView { environment, restart_needed: seen.restart_needed }).tagged(tag).secret())
}

async fn view(May(permit): May<may::ViewEnvironment>, Uses(app): Uses) -> Answer<Object<EnvironmentView>> {
    answer(app.view_environment(permit).await?)
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewEnvironment {
    environment: Vec<VariableWish>,
}

async fn change(
    May(permit): May<may::ChangeEnvironment>,
    Uses(app): Uses,
    IfMatch(wanted): IfMatch,
    Json(wish): Json<NewEnvironment>,
) -> Answer<Object<EnvironmentView>> {
    let expected = match wanted {
        None => None,
        Some(wanted) => {
            let current = app.load_environment_for_change(&permit).await?;
            check(Some(&wanted), &tag(&current)?)?;
            Some(current.revision)
        }
    };
    let wish = wish.environment.into_iter().map(VariableWish::wanted).collect();
    answer(app.change_environment(permit, wish, expected).await?)
}
