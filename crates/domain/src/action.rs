//! The ten action permissions, and sets of them.

use std::fmt;

macro_rules! actions {
    ($($variant:ident $key:literal $label:literal $sentence:literal $implies:literal),* $(,)?) => {
        /// One of the ten switches of a permission profile.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Action { $($variant),* }

        impl Action {
            /// All ten, in the order in which the page shows them.
            pub const ALL: [Self; 10] = [$(Self::$variant),*];

            /// The name in the API.
            #[must_use]
            pub const fn key(self) -> &'static str {
                match self { $(Self::$variant => $key),* }
            }

            /// The switch's label on the page.
            #[must_use]
            pub const fn label(self) -> &'static str {
                match self { $(Self::$variant => $label),* }
            }

            /// What it lets a member do, as the page says it beside the switch.
            #[must_use]
            pub const fn sentence(self) -> &'static str {
                match self { $(Self::$variant => $sentence),* }
            }

            /// What follows from it without being said by its name; empty when nothing does.
            #[must_use]
            pub const fn implies(self) -> &'static str {
                match self { $(Self::$variant => $implies),* }
            }

            #[must_use]
            pub fn from_key(key: &str) -> Option<Self> {
                match key { $($key => Some(Self::$variant),)* _ => None }
            }
        }
    };
}

actions! {
    ViewProjects "view_projects" "View projects"
        "Open the Projects section and a project's details." "",
    RestartInstances "restart_instances" "Restart"
        "Soft- or hard-restart an instance, and start a stopped one." "",
    ConnectAsUser "connect_as_user" "Connect as user"
        "Open an instance as one of the application's own users." "Sees what that user sees. Every use asks a reason.",
    MergeBranches "merge_branches" "Merge branches"
        "Merge a branch into a target branch." "Deploys every instance of the target, which must all be allowed.",
    StopInstances "stop_instances" "Stop"
        "Stop a running instance." "",
    DeleteInstances "delete_instances" "Delete"
        "Permanently delete a staging or development instance." "",
    ManageBackups "manage_backups" "Backups"
        "Create, download, restore and delete backups." "A download holds all of the instance's data and its plain variables.",
    ViewLogs "view_logs" "Logs"
        "Read and follow application and deployment logs." "",
    UseIde "use_ide" "Web IDE"
        "Files, terminal and git, inside the instance." "A shell: its holder can read data, settings and logs.",
    ManageSettings "manage_settings" "Settings"
        "Open and change the instance's Settings tab." "",
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.key())
    }
}

/// A set of actions: one bit each, so that asking costs one instruction.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct ActionSet(u16);

impl ActionSet {
    pub const EMPTY: Self = Self(0);
    pub const ALL: Self = Self((1 << 10) - 1);

    #[must_use]
    pub const fn with(self, action: Action) -> Self {
        Self(self.0 | 1 << action as u16)
    }

    #[must_use]
    pub const fn has(self, action: Action) -> bool {
        self.0 & (1 << action as u16) != 0
    }

    #[must_use]
    pub const fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// What is in one of both and not in the other.
    #[must_use]
    pub const fn difference(self, other: Self) -> Self {
        Self(self.0 ^ other.0)
    }

    #[must_use]
    pub const fn len(self) -> u32 {
        self.0.count_ones()
    }

    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub fn iter(self) -> impl Iterator<Item = Action> {
        Action::ALL.into_iter().filter(move |action| self.has(*action))
    }

    /// Every possible set: for tests that leave none out.
    pub fn every() -> impl Iterator<Item = Self> {
        (0..1 << 10).map(Self)
    }
}

impl FromIterator<Action> for ActionSet {
    fn from_iter<I: IntoIterator<Item = Action>>(actions: I) -> Self {
        actions.into_iter().fold(Self::EMPTY, Self::with)
    }
}

impl fmt::Debug for ActionSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_back_as_they_are_written() {
        for action in Action::ALL {
            assert_eq!(Action::from_key(action.key()), Some(action));
        }
        assert_eq!(Action::from_key("owner"), None);
    }

    #[test]
    fn there_are_1024_sets() {
        assert_eq!(ActionSet::every().count(), 1024);
        assert_eq!(ActionSet::every().last(), Some(ActionSet::ALL));
    }
}
