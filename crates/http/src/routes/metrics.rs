//! How much was used when: of a server's machine, and by an instance.

use serde::{Deserialize, Serialize};
use stoa_app::ports::{Figures, InstanceMetrics, MachineMetrics, Most};
use stoa_domain::Refusal;
use stoa_domain::metrics::MetricsRange;
use stoa_domain::permission::{instance, server};
use utoipa::ToSchema;

use super::wire::time;
use crate::answer::{Answer, Object};
use crate::argument::{Query, Uses};
use crate::gate::May;
use crate::openapi::words;
use crate::router::{Operation, Routes};

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .get(
            "/api/v1/workspaces/{workspace}/servers/{server}/metrics",
            of_server,
            Operation::new(
                "viewServerMetrics",
                200,
                "How much of a server's machine was used, of all that runs on it.",
            )
            .query("range=hour")
            .refuses(&["server_away"]),
        )
        .get(
            "/api/v1/workspaces/{workspace}/instances/{instance}/metrics",
            of_instance,
            Operation::new("viewInstanceMetrics", 200, "How much an instance used and was asked.")
                .query("range=hour")
                .refuses(&["server_away"]),
        )
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct MetricsQuery {
    /// Up to now; `day` where it isn't said.
    #[schema(value_type = Option<words::MetricsRange>)]
    range: Option<String>,
}

impl MetricsQuery {
    fn read(&self) -> Result<MetricsRange, Refusal> {
        let wrong = || Refusal::invalid("range", "invalid", "A range is hour, day or week.");
        self.range
            .as_deref()
            .map_or(Ok(MetricsRange::Day), |key| MetricsRange::from_key(key).ok_or_else(wrong))
    }
}

/// Figures follow each other, one for each `step` from `from` on; `null` where nothing was measured.
#[derive(Serialize, ToSchema)]
struct ServerMetricsView {
    #[schema(value_type = words::MetricsRange)]
    range: &'static str,
    /// Seconds that one figure stands for.
    step: u32,
    #[schema(format = DateTime)]
    from: String,
    /// Percent of all processors.
    processor: Vec<Option<f64>>,
    /// Bytes.
    memory: Vec<Option<u64>>,
    disk: Vec<Option<u64>>,
    /// Bytes in a second.
    received: Vec<Option<u64>>,
    sent: Vec<Option<u64>>,
    /// How much there is.
    processors: u32,
    whole_memory: u64,
    whole_disk: u64,
}

/// Figures follow each other, one for each `step` from `from` on; `null` where nothing was measured, or nothing ran.
#[derive(Serialize, ToSchema)]
struct InstanceMetricsView {
    #[schema(value_type = words::MetricsRange)]
    range: &'static str,
    /// Seconds that one figure stands for.
    step: u32,
    #[schema(format = DateTime)]
    from: String,
    /// Percent of one processor.
    processor: Vec<Option<f64>>,
    /// Bytes that its processes have for themselves.
    memory: Vec<Option<u64>>,
    /// Bytes of its data.
    disk: Vec<Option<u64>>,
    /// In a minute: requests of visitors, and those answered with 500 or more, by whomever.
    requests: Vec<Option<f64>>,
    errors: Vec<Option<f64>>,
    /// What it may use; `null` before its server has heard of it.
    most: Option<MostView>,
}

#[derive(Serialize, ToSchema)]
struct MostView {
    /// Percent of one processor; `null`: all that there is.
    processor: Option<f64>,
    /// Bytes.
    memory: u64,
    disk: u64,
}

/// Each times so much, and by so much.
fn scaled(figure: u64, times: u32, by: u32) -> f64 {
    // More than that isn't measured of anything.
    f64::from(u32::try_from(figure).unwrap_or(u32::MAX)) * f64::from(times) / f64::from(by)
}

fn all_scaled(figures: Figures, times: u32, by: u32) -> Vec<Option<f64>> {
    figures.into_iter().map(|figure| Some(scaled(figure?, times, by))).collect()
}

impl ServerMetricsView {
    fn of(range: MetricsRange, found: MachineMetrics) -> Self {
        Self {
            range: range.key(),
            step: range.step_seconds(),
            from: time(found.from),
            processor: all_scaled(found.processor, 1, 100),
            memory: found.memory,
            disk: found.disk,
            received: found.received,
            sent: found.sent,
            processors: found.processors,
            whole_memory: found.whole_memory,
            whole_disk: found.whole_disk,
        }
    }
}

impl InstanceMetricsView {
    fn of(range: MetricsRange, found: InstanceMetrics) -> Self {
        let most = found.most.map(|Most { processor, memory, disk }| MostView {
            processor: processor.map(|thousandths| scaled(thousandths, 1, 10)),
            memory,
            disk,
        });
        Self {
            range: range.key(),
            step: range.step_seconds(),
            from: time(found.from),
            processor: all_scaled(found.processor, 1, 10),
            memory: found.memory,
            disk: found.disk,
            requests: all_scaled(found.requests, 60, 1000),
            errors: all_scaled(found.errors, 60, 1000),
            most,
        }
    }
}

async fn of_server(
    May(permit): May<server::ViewMetrics>,
    Uses(app): Uses,
    Query(query): Query<MetricsQuery>,
) -> Answer<Object<ServerMetricsView>> {
    let range = query.read()?;
    Ok(Object::ok(ServerMetricsView::of(range, app.view_server_metrics(permit, range).await?)))
}

async fn of_instance(
    May(permit): May<instance::ViewMetrics>,
    Uses(app): Uses,
    Query(query): Query<MetricsQuery>,
) -> Answer<Object<InstanceMetricsView>> {
    let range = query.read()?;
    Ok(Object::ok(InstanceMetricsView::of(range, app.view_instance_metrics(permit, range).await?)))
}
