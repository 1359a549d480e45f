//! The agent's protocol: its own client at one end of a pipe, its router at the other.

use std::process::Command as Program;

use futures_util::StreamExt as _;
use http::{Method, StatusCode};
use serde_json::json;
use stoa_agent::client::{Client, ClientError};
use stoa_agent::protocol::{
    BeginDeployment, Code, Event, EventView, InstanceState, Mode, OperationState, OperationView, Order,
    PROTOCOL, SwitchRelease, Valid, header,
};
use stoa_domain::branch::CommitId;
use stoa_domain::{InstanceId, JobId};

use crate::support::house::{House, Machine, id, order, pipe, succeeded};
use crate::support::raw::Raw;
use crate::support::{PATIENCE, until};

fn code<T>(answer: Result<T, ClientError>) -> Option<Code> {
    answer.err().and_then(|error| error.code())
}

fn late(fence: i64) -> Order {
    Order { valid: Valid::from_millis(0).unwrap(), ..order(fence) }
}

fn job(operation: &OperationView) -> JobId {
    JobId::new(operation.id)
}

fn steps(events: &[EventView]) -> Vec<String> {
    let names = events.iter().filter_map(|view| match &view.event {
        Event::Step { name, .. } => Some(name.clone()),
        _ => None,
    });
    names.collect()
}

#[tokio::test]
async fn an_agent_says_what_it_is_and_what_it_holds() {
    let place = tempfile::tempdir().unwrap();
    let house = House::new(place.path());
    let machine = house.machine().await;
    let hello = machine.client.hello();
    assert_eq!((hello.protocol, hello.version.as_str()), (PROTOCOL, "test"));
    assert_eq!(hello.abilities.no_sandbox, None);
    let about = machine.client.machine().await.unwrap();
    assert!(about.processors > 0 && about.memory > about.memory_used && about.disk > 0, "{about:?}");
    assert_eq!(machine.client.instances().await.unwrap(), []);
    house.put(&machine).await;
    let seen = machine.see(house.instance).await;
    assert_eq!((seen.state, seen.release, seen.process, seen.fence), (InstanceState::Stopped, None, None, 1));
    assert!(seen.since > 0);
}

#[tokio::test]
async fn who_isnt_there_is_told_apart_from_what_isnt_right() {
    let place = tempfile::tempdir().unwrap();
    let house = House::new(place.path());
    let machine = house.machine().await;
    let (client, nobody) = (&machine.client, InstanceId::new(id()));
    assert_eq!(code(client.start(order(1), nobody).await), Some(Code::UnknownInstance));
    assert_eq!(code(client.delete_instance(order(1), nobody).await), Some(Code::UnknownInstance));
    let unknown = Some(Code::UnknownOperation);
    assert_eq!(code(client.operation(JobId::new(id())).await), unknown);
    assert_eq!(code(client.events(JobId::new(id()), 0).await.map(drop)), unknown);
    assert_eq!(code(client.cancel(order(1), JobId::new(id())).await), unknown);
}

