//! Certificates by ACME (RFC 8555): when one is renewed, when it is tried again, and how many are asked for at most. An
//! authority counts what a whole installation asks for, so that nobody in it may use that up for all.

use std::net::IpAddr;

use crate::instance::closed_set;
use crate::time::Timestamp;

closed_set! {
    /// Why there is no certificate, or no newer one.
    Trouble {
        /// The host doesn't lead here: nobody is asked.
        Dns = "dns",
        /// This installation has asked as often as it allows itself to.
        Waits = "waits",
        /// The authority looked, and said no.
        Refused = "refused",
        /// The authority was asked more often than it likes.
        Limited = "limited",
        /// The authority doesn't answer, or not so that it is understood.
        Away = "away",
    }
}

closed_set! {
    /// Whose a host is that is to have a certificate.
    CertificateKind {
        /// The page's own.
        Public = "public",
        /// One that Stoa gave to an instance.
        Given = "given",
        /// A domain that was proved.
        Own = "own",
    }
}

closed_set! {
    /// Where a host leads, by the DNS.
    Leads {
        Here = "here",
        /// It has an address that isn't this installation's.
        Elsewhere = "elsewhere",
        /// It has no address.
        Nowhere = "nowhere",
        /// The DNS didn't answer for it, or not for this installation.
        Unknown = "unknown",
    }
}

const MINUTE: i64 = 60;
const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;
const WEEK: i64 = 7 * DAY;

/// Seconds between two certificates of one host, at least.
const SOONEST: i64 = HOUR;

/// A third of its life before it ends, and never within the hour: one with hardly any life isn't asked for in a loop.
#[must_use]
pub fn renew_at(now: Timestamp, begins_at: Timestamp, ends_at: Timestamp) -> Timestamp {
    let third = ends_at.seconds_since(begins_at).max(0) / 3;
    ends_at.plus_seconds(-third).max(now.plus_seconds(SOONEST))
}

/// Seconds until it is tried again. `failures`: in a row, this one included; `age`: seconds since the host is to have a
/// certificate; `told`: seconds that the authority wants to be left alone.
#[must_use]
pub fn pause(trouble: Trouble, failures: i64, age: i64, told: Option<i64>) -> i64 {
    let by_turns = |turns: &[i64]| {
        let place = usize::try_from(failures.max(1) - 1).unwrap_or(usize::MAX);
        turns.get(place).or(turns.last()).copied().unwrap_or(DAY)
    };
    let own = match trouble {
        Trouble::Dns if age < HOUR => MINUTE,
        Trouble::Dns if age < DAY => 10 * MINUTE,
        Trouble::Dns => HOUR,
        Trouble::Waits => 10 * MINUTE,
        Trouble::Refused => by_turns(&[5 * MINUTE, 30 * MINUTE, 2 * HOUR, 12 * HOUR, DAY]),
        Trouble::Limited => by_turns(&[HOUR, 3 * HOUR, 12 * HOUR, DAY]),
        Trouble::Away => by_turns(&[MINUTE, 5 * MINUTE, 30 * MINUTE, 2 * HOUR]),
    };
    own.max(told.unwrap_or(0).clamp(0, WEEK))
}

/// What was asked for of late: for a host, for those of its workspace, and for all. A try counts, whatever came of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Asked {
    /// Tries of this host in an hour.
    pub of_host: i64,
    /// Certificates that were issued for this host in a week.
    pub issued_of_host: i64,
    /// Tries of this workspace's hosts in an hour.
    pub of_workspace: i64,
    /// First certificates for given hosts in a week, of this workspace and of all.
    pub given_of_workspace: i64,
    pub given: i64,
    /// Tries for first certificates in an hour, of all.
    pub first: i64,
    /// All tries in an hour.
    pub all: i64,
}

/// What is used up, and for which span it counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UsedUp {
    pub most: i64,
    pub what: &'static str,
    /// Seconds.
    pub span: i64,
}

/// Public authorities allow 5 failed tries of a host in an hour, 5 certificates of a host in a week, 50 names below one
/// domain in a week, and 300 orders in three hours: each of these is less.
const OF_HOST: i64 = 4;
const ISSUED_OF_HOST: i64 = 4;
const OF_WORKSPACE: i64 = 20;
const GIVEN_OF_WORKSPACE: i64 = 20;
const GIVEN: i64 = 40;
/// What is left of all is for renewals and for the page's own host.
const FIRST: i64 = 60;
const ALL: i64 = 80;

/// Whether one more may be asked for; otherwise what is used up.
#[must_use]
pub fn used_up(kind: CertificateKind, is_first: bool, asked: Asked) -> Option<UsedUp> {
    let of_members = kind != CertificateKind::Public;
    let first_given = is_first && kind == CertificateKind::Given;
    [
        (true, asked.of_host, OF_HOST, "tries for this name in an hour", HOUR),
        (true, asked.issued_of_host, ISSUED_OF_HOST, "certificates for this name in a week", WEEK),
        (of_members, asked.of_workspace, OF_WORKSPACE, "tries of a workspace in an hour", HOUR),
        (
            first_given,
            asked.given_of_workspace,
            GIVEN_OF_WORKSPACE,
            "new names of a workspace in a week",
            WEEK,
        ),
        (first_given, asked.given, GIVEN, "new names of this installation in a week", WEEK),
        (of_members && is_first, asked.first, FIRST, "new names of this installation in an hour", HOUR),
        (of_members, asked.all, ALL, "tries of this installation in an hour", HOUR),
    ]
    .into_iter()
    .find(|(counts, used, most, ..)| *counts && used >= most)
    .map(|(_, _, most, what, span)| UsedUp { most, what, span })
}

