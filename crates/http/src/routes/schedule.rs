//! When an instance is backed up by itself.

use serde::{Deserialize, Serialize};
use serde_json::json;
use stoa_app::backup::schedule::SeenSchedule;
use stoa_domain::Refusal;
use stoa_domain::backup::BackupSchedule;
use stoa_domain::permission::backup as may;
use utoipa::ToSchema;

use super::wire::time;
use crate::answer::{Answer, Object};
use crate::argument::{IfMatch, Json, Uses};
use crate::conditional::{check, etag};
use crate::gate::May;
use crate::router::{Operation, Routes};

pub(super) fn routes(routes: Routes) -> Routes {
    const ONE: &str = "/api/v1/workspaces/{workspace}/instances/{instance}/backup-schedule";
    routes
        .get(
            ONE,
            view,
            Operation::new("viewBackupSchedule", 200, "When an instance is backed up by itself.").tagged(),
        )
        .put(
            ONE,
            change,
            Operation::new(
                "changeBackupSchedule",
                200,
                "Sets when an instance is backed up, and what is kept.",
            )
            .body(json!({
                "schedule": { "at": "02:00", "keep_days": 7, "keep_weeks": 4, "keep_months": 6 }
            }))
            .tagged(),
        )
}

/// Each day at that time, and which of those are kept: the newest of each of so many days, weeks and months.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct BackupPlan {
    /// `02:00`, in UTC.
    #[schema(pattern = "^([01][0-9]|2[0-3]):[0-5][0-9]$")]
    at: String,
    #[schema(minimum = 1, maximum = 366)]
    keep_days: i64,
    #[schema(minimum = 0, maximum = 104)]
    keep_weeks: i64,
    #[schema(minimum = 0, maximum = 60)]
    keep_months: i64,
}

#[derive(Serialize, ToSchema)]
struct BackupScheduleView {
    /// `null`: by hand alone.
    schedule: Option<BackupPlan>,
    #[schema(format = DateTime)]
    next_at: Option<String>,
    /// Whether the caller may change it.
    may_change: bool,
}

impl BackupPlan {
    pub(super) fn of(schedule: BackupSchedule) -> Self {
        Self {
            at: format!("{:02}:{:02}", schedule.at_minute / 60, schedule.at_minute % 60),
            keep_days: schedule.keep_days,
            keep_weeks: schedule.keep_weeks,
            keep_months: schedule.keep_months,
        }
    }

    /// # Errors
    /// `Invalid`, where the time isn't one. `field`: what it stands in.
    pub(super) fn wanted(self, field: &str) -> Result<BackupSchedule, Refusal> {
        let wrong =
            || Refusal::invalid(&format!("{field}.at"), "invalid", "A time of the day is written as 02:00.");
        Ok(BackupSchedule {
            at_minute: minute(&self.at).ok_or_else(wrong)?,
            keep_days: self.keep_days,
            keep_weeks: self.keep_weeks,
            keep_months: self.keep_months,
        })
    }
}

impl BackupScheduleView {
    fn of(seen: SeenSchedule) -> Self {
        Self {
            schedule: seen.schedule.map(|record| BackupPlan::of(record.schedule)),
            next_at: seen.schedule.map(|record| time(record.next_at)),
            may_change: seen.may_change,
        }
    }
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct BackupScheduleWish {
    /// `null`: by hand alone.
    schedule: Option<BackupPlan>,
}

/// `02:00` as minutes after midnight.
fn minute(text: &str) -> Option<i64> {
    let (hours, minutes) = text.split_once(':')?;
    let number = |text: &str, below: i64| {
        let is_two = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse::<i64>().ok().filter(|number| is_two && *number < below)
    };
    Some(number(hours, 24)? * 60 + number(minutes, 60)?)
}

fn tag(revision: i64) -> Result<String, stoa_app::Failure> {
    etag(&("backup-schedule", revision))
}

fn answer(seen: SeenSchedule) -> Answer<Object<BackupScheduleView>> {
    let tag = tag(seen.revision)?;
    Ok(Object::ok(BackupScheduleView::of(seen)).tagged(tag))
}

async fn view(May(permit): May<may::ViewSchedule>, Uses(app): Uses) -> Answer<Object<BackupScheduleView>> {
    answer(app.view_backup_schedule(permit).await?)
}

async fn change(
    May(permit): May<may::ChangeSchedule>,
    Uses(app): Uses,
    IfMatch(named): IfMatch,
    Json(wish): Json<BackupScheduleWish>,
) -> Answer<Object<BackupScheduleView>> {
    let expected = match named {
        None => None,
        Some(named) => {
            let revision = app.load_schedule_revision(&permit).await?;
            check(Some(&named), &tag(revision)?)?;
            Some(revision)
        }
    };
    let wanted = wish.schedule.map(|plan| plan.wanted("schedule")).transpose()?;
    answer(app.change_backup_schedule(permit, wanted, expected).await?)
}

#[cfg(test)]
mod tests {
    use super::minute;

    #[test]
    fn a_time_of_the_day_has_one_form() {
        assert_eq!((minute("00:00"), minute("02:05"), minute("23:59")), (Some(0), Some(125), Some(1439)));
        for wrong in ["2:00", "24:00", "12:60", "+1:00", "12", "", "12:00:00", "-1:00"] {
            assert_eq!(minute(wrong), None, "{wrong}");
        }
    }
}
