//! Settings of the deployment. A setting has one name everywhere: as the template's parameter, as the
//! environment variable of a function, and for `--set` in the local run.

use std::str::FromStr;

use crate::openid::sign_in_settings::SignInSettings;
use crate::query_settings::QuerySettings;
use crate::resource::ids::Deployment;
use crate::resource::origin::Origin;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    pub embedding_enabled: bool,
    pub allowed_origins: Vec<Origin>,
    pub require_token_expiry: bool,
    /// Zero means no bound; [`Self::longest_token`] says so.
    pub max_token_lifetime_seconds: i64,
    pub enabled_in_token: EnabledInToken,
    pub allow_empty_locked_list: bool,
    pub resource_cache_seconds: i64,
    pub key_cache_seconds: i64,
    pub key_grace_seconds: i64,
    pub deployments: Vec<Deployment>,
    pub public_url: Option<String>,
    pub max_external_users: u64,
    pub max_ephemeral_users: u64,
    pub revoke_on_replay: bool,
    /// The console is part of the stack.
    pub console: bool,
    /// Sign-in to the console through a provider.
    pub sign_in: SignInSettings,
    pub queries: QuerySettings,
}

/// The rule for a URL that names an enabled parameter which the token has set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EnabledInToken {
    /// The token's value is the initial value, and the URL overrides it.
    Default,
    /// The token's value is fixed, and naming the parameter in the URL is refused.
    Pinned,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            embedding_enabled: true,
            allowed_origins: Vec::new(),
            require_token_expiry: true,
            max_token_lifetime_seconds: 86_400,
            enabled_in_token: EnabledInToken::Default,
            allow_empty_locked_list: false,
            resource_cache_seconds: 5,
            key_cache_seconds: 60,
            key_grace_seconds: 86_400,
            deployments: vec![Deployment::FIRST],
            public_url: None,
            max_external_users: 10_000,
            max_ephemeral_users: 100_000,
            revoke_on_replay: false,
            console: true,
            sign_in: SignInSettings::default(),
            queries: QuerySettings::default(),
        }
    }
}

impl Settings {
    /// The largest value of `MaxTokenLifetimeSeconds`, in seconds: a year.
    const LONGEST_SECONDS: i64 = 31_536_000;

