//! The pages around a session: the one that a link opens on the public host, and the one that says that it is over.

use axum::body::Body;
use http::Response;
use http::header::{self, HeaderName, HeaderValue};
use http::request::Parts;

use super::super::visitor::{self, Notice};
use crate::cookie;

/// Takes the link out of the address, acts on it by POST, and goes on to the session's host by a form. The form says
/// where it comes from, which by then holds nothing.
const SCRIPT: &str = "\
const token=location.pathname.split('/')[2]||'';history.replaceState(null,'','/connect');\
const say=(title,text)=>{document.querySelector('h1').textContent=title;document.querySelector('p').textContent=text;\
document.title=title;document.querySelector('span').className='quiet';document.querySelector('svg').classList.add('still')};\
(async()=>{let answer,told;try{answer=await fetch('/api/v1/connect/'+encodeURIComponent(token),{method:'POST',\
headers:{'Content-Type':'application/json'},body:'{}',referrerPolicy:'no-referrer'});told=await answer.json()}\
catch{return say('Not available','Stoa can’t be reached right now. Ask for a new link in a moment.')}\
if(answer.status===401)return say('Sign in first','Sign in as who asked for this link, then ask for a new one.');\
if(!answer.ok)return say(told.title||'Not possible',(told.detail||'This link can’t be used.')+(told.quote?' It says: '+told.quote:''));\
const meta=document.createElement('meta');meta.name='referrer';meta.content='origin';document.head.append(meta);\
const form=document.createElement('form');form.method='post';form.action=told.url+'/.stoa/connect';\
const code=document.createElement('input');code.type='hidden';code.name='code';code.value=told.code;\
form.append(code);document.body.append(form);form.submit()})()";

/// What a link opens: the same for every link. `targets`: where its form may go.
pub(crate) fn begins(nonce: &str, targets: &str) -> Response<Body> {
    let more = format!(
        "<noscript><p>This page goes on by a script, and scripts are off here.</p></noscript>\
         <script nonce=\"{nonce}\">{SCRIPT}</script>"
    );
    let sentence = "The application opens a session for you. This takes a moment.";
    let body = visitor::document("Connecting", sentence, "busy", visitor::TURNING, &more);
    let policy = format!(
        "default-src 'none'; style-src {}; script-src 'nonce-{nonce}'; connect-src 'self'; form-action {targets}; \
         frame-ancestors 'none'; base-uri 'none'",
        visitor::style_hash()
    );
    let mut response = visitor::html(body, &policy);
    let headers = response.headers_mut();
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    visitor::unlisted(headers);
    response
}

/// A session's host after its end: what is left of it in the browser goes. Cookies one by one, those of this host alone:
/// a browser that is told to clear them all takes the whole registered domain for meant.
pub(crate) fn over(parts: &Parts, is_secure: bool) -> Response<Body> {
    const CLEAR: HeaderName = HeaderName::from_static("clear-site-data");
    let mut response = visitor::page(parts, Notice::ConnectOver);
    let headers = response.headers_mut();
    headers.insert(CLEAR, HeaderValue::from_static("\"cache\", \"storage\""));
    let texts = parts.headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let names =
        texts.flat_map(|text| text.split(';')).filter_map(|pair| pair.split('=').next()).map(str::trim);
    for name in names.filter(|name| !name.is_empty()).take(MOST_NAMES) {
        if let Ok(gone) = HeaderValue::try_from(cookie::set(name, "", 0, is_secure)) {
            headers.append(header::SET_COOKIE, gone);
        }
    }
    response
}

/// Cookies that are taken back at once.
const MOST_NAMES: usize = 50;
