//! What an instance can be: stages, states, wishes, and who may open its URL.

use crate::refusal::{Conflict, Refusal};

macro_rules! closed_set {
    ($(#[$doc:meta])* $name:ident { $($(#[$of:meta])* $variant:ident = $key:literal),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $name { $($(#[$of])* $variant),* }

        impl $name {
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            #[must_use]
            pub const fn key(self) -> &'static str {
                match self { $(Self::$variant => $key),* }
            }

            #[must_use]
            pub fn from_key(key: &str) -> Option<Self> {
                match key { $($key => Some(Self::$variant),)* _ => None }
            }
        }
    };
}
pub(crate) use closed_set;

closed_set! {
    /// What an instance is for. It never changes.
    Stage { Production = "production", Staging = "staging", Development = "development" }
}

closed_set! {
    /// What an instance is doing.
    InstanceStatus {
        Deploying = "deploying",
        Running = "running",
        Stopped = "stopped",
        Failed = "failed",
        Deleting = "deleting",
    }
}

closed_set! {
    /// What its people want of it.
    Wish { Running = "running", Stopped = "stopped" }
}

closed_set! {
    /// Who may open its URL: anyone, or members to whom the instance is allowed.
    Visibility { Public = "public", Members = "members" }
}

closed_set! {
    /// The two kinds of restart.
    RestartMode { Soft = "soft", Hard = "hard" }
}

/// Numbers given to instances as operating system users begin here.
pub const FIRST_OS_USER: i64 = 200_000;

/// What of an instance settles whether something can be done to it now, whoever asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct State {
    pub status: InstanceStatus,
    /// Whether a deployment ever succeeded.
    pub has_release: bool,
    pub is_protected: bool,
    /// Whether a job waits or runs.
    pub is_busy: bool,
    /// Whether that job deletes it.
    pub is_being_deleted: bool,
    /// Whether it is made of a backup whose data isn't in it, and no job brings it.
    pub lacks_its_data: bool,
}

impl State {
    /// # Errors
    /// Why it can't be started now.
    pub fn can_start(self) -> Result<(), Refusal> {
        self.is_free()?;
        if self.status == InstanceStatus::Running {
            return Err(Refusal::Conflict(Conflict::AlreadyRunning));
        }
        self.was_deployed()
    }

    /// # Errors
    /// Why it can't be restarted now.
    pub fn can_restart(self) -> Result<(), Refusal> {
        self.is_free()?;
        self.was_deployed()?;
        if self.status == InstanceStatus::Stopped {
            return Err(Refusal::Conflict(Conflict::NotRunning));
        }
        Ok(())
    }

    /// `cancels`: whether what goes on is to be cancelled first.
    ///
    /// # Errors
    /// Why it can't be stopped now.
    pub fn can_stop(self, cancels: bool) -> Result<(), Refusal> {
        self.is_kept()?;
        if self.is_busy {
            return if cancels { Ok(()) } else { Err(Refusal::InstanceBusy) };
        }
        let nothing_runs = self.status == InstanceStatus::Stopped || !self.has_release;
        if nothing_runs { Err(Refusal::Conflict(Conflict::NothingRuns)) } else { Ok(()) }
    }

    /// # Errors
    /// Why it can't be backed up now.
    pub fn can_back_up(self) -> Result<(), Refusal> {
        self.is_free()?;
        self.was_deployed()
    }

    /// # Errors
    /// Why nothing can be restored into it now.
    pub fn can_restore(self) -> Result<(), Refusal> {
        self.is_free()
    }

    /// A deployment waits for what goes on, and takes the place of one that waits.
    ///
    /// # Errors
    /// Why it can't be deployed now.
    pub fn can_deploy(self) -> Result<(), Refusal> {
        self.is_kept()?;
        self.has_its_data()
    }

    /// # Errors
    /// Why nothing can be set of it now.
    pub fn can_change(self) -> Result<(), Refusal> {
        self.is_kept()
    }

