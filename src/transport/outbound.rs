//! What is added to the requests of one attempt on their way out: the context of its trace, then the proof of
//! who we are.

use std::{
    borrow::Cow,
    fmt,
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicBool, AtomicU16, Ordering},
    },
};

use fanfare_sdk::{
    AuthError, Authorizer, Call, Compress, Effect, Exchange, Learn, Learned, Meaning, Payload,
    PrepareError, Reply, RetryAfter, SecretUrl, SendError, SendErrorKind, Stamp, Transport,
    UrlTemplate, async_trait,
};
use http::{Uri, header::LOCATION};
use smallvec::SmallVec;
use tokio::sync::Semaphore;

use super::echo::{Looking, Proofs};
use super::encode::compress;
use super::urls::{UrlError, canonical};
use crate::policy::{Masks, Redirects};
use crate::telemetry::{Exchanges, Sent, TraceContext, inject, inject_baggage, nth_span_id};

/// What the way out of one attempt is made of.
#[derive(Debug)]
pub(crate) struct OutboundParts {
    /// Where requests go on.
    pub(crate) inner: Arc<dyn Transport>,
    /// Where those to another origin go on: with no certificate that says who we are.
    pub(crate) strangers: Arc<dyn Transport>,
    /// The attempt.
    pub(crate) call: Call,
    /// The context that travels with its requests; none sends no `traceparent`.
    pub(crate) trace: Option<TraceContext>,
    /// Asked in this order, each the last to touch the request so far.
    pub(crate) authorizers: Arc<[Arc<dyn Authorizer>]>,
    /// What each of them was ready with.
    pub(crate) stamps: SmallVec<[Stamp; 2]>,
    /// How bodies are compressed, and on whose threads.
    pub(crate) compress: Option<(Compress, Arc<Semaphore>)>,
    /// Redirects that are followed.
    pub(crate) redirects: Option<Redirects>,
    /// Requests that the attempt may make.
    pub(crate) exchanges_max: u16,
    /// What of the settings is not shown.
    pub(crate) masks: Arc<Masks>,
    /// Travels with them too.
    pub(crate) baggage: Option<Arc<str>>,
    /// The span of the first exchange.
    pub(crate) span_id: [u8; 8],
    /// Where exchanges are noted, for spans and metrics.
    pub(crate) exchanges: Option<Arc<Exchanges>>,
}

/// The way out of one attempt.
pub(crate) struct Outbound {
    parts: OutboundParts,
    exchanges: AtomicU16,
    along: OnceLock<Payload>,
    learned: Mutex<Learned>,
    requested: Mutex<Option<Uri>>,
    has_acted: AtomicBool,
}

impl Outbound {
    /// The way out of one attempt.
    #[must_use]
    pub(crate) fn new(parts: OutboundParts) -> Self {
        let (learned, requested) = (Mutex::default(), Mutex::default());
        let (exchanges, has_acted) = (AtomicU16::new(0), AtomicBool::new(false));
        Self { parts, exchanges, along: OnceLock::new(), learned, requested, has_acted }
    }

    /// How many exchanges were made.
    pub(crate) fn made(&self) -> u16 {
        self.exchanges.load(Ordering::Relaxed).min(self.parts.exchanges_max)
    }

    /// What goes along with this payload is added to its requests.
    pub(crate) fn along_with(&self, payload: &Payload) {
        if !payload.headers().is_empty() || !payload.query().is_empty() {
            self.along.get_or_init(|| payload.clone());
        }
    }