/// Where a host leads. `to`: its addresses; `here`: those by which this installation is reached. Every one of them has to
/// lead here: which of them an authority takes isn't known before. `None`: the DNS didn't answer.
#[must_use]
pub fn leads(to: Option<&[IpAddr]>, here: Option<&[IpAddr]>) -> Leads {
    let Some(to) = to else { return Leads::Unknown };
    if to.is_empty() {
        return Leads::Nowhere;
    }
    match here {
        None | Some([]) => Leads::Unknown,
        Some(here) if to.iter().all(|address| here.contains(address)) => Leads::Here,
        Some(_) => Leads::Elsewhere,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(number: i64) -> Timestamp {
        Timestamp::from_micros(number * DAY * 1_000_000)
    }

    #[test]
    fn a_certificate_is_renewed_when_a_third_of_its_life_is_left_and_never_within_the_hour() {
        assert_eq!(renew_at(day(0), day(0), day(90)), day(60));
        assert_eq!(renew_at(day(0), day(0), day(6)), day(4));
        for ends in [day(10), day(10).plus_seconds(30), day(3), day(12).plus_seconds(-DAY)] {
            let at = renew_at(day(10), day(9), ends);
            assert!(at >= day(10).plus_seconds(HOUR), "{at:?}");
        }
    }

    #[test]
    fn a_failure_is_followed_by_a_pause_that_grows_and_is_as_long_as_the_authority_says() {
        for trouble in [Trouble::Refused, Trouble::Limited, Trouble::Away] {
            let pauses: Vec<i64> = (1..8).map(|failures| pause(trouble, failures, 0, None)).collect();
            assert!(pauses.is_sorted() && pauses[0] >= MINUTE && pauses[6] >= 2 * HOUR, "{pauses:?}");
            assert_eq!(pause(trouble, i64::MAX, 0, None), pauses[6]);
            assert_eq!(pause(trouble, 1, 0, Some(2 * DAY)), 2 * DAY);
            assert_eq!(pause(trouble, 1, 0, Some(-5)), pauses[0], "it can be longer, and not shorter");
            assert_eq!(pause(trouble, 1, 0, Some(i64::MAX)), WEEK);
        }
        // Five refusals in an hour is what an authority bears.
        let first: i64 = (1..5).map(|failures| pause(Trouble::Refused, failures, 0, None)).sum();
        assert!(first > HOUR);
        let ages = [0, HOUR - 1, HOUR, DAY - 1, DAY, 100 * DAY];
        assert_eq!(ages.map(|age| pause(Trouble::Dns, 1, age, None)), [60, 60, 600, 600, HOUR, HOUR]);
    }

    #[test]
    fn nobody_uses_up_what_an_authority_allows_all() {
        use CertificateKind::{Given, Own, Public};

        let none = Asked::default();
        for kind in CertificateKind::ALL {
            assert_eq!(used_up(*kind, true, none), None);
        }
        let stops = |kind, is_first, asked| used_up(kind, is_first, asked).is_some();
        // Of one host, whoever's it is.
        for kind in [Public, Given, Own] {
            assert!(stops(kind, false, Asked { of_host: OF_HOST, ..none }));
            assert!(stops(kind, false, Asked { issued_of_host: ISSUED_OF_HOST, ..none }));
        }
        // A workspace stops itself, and neither the page's host nor another workspace.
        let workspace = Asked { of_workspace: OF_WORKSPACE, given_of_workspace: GIVEN_OF_WORKSPACE, ..none };
        assert!(
            stops(Own, true, workspace) && stops(Given, false, workspace) && !stops(Public, true, workspace)
        );
        // What all ask for first leaves room for renewals, and both for the page's own.
        let firsts = Asked { first: FIRST, all: FIRST, ..none };
        assert!(stops(Own, true, firsts) && !stops(Own, false, firsts) && !stops(Public, true, firsts));
        let all = Asked { first: FIRST, all: ALL, ..none };
        assert!(stops(Own, false, all) && !stops(Public, true, all));
        // Names below the instance domain are counted together by the authority.
        let given = Asked { given: GIVEN, ..none };
        assert!(stops(Given, true, given) && !stops(Given, false, given) && !stops(Own, true, given));
        assert_eq!(used_up(Own, true, firsts).map(|used| used.span), Some(HOUR));
    }

    #[test]
    fn a_host_leads_here_when_each_of_its_addresses_does() {
        let address = |last| IpAddr::from([192, 0, 2, last]);
        let here = [address(1), address(2)];
        let of = |to: &[IpAddr]| leads(Some(to), Some(&here));
        assert_eq!(of(&[address(1)]), Leads::Here);
        assert_eq!(of(&[address(2), address(1)]), Leads::Here);
        assert_eq!(of(&[address(1), address(3)]), Leads::Elsewhere);
        assert_eq!(of(&[]), Leads::Nowhere);
        assert_eq!(leads(None, Some(&here)), Leads::Unknown);
        assert_eq!(leads(Some(&[address(1)]), None), Leads::Unknown);
        assert_eq!(leads(Some(&[address(1)]), Some(&[])), Leads::Unknown);
    }
}
