//! Descriptors: connections, files and programs all need them, and what a shell gives is few.

use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// Takes as many as the process may have, and says how many those are.
///
/// # Errors
/// Where the system refuses.
pub fn raise() -> std::io::Result<u64> {
    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE)?;
    setrlimit(Resource::RLIMIT_NOFILE, most, most)?;
    Ok(most)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn all_that_may_be_had_are_taken() {
        let (_, most) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
        setrlimit(Resource::RLIMIT_NOFILE, most / 2, most).unwrap();
        assert_eq!(raise().unwrap(), most);
        assert_eq!(getrlimit(Resource::RLIMIT_NOFILE).unwrap().0, most);
    }
}
