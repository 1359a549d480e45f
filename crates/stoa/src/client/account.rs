//! Signing in and out: a token of its own for this machine, kept for its owner alone.

use std::io::IsTerminal as _;

use clap::ArgMatches;
use serde_json::{Value, json};

use super::call::{self, Call, path};
use super::failed::Failed;
use super::kept::{Kept, Site};
use super::{ask, field, flag, needed, text, variable};
use crate::output::{complain, say};

/// Signs in, and keeps a token.
pub async fn login(arguments: &ArgMatches) -> Result<(), Failed> {
    let url = call::base(needed(arguments, "url")?)?;
    if call::is_readable_on_the_way(&url) {
        complain(&format!(
            "stoa: {url} is plain http: whoever stands in between reads the password and the token"
        ));
    }
    let call = Call::new(url.clone())?;
    let health = call.get(&path(&["health"])).await?.body;
    if field(&health, "status") != "ok" {
        return Err(Failed::Other(format!("{url} doesn't answer as a Stoa does")));
    }
    let (token, token_id, email) = if flag(arguments, "with-token") {
        (ask::secret("Access token: ")?, None, None)
    } else {
        let (call, email) = sign_in(call, text(arguments, "email").map(str::to_owned)).await?;
        let made = call.post(&path(&["me", "tokens"]), &json!({ "name": machine() })).await;
        // Whatever became of it: the session isn't needed any more.
        let ended = sign_out(&call).await;
        let made = made?.body;
        ended?;
        (field(&made, "token").to_owned(), Some(field(&made, "id").to_owned()), Some(email))
    };
    let call = Call::new(url.clone())?.with_token(token.clone());
    let me = call.get(&path(&["me"])).await?.body;
    let mut kept = Kept::read()?;
    let workspaces: Vec<&str> =
        me["workspaces"].as_array().into_iter().flatten().map(|workspace| field(workspace, "slug")).collect();
    let earlier = kept.sites.remove(url.as_str()).and_then(|site| site.workspace);
    let workspace = match (earlier, workspaces.as_slice()) {
        (Some(earlier), all) if all.contains(&earlier.as_str()) => Some(earlier),
        (_, [only]) => Some((*only).to_owned()),
        _ => None,
    };
    let site = Site { token, token_id, email, workspace: workspace.clone() };
    kept.sites.insert(url.to_string(), site);
    kept.current = Some(url.to_string());
    kept.write()?;
    say(&format!("Signed in at {url} as {}.", super::show::defused(field(&me, "name"), false)));
    match (workspace, workspaces.len()) {
        (Some(workspace), _) => say(&format!("Commands are about the workspace {workspace}.")),
        (None, 0) => say("You are in no workspace yet. Make one: stoa workspace create NAME"),
        (None, _) => say("Choose a workspace: stoa workspace use SLUG"),
    }
    if variable("STOA_TOKEN").is_some() {
        complain("stoa: STOA_TOKEN is set, and goes before what was kept just now");
    }
    Ok(())
}

/// A session, with a password that was entered a moment ago.
async fn sign_in(call: Call, email: Option<String>) -> Result<(Call, String), Failed> {
    let email = match email {
        Some(email) => email,
        None => ask::line("E-mail address: ")?,
    };
    let password = ask::secret("Password: ")?;
    let mut body = json!({ "email": email, "password": password });
    let answer = match call.post_plain(&path(&["session"]), &body).await {
        Err(Failed::Refused(problem)) if problem.code == "second_factor_required" => {
            body["code"] = Value::from(ask::line("Code of your second factor: ")?);
            call.post_plain(&path(&["session"]), &body).await?
        }
        other => other?,
    };
    let cookie = answer
        .cookie
        .ok_or_else(|| Failed::Other("the server signed nobody in: it set no cookie".to_owned()))?;
    Ok((call.with_session(cookie), email))
}

async fn sign_out(call: &Call) -> Result<(), Failed> {
    call.change(reqwest::Method::DELETE, &path(&["session"]), None, &Value::Null).await.map(drop)
}

/// What the token is called in the list of one's tokens.
fn machine() -> String {
    let name = nix::unistd::gethostname().map(|name| name.to_string_lossy().into_owned());
    format!("stoa on {}", name.unwrap_or_else(|_| "a machine".to_owned()))
}

/// Ends the token, and forgets it.
pub async fn logout(arguments: &ArgMatches) -> Result<(), Failed> {
    let mut kept = Kept::read()?;
    let url = text(arguments, "url").map(str::to_owned).or_else(|| kept.current.clone());
    let Some(url) = url else { return Err(Failed::Usage("you aren't signed in anywhere".to_owned())) };
    let url = call::base(&url)?;
    let Some(site) = kept.sites.remove(url.as_str()) else {
        return Err(Failed::Usage(format!("you aren't signed in at {url}")));
    };
    let ended = match (&site.token_id, &site.email) {
        _ if flag(arguments, "keep-token") => false,
        (Some(id), Some(email)) => end_token(&url, id, email, &site.token).await?,
        _ => false,
    };
    if kept.current.as_deref() == Some(url.as_str()) {
        kept.current = kept.sites.keys().next().cloned();
    }
    kept.write()?;
    say(&format!("Signed out at {url}."));
    if !ended {
        say(&format!("The access token still counts. End it at {url}: your name, Account, Access tokens."));
    }
    Ok(())
}

/// A token can't change the account, so the password is asked for once more. Whether it has ended.
async fn end_token(url: &reqwest::Url, id: &str, email: &str, token: &str) -> Result<bool, Failed> {
    let call = Call::new(url.clone())?;
    match Call::new(url.clone())?.with_token(token.to_owned()).get(&path(&["me"])).await {
        // It has ended already.
        Err(Failed::Refused(problem)) if problem.status == 401 => return Ok(true),
        Err(failed) => return Err(failed),
        Ok(_) => {}
    }
    if std::io::stdin().is_terminal() {
        complain(&format!("To end the access token of this machine, the password of {email} is needed."));
    }
    let (call, _) = sign_in(call, Some(email.to_owned())).await?;
    let ended = call.change(reqwest::Method::DELETE, &path(&["me", "tokens", id]), None, &Value::Null).await;
    sign_out(&call).await?;
    match ended {
        Err(Failed::Refused(problem)) if problem.status == 404 => Ok(true),
        other => other.map(|_| true),
    }
}
