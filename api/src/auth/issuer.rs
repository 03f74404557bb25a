//! An issuer of JSON Web Tokens: its keys, fetched, kept and rotated.

use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};

use jiff::Timestamp;
use url::Url;

use super::fetch::{FetchError, Fetcher, checked_url};
use super::jwt::{Claims, Compact, Expected, JwtAlgorithm, KeySet, TokenRefusal};
use super::quoted::quoted;
use super::strict_json;

/// The largest discovery document and key set, in octets.
const MAX_DOCUMENT: usize = 256 * 1024;
/// How long after a failed or needless fetch the next may be, in seconds: what a token makes us
/// ask must not be a way to flood the issuer.
const PAUSE_SECONDS: i64 = 10;

/// Where an issuer's keys come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum KeySource {
    /// A file, read when the configuration is.
    File(PathBuf),
    /// This URL.
    Url(Url),
    /// The `jwks_uri` of the discovery document (OpenID Connect Discovery section 4).
    Discovery,
}

/// What is known of an issuer before anything is fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct IssuerSettings {
    pub(super) issuer: String,
    pub(super) audiences: Vec<String>,
    pub(super) algorithms: Vec<JwtAlgorithm>,
    pub(super) leeway_seconds: u32,
    pub(super) max_token_seconds: u32,
    pub(super) refresh_seconds: u32,
    pub(super) stale_seconds: u32,
    pub(super) source: KeySource,
}

/// An issuer and its keys.
#[derive(Debug)]
pub(super) struct Issuer {
    settings: IssuerSettings,
    fetcher: Fetcher,
    state: RwLock<State>,
    /// Held while a fetch is under way, so that there is one at a time.
    fetching: tokio::sync::Mutex<()>,
}

#[derive(Clone, Debug, Default)]
struct State {
    keys: Option<(Arc<KeySet>, Timestamp)>,
    tried_at: Option<Timestamp>,
}

/// How old the keys are.
enum Age {
    /// Younger than the interval of refreshing.
    Fresh(Arc<KeySet>),
    /// Older, but still good to use.
    Stale(Arc<KeySet>),
    /// Too old, or there are none.
    Gone,
}

/// Why a token of the issuer is not accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum IssuerError {
    /// It is wrong.
    Refused(TokenRefusal),
    /// The issuer's keys can't be had.
    Unavailable(FetchError),
}

impl Issuer {
    /// Reads the keys where they are in a file; others are fetched when the first token comes.
    ///
    /// # Errors
    /// `FetchError` for a file that can't be read or is no key set.
    pub(super) fn new(settings: IssuerSettings, fetcher: Fetcher) -> Result<Self, FetchError> {
        let mut state = State::default();
        if let KeySource::File(path) = &settings.source {
            let fail = |why: String| FetchError::new(format!("{}: {why}", path.display()));
            let text = std::fs::read(path).map_err(|error| fail(error.to_string()))?;
            let keys = KeySet::parse(&text, &settings.algorithms);
            let keys = Arc::new(keys.map_err(|error| fail(error.to_string()))?);
            state.keys = Some((keys, Timestamp::UNIX_EPOCH));
        }
        Ok(Self {
            settings,
            fetcher,
            state: RwLock::new(state),
            fetching: tokio::sync::Mutex::default(),
        })
    }

    /// The issuer's name in tokens.
    pub(super) fn name(&self) -> &str {
        &self.settings.issuer
    }

    /// Verifies a token that names this issuer.
    pub(super) async fn verify(
        self: &Arc<Self>,
        token: &Compact<'_>,
        now: Timestamp,
    ) -> Result<Claims, IssuerError> {
        let keys = self.keys_for(token, now).await.map_err(IssuerError::Unavailable)?;
        let expected = Expected {
            issuer: &self.settings.issuer,
            audiences: &self.settings.audiences,
            now,
            leeway_seconds: self.settings.leeway_seconds,
            max_lifetime_seconds: self.settings.max_token_seconds,
        };
        keys.verify(token, &expected).map_err(IssuerError::Refused)
    }

    /// The keys to try a token with. A key that is not among fresh ones is looked for once more;
    /// keys that are due are fetched behind the answer; only when there are none, or too old ones,
    /// does the answer wait.
    async fn keys_for(
        self: &Arc<Self>,
        token: &Compact<'_>,
        now: Timestamp,
    ) -> Result<Arc<KeySet>, FetchError> {
        let keys = match self.age(now) {
            Age::Fresh(keys) => keys,
            Age::Stale(keys) => {
                if keys.has_key_of(token) && self.claim(now) {
                    let issuer = Arc::clone(self);
                    tokio::spawn(async move {
                        let _one = issuer.fetching.lock().await;
                        // A failure is logged; the keys that there are serve on.
                        let _ = issuer.renew(now).await;
                    });
                }
                keys
            }
            Age::Gone => {
                self.refresh(now).await?;
                return match self.age(now) {
                    Age::Fresh(keys) | Age::Stale(keys) => Ok(keys),
                    Age::Gone => Err(self.gone()),
                };
            }
        };
        if keys.has_key_of(token) || self.refresh(now).await.is_err() {
            return Ok(keys);
        }
        match self.age(now) {
            Age::Fresh(newer) | Age::Stale(newer) => Ok(newer),
            Age::Gone => Ok(keys),
        }
    }