    pub const NAMES: &'static [&'static str] = &[
        "EmbeddingEnabled",
        "AllowedOrigins",
        "RequireTokenExpiry",
        "MaxTokenLifetimeSeconds",
        "EnabledInToken",
        "AllowEmptyLockedList",
        "ResourceCacheSeconds",
        "KeyCacheSeconds",
        "KeyGraceSeconds",
        "Deployments",
        "PublicUrl",
        "MaxExternalUsers",
        "MaxEphemeralUsers",
        "RevokeOnReplay",
        "Console",
        "ConsoleIssuer",
        "ConsoleClientId",
        "ConsoleGroupClaim",
        "ConsoleRoles",
        "TableRows",
        "ChartRows",
        "FileRows",
        "QueryBytes",
        "QueryDepth",
        "QueryListValues",
        "QueryTags",
        "FunctionTextBytes",
        "FunctionListElements",
        "SeriesRows",
        "QuerySeconds",
        "QueriesPerViewer",
        "QueriesAtOnce",
        "MonthlyScanMegabytes",
        "QueryMemory",
        "TimeZone",
        "DiveSql",
    ];

    /// Reads every setting that `lookup` finds; the others keep their safe defaults.
    pub fn read(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, SettingError> {
        let mut settings = Self::default();
        for name in Self::NAMES {
            if let Some(value) = lookup(name) {
                settings.set(name, &value)?;
            }
        }
        Ok(settings)
    }

    pub fn set(&mut self, name: &str, value: &str) -> Result<(), SettingError> {
        let value = value.trim();
        let refuse = |expected| SettingError::Value { name: name.to_owned(), expected };
        match name {
            "EmbeddingEnabled" => self.embedding_enabled = switch(value).ok_or(refuse(SWITCH))?,
            "AllowedOrigins" => {
                let origins = Origin::list(value).map_err(|wrong| refuse(wrong.0))?;
                if !Origin::fit_in_header(&origins) {
                    return Err(refuse("at most 4096 bytes of origins"));
                }
                self.allowed_origins = origins;
            }
            "RequireTokenExpiry" => self.require_token_expiry = switch(value).ok_or(refuse(SWITCH))?,
            "MaxTokenLifetimeSeconds" => {
                self.max_token_lifetime_seconds =
                    whole(value, 0, Self::LONGEST_SECONDS).ok_or(refuse("0 to 31536000 seconds"))?;
            }
            "EnabledInToken" => {
                self.enabled_in_token = match value {
                    "default" => EnabledInToken::Default,
                    "pinned" => EnabledInToken::Pinned,
                    _ => return Err(refuse("`default` or `pinned`")),
                };
            }
            "AllowEmptyLockedList" => self.allow_empty_locked_list = switch(value).ok_or(refuse(SWITCH))?,
            "ResourceCacheSeconds" => {
                self.resource_cache_seconds = whole(value, 0, 3_600).ok_or(refuse("0 to 3600 seconds"))?;
            }
            "KeyCacheSeconds" => {
                self.key_cache_seconds = whole(value, 0, 3_600).ok_or(refuse("0 to 3600 seconds"))?;
            }
            "KeyGraceSeconds" => {
                self.key_grace_seconds =
                    whole(value, 0, 31_536_000).ok_or(refuse("0 to 31536000 seconds"))?;
            }
            "Deployments" => {
                self.deployments = deployments(value).ok_or(refuse("numbers, comma separated"))?;
            }
            "PublicUrl" => {
                self.public_url = match value.trim_end_matches('/') {
                    "" => None,
                    url if url.starts_with("https://") || url.starts_with("http://") => Some(url.to_owned()),
                    _ => return Err(refuse("an https URL")),
                };
            }
            "MaxExternalUsers" => {
                self.max_external_users = whole(value, 1, 1_000_000_000).ok_or(refuse("1 to 1000000000"))?;
            }
            "MaxEphemeralUsers" => {
                self.max_ephemeral_users = whole(value, 0, 1_000_000_000).ok_or(refuse("0 to 1000000000"))?;
            }
            "Console" => self.console = switch(value).ok_or(refuse(SWITCH))?,
            "RevokeOnReplay" => self.revoke_on_replay = switch(value).ok_or(refuse(SWITCH))?,
            _ => match self.sign_in.set(name, value) {
                Some(set) => set.map_err(refuse)?,
                None => self.queries.set(name, value)?,
            },
        }
        Ok(())
    }

    /// The longest time from now to a token's expiry; none if it may be any.
    pub fn longest_token(&self) -> Option<i64> {
        (self.max_token_lifetime_seconds > 0).then_some(self.max_token_lifetime_seconds)
    }

    /// The longest life of a credential that the stack makes. It is bounded also where the owner's tokens are not.
    pub fn longest_made(&self) -> i64 {
        self.longest_token().unwrap_or(Self::LONGEST_SECONDS)
    }

    /// The deployment of a resource that names none.
    pub fn first_deployment(&self) -> Deployment {
        self.deployments.first().copied().unwrap_or(Deployment::FIRST)
    }
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettingError {
    #[error("there is no setting `{0}`; the settings are {names}", names = Settings::NAMES.join(", "))]
    Unknown(String),
    #[error("the setting `{name}` takes {expected}")]
    Value { name: String, expected: &'static str },
}

pub(crate) const SWITCH: &str = "`true` or `false`";

pub(crate) fn switch(value: &str) -> Option<bool> {
    bool::from_str(value).ok()
}

pub(crate) fn whole<T: FromStr + PartialOrd>(value: &str, least: T, most: T) -> Option<T> {
    value.parse().ok().filter(|number| (least..=most).contains(number))
}

fn deployments(value: &str) -> Option<Vec<Deployment>> {
    let numbers: Option<Vec<_>> =
        value.split(',').map(|number| Deployment::new(number.trim().parse().ok()?).ok()).collect();
    numbers.filter(|numbers| !numbers.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_can_be_set_and_no_other() {
        let good = [
            ("EmbeddingEnabled", "false"),
            ("AllowedOrigins", "https://a.example.com"),
            ("RequireTokenExpiry", "false"),
            ("MaxTokenLifetimeSeconds", "600"),
            ("EnabledInToken", "pinned"),
            ("AllowEmptyLockedList", "true"),
            ("ResourceCacheSeconds", "0"),
            ("KeyCacheSeconds", "1"),
            ("KeyGraceSeconds", "0"),
            ("Deployments", "1, 32"),
            ("PublicUrl", "https://embed.example.com/"),
            ("MaxExternalUsers", "150"),
            ("MaxEphemeralUsers", "0"),
            ("RevokeOnReplay", "true"),
            ("Console", "false"),
            ("ConsoleIssuer", "https://id.example.com"),
            ("ConsoleClientId", "vitrine"),
            ("ConsoleGroupClaim", "roles"),
            ("ConsoleRoles", "owners=admin"),
            ("TableRows", "10"),
            ("ChartRows", "10"),
            ("FileRows", "10"),
            ("QueryBytes", "1000"),
            ("QueryDepth", "10"),
            ("QueryListValues", "10"),
            ("QueryTags", "10"),
            ("FunctionTextBytes", "10"),
            ("FunctionListElements", "10"),
            ("SeriesRows", "10"),
            ("QuerySeconds", "10"),
            ("QueriesPerViewer", "1"),
            ("QueriesAtOnce", "1"),
            ("MonthlyScanMegabytes", "1000"),
            ("QueryMemory", "1024"),
            ("TimeZone", "Europe/Berlin"),
            ("DiveSql", "true"),
        ];
        assert_eq!(good.map(|(name, _)| name), Settings::NAMES);
        for (name, value) in good {
            let mut settings = Settings::default();
            settings.set(name, value).unwrap();
            assert_ne!(settings, Settings::default(), "{name}");
        }
        assert!(matches!(Settings::default().set("Nothing", "1"), Err(SettingError::Unknown(_))));
    }

    #[test]
    fn refuses_what_it_cannot_read() {
        for (name, value) in [
            ("EmbeddingEnabled", "yes"),
            ("AllowedOrigins", "example.com"),
            ("MaxTokenLifetimeSeconds", "-1"),
            ("MaxTokenLifetimeSeconds", "31536001"),
            ("EnabledInToken", "Pinned"),
            ("ResourceCacheSeconds", "-1"),
            ("Deployments", ""),
            ("Deployments", "1,x"),
            ("PublicUrl", "embed.example.com"),
            ("DiveSql", "1"),
            ("ConsoleIssuer", "http://id.example.com"),
            ("ConsoleClientId", "a\nb"),
            ("ConsoleGroupClaim", ""),
            ("ConsoleRoles", "owners"),
        ] {
            assert!(Settings::default().set(name, value).is_err(), "{name}={value}");
        }
    }
}
