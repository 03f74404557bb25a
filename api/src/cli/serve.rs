//! `espalier serve`: the REST server.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use super::{Beginning, CliError, Context, Exit, config};
use crate::auth::ApiToken;
use crate::data_folder::{DataOptions, ledger_failed};
use crate::input::Source;
use crate::passphrase::PassphraseOptions;
use crate::server::config::{DEFAULT_LISTEN, ServerConfig};
use crate::server::reload::Watched;
use crate::server::run::Server;
use crate::server::telemetry::Traces;
use crate::server::tokens::first_token;

/// Serve the REST API
///
/// Without a configuration it serves a data folder, such as quickstart's, on this machine alone, and
/// prints a token and a command to try. It ends on SIGTERM or SIGINT, after what is under way.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  espalier quickstart && espalier serve
  espalier serve --data ./lab --listen 127.0.0.1:9000
  espalier serve --ledger postgres://ca@db.internal/ledger --ledger-password-file db-password
  espalier serve --config /etc/espalier/espalier.yaml")]
pub(super) struct Options {
    #[command(flatten)]
    data: DataOptions,

    /// Where to listen; a loopback address. Revocation lists and OCSP are at the next port
    #[arg(long, value_name = "ADDRESS:PORT", default_value = DEFAULT_LISTEN)]
    listen: SocketAddr,

    #[command(flatten)]
    passphrase: PassphraseOptions,

    /// Read everything from this file instead (docs/reference/espalier.yaml is a sample)
    #[arg(long, value_name = "FILE", conflicts_with_all = ["data", "ledger", "listen", "passphrase_file", "passphrase_env"])]
    config: Option<Source>,
}

pub(super) fn run(
    options: &Options,
    beginning: &Beginning,
    context: &mut Context,
) -> Result<(), CliError> {
    let config = match &options.config {
        Some(source) => config::read(source, context)?,
        None => options.config_of_data_folder(),
    };
    let watched = match &options.config {
        Some(Source::File(file)) => Some(Watched::new(file.clone(), config.clone())),
        _ => None,
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|error| CliError::of(Exit::Environment, "runtime", &error))?;
    let traces = config.telemetry.traces.as_ref();
    let traces = traces.map(|traces| Traces::prepare(traces, &options.base(), runtime.handle()));
    let traces = traces.transpose()?;
    beginning.log(traces.as_ref(), context);
    runtime.block_on(async {
        let served = serve(options, &config, watched, context).await;
        if let Some(traces) = traces {
            traces.end().await;
        }
        served
    })
}

async fn serve(
    options: &Options,
    config: &ServerConfig,
    watched: Option<Watched>,
    context: &mut Context,
) -> Result<(), CliError> {
    let server = Server::open(config, &options.base(), context).await?;
    let address = server.address();
    let address = address.map_err(|error| CliError::of(Exit::Environment, "listen", &error))?;
    let public = server.public_address();
    let public = public.map_err(|error| CliError::of(Exit::Environment, "listen", &error))?;
    let url = format!("{}://{address}", server.scheme());
    let token = match options.config {
        Some(_) => None,
        None => {
            let now = context.now();
            let made = first_token(server.app().ledger(), context.rng(), now).await;
            made.map_err(ledger_failed)?
        }
    };
    context.print(&options.greeting(&url, public, token.as_ref()))?;
    tracing::info!(%address, version = env!("CARGO_PKG_VERSION"), "serving");
    server.run(watched, context).await
}

impl Options {
    fn config_of_data_folder(&self) -> ServerConfig {
        let mut config = ServerConfig::of_data_folder(self.data.data.clone(), self.listen);
        config.ledger = self.data.ledger.clone();
        config.ledger_password_file = self.data.ledger_password_file.clone();
        let env = self.passphrase.passphrase_env.as_ref();
        config.passphrase_env = env.map(|name| name.to_string_lossy().into_owned());
        if let Some(Source::File(path)) = &self.passphrase.passphrase_file {
            config.passphrase_file = Some(path.clone());
        }
        config
    }

    /// Relative paths of the configuration are below its own folder.
    fn base(&self) -> PathBuf {
        match &self.config {
            Some(Source::File(path)) => path.parent().unwrap_or(Path::new("")).to_owned(),
            _ => PathBuf::new(),
        }
    }

    /// What a person reads first: where the server is, a token, and commands to try.
    fn greeting(&self, url: &str, public: Option<SocketAddr>, token: Option<&ApiToken>) -> String {
        let mut text = format!("Serving {url}, read more at {url}/docs\n");
        if let Some(public) = public {
            text += &format!("Revocation lists and OCSP: http://{public}\n");
        }
        if self.config.is_some() {
            return text;
        }
        if let Some(token) = token {
            text += &format!(
                "\nThe first token, for administrators, for 30 days; it is shown only now:\n  {}\n",
                token.expose()
            );
        }
        let shown = token.map_or("$ESPALIER_TOKEN", ApiToken::expose);
        text += &format!(
            "\nTry, in another terminal:\n  espalier csr create --algorithm hybrid --subject CN=app.localhost --dns app.localhost --key-out app.key --no-passphrase --out app.csr\n  curl -sS --fail-with-body -H \"Authorization: Bearer {shown}\" -H 'Content-Type: application/pkcs10' -H 'Accept: application/pem-certificate-chain' --data-binary @app.csr -o app.pem {url}/v1/certificates\n  espalier verify --trust {}/authorities/root/certificate.pem app.pem\n",
            self.data.data.display(),
        );
        text
    }
}