    /// # Errors
    /// Why it can't be deleted now.
    pub fn can_delete(self, cancels: bool) -> Result<(), Refusal> {
        if self.is_protected {
            return Err(Refusal::ProductionProtected);
        }
        self.is_kept()?;
        if self.is_busy && !cancels { Err(Refusal::InstanceBusy) } else { Ok(()) }
    }

    fn is_kept(self) -> Result<(), Refusal> {
        if self.is_being_deleted { Err(Refusal::Conflict(Conflict::BeingDeleted)) } else { Ok(()) }
    }

    fn is_free(self) -> Result<(), Refusal> {
        self.is_kept()?;
        if self.is_busy { Err(Refusal::InstanceBusy) } else { Ok(()) }
    }

    /// It never begins to live without what it was made of.
    fn has_its_data(self) -> Result<(), Refusal> {
        if self.lacks_its_data { Err(Refusal::Conflict(Conflict::AwaitsBackup)) } else { Ok(()) }
    }

    fn was_deployed(self) -> Result<(), Refusal> {
        self.has_its_data()?;
        if self.has_release { Ok(()) } else { Err(Refusal::Conflict(Conflict::NothingDeployed)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RUNS: State = State {
        status: InstanceStatus::Running,
        has_release: true,
        is_protected: false,
        is_busy: false,
        is_being_deleted: false,
        lacks_its_data: false,
    };

    #[test]
    fn a_running_instance_can_be_stopped_and_restarted_but_not_started() {
        assert_eq!(RUNS.can_stop(false), Ok(()));
        assert_eq!(RUNS.can_restart(), Ok(()));
        assert_eq!(RUNS.can_start(), Err(Refusal::Conflict(Conflict::AlreadyRunning)));
    }

    #[test]
    fn while_a_job_goes_on_only_deploying_and_what_cancels_it_are_possible() {
        let busy = State { is_busy: true, ..RUNS };
        assert_eq!(busy.can_restart(), Err(Refusal::InstanceBusy));
        assert_eq!(busy.can_back_up(), Err(Refusal::InstanceBusy));
        assert_eq!(busy.can_restore(), Err(Refusal::InstanceBusy));
        assert_eq!(busy.can_stop(false), Err(Refusal::InstanceBusy));
        assert_eq!(busy.can_stop(true), Ok(()));
        assert_eq!(busy.can_delete(false), Err(Refusal::InstanceBusy));
        assert_eq!(busy.can_delete(true), Ok(()));
        assert_eq!(busy.can_deploy(), Ok(()));
    }

    #[test]
    fn nothing_is_possible_while_it_is_being_deleted() {
        let gone = State { is_busy: true, is_being_deleted: true, ..RUNS };
        let refused = Err(Refusal::Conflict(Conflict::BeingDeleted));
        for answer in [
            gone.can_start(),
            gone.can_restart(),
            gone.can_stop(true),
            gone.can_deploy(),
            gone.can_back_up(),
            gone.can_restore(),
            gone.can_delete(true),
        ] {
            assert_eq!(answer, refused);
        }
    }

    #[test]
    fn what_lacks_the_data_it_is_made_of_is_restored_or_deleted_and_nothing_else() {
        let empty =
            State { status: InstanceStatus::Failed, has_release: false, lacks_its_data: true, ..RUNS };
        let refused = Err(Refusal::Conflict(Conflict::AwaitsBackup));
        for answer in [empty.can_start(), empty.can_restart(), empty.can_deploy(), empty.can_back_up()] {
            assert_eq!(answer, refused);
        }
        assert_eq!((empty.can_restore(), empty.can_delete(false)), (Ok(()), Ok(())));
    }

    #[test]
    fn what_was_never_deployed_has_nothing_to_start() {
        let new = State { status: InstanceStatus::Failed, has_release: false, ..RUNS };
        assert_eq!(new.can_start(), Err(Refusal::Conflict(Conflict::NothingDeployed)));
        assert_eq!(new.can_restart(), Err(Refusal::Conflict(Conflict::NothingDeployed)));
        assert_eq!(new.can_back_up(), Err(Refusal::Conflict(Conflict::NothingDeployed)));
        assert_eq!(new.can_stop(false), Err(Refusal::Conflict(Conflict::NothingRuns)));
    }
}
