//! What a handler is: an async function from a gate and arguments to an answer.

use axum::extract::Request;
use axum::response::{IntoResponse as _, Response};
use futures_util::future::BoxFuture;
use stoa_app::{Failure, Fault};

use crate::answer::{Answer, Success};
use crate::argument::Argument;
use crate::gate::{Gate, GateKey};
use crate::openapi::Description;
use crate::problem::Problem;
use crate::repeat::{self, Begun};
use crate::site::Frame;

/// Implemented for functions of a gate and up to five arguments. `A` is only there to tell them apart.
pub trait Handler<A>: Clone + Send + Sync + 'static {
    fn gate() -> GateKey;
    fn describe(description: &mut Description);
    fn handle(self, frame: Frame, request: Request) -> BoxFuture<'static, Response>;
}

/// Carried out whether its client still waits or not. Without its type: a task is compiled for this one, not once more
/// for each handler.
async fn to_its_end(work: BoxFuture<'static, Response>) -> Response {
    let ended = tokio::spawn(work).await;
    ended.unwrap_or_else(|error| Problem(Fault::new(error).into()).into_response())
}

macro_rules! handlers {
    ($(($($argument:ident),*))*) => {$(
        #[allow(non_snake_case, unused_variables, unused_mut)]
        impl<F, Fut, G, $($argument,)* S> Handler<(G, $($argument,)*)> for F
        where
            F: Fn(G, $($argument),*) -> Fut + Clone + Send + Sync + 'static,
            Fut: Future<Output = Answer<S>> + Send + 'static,
            G: Gate + 'static,
            $($argument: Argument + 'static,)*
            S: Success + 'static,
        {
            fn gate() -> GateKey {
                G::key()
            }

            fn describe(description: &mut Description) {
                $($argument::describe(description);)*
                S::describe(description);
            }

            fn handle(self, frame: Frame, request: Request) -> BoxFuture<'static, Response> {
                let (mut parts, body) = request.into_parts();
                let goes_on = repeat::has_key(&parts);
                let work = async move {
                    let mut body = Some(body);
                    // The order is the contract's: origin, sign-in, membership, resource, permission; only then
                    // is a word of the body read.
                    let entering = async {
                        if !G::HAS_OWN_PROOF {
                            crate::origin::check(&frame.site, &parts)?;
                        }
                        let gate = G::pass(&frame, &mut parts).await?;
                        // Decided anew before an earlier answer is given again.
                        let begun = repeat::begin(&frame.app, &parts, &mut body, G::key().operation).await?;
                        Ok::<_, Failure>((gate, begun))
                    };
                    let (gate, once) = match entering.await {
                        Err(failure) => return Problem(failure).into_response(),
                        Ok((_, Begun::Again(response))) => return response,
                        Ok((gate, Begun::Plain)) => (gate, None),
                        Ok((gate, Begun::Now(once))) => (gate, Some(once)),
                    };
                    let taking = async {
                        $(let $argument = $argument::take(&frame, &mut parts, &mut body).await?;)*
                        crate::body::nothing(&parts, &mut body).await?;
                        Ok::<_, Failure>(($($argument,)*))
                    };
                    let response = match taking.await {
                        Err(failure) => Problem(failure).into_response(),
                        Ok(($($argument,)*)) => match self(gate, $($argument),*).await {
                            Ok(success) => success.into_response(),
                            Err(problem) => problem.into_response(),
                        },
                    };
                    match once {
                        None => response,
                        Some(once) => once.end(&frame.app, response).await,
                    }
                };
                let work: BoxFuture<'static, Response> = Box::pin(work);
                if goes_on { Box::pin(to_its_end(work)) } else { work }
            }
        }
    )*};
}

handlers! { () (A1) (A1, A2) (A1, A2, A3) (A1, A2, A3, A4) (A1, A2, A3, A4, A5) }
