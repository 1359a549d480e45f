//! What is used of the machine and by each instance, measured every ten seconds for as long as the agent runs.

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use stoa_domain::InstanceId;
use stoa_domain::metrics::MetricsRange;
use tokio::time::Instant;

use super::facts::{self, Facts};
use super::instance::Instance;
use super::{Agent, Form, Refused};
use crate::folders::{self, Folders};
use crate::metrics::{Course, Measured, Rings, read};
use crate::sandbox::Identity;
use crate::sandbox::processes::Processes;

/// Between two measurements: the finest stretch that is kept.
const EACH: Duration = Duration::from_secs(MetricsRange::Hour.step_seconds() as u64);

/// Series of the machine, in the order in which they are kept.
pub(crate) mod machine {
    /// Hundredths of a percent of all processors.
    pub(crate) const PROCESSOR: usize = 0;
    /// Bytes.
    pub(crate) const MEMORY: usize = 1;
    pub(crate) const DISK: usize = 2;
    /// Bytes in a second.
    pub(crate) const RECEIVED: usize = 3;
    pub(crate) const SENT: usize = 4;
}

/// Series of an instance.
pub(crate) mod instance {
    /// Thousandths of one processor.
    pub(crate) const PROCESSOR: usize = 0;
    /// Bytes.
    pub(crate) const MEMORY: usize = 1;
    pub(crate) const DISK: usize = 2;
    /// Thousandths of one in a second.
    pub(crate) const REQUESTS: usize = 3;
    pub(crate) const ERRORS: usize = 4;
}

impl Agent {
    /// Measures again and again. What was counted before the agent's start is where counting begins.
    pub(super) fn keep_metrics(&self) {
        let agent = self.clone();
        tokio::spawn(async move {
            let mut measuring = Measuring::new(agent.inner.folders.clone());
            loop {
                let own = agent.clone();
                let taken = tokio::task::spawn_blocking(move || {
                    own.measure(&mut measuring);
                    measuring
                });
                measuring = match taken.await {
                    Ok(back) => back,
                    Err(error) => {
                        return tracing::error!(%error, "what is used isn't measured any more");
                    }
                };
                // At the end of each stretch by the clock: so that each gets one, and none gets two.
                let (now, each) = (crate::init::now(), i64::try_from(EACH.as_micros()).unwrap_or(i64::MAX));
                let left = u64::try_from(each - now.rem_euclid(each)).unwrap_or(0);
                tokio::time::sleep(Duration::from_micros(left)).await;
            }
        });
    }

    fn measure(&self, measuring: &mut Measuring) {
        let all = self.all();
        let facts = measuring.facts.look(&self.inner.folders);
        measuring.look(&facts, &all);
    }

    /// How much of the machine was used, up to now, and how much there is of it.
    ///
    /// # Errors
    /// Where it can't be read.
    pub(crate) fn metrics_of_machine(&self, range: MetricsRange) -> Result<(Course, Facts), Refused> {
        let course = read(&self.inner.folders.metrics_of_machine(), range, crate::init::now())?;
        Ok((course, self.facts()))
    }

    /// How much an instance used, up to now, and the form that says what it may use.
    ///
    /// # Errors
    /// `UnknownInstance`, or where it can't be read.
    pub(crate) fn metrics_of(
        &self,
        instance: InstanceId,
        range: MetricsRange,
    ) -> Result<(Course, Form), Refused> {
        let held = self.find(instance).ok_or(Refused::UnknownInstance)?;
        let course = read(&self.inner.folders.metrics_of(instance), range, crate::init::now())?;
        Ok((course, held.form()))
    }
}

/// What the one who measures remembers from one time to the next.
struct Measuring {
    folders: Folders,
    /// Of its own: how busy the processors were is told since the last look.
    facts: facts::Watch,
    last: Option<Instant>,
    network: Option<(u64, u64)>,
    machine: Rings,
    instances: HashMap<InstanceId, OfInstance>,
}

/// The same of one instance.
struct OfInstance {
    rings: Rings,
    /// What ran when it was looked at last, and its processor time then; `None` where that isn't known.
    sandbox: Option<Option<(Identity, u64)>>,
}

impl Measuring {
    fn new(folders: Folders) -> Self {
        let machine = Rings::at(folders.metrics_of_machine());
        let facts = facts::Watch::default();
        Self { folders, facts, last: None, network: None, machine, instances: HashMap::new() }
    }

