//! Signing in and out: a token of its own for this machine, kept for its owner alone.

use std::io::IsTerminal as _;

use clap::ArgMatches;
use reqwest::{Method, Url};
use serde_json::{Value, json};

use super::call::{self, Call, Whence, path};
use super::failed::Failed;
use super::kept::{Kept, Site};
use super::{ask, field, flag, needed, text, variable};
use crate::output::{complain, say};

/// For which a token of a sign-in counts, where nothing else is said.
const DAYS: u16 = 365;

/// Signs in, and keeps a token.
pub async fn login(arguments: &ArgMatches) -> Result<(), Failed> {
    let url = call::base(needed(arguments, "url")?)?;
    if call::is_readable_on_the_way(&url) {
        complain(&format!(
            "stoa: {url} is plain http: whoever stands in between reads the password and the token"
        ));
    }
    // Before a token is made that couldn't be kept.
    let kept = Kept::read()?;
    let call = Call::new(url.clone())?;
    let health = call.get(&path(&["health"])).await?.body;
    if field(&health, "status") != "ok" {
        return Err(Failed::Other(format!("{url} doesn't answer as a Stoa does")));
    }
    if flag(arguments, "with-token") {
        let token = ask::secret("Access token: ")?;
        keep(kept, &url, Site { token, token_id: None, email: None, workspace: None }).await?;
    } else {
        let ends_at = ends_at(arguments);
        let (session, email) = sign_in(call, text(arguments, "email").map(str::to_owned)).await?;
        let outcome = take_token(&session, kept, &url, email, ends_at.as_deref()).await;
        // Whatever became of it: the session isn't needed any more.
        let ended = sign_out(&session).await;
        outcome?;
        ended?;
    }
    if variable("STOA_TOKEN").is_some() {
        complain("stoa: STOA_TOKEN is set, and goes before what was kept just now");
    }
    Ok(())
}

/// When the token of a sign-in ends; `None`: never.
fn ends_at(arguments: &ArgMatches) -> Option<String> {
    let days = arguments.get_one::<u16>("days").copied().unwrap_or(DAYS);
    let ends = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(24 * i64::from(days));
    (days > 0).then(|| ends.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
}

/// Makes a token of its own for this machine, and keeps it. The one that was kept here before ends, once the new one
/// works.
async fn take_token(
    session: &Call,
    kept: Kept,
    url: &Url,
    email: String,
    ends_at: Option<&str>,
) -> Result<(), Failed> {
    let mut wish = json!({ "name": machine() });
    if let Some(ends_at) = ends_at {
        wish["expires_at"] = ends_at.into();
    }
    let made = session.post(&path(&["me", "tokens"]), &wish).await?.body;
    let id = field(&made, "id").to_owned();
    let earlier =
        kept.sites.get(url.as_str()).and_then(|site| Some((site.token_id.clone()?, site.email.clone()?)));
    let site = Site {
        token: field(&made, "token").to_owned(),
        token_id: Some(id.clone()),
        email: Some(email.clone()),
        workspace: None,
    };
    if let Err(failed) = keep(kept, url, site).await {
        // Nobody has it, so it needn't count. That it wasn't kept is what is told.
        let _ = delete_token(session, &id).await;
        return Err(failed);
    }
    if let Some(day) = ends_at.and_then(|time| time.get(..10)) {
        say(&format!("The access token of this machine counts until {day}."));
    }
    if let Some((id, of)) = earlier {
        let ended = delete_token(session, &id).await;
        // Another account's isn't found.
        let is_own = of.eq_ignore_ascii_case(&email);
        if !matches!(&ended, Ok(was_there) if *was_there || is_own) {
            complain(&format!(
                "stoa: the access token that {of} had on this machine still counts. End it at {url}: your name, Account, Access tokens."
            ));
        }
    }
    Ok(())
}

/// Keeps what one is signed in with, once it is found to count, and tells whose it is.
async fn keep(mut kept: Kept, url: &Url, mut site: Site) -> Result<(), Failed> {
    let call = Call::new(url.clone())?.with_token(site.token.clone(), Whence::Given);
    let me = call.get(&path(&["me"])).await?.body;
    let workspaces: Vec<&str> =
        me["workspaces"].as_array().into_iter().flatten().map(|workspace| field(workspace, "slug")).collect();
    let earlier = kept.sites.remove(url.as_str()).and_then(|site| site.workspace);
    site.workspace = match (earlier, workspaces.as_slice()) {
        (Some(earlier), all) if all.contains(&earlier.as_str()) => Some(earlier),
        (_, [only]) => Some((*only).to_owned()),
        _ => None,
    };
    let workspace = site.workspace.clone();
    kept.sites.insert(url.to_string(), site);
    kept.current = Some(url.to_string());
    kept.write()?;
    say(&format!("Signed in at {url} as {}.", super::show::defused(field(&me, "name"), false)));
    match (workspace, workspaces.len()) {
        (Some(workspace), _) => say(&format!("Commands are about the workspace {workspace}.")),
        (None, 0) => say("You are in no workspace yet. Make one: stoa workspace create NAME"),
        (None, _) => say("Choose a workspace: stoa workspace use SLUG"),
    }
    Ok(())
}

/// Ends a token. Whether it was there.
async fn delete_token(session: &Call, id: &str) -> Result<bool, Failed> {
    match session.change(Method::DELETE, &path(&["me", "tokens", id]), None, &Value::Null).await {
        Err(Failed::Refused(problem)) if problem.status == 404 => Ok(false),
        other => other.map(|_| true),
    }
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
    call.change(Method::DELETE, &path(&["session"]), None, &Value::Null).await.map(drop)
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
async fn end_token(url: &Url, id: &str, email: &str, token: &str) -> Result<bool, Failed> {
    let with_token = Call::new(url.clone())?.with_token(token.to_owned(), Whence::Kept);
    match with_token.get(&path(&["me"])).await {
        // It has ended already.
        Err(Failed::Refused(problem)) if problem.status == 401 => return Ok(true),
        Err(failed) => return Err(failed),
        Ok(_) => {}
    }
    if std::io::stdin().is_terminal() {
        complain(&format!("To end the access token of this machine, the password of {email} is needed."));
    }
    let (session, _) = match sign_in(Call::new(url.clone())?, Some(email.to_owned())).await {
        Ok(signed_in) => signed_in,
        Err(Failed::Usage(sentence)) => {
            return Err(Failed::Usage(format!(
                "{sentence}, to end the access token. Or say --keep-token: then it is forgotten here, and counts until it is ended on the page"
            )));
        }
        Err(Failed::Refused(mut problem)) => {
            problem.detail = format!("{} Nothing was changed: you are still signed in here.", problem.detail);
            return Err(Failed::Refused(problem));
        }
        Err(failed) => return Err(failed),
    };
    let ended = delete_token(&session, id).await;
    sign_out(&session).await?;
    ended.map(|_| true)
}
