//! What is said where the state of things stands in the way of a change.

use stoa_domain::Conflict;

/// Of a backup that was found so: to whoever wants it, and beside it from then on.
pub(crate) const BACKUP_DAMAGED: &str = "What is stored of this backup is damaged, so it can't be read whole. Other backups may be. How it is repaired stands in docs/operations.md, under Backups of instances.";

/// Exhaustive: a new conflict doesn't compile without its sentence.
pub(super) fn conflict(conflict: Conflict) -> &'static str {
    match conflict {
        Conflict::AlreadySetUp => "An account exists already. Sign in instead.",
        Conflict::OwnerHasAll => "An owner has every permission. Make this member a plain member first.",
        Conflict::TooManyPresets => "A workspace has a hundred presets at most. Delete one first.",
        Conflict::NameTaken => "The name is taken already. Choose another one.",
        Conflict::StillInUse => "Instances still depend on it. Delete them first.",
        Conflict::InstanceRuns => {
            "A workspace is deleted once it has no instance left, stopped ones included. Delete each of them first: that offers a last backup."
        }
        Conflict::ServerAnswers => {
            "This server's machine is there, so nothing of it is given up. Delete its instances, then remove it."
        }
        Conflict::ProtectedOnServer => {
            "A protected instance stands on this server. Lift its protection first, in its settings."
        }
        Conflict::NotRunning => "The instance isn't running. Start it first.",
        Conflict::NothingRuns => "Nothing of the instance runs, so there is nothing to stop.",
        Conflict::AlreadyRunning => "The instance is running already.",
        Conflict::NothingDeployed => {
            "No deployment has succeeded yet. Push to its branch, or wait for the one that is under way."
        }
        Conflict::AwaitsBackup => {
            "This instance is made of a backup whose data isn't in it yet, so it doesn't run. Restore that backup or another one into it, or delete it."
        }
        Conflict::AlreadyOver => "This work is over already.",
        Conflict::PastCancelling => {
            "This has come too far to be cancelled: it is about to end as it was meant to. Wait for that, then undo it."
        }
        Conflict::MachineTaken => "This machine is a server of the workspace already.",
        Conflict::AlreadyJoined => {
            "A machine has joined as this server already. Add another server for another machine."
        }
        Conflict::BackupOnOtherServer => {
            "This backup is on the disk of another server than the instance's. Choose that server, or keep backups in S3 storage, which every server reaches."
        }
        Conflict::BackupUnreachable => {
            "This backup is on the disk of a server that was removed, so Stoa can't reach it any more. What lies there is left to whoever has that machine."
        }
        Conflict::StillRunning => {
            "A request with this Idempotency-Key is still being carried out. Try again in a moment."
        }
        Conflict::Changed => "It was changed in between. Look at it again, then repeat.",
        Conflict::BranchMoved => {
            "A commit came onto one of the branches in between, so nothing was merged. Look at the merge again, then repeat it."
        }
        Conflict::BranchHeld => {
            "Something else is moving the branch, or was cut off while it did, so nothing was merged. Try again in a moment; what was cut off lets go of it within a few minutes."
        }
        Conflict::Unrelated => "These branches have no commit in common, so they can't be merged.",
        Conflict::TooLargeToMerge => {
            "These branches differ by more than Stoa merges by itself. Merge them in a clone, and push."
        }
        Conflict::NoSuchBranch => "The project has no such branch. Push it first.",
        Conflict::DefaultBranchGone => {
            "The project's default branch is gone. Name a branch, or make another one the default branch in the project's settings."
        }
        Conflict::BackupInUse => {
            "This backup is being restored. Delete it when that is done, or cancel the restore first."
        }
        Conflict::BackupDamaged => BACKUP_DAMAGED,
        Conflict::BackupNotReady => "This backup isn't whole: it is still being made, or it failed.",
        Conflict::BackupOfOtherProject => {
            "The backup is of another project, which is still there. Choose that project, or an instance of it."
        }
        Conflict::PushedElsewhere => {
            "The repository of this project is elsewhere. Push there; Stoa fetches what is pushed."
        }
        Conflict::NoRemote => "The repository of this project is Stoa's own, not a remote one.",
        Conflict::OtherHostKey => {
            "The host shows another key than the one you looked at. Look at it again, and compare it."
        }
        Conflict::BeingDeleted => "The instance is being deleted.",
        Conflict::DomainTaken => {
            "This domain is another instance's. Remove it there first, or choose another domain."
        }
        Conflict::NothingToRevert => {
            "There is nothing to revert: it is as it was before, or it was a secret, whose earlier value isn't kept."
        }
        Conflict::HasOwner => "The workspace has an active owner. Only its owners name others.",
        Conflict::LastAdministrator => {
            "An installation always has an active administrator. Make another account an administrator first."
        }
        Conflict::EmailTaken => {
            "This address belongs to another account. Use another address, or that account."
        }
        Conflict::NoSecondFactor => {
            "Your account has no second factor. Set up an authenticator app or a passkey first."
        }
        Conflict::NoPasskey => "This account has no passkey. Show its second factor in another way.",
        Conflict::PasskeyKnown => "This authenticator is a passkey of an account already. Use another one.",
        Conflict::PasskeysNeedName => {
            "Browsers keep passkeys for a host name only, and Stoa is reached by a number here. Whoever runs it sets \
             STOA_PUBLIC_URL to a name; localhost is one."
        }
        Conflict::DeskClosed => "The IDE isn't open here, or has ended. Open it again.",
        Conflict::BranchAhead => {
            "The branch has commits that your working copy lacks. Merge them first, then push again."
        }
        Conflict::OtherBranch => {
            "The instance deploys another branch now than your working copy was made of. Begin the working copy anew."
        }
        Conflict::IdentityTaken => {
            "Your account, or who you are at the provider, is linked already. Unlink the other one first."
        }
        Conflict::ProviderFailed => {
            "The sign-in provider didn't answer as it has to. Try again; if it stays so, tell whoever runs Stoa."
        }
        Conflict::NoAccountForProvider => {
            "No account that may sign in has the address by which the provider knows you. Where you never had one, ask an \
             owner of your workspace to invite that address; a disabled one is enabled by whoever administers Stoa."
        }
        Conflict::EmailUnverifiedAtProvider => {
            "The provider hasn't verified your e-mail address, so it proves nothing here. Verify it there first."
        }
        Conflict::OwnEmailUnverified => {
            "The account with this address never confirmed it. Sign in with its password, and confirm it under Profile first."
        }
        Conflict::OtherEmailAtProvider => {
            "The provider knows you by another address than your account's. Change one of them first."
        }
        Conflict::NoPassword => {
            "Your account has no password: you sign in at a provider. Sign in there again to go on."
        }
        Conflict::NoProvider => {
            "The workspace has no AI provider yet. An owner chooses one under Settings, AI."
        }
        Conflict::NoBackupStorage => {
            "Backups go to the servers' disks: there is no other storage to test. Save one first."
        }
    }
}