    /// The first time nothing is kept: how much was used of what can only be said since a time before.
    fn look(&mut self, facts: &Facts, all: &[Arc<Instance>]) {
        let now = Instant::now();
        let passed = self.last.replace(now).map(|last| now.duration_since(last));
        let network = network();
        let before = std::mem::replace(&mut self.network, network);
        let processes = match Processes::read() {
            Ok(processes) => Some(processes),
            Err(error) => {
                tracing::warn!(%error, "what the instances' processes use can't be looked at");
                None
            }
        };
        if passed.is_none() {
            self.tidy(all);
        }
        // Of the stretch that ends now.
        let at = crate::init::now() - i64::try_from(EACH.as_micros()).unwrap_or(0) / 2;
        self.instances.retain(|id, _| all.iter().any(|one| one.id == *id));
        for instance in all {
            let path = self.folders.metrics_of(instance.id);
            let of = self
                .instances
                .entry(instance.id)
                // One that came since the last look had used nothing then.
                .or_insert_with(|| OfInstance { rings: Rings::at(path), sandbox: passed.map(|_| None) });
            let measured = of.measure(instance, processes.as_ref(), passed);
            // One that was deleted meanwhile has no figures any more.
            if passed.is_some() && self.folders.form(instance.id).exists() {
                note(&mut of.rings, at, &measured);
            }
        }
        if let Some(passed) = passed {
            note(&mut self.machine, at, &of_machine(facts, network, before, passed));
        }
    }

    /// Removes the figures of instances that aren't here any more.
    fn tidy(&self, all: &[Arc<Instance>]) {
        let removed = fs::read_dir(self.folders.metrics()).and_then(|entries| {
            for entry in entries {
                let entry = entry?;
                let name = entry.file_name();
                let whose = name.to_str().and_then(|name| name.parse::<InstanceId>().ok());
                if whose.is_some_and(|id| all.iter().all(|one| one.id != id)) {
                    folders::remove_file(&entry.path())?;
                }
            }
            Ok(())
        });
        if let Err(error) = removed {
            tracing::warn!(%error, "figures of instances that are gone can't be removed");
        }
    }
}

impl OfInstance {
    fn measure(
        &mut self,
        instance: &Instance,
        processes: Option<&Processes>,
        passed: Option<Duration>,
    ) -> Measured {
        let running = instance.running().map(|running| running.identity).filter(|one| one.is_alive());
        let used = running.zip(processes).and_then(|(identity, processes)| {
            let used = processes.used_by(identity.pid).ok().flatten()?;
            Some((identity, used))
        });
        let seen = used.map(|(identity, used)| (identity, used.processor));
        let is_known = running.is_some() == used.is_some();
        let before = std::mem::replace(&mut self.sandbox, is_known.then_some(seen));
        let (requests, errors) = instance.requests.take();
        let mut measured = Measured::default();
        let Some(passed) = passed else { return measured };
        measured[self::instance::PROCESSOR] = used.and_then(|(identity, used)| {
            // One that was made meanwhile has used all of it since.
            let before = before?.filter(|(seen, _)| *seen == identity).map_or(0, |(_, before)| before);
            in_a_second(used.processor.saturating_sub(before), passed)
        });
        measured[self::instance::MEMORY] = used.map(|(_, used)| used.memory);
        measured[self::instance::DISK] = instance.data();
        measured[self::instance::REQUESTS] = in_a_second(requests.saturating_mul(1000), passed);
        measured[self::instance::ERRORS] = in_a_second(errors.saturating_mul(1000), passed);
        measured
    }
}

fn of_machine(
    facts: &Facts,
    network: Option<(u64, u64)>,
    before: Option<(u64, u64)>,
    passed: Duration,
) -> Measured {
    // Counters that began anew say nothing of what was meanwhile.
    let rate = |now: u64, before: u64| now.checked_sub(before).and_then(|bytes| in_a_second(bytes, passed));
    let moved = network.zip(before);
    let mut measured = Measured::default();
    measured[machine::PROCESSOR] = Some(u64::from(facts.processor_hundredths));
    measured[machine::MEMORY] = (facts.memory > 0).then_some(facts.memory_used);
    measured[machine::DISK] = (facts.disk > 0).then_some(facts.disk_used);
    measured[machine::RECEIVED] = moved.and_then(|(now, before)| rate(now.0, before.0));
    measured[machine::SENT] = moved.and_then(|(now, before)| rate(now.1, before.1));
    measured
}

/// How many that is in each second.
fn in_a_second(count: u64, passed: Duration) -> Option<u64> {
    let milliseconds = u64::try_from(passed.as_millis()).ok()?;
    count.saturating_mul(1000).checked_div(milliseconds)
}