    fn gone(&self) -> FetchError {
        let issuer = &self.settings.issuer;
        FetchError::new(format!("{issuer}: its keys could not be fetched a moment ago"))
    }

    /// Whether both are configured alike.
    pub(super) fn is_configured_as(&self, other: &Self) -> bool {
        self.settings == other.settings
    }

    /// Goes on with the keys that `other` fetched; those of a file are as the file is.
    pub(super) fn take_keys(&self, other: &Self) {
        if !self.is_from_file() {
            *self.state.write().unwrap_or_else(PoisonError::into_inner) = other.state();
        }
    }

    fn is_from_file(&self) -> bool {
        matches!(self.settings.source, KeySource::File(_))
    }

    fn state(&self) -> State {
        self.state.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn age(&self, now: Timestamp) -> Age {
        match self.state().keys {
            // Keys of a file are as the file is.
            Some((keys, _)) if self.is_from_file() => Age::Fresh(keys),
            Some((keys, fetched)) => match now.as_second() - fetched.as_second() {
                // A clock that was set back makes an age unknown.
                age if age < -i64::from(self.settings.leeway_seconds) => Age::Gone,
                age if age < i64::from(self.settings.refresh_seconds) => Age::Fresh(keys),
                age if age < i64::from(self.settings.stale_seconds) => Age::Stale(keys),
                _ => Age::Gone,
            },
            None => Age::Gone,
        }
    }

    /// Takes leave to fetch at this time: the last try was long enough ago.
    fn claim(&self, now: Timestamp) -> bool {
        if self.is_from_file() {
            return false;
        }
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        let pause = |tried: Timestamp| (now.as_second() - tried.as_second()).abs() < PAUSE_SECONDS;
        if state.tried_at.is_some_and(pause) {
            return false;
        }
        state.tried_at = Some(now);
        true
    }

    /// Fetches the keys, unless another did while this one waited, or a try failed just now.
    async fn refresh(&self, now: Timestamp) -> Result<(), FetchError> {
        let _one = self.fetching.lock().await;
        if self.claim(now) {
            return self.renew(now).await;
        }
        if matches!(self.age(now), Age::Gone) { Err(self.gone()) } else { Ok(()) }
    }

    /// Fetches the keys; whoever calls this has claimed it and holds `fetching`.
    async fn renew(&self, now: Timestamp) -> Result<(), FetchError> {
        let issuer = &self.settings.issuer;
        match self.fetch().await {
            Ok(keys) => {
                tracing::debug!(issuer, "fetched the keys of an issuer of tokens");
                let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
                state.keys = Some((Arc::new(keys), now));
                Ok(())
            }
            Err(error) => {
                tracing::warn!(issuer, %error, "the keys of an issuer of tokens can't be fetched");
                Err(error)
            }
        }
    }

    async fn fetch(&self) -> Result<KeySet, FetchError> {
        let url = match &self.settings.source {
            KeySource::Url(url) => url.clone(),
            KeySource::Discovery => self.discover().await?,
            KeySource::File(_) => return Err(self.gone()),
        };
        let text = self.fetcher.get(&url, MAX_DOCUMENT).await?;
        KeySet::parse(&text, &self.settings.algorithms)
            .map_err(|error| FetchError::new(format!("{url}: {error}")))
    }

    /// The `jwks_uri` of the issuer, which must say that it is the issuer.
    async fn discover(&self) -> Result<Url, FetchError> {
        let issuer = &self.settings.issuer;
        let at = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
        let fail = |reason: String| FetchError::new(format!("{at}: {reason}"));
        let url = checked_url(&at).map_err(fail)?;
        let text = self.fetcher.get(&url, MAX_DOCUMENT).await?;
        let document = strict_json::read_object(&text).map_err(|error| fail(error.to_string()))?;
        let member = |name: &str| document.get(name).and_then(serde_json::Value::as_str);
        if member("issuer") != Some(issuer) {
            let found = quoted(member("issuer").unwrap_or("none"));
            return Err(fail(format!("issuer: found {found}, allowed is {issuer}")));
        }
        let keys = member("jwks_uri").ok_or_else(|| fail("jwks_uri is missing".into()))?;
        checked_url(keys).map_err(|why| fail(format!("jwks_uri: {why}")))
    }
}
