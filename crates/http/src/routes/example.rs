//! Examples, and putting one online.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::json;
use stoa_app::example::{DeployExample, SeenExample};
use stoa_domain::permission::example as may;
use utoipa::ToSchema;

use super::instance::{InstanceView, accepted};
use super::shared::{Blocked, abilities};
use crate::answer::{Answer, Object, Page};
use crate::argument::{Again, Json, Uses};
use crate::gate::May;
use crate::openapi::words;
use crate::router::{Operation, Routes};

pub(super) fn routes(routes: Routes) -> Routes {
    const ALL: &str = "/api/v1/workspaces/{workspace}/examples";
    routes
        .get(
            ALL,
            list,
            Operation::new("listExamples", 200, "Applications that come along, and whether a server has what they need."),
        )
        .post(
            ALL,
            deploy,
            Operation::new(
                "deployExample",
                202,
                "Makes a project of an example and an instance, which begins with deploying it: both or neither.",
            )
            .body(json!({ "example": "site" }))
            .tagged()
            .refuses(&["administrator_required", "conflict", "no_sandbox", "server_away", "server_lacks", "slug_taken"]),
        )
}

/// Something that a server has to have.
#[derive(Serialize, ToSchema)]
struct NeedView {
    name: &'static str,
    /// `null` while the server can't be asked.
    is_there: Option<bool>,
    /// What is missing, and what to install.
    missing: Option<String>,
}

/// An application that comes along.
#[derive(Serialize, ToSchema)]
struct ExampleView {
    #[schema(value_type = words::ExampleKey)]
    key: &'static str,
    name: &'static str,
    /// What it is, in one sentence.
    about: &'static str,
    made_of: &'static str,
    needs: Vec<NeedView>,
    #[schema(value_type = Vec<words::MayVerb>)]
    may: Vec<&'static str>,
    blocked: BTreeMap<&'static str, Blocked>,
}

impl ExampleView {
    fn of(seen: SeenExample) -> Self {
        let (may, blocked) = abilities(seen.abilities);
        let need = |need: stoa_app::example::SeenNeed| NeedView {
            name: need.name,
            is_there: need.is_there,
            missing: need.missing,
        };
        Self {
            key: seen.example.key,
            name: seen.example.name,
            about: seen.example.about,
            made_of: seen.example.made_of,
            needs: seen.needs.into_iter().map(need).collect(),
            may,
            blocked,
        }
    }
}

async fn list(
    May(permit): May<may::List>,
    Uses(app): Uses,
    Again(asked): Again,
) -> Answer<Object<Page<ExampleView>>> {
    let found = app.list_examples(permit, &asked.account).await?;
    Ok(Object::ok(Page { items: found.into_iter().map(ExampleView::of).collect(), next: None }))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ExampleWish {
    #[schema(value_type = words::ExampleKey)]
    example: String,
    /// The id or the slug of a server. Where nothing is said, the one on Stoa's own machine, which is added where it isn't one
    /// of the workspace yet: for that one has to be an administrator.
    server: Option<String>,
}

async fn deploy(
    May(permit): May<may::Deploy>,
    Uses(app): Uses,
    Again(asked): Again,
    Json(wish): Json<ExampleWish>,
) -> Answer<Object<InstanceView>> {
    let workspace = permit.workspace();
    let wish = DeployExample { example: wish.example, server: wish.server };
    accepted(app.deploy_example(permit, (&asked.account, &asked.path), wish).await?, workspace)
}
