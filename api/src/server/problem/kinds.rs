//! Every kind of problem. docs/reference/problems.md and the page of the server are made of this.

use super::PAGE;

/// A kind of problem.
#[derive(Debug, PartialEq, Eq)]
pub struct Kind {
    /// Its name: the anchor on the page, and the label in metrics.
    pub slug: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// In words.
    pub title: &'static str,
    /// When it occurs.
    pub about: &'static str,
    /// What whoever asked can do.
    pub action: &'static str,
    /// When it is worth to try again, where waiting helps.
    pub retry_after_seconds: Option<u64>,
}

impl Kind {
    /// The `type` of its documents.
    pub fn reference(&self) -> String {
        format!("{PAGE}#{}", self.slug)
    }
}

macro_rules! kinds {
    ($($name:ident $slug:literal $status:literal $title:literal $about:literal $action:literal $($retry:literal)?;)*) => {
        $(pub(crate) const $name: &Kind = &Kind {
            slug: $slug,
            status: $status,
            title: $title,
            about: $about,
            action: $action,
            retry_after_seconds: retry!($($retry)?),
        };)*

        /// Every kind, in the order of the page.
        pub const KINDS: &[&Kind] = &[$($name),*];
    };
}

macro_rules! retry {
    () => {
        None
    };
    ($seconds:literal) => {
        Some($seconds)
    };
}

