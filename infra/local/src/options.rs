//! The command line.

use std::path::PathBuf;

use clap::error::{ContextKind, ErrorKind};
use clap::{Args, Parser, Subcommand};
use vitrine::rules::settings::{SettingError, Settings};
use vitrine::rules::token::key_set::is_secret;

use crate::import::ImportFrom;
use crate::publish::Publish;
use crate::time_argument::{self, TimeArgument};

/// The default of `AllowedOrigins` here: pages on this machine may frame everything.
const LOCAL_ORIGINS: &str = "http://localhost:*,http://127.0.0.1:*";

/// Template parameters that only AWS acts on. They are accepted here and have no effect.
const OF_THE_DEPLOYMENT: [&str; 23] = [
    "ConsoleClientSecretArn",
    "QueryTimeout",
    "DataSources",
    "RotationDays",
    "ThrottlingRate",
    "ThrottlingBurst",
    "SessionThrottlingRate",
    "ListThrottlingRate",
    "QueryThrottlingRate",
    "ReservedConcurrency",
    "LogRetentionDays",
    "LogSourceAddress",
    "Tracing",
    "Architecture",
    "DeletionProtection",
    "KmsKeyArn",
    "DomainName",
    "CertificateArn",
    "HostedZoneId",
    "Operations",
    "AlarmTopicArn",
    "RefusedViewPercent",
    "LatencyMilliseconds",
];

/// Run all of Vitrine on this machine.
#[derive(Debug, Parser)]
#[command(name = "vitrine", version, about, max_term_width = 100)]
pub struct Options {
    #[command(subcommand)]
    pub command: Option<Command>,

    /// Port of the product on 127.0.0.1; 0 picks a free one
    #[arg(long, default_value_t = 3000, value_name = "N")]
    pub port: u16,

    /// Time at which the clock starts: RFC 3339, or an offset from the real time such as +23h59m
    #[arg(long, value_name = "TIME", allow_hyphen_values = true, value_parser = time_argument::parse)]
    pub now: Option<TimeArgument>,

    /// Do not publish the demo
    #[arg(long)]
    pub no_demo: bool,

    #[command(flatten)]
    pub kept: ServiceOptions,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run only the embedded DynamoDB, Secrets Manager and S3, for `cargo lambda watch`
    Services {
        /// Port of the embedded DynamoDB; 0 picks a free one
        #[arg(long, default_value_t = 8000, value_name = "N")]
        dynamodb_port: u16,

        /// Port of the Secrets Manager stand-in; 0 picks a free one
        #[arg(long, default_value_t = 8001, value_name = "N")]
        secrets_port: u16,

        /// Port of the S3 stand-in; 0 picks a free one
        #[arg(long, default_value_t = 8002, value_name = "N")]
        s3_port: u16,
    },

    /// Publish content of another program to a stack
    Import {
        #[command(subcommand)]
        from: ImportFrom,
    },

    /// Publish files of this machine to a stack
    Publish {
        #[command(subcommand)]
        what: Publish,
    },
}

/// Options that the local server and the services alone share.
#[derive(Debug, Args)]
pub struct ServiceOptions {
    /// Keep data and secrets in memory only, and files in a temporary folder
    #[arg(long, global = true)]
    pub memory: bool,

    /// Folder for data and secrets; private to its owner
    #[arg(long, global = true, default_value = ".vitrine", value_name = "DIR")]
    pub data: PathBuf,

    /// Admin access key, instead of a generated one
    #[arg(long, global = true, value_name = "KEY", value_parser = admin_key)]
    #[arg(env = "VITRINE_ADMIN_KEY", hide_env_values = true)]
    pub admin_key: Option<String>,

    /// Embedding secret, 64 lowercase hex characters, instead of a generated one
    #[arg(long, global = true, value_name = "HEX64", value_parser = signing_secret)]
    #[arg(env = "VITRINE_SIGNING_SECRET", hide_env_values = true)]
    pub signing_secret: Option<String>,

