//! Host names given to instances.

use crate::ids::InstanceId;
use crate::slug::Slug;

/// The first label of an instance's host: `<instance>-<workspace>` where that is at most 63 letters, else cut.
#[must_use]
pub fn label(instance: &Slug, workspace: &Slug) -> Option<String> {
    let label = format!("{instance}-{workspace}");
    // Nor one that reads like the host of somebody who connects as a user.
    (label.len() <= 63 && !crate::connect_as::is_label(&label)).then_some(label)
}

/// The label for when the plain one is taken or too long: cut, and ended with `-` and four letters of the id.
#[must_use]
pub fn label_with_letters(instance: &Slug, workspace: &Slug, id: InstanceId) -> String {
    // The last bytes of a UUIDv7 are random; the first are the time.
    let letters: String =
        id.uuid().as_bytes().iter().rev().take(4).map(|byte| char::from(b'a' + byte % 26)).collect();
    let mut stem = format!("{instance}-{workspace}");
    stem.truncate(58);
    format!("{}-{letters}", stem.trim_end_matches('-'))
}

/// The one form in which hosts are compared: lower case, no port, no final dot.
#[must_use]
pub fn normal(host: &str) -> String {
    let without_port = if host.starts_with('[') {
        host.split_once(']').map_or(host, |(address, _)| address.trim_start_matches('['))
    } else {
        host.rsplit_once(':').map_or(host, |(name, _)| name)
    };
    without_port.trim_end_matches('.').to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_label_is_cut_and_ended_with_letters_of_the_id() {
        let (instance, workspace) =
            match (Slug::of_resource(&"a".repeat(40)), Slug::of_workspace(&"b".repeat(40))) {
                (Ok(instance), Ok(workspace)) => (instance, workspace),
                other => unreachable!("{other:?}"),
            };
        assert_eq!(label(&instance, &workspace), None);
        let id = InstanceId::new(uuid::Uuid::from_u128(0x0189_0a5d_ac96_774b_bcce_b302_099a_8057));
        let cut = label_with_letters(&instance, &workspace, id);
        assert!(cut.len() <= 63 && cut.starts_with("aaaa") && cut.as_bytes()[cut.len() - 5] == b'-', "{cut}");
    }

    #[test]
    fn hosts_are_compared_in_one_form() {
        assert_eq!(normal("Shop.Localhost.:8080"), "shop.localhost");
        assert_eq!(normal("[::1]:8080"), "::1");
        assert_eq!(normal("localhost"), "localhost");
    }
}
