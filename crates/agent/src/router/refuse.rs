//! The one place where a refusal of the machine becomes a problem.

use std::io;

use crate::files::FileError;
use crate::git::GitError;
use crate::machine::Refused;
use crate::protocol::{Code, Problem};

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Self {
        let code = match &refused {
            Refused::Fenced => Code::Fenced,
            Refused::OldSecrets => Code::OldSecrets,
            Refused::Late => Code::Late,
            Refused::UnknownInstance => Code::UnknownInstance,
            Refused::Busy => Code::Busy,
            Refused::NoSandbox(_) => Code::NoSandbox,
            Refused::DiskFull => Code::DiskFull,
            Refused::OtherJob => Code::Invalid,
            Refused::NoDesk => Code::NoDesk,
            Refused::UnknownCommit => Code::UnknownCommit,
            Refused::Missing => Code::Missing,
            Refused::TooLarge => Code::TooLarge,
            Refused::Conflict(_) => Code::Conflict,
            Refused::File(error) => code_of_file(error),
            Refused::Backup(_) => Code::Failed,
            Refused::Damaged(_) => Code::Damaged,
            Refused::Io(error) => code_of_io(error),
            Refused::Git(error) => code_of_git(error),
        };
        Self::new(code, refused.to_string())
    }
}

fn code_of_file(error: &FileError) -> Code {
    match error {
        FileError::Missing => Code::Missing,
        FileError::Changed => Code::Changed,
        FileError::Taken => Code::Conflict,
        FileError::TooLarge => Code::TooLarge,
        FileError::DiskFull => Code::DiskFull,
        FileError::Unfit(_)
        | FileError::Git
        | FileError::Link
        | FileError::Special
        | FileError::Folder
        | FileError::IntoItself
        | FileError::TooMany => Code::Invalid,
        FileError::Io(error) => code_of_io(error),
    }
}

fn code_of_io(error: &io::Error) -> Code {
    if error.kind() == io::ErrorKind::StorageFull { Code::DiskFull } else { Code::Failed }
}

fn code_of_git(error: &GitError) -> Code {
    match error {
        GitError::Io(error) => code_of_io(error),
        // Git says these in its own words; the second is the answer to `receive.maxInputSize`.
        GitError::Refused { said, .. }
            if said.contains("No space left on device") || said.contains("exceeds maximum allowed size") =>
        {
            Code::DiskFull
        }
        // What was sent isn't sound.
        GitError::Refused { verb, .. } if verb == "receive-pack" => Code::Invalid,
        GitError::Refused { .. }
        | GitError::OutOfTime
        | GitError::Unreadable(_)
        | GitError::TooMuch
        | GitError::Killed(_) => Code::Failed,
    }
}