fn note(rings: &mut Rings, at: i64, measured: &Measured) {
    // A full disk takes them no more: that is a gap, and told elsewhere.
    if let Err(error) = rings.add(at, measured) {
        tracing::debug!(%error, ?rings, "what was measured can't be kept");
    }
}

/// Bytes that came in and went out by the ways to the outside; `None` where it can't be said.
fn network() -> Option<(u64, u64)> {
    let read = |path: &str| fs::read_to_string(Path::new("/proc/net").join(path));
    let ways = ways_out(&read("route").unwrap_or_default(), &read("ipv6_route").unwrap_or_default());
    count(&read("dev").ok()?, &ways)
}

/// Names of the interfaces by which what isn't near is reached: lines of `/proc/net/route` and `ipv6_route`.
fn ways_out(route: &str, route_6: &str) -> Vec<String> {
    let zero = "00000000";
    let of_4 = route.lines().skip(1).filter_map(|line| {
        let fields: Vec<_> = line.split_whitespace().collect();
        let (name, to, mask) = (fields.first()?, fields.get(1)?, fields.get(7)?);
        (*to == zero && *mask == zero).then(|| (*name).to_owned())
    });
    let of_6 = route_6.lines().filter_map(|line| {
        let fields: Vec<_> = line.split_whitespace().collect();
        let (to, length, name) = (fields.first()?, fields.get(1)?, fields.last()?);
        (to.bytes().all(|digit| digit == b'0') && *length == "00").then(|| (*name).to_owned())
    });
    let mut ways: Vec<String> = of_4.chain(of_6).filter(|name| name != "lo").collect();
    ways.sort();
    ways.dedup();
    ways
}

/// Fields 1 and 9 of each line of `/proc/net/dev`, behind the name. Without a way out all but the loopback count.
fn count(dev: &str, ways: &[String]) -> Option<(u64, u64)> {
    let mut sums = None;
    for line in dev.lines() {
        let Some((name, numbers)) = line.split_once(':') else { continue };
        let name = name.trim();
        let counts = if ways.is_empty() { name != "lo" } else { ways.iter().any(|way| way == name) };
        if !counts {
            continue;
        }
        let numbers: Vec<u64> = numbers.split_whitespace().filter_map(|field| field.parse().ok()).collect();
        let (received, sent): (u64, u64) = (*numbers.first()?, *numbers.get(8)?);
        let (all_received, all_sent) = sums.unwrap_or((0_u64, 0_u64));
        sums = Some((all_received.saturating_add(received), all_sent.saturating_add(sent)));
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEV: &str = "Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo: 900 1 0 0 0 0 0 0 900 1 0 0 0 0 0 0
  eth0:1000 2 0 0 0 0 0 0 300 4 0 0 0 0 0 0
docker0: 50 2 0 0 0 0 0 0 70 4 0 0 0 0 0 0
";
    const ROUTE: &str = "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT
eth0\t00000000\t0102A8C0\t0003\t0\t0\t0\t00000000\t0\t0\t0
docker0\t000011AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0
";
    const ROUTE_6: &str = "00000000000000000000000000000000 00 00000000000000000000000000000000 00 fe800000000000000000000000000001 00000400 00000001 00000000 00000003 eth0
00000000000000000000000000000000 00 00000000000000000000000000000000 00 00000000000000000000000000000000 ffffffff 00000001 00000000 00200200 lo
";

    #[test]
    fn what_goes_to_the_outside_is_counted_once() {
        assert_eq!(ways_out(ROUTE, ROUTE_6), ["eth0"]);
        assert_eq!(ways_out(ROUTE, ""), ["eth0"]);
        assert_eq!(ways_out("", ""), [""; 0]);
        assert_eq!(count(DEV, &["eth0".to_owned()]), Some((1000, 300)));
        assert_eq!(count(DEV, &[]), Some((1050, 370)));
        assert_eq!(count("", &[]), None, "what can't be said is a gap");
    }

    #[test]
    fn counters_that_began_anew_are_a_gap() {
        let facts = Facts { memory: 8, memory_used: 3, processor_hundredths: 1250, ..Facts::default() };
        let passed = Duration::from_secs(10);
        let all = of_machine(&facts, Some((5000, 900)), Some((1000, 1000)), passed);
        assert_eq!(all, [Some(1250), Some(3), None, Some(400), None]);
        assert_eq!(of_machine(&facts, Some((5000, 900)), None, passed)[machine::RECEIVED], None);
        assert_eq!(in_a_second(7, Duration::ZERO), None);
    }
}
