//! What can be said on the command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use vitrine::rules::settings::{SettingError, Settings};
use vitrine::rules::token::key_set::is_secret;

use crate::moment::{self, Moment};

/// Pages on this machine may frame everything, as long as nothing else is said.
const LOCAL_ORIGINS: &str = "http://localhost:*,http://127.0.0.1:*";

/// Parameters of the template that AWS acts on and no function: known here, and without effect.
const OF_THE_DEPLOYMENT: [&str; 13] = [
    "RotationDays",
    "ThrottlingRate",
    "ThrottlingBurst",
    "LogRetentionDays",
    "Architecture",
    "DeletionProtection",
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

    /// The clock that all rules read: RFC 3339, or an offset from now such as +23h59m
    #[arg(long, value_name = "TIME", allow_hyphen_values = true, value_parser = moment::parse)]
    pub now: Option<Moment>,

    /// Do not publish the demo dashboard
    #[arg(long)]
    pub no_demo: bool,

    #[command(flatten)]
    pub kept: Kept,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Only the embedded DynamoDB and Secrets Manager, for `cargo lambda watch`
    Services {
        /// Port of the embedded DynamoDB; 0 picks a free one
        #[arg(long, default_value_t = 8000, value_name = "N")]
        dynamodb_port: u16,

        /// Port of the Secrets Manager stand-in; 0 picks a free one
        #[arg(long, default_value_t = 8001, value_name = "N")]
        secrets_port: u16,
    },
}

#[derive(Debug, Args)]
pub struct Kept {
    /// Keep nothing: data and secrets live as long as the process
    #[arg(long, global = true)]
    pub memory: bool,

    /// Folder that data and secrets are kept in
    #[arg(long, global = true, default_value = ".vitrine", value_name = "DIR")]
    pub data: PathBuf,

    /// The admin access key, instead of a generated one
    #[arg(long, global = true, value_name = "KEY", value_parser = admin_key)]
    pub admin_key: Option<String>,

    /// The embedding secret, 64 lowercase hex characters, instead of a generated one
    #[arg(long, global = true, value_name = "HEX64", value_parser = signing_secret)]
    pub signing_secret: Option<String>,

    /// A setting, by the name of its template parameter; can be given several times
    #[arg(long = "set", global = true, value_name = "NAME=VALUE", value_parser = assignment)]
    pub settings: Vec<(String, String)>,
}

impl Kept {
    pub fn settings(&self) -> Result<Settings, SettingError> {
        let mut settings = Settings::default();
        for (name, value) in self.assignments() {
            settings.set(name, value)?;
        }
        Ok(settings)
    }

    /// What differs here from a deployment's defaults: first ours, then what was asked for.
    pub fn assignments(&self) -> impl Iterator<Item = (&str, &str)> {
        let given = self.settings.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let ours = given.filter(|(name, _)| !OF_THE_DEPLOYMENT.contains(name));
        std::iter::once(("AllowedOrigins", LOCAL_ORIGINS)).chain(ours)
    }

    /// What was asked for and means nothing here.
    pub fn idle(&self) -> impl Iterator<Item = &str> {
        self.settings.iter().map(|(name, _)| name.as_str()).filter(|name| OF_THE_DEPLOYMENT.contains(name))
    }
}

fn admin_key(text: &str) -> Result<String, String> {
    let sound = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
    if sound { Ok(text.to_owned()) } else { Err("must be printable characters without spaces".to_owned()) }
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
    fn the_command_line_is_sound() {
        use clap::CommandFactory;
        Options::command().debug_assert();
    }

    #[test]
    fn settings_are_checked_as_they_are_read() {
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
