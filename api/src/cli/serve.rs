//! `espalier serve`: the REST server.

use std::net::SocketAddr;

use super::{CliError, Context, Exit, config};
use crate::data_folder::DataOptions;
use crate::input::Source;
use crate::passphrase::PassphraseOptions;
use crate::server::config::{DEFAULT_LISTEN, ServerConfig};
use crate::server::run::Server;

/// Serve the REST API
///
/// Without a configuration it serves a data folder, such as quickstart's, on this machine alone, and
/// prints a token and a command to try. It ends on SIGTERM or SIGINT, after what is under way.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  espalier quickstart && espalier serve
  espalier serve --data ./lab --listen 127.0.0.1:9000
  espalier serve --config /etc/espalier/espalier.yaml")]
pub(super) struct Options {
    #[command(flatten)]
    data: DataOptions,

    /// Where to listen; a loopback address
    #[arg(long, value_name = "ADDRESS:PORT", default_value = DEFAULT_LISTEN)]
    listen: SocketAddr,

    #[command(flatten)]
    passphrase: PassphraseOptions,

    /// Read everything from this file instead (docs/reference/espalier.yaml is a sample)
    #[arg(long, value_name = "FILE", conflicts_with_all = ["data", "listen", "passphrase_file", "passphrase_env"])]
    config: Option<Source>,
}

pub(super) fn run(options: &Options, context: &mut Context) -> Result<(), CliError> {
    let config = match &options.config {
        Some(source) => config::read(source, context)?,
        None => options.config_of_data_folder(),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|error| CliError::of(Exit::Environment, "runtime", &error))?;
    runtime.block_on(async {
        let server = Server::open(&config, context).await?;
        let address = server.address();
        let address = address.map_err(|error| CliError::of(Exit::Environment, "listen", &error))?;
        context.print(&greeting(options, &server, address, context))?;
        tracing::info!(%address, version = env!("CARGO_PKG_VERSION"), "serving");
        server.run().await
    })
}

impl Options {
    fn config_of_data_folder(&self) -> ServerConfig {
        let mut config = ServerConfig::of_data_folder(self.data.data.clone(), self.listen);
        let env = self.passphrase.passphrase_env.as_ref();
        config.passphrase_env = env.map(|name| name.to_string_lossy().into_owned());
        if let Some(Source::File(path)) = &self.passphrase.passphrase_file {
            config.passphrase_file = Some(path.clone());
        }
        config
    }
}

/// What a person reads first: where the server is, a token, and a command to try.
fn greeting(options: &Options, server: &Server, address: SocketAddr, context: &Context) -> String {
    let mut text = format!("Serving http://{address}, read more at http://{address}/docs\n");
    if options.config.is_some() {
        return text;
    }
    let token = server.app().authenticator().first_admin_token(&mut *context.another_rng());
    text += &format!(
        "\nThe first token, for administrators; it is shown only now:\n  {}\n\nTry, in another terminal:\n  espalier csr create --algorithm hybrid --subject CN=app.localhost --dns app.localhost --key-out app.key --no-passphrase --out app.csr\n  curl -sS --fail-with-body -H 'Authorization: Bearer {}' -H 'Content-Type: application/pkcs10' -H 'Accept: application/pem-certificate-chain' --data-binary @app.csr -o app.pem http://{address}/v1/certificates\n  espalier verify --trust {}/authorities/root/certificate.pem app.pem\n",
        token.as_str(),
        token.as_str(),
        options.data.data.display(),
    );
    text
}
