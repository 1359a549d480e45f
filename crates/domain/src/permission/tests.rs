//! How permissions are called.

use super::*;

#[test]
fn keys_have_the_form_of_the_api() {
    assert_eq!(instance::Restart::key(), "restart_instances@instance");
    assert_eq!(server::View::key(), "member@server");
    assert_eq!(project::List::key(), "view_projects@workspace");
    assert_eq!(member::Remove::key(), "owner@member");
    assert_eq!(job::Cancel::key(), "started@job");
    assert_eq!(ide::Push::key(), "use_ide@instance+instances");
    assert_eq!(workspace::View::key(), "member");
}

#[test]
fn every_operation_has_a_name_of_its_own() {
    let mut names: Vec<_> = all().into_iter().map(|(name, ..)| name).collect();
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count);
}
