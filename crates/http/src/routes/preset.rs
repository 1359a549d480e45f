//! Presets: sets of action permissions under a name, to fill profiles in with.

use serde::{Deserialize, Serialize};
use serde_json::json;
use stoa_app::Failure;
use stoa_app::preset::{ChangePreset, CreatePreset, PresetRecord, SeenPreset};
use stoa_domain::Action;
use stoa_domain::permission::preset as may;
use utoipa::ToSchema;

use crate::answer::{Answer, Done, Object, Page};
use crate::argument::{IfMatch, Json, Uses};
use crate::conditional::{Revised, etag, expected};
use crate::gate::May;
use crate::openapi::words;
use crate::router::{Operation, Routes};

pub(super) fn routes(routes: Routes) -> Routes {
    const ALL: &str = "/api/v1/workspaces/{workspace}/presets";
    const ONE: &str = "/api/v1/workspaces/{workspace}/presets/{preset}";
    routes
        .get(
            ALL,
            list,
            Operation::new("listPresets", 200, "The four built-in presets, then the workspace's own."),
        )
        .post(
            ALL,
            create,
            Operation::new("createPreset", 201, "Makes a preset.")
                .body(json!({ "name": "{unique}", "actions": ["view_logs"] }))
                .tagged()
                .refuses(&["conflict"]),
        )
        .get(ONE, view, Operation::new("viewPreset", 200, "A preset of the workspace's own.").tagged())
        .patch(
            ONE,
            change,
            Operation::new("changePreset", 200, "Renames a preset, or changes its actions.")
                .body(json!({ "name": "{unique}" }))
                .tagged()
                .refuses(&["conflict"]),
        )
        .delete(
            ONE,
            delete,
            Operation::new("deletePreset", 204, "Deletes a preset. Profiles stay as they are."),
        )
}

#[derive(Serialize, ToSchema)]
struct PresetView {
    /// A built-in one's key, or an id.
    id: String,
    name: String,
    /// For whom a built-in one is meant.
    sentence: Option<&'static str>,
    /// One that every workspace has: it can't be changed.
    built_in: bool,
    #[schema(value_type = Vec<words::ActionKey>)]
    actions: Vec<&'static str>,
}

impl PresetView {
    fn of(preset: SeenPreset) -> Self {
        let mut actions: Vec<_> = preset.actions.iter().map(Action::key).collect();
        actions.sort_unstable();
        Self {
            id: preset.id,
            name: preset.name,
            sentence: preset.sentence,
            built_in: preset.is_built_in,
            actions,
        }
    }
}

impl Revised for PresetRecord {
    type Revision = Self;

    fn tag(&self) -> Result<String, Failure> {
        Ok(tagged(self.clone().into())?.1)
    }

    fn revision(self) -> Self {
        self
    }
}

fn tagged(preset: SeenPreset) -> Result<(PresetView, String), Failure> {
    let view = PresetView::of(preset);
    let tag = etag(&view)?;
    Ok((view, tag))
}

async fn list(May(permit): May<may::List>, Uses(app): Uses) -> Answer<Object<Page<PresetView>>> {
    let presets = app.list_presets(permit).await?;
    Ok(Object::ok(Page { items: presets.into_iter().map(PresetView::of).collect(), next: None }))
}

async fn view(May(permit): May<may::View>, Uses(app): Uses) -> Answer<Object<PresetView>> {
    let (view, tag) = tagged(app.view_preset(permit).await?.into())?;
    Ok(Object::ok(view).tagged(tag))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewPreset {
    name: String,
    #[schema(value_type = Vec<words::ActionKey>)]
    actions: Vec<String>,
}

async fn create(
    May(permit): May<may::Create>,
    Uses(app): Uses,
    Json(new): Json<NewPreset>,
) -> Answer<Object<PresetView>> {
    let made = app.create_preset(permit, CreatePreset { name: new.name, actions: new.actions }).await?;
    let (view, tag) = tagged(made.into())?;
    Ok(Object::created(view).tagged(tag))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PresetChange {
    name: Option<String>,
    #[schema(value_type = Option<Vec<words::ActionKey>>)]
    actions: Option<Vec<String>>,
}

async fn change(
    May(permit): May<may::Change>,
    Uses(app): Uses,
    IfMatch(wanted): IfMatch,
    Json(wish): Json<PresetChange>,
) -> Answer<Object<PresetView>> {
    let expected = expected(wanted, app.load_preset(&permit)).await?;
    let wish = ChangePreset { name: wish.name, actions: wish.actions };
    let (view, tag) = tagged(app.change_preset(permit, wish, expected).await?.into())?;
    Ok(Object::ok(view).tagged(tag))
}

async fn delete(May(permit): May<may::Delete>, Uses(app): Uses, IfMatch(wanted): IfMatch) -> Answer<Done> {
    let expected = expected(wanted, app.load_preset(&permit)).await?;
    app.delete_preset(permit, expected).await?;
    Ok(Done(None))
}
