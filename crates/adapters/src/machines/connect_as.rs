//! What an application is asked through its machine's agent, for somebody who connects as one of its users.

use stoa_agent::client::{Client, ClientError};
use stoa_agent::protocol::{
    Code, Commanded, EndSession, ListUsers, OpenSession, Order, SecretText, SessionCookie, UserView, Valid,
};
use stoa_app::Fault;
use stoa_app::ports::{AppCookie, AppUser, ConnectAnswer, ConnectWish};
use stoa_domain::{InstanceId, JobId};

/// None of these is a job's: each is ordered by itself, and isn't compared with a fence.
fn order() -> Result<Order, Fault> {
    let fence = stoa_agent::protocol::Fence::new(0).ok_or_else(|| Fault::new("no fence"))?;
    Ok(Order { job: JobId::new(uuid::Uuid::now_v7()), fence, valid: Valid::LONGEST })
}

pub(super) async fn ask(
    client: &Client,
    instance: InstanceId,
    wish: ConnectWish,
) -> Result<ConnectAnswer, Fault> {
    let order = order()?;
    match wish {
        ConnectWish::List { query, limit } => {
            let asked = ListUsers { query, limit };
            answer(client.list_users(order, instance, &asked).await, |found| {
                ConnectAnswer::Users(found.users.into_iter().map(user).collect())
            })
        }
        ConnectWish::Open { user, reason, actor, expires_at } => {
            let expires_at = jiff::Timestamp::from_microsecond(expires_at.micros()).map_err(Fault::new)?;
            let asked = OpenSession { user, reason, actor, expires_at: format!("{expires_at:.0}") };
            answer(client.open_session(order, instance, &asked).await, |opened| ConnectAnswer::Opened {
                cookies: opened.cookies.into_iter().map(cookie).collect(),
                path: opened.path,
            })
        }
        ConnectWish::End { cookies } => {
            let cookies = cookies.into_iter();
            let cookies = cookies.map(|AppCookie { name, value, path }| SessionCookie {
                name,
                value: SecretText(value),
                path,
            });
            let asked = EndSession { cookies: cookies.collect() };
            answer(client.end_session(order, instance, &asked).await, |_| ConnectAnswer::Ended)
        }
    }
}

fn user(view: UserView) -> AppUser {
    AppUser { id: view.id, login: view.login, name: view.name, active: view.active }
}

fn cookie(cookie: SessionCookie) -> AppCookie {
    AppCookie { name: cookie.name, value: cookie.value.0, path: cookie.path }
}

fn answer<T>(
    told: Result<Commanded<T>, ClientError>,
    done: impl FnOnce(T) -> ConnectAnswer,
) -> Result<ConnectAnswer, Fault> {
    match told {
        Ok(Commanded::Done(told)) => Ok(done(told)),
        Ok(Commanded::NotPossible { sentence }) => Ok(ConnectAnswer::NotPossible(sentence)),
        Ok(Commanded::Failed { sentence, quote }) => Ok(ConnectAnswer::Failed { sentence, quote }),
        Err(ClientError::Refused(problem)) => match problem.code {
            Code::Busy => Ok(ConnectAnswer::Busy),
            Code::NoSandbox => Ok(ConnectAnswer::NoSandbox(problem.detail)),
            Code::UnknownInstance => Ok(ConnectAnswer::NotPossible(
                "Its server doesn't have it any more. Deploy it again.".to_owned(),
            )),
            _ => Err(Fault::new(ClientError::Refused(problem))),
        },
        Err(error) => Err(super::fault(error)),
    }
}