    /// Secret of the client that `ConsoleClientId` names, if the provider gave one
    #[arg(long, global = true, value_name = "SECRET", value_parser = client_secret)]
    #[arg(env = "VITRINE_CONSOLE_CLIENT_SECRET", hide_env_values = true)]
    pub client_secret: Option<String>,

    /// Setting, by the name of its template parameter; can be repeated
    #[arg(long = "set", global = true, value_name = "NAME=VALUE", value_parser = assignment)]
    pub settings: Vec<(String, String)>,
}

impl ServiceOptions {
    pub fn settings(&self) -> Result<Settings, SettingError> {
        let mut settings = Settings::default();
        for (name, value) in self.assignments() {
            settings.set(name, value)?;
        }
        Ok(settings)
    }

    /// Settings that differ from a deployment's defaults: first those of every local run, then the given ones.
    pub fn assignments(&self) -> impl Iterator<Item = (&str, &str)> {
        let given = self.settings.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let ours = given.filter(|(name, _)| !OF_THE_DEPLOYMENT.contains(name));
        std::iter::once(("AllowedOrigins", LOCAL_ORIGINS)).chain(ours)
    }

    /// Given settings that have no effect here.
    pub fn idle(&self) -> impl Iterator<Item = &str> {
        self.settings.iter().map(|(name, _)| name.as_str()).filter(|name| OF_THE_DEPLOYMENT.contains(name))
    }
}

/// One line for a command line that cannot be used. The value of a key is never part of it.
pub fn explain(error: &clap::Error) -> String {
    let argument = error.get(ContextKind::InvalidArg).map(ToString::to_string).unwrap_or_default();
    let is_secret =
        ["--admin-key", "--signing-secret", "--client-secret"].iter().any(|name| argument.starts_with(name));
    if is_secret && error.kind() == ErrorKind::ValueValidation {
        let cause = std::error::Error::source(error).map(ToString::to_string).unwrap_or_default();
        return format!("error: invalid value for '{argument}': {cause}");
    }
    error.to_string().lines().next().unwrap_or("error: the arguments are not valid").to_owned()
}

fn admin_key(text: &str) -> Result<String, String> {
    let sound = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
    if sound {
        Ok(text.to_owned())
    } else {
        Err("must be printable ASCII characters without spaces".to_owned())
    }
}

fn client_secret(text: &str) -> Result<String, String> {
    if text.trim().is_empty() { Err("must not be empty".to_owned()) } else { Ok(text.to_owned()) }
}

fn signing_secret(text: &str) -> Result<String, String> {
    if is_secret(text) { Ok(text.to_owned()) } else { Err("must be 64 lowercase hex characters".to_owned()) }
}

fn assignment(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("must be NAME=VALUE")?;
    if !OF_THE_DEPLOYMENT.contains(&name) {
        Settings::default().set(name, value).map_err(|error| error.to_string())?;
    }
    Ok((name.to_owned(), value.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        use clap::CommandFactory;
        Options::command().debug_assert();
    }

    #[test]
    fn settings_are_checked_when_they_are_parsed() {
        let parse = |arguments: &[&str]| Options::try_parse_from([&["vitrine"], arguments].concat());
        let options =
            parse(&["--set", "ResourceCacheSeconds=0", "--set", "AllowedOrigins=https://a.com"]).unwrap();
        assert_eq!(options.kept.settings().unwrap().resource_cache_seconds, 0);
        let idle = parse(&["--set", "ThrottlingRate=10", "--set", "KeyCacheSeconds=1"]).unwrap();
        assert_eq!(idle.kept.idle().collect::<Vec<_>>(), ["ThrottlingRate"]);
        assert_eq!(idle.kept.settings().unwrap().key_cache_seconds, 1);
        for bad in [
            &["--set", "Nothing=1"][..],
            &["--set", "EmbeddingEnabled"],
            &["--set", "EmbeddingEnabled=perhaps"],
            &["--signing-secret", "abc"],
            &["--admin-key", ""],
            &["--now", "tomorrow"],
            &["--port", "65536"],
            &["--nothing"],
        ] {
            assert!(parse(bad).is_err(), "{bad:?}");
        }
    }
}