#[tokio::test]
async fn a_request_that_isnt_as_it_has_to_be_is_refused_and_does_nothing() {
    let place = tempfile::tempdir().unwrap();
    let house = House::new(place.path());
    let machine = house.machine().await;
    let raw = Raw::connect(pipe(&machine.agent)).await;
    let id = house.instance;
    let headers = |fence: &str, valid: &str| {
        let job = crate::support::house::id().to_string();
        vec![(header::JOB, job), (header::FENCE, fence.to_owned()), (header::VALID, valid.to_owned())]
    };
    let good = || headers("1", "60000");
    let form = serde_json::to_value(house.form()).unwrap();
    let with = |name: &str| {
        let mut form = form.clone();
        form[name] = json!("hunter2");
        form.to_string()
    };
    let form = form.to_string();
    let path = format!("/v1/instances/{id}");
    let (put, post, get) = (Method::PUT, Method::POST, Method::GET);
    let refused = [
        // The body.
        (&put, path.clone(), good(), with("colour")),
        (&put, path.clone(), good(), with("os_user")),
        (&put, path.clone(), good(), form.replace('}', "")),
        (&put, path.clone(), good(), String::new()),
        (&post, format!("{path}/start"), good(), json!({ "grace": 1 }).to_string()),
        (&post, format!("{path}/restart"), good(), json!({ "mode": "gentle" }).to_string()),
        // The headers.
        (&put, path.clone(), Vec::new(), form.clone()),
        (&put, path.clone(), good()[1..].to_vec(), form.clone()),
        (&put, path.clone(), headers("-1", "60000"), form.clone()),
        (&put, path.clone(), headers("1", "60001"), form.clone()),
        (&get, format!("{path}/logs"), Vec::new(), String::new()),
        (&get, "/v1/changes".to_owned(), vec![(header::LEASE, "mine".to_owned())], String::new()),
        // The path.
        (&put, "/v1/instances/shop".to_owned(), good(), form.clone()),
        (&put, format!("/v1/instances/{}", id.uuid().simple()), good(), form.clone()),
        (&put, "/v1/instances/..%2f..%2fetc".to_owned(), good(), form.clone()),
        (&get, "/v1/mirrors/..".to_owned(), Vec::new(), String::new()),
        (&get, "/v1/shells".to_owned(), Vec::new(), String::new()),
        (&post, "/v1/hello".to_owned(), good(), String::new()),
        // The query.
        (&get, format!("/v1/operations/{id}/events?before=1"), Vec::new(), String::new()),
        (&put, format!("/v1/mirrors/{id}"), good(), String::new()),
        (&put, format!("/v1/mirrors/{id}?commit=main"), good(), String::new()),
    ];
    for (method, path, headers, body) in refused {
        let answer = raw.ask(method.clone(), &path, &headers, &body).await;
        let invalid = (StatusCode::UNPROCESSABLE_ENTITY, "invalid".to_owned());
        assert_eq!(answer, invalid, "{method} {path} {headers:?}");
    }
    assert_eq!(machine.client.instances().await.unwrap(), []);
    // The same without anything wrong in it.
    let (status, _) = raw.ask(put, &path, &good(), &form).await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    assert_eq!(machine.client.instances().await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_lower_fence_is_refused_whatever_happened_to_the_agent_meanwhile() {
    let place = tempfile::tempdir().unwrap();
    let house = House::new(place.path());
    let (instance, form) = (house.instance, house.form());
    let refused = async |machine: &Machine, highest: i64| {
        let client = &machine.client;
        assert_eq!(code(client.put_instance(order(6), instance, &form).await), Some(Code::Fenced));
        assert_eq!(code(client.stop(order(6), instance).await), Some(Code::Fenced));
        assert_eq!(code(client.delete_instance(order(6), instance).await), Some(Code::Fenced));
        assert_eq!(machine.see(instance).await.fence, highest);
    };
    let machine = house.machine().await;
    machine.client.put_instance(order(5), instance, &form).await.unwrap();
    let stopped = machine.client.stop(order(7), instance).await.unwrap();
    assert!(succeeded(&machine.outcome(Ok(stopped.clone())).await));
    refused(&machine, 7).await;
    // The same job with a lower fence, too; and nobody cancels with one.
    let again = Order { job: job(&stopped), ..order(6) };
    assert_eq!(code(machine.client.stop(again, instance).await), Some(Code::Fenced));
    assert_eq!(code(machine.client.cancel(order(6), job(&stopped)).await), Some(Code::Fenced));
    machine.client.cancel(order(8), job(&stopped)).await.unwrap();
    drop(machine);
    let machine = house.machine().await;
    refused(&machine, 8).await;
    assert!(succeeded(&machine.outcome(machine.client.stop(order(8), instance).await).await));
}

#[tokio::test]
async fn what_comes_too_late_isnt_done() {
    let place = tempfile::tempdir().unwrap();
    let house = House::new(place.path());
    let machine = house.machine().await;
    let client = &machine.client;
    let refused = Some(Code::Late);
    assert_eq!(code(client.put_instance(late(1), house.instance, &house.form()).await), refused);
    assert_eq!(client.instances().await.unwrap(), []);
    let commit = house.commit("first", &[]);
    let pack = house.hosted().pack(&commit, &[]).await.unwrap();
    assert_eq!(code(client.put_pack(late(1), house.project, &commit, pack).await), refused);
    assert_eq!(client.mirror_heads(house.project).await.unwrap(), []);
    house.put(&machine).await;
    assert_eq!(code(client.stop(late(9), house.instance).await), refused);
    assert_eq!(machine.see(house.instance).await.fence, 1, "a late order leaves nothing");
}

/// An order that waits for longer than it is good, and what is said of it. Whoever asks after that is over hears nothing of
/// it any more, so one is given longer until it is asked in time.
async fn too_late(machine: &Machine, house: &House) -> (Order, String) {
    for good in [50, 500, 5000] {
        let order = Order { valid: Valid::from_millis(good).unwrap(), ..house.order() };
        let begun = machine.client.stop(order, house.instance).await.unwrap();
        match machine.client.events(job(&begun), 0).await {
            Ok(events) => match events.map(Result::unwrap).collect::<Vec<_>>().await.pop().unwrap().event {
                Event::Failed { code, .. } => return (order, code),
                other => panic!("it was carried out beside other work: {other:?}"),
            },
            Err(error) => assert_eq!(code(Err::<(), _>(error)), Some(Code::UnknownOperation)),
        }
    }
    panic!("nobody asks within seconds")
}

#[tokio::test]
async fn an_order_whose_turn_comes_too_late_is_as_if_it_had_never_come() {
    let place = tempfile::tempdir().unwrap();
    let house = House::new(place.path());
    let machine = house.machine().await;
    let client = &machine.client;
    let waits = house.begin(&machine, &house.commit("first", &["waits"])).await;
    let (stop, said) = too_late(&machine, &house).await;
    assert_eq!(said, Code::Late.key());
    assert_eq!(code(client.operation(stop.job).await), Some(Code::UnknownOperation));
    client.cancel(house.order(), job(&waits)).await.unwrap();
    assert_eq!(machine.outcome(Ok(waits)).await, Event::Cancelled);
    let again = Order { job: stop.job, ..house.order() };
    assert!(succeeded(&machine.outcome(client.stop(again, house.instance).await).await));
}

#[tokio::test]
async fn no_more_work_waits_for_an_instance_than_may() {
    let place = tempfile::tempdir().unwrap();
    let house = House::new(place.path());
    let machine = house.machine().await;
    let client = &machine.client;
    let waits = house.begin(&machine, &house.commit("first", &["waits"])).await;
    let mut waiting = Vec::new();
    for _ in 1..16 {
        waiting.push(client.stop(house.order(), house.instance).await.unwrap());
    }
    assert_eq!(waiting[0].state, OperationState::Waiting);
    assert_eq!(code(client.stop(house.order(), house.instance).await), Some(Code::Busy));
    // What waits is found all the same, and can be cancelled before its turn has come.
    let first = job(&waiting[0]);
    client.cancel(house.order(), first).await.unwrap();
    assert_eq!(machine.outcome(client.operation(first).await).await, Event::Cancelled);
    client.cancel(house.order(), job(&waits)).await.unwrap();
    for begun in waiting.split_off(1) {
        assert!(succeeded(&machine.outcome(Ok(begun)).await));
    }
    assert!(succeeded(&machine.outcome(client.stop(house.order(), house.instance).await).await));
}

#[tokio::test]
async fn a_job_is_done_once_however_often_it_is_ordered() {
    let place = tempfile::tempdir().unwrap();
    let house = House::new(place.path());
    let machine = house.machine().await;
    let commit = house.commit("first", &[]);
    house.put(&machine).await;
    house.bring(&machine, &commit).await;
    let wanted = BeginDeployment { deployment: id(), release: id(), commit: commit.to_string() };
    let order = house.order();
    let begin = async || machine.client.deploy(order, house.instance, &wanted).await.unwrap();
    let (one, other) = tokio::join!(begin(), begin());
    assert_eq!((one.id, other.id), (order.job.uuid(), order.job.uuid()));
    let (events, same) = tokio::join!(machine.events(&one), machine.events(&other));
    assert_eq!(events, same);
    let all = ["fetch", "read", "build", "store", "start", "health", "switch", "settle"];
    assert_eq!(steps(&events), all);
    assert_eq!(events.iter().map(|view| view.number).collect::<Vec<_>>(), (1..=9).collect::<Vec<_>>());
    let running = machine.see(house.instance).await;
    assert_eq!((running.state, running.release), (InstanceState::Running, Some(wanted.release)));
    let before = house.get(&machine, "/").await.unwrap();

    // Somebody who was cut off goes on behind what was heard; who heard all hears nothing more.
    let behind = async |machine: &Machine, after: usize| {
        let rest = machine.client.events(order.job, after).await.unwrap();
        tokio::time::timeout(PATIENCE, rest.map(Result::unwrap).collect::<Vec<_>>()).await.unwrap()
    };
    assert_eq!(behind(&machine, 7).await, events[7..]);
    assert_eq!(behind(&machine, 9).await, []);
    assert_eq!(behind(&machine, 99).await, []);

    // It isn't taken for another order, and is told again when the agent was away.
    let for_another = machine.client.restart(order, house.instance, Mode::Hard).await;
    assert_eq!(code(for_another), Some(Code::Invalid));
    drop(machine);
    let machine = house.machine().await;
    let again = machine.client.deploy(order, house.instance, &wanted).await.unwrap();
    assert_eq!(again.state, OperationState::Succeeded);
    assert_eq!(machine.events(&again).await, events);
    assert_eq!(behind(&machine, 7).await, events[7..]);
    assert_eq!(house.get(&machine, "/").await.unwrap(), before, "the same process answers");
    machine.agent.stop_all().await.unwrap();
}

#[tokio::test]
async fn what_was_deleted_stays_so_when_its_job_comes_again() {
    let place = tempfile::tempdir().unwrap();
    let house = House::new(place.path());
    let machine = house.machine().await;
    house.put(&machine).await;
    let order = house.order();
    assert!(succeeded(&machine.outcome(machine.client.delete_instance(order, house.instance).await).await));
    machine.client.put_instance(order, house.instance, &house.form()).await.unwrap();
    assert!(succeeded(&machine.outcome(machine.client.delete_instance(order, house.instance).await).await));
    assert_eq!(machine.client.instances().await.unwrap(), []);
}

#[tokio::test]
async fn changes_are_told_as_they_happen_and_a_release_that_was_kept_is_gone_back_to() {
    let place = tempfile::tempdir().unwrap();
    let house = House::new(place.path());
    let machine = house.machine().await;
    let client = &machine.client;
    let mut changes = client.changes().await.unwrap();
    let (first, second) = (house.commit("first", &[]), house.commit("second", &[]));
    house.put(&machine).await;
    house.bring(&machine, &second).await;
    let wanted =
        |commit: &CommitId| BeginDeployment { deployment: id(), release: id(), commit: commit.to_string() };
    let (first, second) = (wanted(&first), wanted(&second));
    assert!(succeeded(&machine.outcome(client.deploy(house.order(), house.instance, &first).await).await));
    let mut next = async || tokio::time::timeout(PATIENCE, changes.next()).await.unwrap().unwrap().unwrap();
    let (starting, running) = (next().await, next().await);
    assert_eq!((starting.id, starting.state), (house.instance.uuid(), InstanceState::Starting));
    assert_eq!((running.state, running.release), (InstanceState::Running, Some(first.release)));
    assert!(starting.since <= running.since);
    assert!(succeeded(&machine.outcome(client.deploy(house.order(), house.instance, &second).await).await));
    assert!(house.get(&machine, "/").await.unwrap().starts_with("second "));
    let back = SwitchRelease { deployment: id(), release: first.release };
    assert!(succeeded(
        &machine.outcome(client.switch_release(house.order(), house.instance, &back).await).await
    ));
    assert!(house.get(&machine, "/").await.unwrap().starts_with("first "));
    assert!(succeeded(
        &machine.outcome(client.restart(house.order(), house.instance, Mode::Soft).await).await
    ));
    assert!(house.get(&machine, "/").await.unwrap().starts_with("first "));
    assert!(succeeded(&machine.outcome(client.stop(house.order(), house.instance).await).await));
    until("it is told", async || (next().await.state == InstanceState::Stopped).then_some(())).await;
    assert!(succeeded(&machine.outcome(client.start(house.order(), house.instance).await).await));
    assert!(house.get(&machine, "/").await.unwrap().starts_with("first "));
    machine.agent.stop_all().await.unwrap();
}

#[tokio::test]
async fn a_connection_that_is_gone_is_a_clear_fault() {
    let place = tempfile::tempdir().unwrap();
    let house = House::new(place.path());
    let machine = house.machine().await;
    let (ours, theirs) = tokio::io::duplex(64 * 1024);
    let serving =
        tokio::spawn(stoa_agent::router::serve(stoa_agent::router::router(machine.agent.clone()), theirs));
    let client = Client::connect(ours).await.unwrap();
    let mut changes = client.changes().await.unwrap();
    serving.abort();
    assert!(changes.next().await.unwrap().is_err(), "a stream that was cut off isn't a stream that ended");
    let error = client.instances().await.unwrap_err();
    assert!(matches!(error, ClientError::Connection(_)), "{error}");
    assert!(client.is_closed());
    let (ours, theirs) = tokio::io::duplex(1024);
    drop(theirs);
    assert!(Client::connect(ours).await.is_err());
}

/// Where it is told so, this runs on a machine without bubblewrap.
#[tokio::test]
async fn a_machine_without_sandboxes_says_so_and_starts_nothing() {
    if std::env::var_os("WITHOUT_BUBBLEWRAP").is_none() {
        if crate::support::need::lacks("root", nix::unistd::geteuid().is_root()) {
            return;
        }
        let hide = "mount --bind /dev/null \"$(command -v bwrap)\" && exec \"$0\" \"$@\"";
        let output = Program::new("unshare")
            .args(["--mount", "--propagation", "private", "sh", "-c", hide])
            .arg(std::env::current_exe().unwrap())
            .args(["--exact", "protocol::a_machine_without_sandboxes_says_so_and_starts_nothing"])
            .env("WITHOUT_BUBBLEWRAP", "1")
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && said.contains(" 1 passed"), "{said}");
        return;
    }
    let place = tempfile::tempdir().unwrap();
    let house = House::new(place.path());
    let machine = house.machine().await;
    let reason = machine.client.hello().abilities.no_sandbox.clone().unwrap();
    assert!(reason.contains("apt-get install bubblewrap"), "{reason}");
    house.put(&machine).await;
    let ClientError::Refused(problem) =
        machine.client.start(house.order(), house.instance).await.unwrap_err()
    else {
        panic!("not refused")
    };
    assert_eq!((problem.code, problem.status, problem.detail), (Code::NoSandbox, 409, reason));
    assert!(succeeded(&machine.outcome(machine.client.stop(house.order(), house.instance).await).await));
}
