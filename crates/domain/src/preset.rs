//! Presets: sets of actions under a name, by which a profile is filled in and told.

use crate::action::{Action, ActionSet};

macro_rules! built_in {
    ($($variant:ident $key:literal $name:literal $sentence:literal [$($action:ident),*];)*) => {
        /// The presets that every workspace has.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum BuiltIn { $($variant),* }

        impl BuiltIn {
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The name in the API.
            #[must_use]
            pub const fn key(self) -> &'static str {
                match self { $(Self::$variant => $key),* }
            }

            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),* }
            }

            /// For whom it is meant.
            #[must_use]
            pub const fn sentence(self) -> &'static str {
                match self { $(Self::$variant => $sentence),* }
            }

            #[must_use]
            pub fn actions(self) -> ActionSet {
                match self { $(Self::$variant => [$(Action::$action),*].into_iter().collect()),* }
            }
        }
    };
}

built_in! {
    Developer "developer" "Developer" "Writes the code: merges and restarts, reads logs, works in the Web IDE."
        [ViewProjects, RestartInstances, ConnectAsUser, MergeBranches, StopInstances, ViewLogs, UseIde];
    Tester "tester" "Tester" "Tries things out: restarts instances, looks at them as their users do, reads logs."
        [ViewProjects, RestartInstances, ConnectAsUser, ViewLogs];
    Support "support" "Support" "Helps the application's users: sees what they see, and reads logs."
        [ConnectAsUser, ViewLogs];
    Client "client" "Client" "Watches how things go: sees projects and opens instances, changes nothing."
        [ViewProjects];
}

/// Switches by which a profile may differ from a preset and still be told by its name.
const MOST_CHANGED: u32 = 2;

/// How a set of actions is told: the preset that it is, or the one that it comes nearest to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told<'p> {
    pub name: &'p str,
    /// Whether it differs from the preset.
    pub is_changed: bool,
}

/// By which preset a set of actions is told. Of those alike near, the first; nothing where none is near: a difference of
/// two switches at most, and more alike than unlike.
#[must_use]
pub fn tell<'p>(
    actions: ActionSet,
    presets: impl IntoIterator<Item = (&'p str, ActionSet)>,
) -> Option<Told<'p>> {
    let mut nearest: Option<(u32, &'p str)> = None;
    for (name, preset) in presets {
        let (different, alike) = (preset.difference(actions).len(), preset.intersection(actions).len());
        let is_near = different == 0 || (different <= MOST_CHANGED && alike > different);
        if is_near && nearest.is_none_or(|(least, _)| different < least) {
            nearest = Some((different, name));
        }
    }
    nearest.filter(|_| !actions.is_empty()).map(|(different, name)| Told { name, is_changed: different > 0 })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(actions: ActionSet) -> Option<(&'static str, bool)> {
        let presets = BuiltIn::ALL.iter().map(|preset| (preset.name(), preset.actions()));
        tell(actions, presets).map(|told| (told.name, told.is_changed))
    }

    #[test]
    fn a_profile_is_told_by_its_preset_and_by_the_nearest_one() {
        for preset in BuiltIn::ALL {
            assert_eq!(told(preset.actions()), Some((preset.name(), false)));
        }
        assert_eq!(told(BuiltIn::Tester.actions().with(Action::StopInstances)), Some(("Tester", true)));
        assert_eq!(told(ActionSet::EMPTY), None);
        assert_eq!(told(ActionSet::ALL), None, "three switches are more than a change");
        assert_eq!(told(ActionSet::EMPTY.with(Action::ManageSettings)), None);
    }

    #[test]
    fn no_two_built_in_presets_are_alike() {
        for (at, one) in BuiltIn::ALL.iter().enumerate() {
            for other in &BuiltIn::ALL[at + 1..] {
                assert!(one.actions() != other.actions() && one.name() != other.name());
            }
        }
    }
}
