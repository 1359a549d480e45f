//! Killed at each step of a deletion: afterwards the instance is wholly gone, and its last backup is what it was.

use serde_json::{Value, json};

use super::databases::lacks_postgresql;
use super::shop::Ground;
use crate::support::owners::{groups_of, until_all_is_owned, until_quiet};
use crate::support::tracer::{Call, Moment};
use crate::support::until;

/// Which of an instance's data it is known by.
const NOTE: &str = "note-of-the-instance";

fn at(call: Call, name: &str, is_done: bool) -> Moment {
    Moment::at(call, &[name], is_done)
}

/// Where a deletion is cut off, and of what kind it is.
struct Cut<'w> {
    step: &'w str,
    moment: Moment,
    /// Whether a last backup is made.
    is_backed_up: bool,
    /// Whether somebody has a desk there.
    has_desk: bool,
}

impl Ground {
    /// Backups whose instance is deleted, of that one.
    fn last_backups(&self, instance: &str) -> Vec<Value> {
        let all = self.get("/backups?deleted=true&limit=200")["items"].as_array().unwrap().clone();
        all.into_iter().filter(|one| one["instance"]["id"] == instance).collect()
    }

    fn a_deletion_is_cut_off(&mut self, slug: &str, cut: Cut<'_>) {
        let (instance, step) = (self.id(slug), cut.step);
        let path = format!("/instances/{slug}");
        if cut.has_desk {
            let opened = self.asking().ask("POST", &format!("{path}/desk"), None);
            let _ = opened.unwrap().expect(200);
        }
        let name = self.get(&path)["name"].as_str().unwrap().to_owned();
        let body = json!({ "confirm": name, "backup": cut.is_backed_up }).to_string();
        self.cut_off_by("DELETE", step, cut.moment, &path, &body);
        self.stoa.run();
        until_quiet(&self.stoa);
        let _ = self.asking().ask("GET", &path, None).unwrap().expect(404);
        until_all_is_owned(&self.stoa);
        // The records don't name it any more, and whoever looks for what nobody owns looks for what they name.
        until(&format!("{step}: its control groups to be gone"), || {
            groups_of(&instance).is_empty().then_some(())
        });
        let last = self.last_backups(&instance);
        assert_eq!(last.len(), usize::from(cut.is_backed_up), "{step}: {last:?}");
        let Some(last) = last.first() else { return };
        assert_eq!(last["status"], "ready", "{step}");
        let id = last["id"].as_str().unwrap();
        let snapshots = self.restic(&instance, id, &["snapshots", "--json"]);
        let snapshots: Value = serde_json::from_str(&snapshots).unwrap();
        let tags: Vec<&Value> = snapshots.as_array().unwrap().iter().map(|one| &one["tags"][0]).collect();
        assert_eq!(tags, [&json!(format!("backup={id}"))], "{step}");
        let kept = self.restic(&instance, id, &["dump", "latest", &format!("/data/{NOTE}")]);
        assert_eq!(kept, slug, "{step}: what it had is in its last backup");
        let locks = self.stoa.data().join("agent/backups").join(&instance).join("locks");
        assert_eq!(std::fs::read_dir(locks).unwrap().count(), 0, "{step}");
    }

    /// An instance that has something to lose.
    fn to_be_deleted(&self, name: &str) -> String {
        let slug = name.to_lowercase();
        self.create(name, "main");
        // It may run a moment before its deployment is over, and whoever is busy isn't deleted.
        until_quiet(&self.stoa);
        let data = self.stoa.data().join("agent/data").join(self.id(&slug));
        std::fs::write(data.join(NOTE), &slug).unwrap();
        slug
    }
}

#[test]
fn a_deletion_that_is_cut_off_at_any_step_is_done_wholly_and_its_last_backup_is_whole() {
    let mut ground = Ground::new("Shop");
    let kept = || at(Call::Rename, "/operations/", true);
    let form = |id: &str, is_done| at(Call::Remove, &format!("/instances/{id}"), is_done);
    type Makes<'m> = &'m dyn Fn(&str) -> Moment;
    let steps: [(&str, Makes<'_>, bool, bool); 9] = [
        ("the last backup, its end", &|id| at(Call::Remove, &format!("/copies/{id}"), false), true, false),
        ("stop", &|id| at(Call::Remove, &format!("/run/{id}/"), false).after(kept()), true, false),
        ("end desks", &|id| at(Call::Remove, &format!("/desks/{id}"), false), true, true),
        ("remove folders, in the data", &|_| at(Call::Remove, NOTE, true), true, false),
        ("remove folders, without a last backup", &|_| at(Call::Remove, NOTE, true), false, false),
        ("remove folders, their end", &|id| at(Call::Remove, &format!("/current/{id}"), false), false, false),
        ("form", &|id| form(id, false), false, false),
        ("form, its end", &|id| form(id, true), false, false),
        ("the end", &|id| at(Call::Rename, "/operations/", false).after(form(id, true)), true, false),
    ];
    for (number, (step, moment, is_backed_up, has_desk)) in steps.into_iter().enumerate() {
        let slug = ground.to_be_deleted(&format!("Gone{number}"));
        let moment = moment(&ground.id(&slug));
        ground.a_deletion_is_cut_off(&slug, Cut { step, moment, is_backed_up, has_desk });
    }
    assert!(ground.visit("shop").is_some(), "the other goes on");
}

#[test]
fn a_deletion_that_is_cut_off_at_its_database_leaves_none() {
    if lacks_postgresql() {
        return;
    }
    let mut ground = Ground::with_database();
    let made = ground.made_by_all();
    let steps = [("drop database", Call::Open, "/desks/"), ("dropped", Call::Remove, "/databases/")];
    for (number, (step, call, folder)) in steps.into_iter().enumerate() {
        let slug = ground.to_be_deleted(&format!("Gone{number}"));
        assert_ne!(ground.made_by_all(), made, "it has one");
        let moment = at(call, &format!("{folder}{}", ground.id(&slug)), false);
        ground.a_deletion_is_cut_off(&slug, Cut { step, moment, is_backed_up: true, has_desk: false });
        assert_eq!(ground.made_by_all(), made, "{step}");
    }
}