    /// The heaviest of what the authorizers have learned so far.
    #[must_use]
    pub(crate) fn learned(&self) -> Learned {
        *self.learned.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a redirect has asked for the result of what was asked first: whatever is answered there, it may have been
    /// done.
    #[must_use]
    pub(crate) fn has_acted(&self) -> bool {
        self.has_acted.load(Ordering::Relaxed)
    }

    /// The URL of the last request.
    #[must_use]
    pub(crate) fn requested(&self) -> Option<Uri> {
        self.requested.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn authorizers(&self) -> impl Iterator<Item = (&Arc<dyn Authorizer>, Stamp)> {
        let stamps = self.parts.stamps.iter().copied().chain(std::iter::repeat(Stamp::default()));
        self.parts.authorizers.iter().zip(stamps)
    }
}

#[async_trait]
impl Transport for Outbound {
    async fn exchange(&self, mut exchange: Exchange) -> Result<Reply, SendError> {
        if let Some(payload) = self.along.get() {
            // Once: where a redirect leads, it leads with another query, and perhaps to strangers.
            add(payload, &mut exchange)?;
        }
        if let Some((how, threads)) = &self.parts.compress {
            compress(&mut exchange.request, *how, threads).await?;
        }
        let mut reply = match self.parts.redirects {
            Some(redirects) => self.follow(redirects, exchange).await?,
            None => self.one(exchange, true, 0).await?,
        };
        self.hide_location(&mut reply);
        Ok(reply)
    }
}

impl Outbound {
    /// Makes an exchange, and those that its reply asks for, as far as they are followed: otherwise the redirect is the reply.
    async fn follow(
        &self,
        redirects: Redirects,
        mut exchange: Exchange,
    ) -> Result<Reply, SendError> {
        let before = exchange.progress.mark();
        let (mut is_ours, mut left) = (true, redirects.hops_max);
        loop {
            // Without what is added on the way out: that is added anew, or not at all.
            let mut next = exchange.clone();
            let (method, url) = (exchange.request.method().clone(), exchange.request.uri().clone());
            let replied = self.one(exchange, is_ours, redirects.hops_max - left).await;
            let reply = replied.map_err(|error| self.in_doubt(error))?;
            let hop = redirects.hop(&reply.head, &method, &url).filter(|_| left > 0);
            let Some(hop) = hop else { return Ok(reply) };
            left -= 1;
            // Who has left the origin once does not come back with credentials: the other one chose where to.
            is_ours &= hop.same_origin;
            // The reply says that nothing was done and where to ask for it, or where the result is of what was done.
            next.progress.back_to(before);
            if hop.may_have_acted(&method) {
                self.has_acted.store(true, Ordering::Relaxed);
            }
            if self.has_acted() {
                next.progress.sending();
            }
            next.request = hop.request(next.request, is_ours);
            // The API has made that URL.
            next.request.extensions_mut().remove::<UrlTemplate>();
            exchange = next;
        }
    }

    /// The URL as it may be shown.
    fn shown(&self, exchange: &Exchange) -> Uri {
        self.parts.masks.url(SecretUrl::shown(&exchange.request))
    }

    /// The template of its URL as it may be shown.
    fn template(&self, exchange: &Exchange) -> Option<UrlTemplate> {
        let template = UrlTemplate::of(&exchange.request)?;
        match self.parts.masks.path(template.as_str()) {
            Cow::Owned(hidden) => Some(UrlTemplate::new(hidden)),
            Cow::Borrowed(_) => Some(template),
        }
    }

    /// Where a redirect leads to that is not followed stays in the reply, but for our own secrets.
    fn hide_location(&self, reply: &mut Reply) {
        let Some(location) = reply.head.headers.get_mut(LOCATION) else { return };
        let text = String::from_utf8_lossy(location.as_bytes());
        if let Cow::Owned(hidden) = self.parts.masks.hide(&text)
            && let Ok(hidden) = hidden.try_into()
        {
            *location = hidden;
        }
    }

    /// What was asked first may have been done, whatever has become of asking for its result.
    fn in_doubt(&self, mut error: SendError) -> SendError {
        let effect = &mut error.classification.effect;
        if self.has_acted() && *effect == Effect::None {
            *effect = Effect::Unknown;
        }
        error
    }

    /// The call as its authorizers see it: each exchange has a nonce of its own.
    fn call_of(&self, place: u16) -> Cow<'_, Call> {
        let mut call = Cow::Borrowed(&self.parts.call);
        if place > 0 {
            let nonce = u128::from_be_bytes(call.nonce).wrapping_add(place.into());
            call.to_mut().nonce = nonce.to_be_bytes();
        }
        call
    }

    /// Makes one exchange; with the trace and with who we are only where it is ours: others are strangers.
    async fn one(
        &self,
        mut exchange: Exchange,
        is_ours: bool,
        redirects: u16,
    ) -> Result<Reply, SendError> {
        let place = self.exchanges.fetch_add(1, Ordering::Relaxed);
        if place >= self.parts.exchanges_max {
            let limit = format!("more than {} exchanges in one attempt", self.parts.exchanges_max);
            let effect = exchange.progress.effect();
            return Err(
                SendError::new(SendErrorKind::TooLarge, Meaning::Permanent, effect).because(limit)
            );
        }
        let span_id = nth_span_id(self.parts.span_id, place);
        if let Some(trace) = self.parts.trace.as_ref().filter(|_| is_ours) {
            let trace = TraceContext { span_id, ..trace.clone() };
            inject(exchange.request.headers_mut(), &trace);
        }
        if let Some(baggage) = self.parts.baggage.as_ref().filter(|_| is_ours) {
            inject_baggage(exchange.request.headers_mut(), baggage);
        }
        if !self.parts.authorizers.is_empty() {
            // What they sign has to be what is sent.
            let uri = canonical(exchange.request.uri());
            *exchange.request.uri_mut() = uri.map_err(|error| unfit(error, &exchange))?;
        }
        self.parts.masks.mark(exchange.request.headers_mut());
        // Before the authorizers: what they add to the URL is a secret.
        let url = self.parts.exchanges.as_ref().map(|_| self.shown(&exchange));
        let call = self.call_of(place);
        let before = exchange.request.uri().clone();
        for (authorizer, stamp) in self.authorizers().filter(|_| is_ours) {
            let authorized = authorizer.authorize(stamp, &call, &mut exchange.request).await;
            authorized.map_err(|error| unauthorized(error, &exchange))?;
        }
        let proofs = Proofs::of(&exchange.request, before.query());
        let proofs = proofs.and(self.parts.masks.found_in(exchange.request.uri()));
        let proofs = Looking { proofs, progress: exchange.progress.clone() };
        let requested = self.shown(&exchange);
        *self.requested.lock().unwrap_or_else(PoisonError::into_inner) = Some(requested);
        let noted = self.parts.exchanges.as_deref().zip(url).map(|(exchanges, url)| {
            let (method, template) = (exchange.request.method().clone(), self.template(&exchange));
            (exchanges, exchanges.begin(Sent { span_id, method, url, template, redirects }))
        });
        let way = if is_ours { &self.parts.inner } else { &self.parts.strangers };
        let replied = way.exchange(exchange).await;
        if let Some((exchanges, place)) = noted {
            exchanges.end(place, replied.as_ref());
        }
        let mut reply = replied?;
        for (authorizer, stamp) in self.authorizers().filter(|_| is_ours) {
            let learned = authorizer.learn(&Learn::new((stamp, &call), &before, &reply.head));
            let mut heaviest = self.learned.lock().unwrap_or_else(PoisonError::into_inner);
            *heaviest = learned.max(*heaviest);
        }
        proofs.proofs.take_out(&mut reply);
        Ok(reply)
    }
}

/// Nothing can be sent to this URL.
fn unfit(error: UrlError, exchange: &Exchange) -> SendError {
    let effect = exchange.progress.effect();
    SendError::new(SendErrorKind::Prepare, Meaning::Permanent, effect).because(error)
}

/// Puts what goes along with a payload into a request: before the context of the trace, and before any proof.
fn add(payload: &Payload, exchange: &mut Exchange) -> Result<(), SendError> {
    let headers = exchange.request.headers_mut();
    for (name, value) in payload.headers() {
        headers.insert(name, value.clone());
    }
    if !payload.query().is_empty() {
        let uri = exchange.request.uri();
        let separator = if uri.query().is_some() { "&" } else { "?" };
        let uri = Uri::try_from(format!("{uri}{separator}{}", payload.query()));
        *exchange.request.uri_mut() =
            uri.map_err(|_| PrepareError("the url is too long".to_owned()))?;
    }
    Ok(())
}

/// No proof, no request.
fn unauthorized(error: AuthError, exchange: &Exchange) -> SendError {
    let meaning = if error.permanent { Meaning::Unauthorized } else { Meaning::Retry };
    let not_before = error.not_before.map(RetryAfter::At);
    let mut error =
        SendError::new(SendErrorKind::Auth, meaning, exchange.progress.effect()).because(error);
    error.classification.retry_after = not_before;
    error
}

impl fmt::Debug for Outbound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outbound").field("call", &self.parts.call).finish_non_exhaustive()
    }
}
