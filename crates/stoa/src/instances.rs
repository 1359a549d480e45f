//! `stoa instances stop --all`: ends what runs on this machine, whether Stoa itself runs or not.

use std::io;
use std::path::{Path, PathBuf};

use futures_util::StreamExt as _;
use stoa_agent::client::Client;
use stoa_agent::protocol::{Event, Fence, InstanceState, InstanceView, Order, Valid};
use stoa_domain::{InstanceId, JobId};
use uuid::Uuid;

use crate::failure::Ended;
use crate::output::say;
use crate::serve;
use crate::settings::Settings;

/// `state`: the folder of an agent whose control plane is elsewhere.
///
/// # Errors
/// Where the agent can't be asked, or an application can't be ended.
pub async fn stop_all(settings: Settings, state: Option<String>) -> Result<(), Ended> {
    let (folder, locked) = match state.map(PathBuf::from) {
        Some(state) => (state.clone(), state),
        None => (serve::agent_folder(&settings), settings.data_dir.clone()),
    };
    if !folder.is_dir() {
        say("No instance was ever started here.");
        return Ok(());
    }
    let (count, what_next) = match serve::lock::take(&locked) {
        // Held until they are ended: no start of Stoa comes between.
        Ok(_lock) => {
            let agent = serve::look_at_agent(folder, settings.instance_egress_allow).await?;
            (agent.stop_all().await?, "The next start of Stoa starts them again")
        }
        Err(error) if error.kind() == io::ErrorKind::ResourceBusy => {
            let count = stop_by_agent(&folder).await?;
            if has_postgresql(&folder) {
                say(
                    "The PostgreSQL server of this machine goes on while Stoa runs: end Stoa and call this again to end it, too.",
                );
            }
            (count, "The page starts them again")
        }
        Err(error) => return Err(error.into()),
    };
    match count {
        0 => say("No instance runs."),
        count => say(&format!("{}. {what_next}.", counted(count, "is stopped", "are stopped"))),
    }
    Ok(())
}

/// Whether the machine's PostgreSQL server is there. It is started with the first database.
fn has_postgresql(agent: &Path) -> bool {
    std::fs::read_dir(agent.join("postgresql/run")).is_ok_and(|mut found| found.next().is_some())
}

/// Asks the agent of the Stoa that runs, by the protocol that it speaks with the control plane.
async fn stop_by_agent(folder: &Path) -> Result<usize, Ended> {
    let unheard = |error| Ended::because("Stoa runs, but this machine's agent can't be asked", error);
    let connection = stoa_agent::init::connect(&folder.join(serve::SOCKET)).await.map_err(unheard)?;
    let client = Client::connect(connection).await?;
    let mut count = 0;
    for instance in client.instances().await? {
        if instance.state != InstanceState::Stopped {
            stop(&client, &instance).await?;
            count += 1;
        }
    }
    Ok(count)
}

async fn stop(client: &Client, instance: &InstanceView) -> Result<(), Ended> {
    let job = JobId::new(Uuid::now_v7());
    // As new as what the agent has seen: a newer order of the control plane's goes before it.
    let fence =
        Fence::new(instance.fence).ok_or_else(|| Ended::said("the agent tells no number of its orders"))?;
    let order = Order { job, fence, valid: Valid::LONGEST };
    client.stop(order, InstanceId::new(instance.id)).await?;
    let mut events = std::pin::pin!(client.events(job, 0).await?);
    while let Some(event) = events.next().await {
        if let Event::Failed { sentence, .. } = event?.event {
            return Err(Ended::said(format!("the instance {} can't be stopped: {sentence}", instance.id)));
        }
    }
    Ok(())
}

/// `1 instance is stopped`, `3 instances are stopped`.
pub fn counted(count: usize, one: &str, more: &str) -> String {
    if count == 1 { format!("1 instance {one}") } else { format!("{count} instances {more}") }
}