kinds! {
    MALFORMED_BODY "malformed-body" 400 "The body can't be read"
        "The body is not what its content type says: not UTF-8, not JSON, too deep, with a member that is unknown, missing, doubled or of another type."
        "Correct the request; `/openapi.json` describes what is allowed.";
    INVALID_PARAMETER "invalid-parameter" 400 "A parameter is not allowed"
        "A part of the path, a query parameter or a header has a value that is not allowed, is unknown, or stands there twice."
        "Correct the parameter that the detail names.";
    UNAUTHENTICATED "unauthenticated" 401 "Nobody is known to have asked"
        "There is no credential, or the one that was sent is unknown, expired or revoked."
        "Send `Authorization: Bearer TOKEN` with a token of this server.";
    FORBIDDEN "forbidden" 403 "Whoever asked may not do this"
        "The credential is right, but what it was given does not cover the role, authority, profile or names of this request."
        "Ask an administrator for a grant that covers it.";
    NOT_FOUND "not-found" 404 "There is no such thing"
        "The path names nothing, or something that whoever asked may not know of."
        "Check the path and the number in it.";
    METHOD_NOT_ALLOWED "method-not-allowed" 405 "The method does not fit the path"
        "The path exists, and this method has no meaning there."
        "Use one of the methods in the `Allow` header.";
    NOT_ACCEPTABLE "not-acceptable" 406 "No representation fits"
        "None of the media types in `Accept` can be made of this resource."
        "Ask for one of the media types that the detail names.";
    SLOW_REQUEST "slow-request" 408 "The body came too slowly"
        "The body was not there within the time limit of a request."
        "Send it again, faster.";
    IDEMPOTENCY_CONFLICT "idempotency-conflict" 409 "The idempotency key belongs to another request"
        "The same requester sent this `Idempotency-Key` with another body before."
        "Send the first body again, or choose a new key.";
    REQUEST_UNDER_WAY "request-under-way" 409 "The same request is under way"
        "A request with the same `Idempotency-Key` was recorded and has no certificate yet: it is being signed, or was cut off."
        "Send it again after `Retry-After`: what was cut off is given up a minute after its record, or after twice the server's limit for a request where that is longer, and answered by `request-abandoned` then." 1;
    REQUEST_ABANDONED "request-abandoned" 409 "The same request was cut off"
        "A request with the same `Idempotency-Key` was recorded, and was cut off before it had a certificate. Its record is revoked and never gets one."
        "Send it again with a new `Idempotency-Key`.";
    KEY_TAKEN "key-taken" 409 "The key belongs to somebody else"
        "The key, or a part of it, was certified for another holder or in another key, or the profile allows no second certificate for it."
        "Make a new key.";
    ALREADY_REVOKED "already-revoked" 409 "It is revoked already"
        "A revocation never changes; the detail has the time of the first one."
        "Nothing is left to do.";
    NOT_ISSUED "not-issued" 409 "What the earlier request led to is revoked"
        "The same request was recorded before, and its certificate, or its record without one, is revoked since then. A revoked certificate is not handed out again."
        "Choose a new `Idempotency-Key`.";
    BODY_TOO_LARGE "body-too-large" 413 "The body is too large"
        "The body is longer than the server reads."
        "Send a smaller one; a certification request has at most 64 KiB.";
    URI_TOO_LONG "uri-too-long" 414 "The address is too long"
        "Path and query are longer than the server reads."
        "Shorten them.";
    UNSUPPORTED_MEDIA_TYPE "unsupported-media-type" 415 "The content type is not read here"
        "The `Content-Type` is missing, or none that this path takes."
        "Send one of those that the detail names.";
    CONFLICTING_PARAMETERS "conflicting-parameters" 422 "Parameters that do not go together"
        "Each parameter of the query is allowed, but not beside the others or beside this body."
        "Leave out what the detail names.";
    CSR_MALFORMED "csr-malformed" 422 "The certification request can't be read"
        "The `csr` is neither PEM nor DER of a PKCS#10 request (RFC 2986), or breaks a bound: 64 KiB, 100 names."
        "Make the request anew, for example by `espalier csr create`.";
    INVALID_FIELD "invalid-field" 422 "A member has a value that is not allowed"
        "The body can be read, and one of its members has a value that is not allowed or not known here."
        "Correct the member that the detail names.";
    CSR_REFUSED "csr-refused" 422 "The certification request is refused"
        "The request can be read, but its signature is wrong, its key is weak, or it asks for what is never allowed."
        "The detail says what is wrong; make the request anew.";
    CERTIFICATE_REFUSED "certificate-refused" 422 "The profile refuses the certificate"
        "The profile or a lint does not allow the certificate that was asked for. Nothing was recorded."
        "The detail names the field and what is allowed.";
    KEY_BLOCKED "key-blocked" 422 "The key is blocked"
        "The key, or a part of it, was blocked because it is feared to be known to others."
        "Make a new key.";
    TOO_MANY_REQUESTS "too-many-requests" 429 "Too many requests"
        "The requester, or its address, asked more often than it may."
        "Wait as long as `Retry-After` says." 1;
    HEADERS_TOO_LARGE "headers-too-large" 431 "The headers are too large"
        "The header fields together are longer than the server reads."
        "Send fewer and shorter ones.";
    INTERNAL "internal" 500 "The server is at fault"
        "Something failed that should not. Nothing was released."
        "Tell an administrator the `request_id`; the server's log has the cause.";
    OVERLOADED "overloaded" 503 "The server is busy"
        "Every place in a queue is taken. Nothing was recorded."
        "Send the request again after `Retry-After`." 1;
    LEDGER_UNAVAILABLE "ledger-unavailable" 503 "The ledger can't be used"
        "The ledger is locked, full, read-only or can't be reached. Without it nothing is signed."
        "Send the request again after `Retry-After`, with the same `Idempotency-Key`. When it stays like this, an administrator must look at the server's log." 5;
    NOT_STORED "not-stored" 503 "The certificate was dropped"
        "It was recorded and signed, but the ledger did not take it, so it was not released."
        "Send the request again with a new `Idempotency-Key`." 5;
    CREDENTIAL_NOT_JUDGED "credential-not-judged" 503 "The credential can't be judged now"
        "Whoever vouches for the credential can't be asked."
        "Send the request again after `Retry-After`." 10;
    TIMED_OUT "timed-out" 503 "It took too long"
        "The request was not done within its time limit. It may be carried out nevertheless."
        "Send it again with the same `Idempotency-Key`." 1;
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn kinds_are_told_apart_and_explained() {
        let slugs: BTreeSet<_> = KINDS.iter().map(|kind| kind.slug).collect();
        assert_eq!(slugs.len(), KINDS.len());
        for kind in KINDS {
            assert!((400..600).contains(&kind.status), "{kind:?}");
            let fits = |byte: u8| byte.is_ascii_lowercase() || byte == b'-';
            assert!(kind.slug.bytes().all(fits), "{kind:?}");
            assert!(kind.about.ends_with('.') && kind.action.ends_with('.'), "{kind:?}");
        }
    }

    #[test]
    fn busy_answers_say_when_to_come_again() {
        for kind in KINDS.iter().filter(|kind| matches!(kind.status, 429 | 503)) {
            assert!(kind.retry_after_seconds.is_some(), "{kind:?}");
        }
    }
}
