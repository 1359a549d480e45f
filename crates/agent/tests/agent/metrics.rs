//! What a machine and a real instance on it use, measured and told through the protocol.

use std::time::Duration;

use stoa_agent::protocol::{BeginDeployment, Code, InstanceMetricsView, MachineMetricsView, WantedLimits};
use stoa_domain::InstanceId;
use stoa_domain::metrics::MetricsRange::{self, Hour, Week};

use crate::support::PATIENCE;
use crate::support::house::{House, Machine, id, succeeded};

async fn of_machine(machine: &Machine, enough: impl Fn(&MachineMetricsView) -> bool) -> MachineMetricsView {
    let looking = async {
        loop {
            let told = machine.client.machine_metrics(Hour).await.unwrap();
            if enough(&told) {
                return told;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    tokio::time::timeout(PATIENCE, looking).await.expect("figures come")
}

async fn of_instance(
    house: &House,
    machine: &Machine,
    range: MetricsRange,
    enough: impl Fn(&InstanceMetricsView) -> bool,
) -> InstanceMetricsView {
    let looking = async {
        loop {
            let told = machine.client.instance_metrics(house.instance, range).await.unwrap();
            if enough(&told) {
                return told;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    tokio::time::timeout(PATIENCE, looking).await.expect("figures come")
}

fn known(figures: &[Option<u64>]) -> Vec<u64> {
    figures.iter().copied().flatten().collect()
}

#[tokio::test]
async fn a_machine_and_what_runs_on_it_are_measured() {
    let place = tempfile::tempdir().unwrap();
    let house = House::new(place.path());
    let machine = house.machine().await;
    for whose in [house.instance, InstanceId::new(id())] {
        let refused = machine.client.instance_metrics(whose, Hour).await.unwrap_err();
        assert_eq!(refused.code(), Some(Code::UnknownInstance));
    }
    let mut form = house.form();
    form.limits = Some(WantedLimits { processor: Some(500), ..WantedLimits::default() });
    machine.client.put_instance(house.order(), house.instance, &form).await.unwrap();
    let commit = house.commit("one", &[]);
    house.bring(&machine, &commit).await;
    let wanted = BeginDeployment { deployment: id(), release: id(), commit: commit.to_string() };
    let begun = machine.client.deploy(house.order(), house.instance, &wanted).await;
    let outcome = machine.outcome(begun).await;
    assert!(succeeded(&outcome), "{outcome:?}");
    for status in [200, 200, 404, 500, 503] {
        machine.agent.note_request(house.instance, status, format!("GET / {status} in 1 ms"));
    }

    let told = of_machine(&machine, |told| !known(&told.memory).is_empty()).await;
    assert!(told.processors > 0 && known(&told.memory)[0] <= told.whole_memory, "{told:?}");
    assert!(known(&told.disk)[0] <= told.whole_disk && known(&told.processor)[0] <= 10_000);
    assert!(told.memory.len() <= 361 && told.from % 10_000_000 == 0);
    assert!(known(&told.memory).len() < 60, "before the agent began nothing was measured, and it says so");

    let runs = |told: &InstanceMetricsView| {
        !known(&told.memory).is_empty() && known(&told.requests).iter().any(|rate| *rate > 0)
    };
    let told = of_instance(&house, &machine, Hour, runs).await;
    let memory = known(&told.memory);
    assert!(memory.iter().all(|bytes| *bytes > 1 << 20 && *bytes < told.most_memory), "{memory:?}");
    assert!(known(&told.processor).iter().all(|thousandths| *thousandths < 64_000));
    assert_eq!((told.most_processor, told.most_memory, told.most_disk), (Some(500), 1 << 30, 20 << 30));
    let (requests, errors): (u64, u64) =
        (known(&told.requests).iter().sum(), known(&told.errors).iter().sum());
    assert!(errors > 0 && errors < requests, "two of five were errors: {errors} of {requests}");
    let _ = of_instance(&house, &machine, Week, |told| !known(&told.disk).is_empty()).await;

    // What doesn't run uses nothing that could be measured.
    let stopped = machine.client.stop(house.order(), house.instance).await;
    assert!(succeeded(&machine.outcome(stopped).await));
    let ended = |told: &InstanceMetricsView| {
        told.memory.last().is_some_and(Option::is_none) && told.requests.last().is_some_and(Option::is_some)
    };
    let told = of_instance(&house, &machine, Hour, ended).await;
    assert_eq!((told.processor.last(), told.requests.last()), (Some(&None), Some(&Some(0))));

    let file = place.path().join("state/metrics").join(house.instance.to_string());
    assert!(file.is_file());
    let begun = machine.client.delete_instance(house.order(), house.instance).await;
    assert!(succeeded(&machine.outcome(begun).await));
    assert!(!file.exists());
    let refused = machine.client.instance_metrics(house.instance, Hour).await.unwrap_err();
    assert_eq!(refused.code(), Some(Code::UnknownInstance));
}

#[tokio::test]
async fn figures_of_instances_that_are_gone_go_with_the_next_start() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("state/metrics");
    std::fs::create_dir_all(&folder).unwrap();
    let left = folder.join(id().to_string());
    std::fs::write(&left, "left by an agent that was killed").unwrap();
    std::fs::write(folder.join("machine"), "of another form").unwrap();
    let house = House::new(place.path());
    let machine = house.machine().await;
    let gone = async {
        while left.exists() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, gone).await.unwrap();
    let told = of_machine(&machine, |_| true).await;
    assert!(told.memory.iter().all(Option::is_none), "what can't be read isn't made up for");
    let _ = of_machine(&machine, |told| !known(&told.memory).is_empty()).await;
}
