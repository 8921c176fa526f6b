//! Applies one rule many times, so that valgrind can count its instructions.
//!
//! Arguments: `verify`, `mint` or `parameters`, and the number of times.

use std::hint::black_box;
use std::sync::Arc;

use serde_json::{Map, Value, json};
use vitrine_rules::clock::Timestamp;
use vitrine_rules::error::Error;
use vitrine_rules::resource::Resource;
use vitrine_rules::resource::card_questions::CardQuestions;
use vitrine_rules::resource::ids::Kind;
use vitrine_rules::session::{SessionGrant, SessionState};
use vitrine_rules::settings::Settings;
use vitrine_rules::token::mint::{self, TokenToMint};
use vitrine_rules::token::{self, Authentic, Claims, KeySet, UnknownKid};
use vitrine_rules::view::decide::{Evidence, ViewRequest, view};
use vitrine_rules::viewer::Viewer;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let (Some(rule), Some(times), None) = (arguments.next(), arguments.next(), arguments.next()) else {
        return Err("a rule and a number are needed".into());
    };
    repeat(&rule, times.parse()?)
}

fn repeat(rule: &str, times: u32) -> Result<()> {
    let _ = jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER.install_default();
    let case = Case::new()?;
    let apply: fn(&Case) -> vitrine_rules::error::Result<()> = match rule {
        "verify" => |case| case.verify().map(|authentic| drop(black_box(authentic))),
        "mint" => |case| case.mint().map(|token| drop(black_box(token))),
        // With eight parameters and every policy.
        "parameters" => Case::decide,
        _ => return Err(format!("{rule} is not a rule").into()),
    };
    (0..times).try_for_each(|_| apply(&case).map_err(failure))
}

struct Case {
    keys: KeySet,
    settings: Settings,
    now: Timestamp,
    grant: SessionGrant,
    token: String,
    claims: Claims,
    asked: ViewRequest,
    evidence: Evidence,
}

const EXP: i64 = 2_000_000_000;

impl Case {
    fn new() -> Result<Self> {
        let keys = json!({"keys": [{"kid": "k1", "secret": "0123456789abcdef".repeat(4)}]}).to_string();
        let object = |value: Value| value.as_object().cloned().unwrap_or_default();
        let resource: Resource = serde_json::from_value(resource())?;
        let params = object(json!({"customer": "acme", "year": [2025, 2026], "plan": "pro"}));
        let grant = SessionGrant {
            resource: Some((Kind::Dashboard, resource.id.clone())),
            params: params.clone(),
            viewer: Viewer { id: Some("user-1".to_owned()), ..Viewer::default() },
            ..SessionGrant::default()
        };
        let claims = Claims::granting(&resource.reference(), params, grant.viewer.clone());
        let mut case = Self {
            keys: KeySet::parse(&keys)?,
            settings: Settings::default(),
            now: Timestamp::from_unix(EXP - 600),
            grant,
            token: String::new(),
            claims,
            asked: ViewRequest {
                parameters: Ok(object(json!({"region": ["emea", "apac"]}))).into(),
                ..ViewRequest::default()
            },
            evidence: Evidence {
                embedding_enabled: true,
                resource: Some(Arc::new(resource)),
                questions: CardQuestions::default(),
                version: None,
                account: None,
                user: None,
                tenant: None,
                state: None,
                context: None,
                session: SessionState::Absent,
            },
        };
        case.token = case.mint().map_err(failure)?;
        Ok(case)
    }

    fn verify(&self) -> vitrine_rules::error::Result<Authentic> {
        let authentic = token::authenticate(&self.token, &self.keys, UnknownKid::Refused, self.now)?;
        token::check_time(&authentic.claims, &self.settings, self.now)?;
        Ok(authentic)
    }

    fn mint(&self) -> vitrine_rules::error::Result<String> {
        let vouched = TokenToMint {
            issuer: mint::ISSUER,
            grant: &self.grant,
            version: None,
            has_state: false,
            token_id: "0123456789abcdef0123456789abcdef",
            session: None,
            issued: self.now,
            expires: Timestamp::from_unix(EXP),
        };
        mint::mint(&vouched, self.keys.signing())
    }

    fn decide(&self) -> vitrine_rules::error::Result<()> {
        let reference = self.asked.reference(&self.claims)?;
        view(&self.claims, &self.asked, &reference, &self.evidence, &self.settings)
            .map(|view| drop(black_box(view)))
    }
}

/// A resource with a parameter for every policy and for most types.
fn resource() -> Value {
    let choices = json!([["emea", "EMEA"], ["apac", "APAC"], ["amer", "Americas"]]);
    let parameters = [
        json!({"slug": "customer", "name": "Customer", "type": "text"}),
        json!({"slug": "region", "name": "Region", "type": "category", "values": choices}),
        json!({"slug": "year", "name": "Year", "type": "number"}),
        json!({"slug": "plan", "name": "Plan", "type": "text"}),
        json!({"slug": "since", "name": "Since", "type": "date"}),
        json!({"slug": "city", "name": "City", "type": "text", "default": "Oslo"}),
        json!({"slug": "internal", "name": "Internal", "type": "text"}),
        json!({"slug": "search", "name": "Search", "type": "text"}),
    ];
    let policy = Map::from_iter(
        [("customer", "locked"), ("region", "enabled"), ("year", "locked"), ("plan", "enabled")]
            .into_iter()
            .chain([("since", "enabled"), ("city", "enabled"), ("search", "enabled")])
            .map(|(slug, policy)| (slug.to_owned(), Value::from(policy))),
    );
    let time = "2026-01-01T00:00:00Z";
    json!({
        "kind": "dashboard",
        "id": 1,
        "entity_id": null,
        "public_id": "0123456789abcdef0123456789abcdef",
        "title": "Dashboard",
        "description": null,
        "content": {"type": "html", "html": "<h1>Hello from inside</h1>"},
        "version": 1,
        "parameters": parameters,
        "enable_embedding": true,
        "embedding_params": policy,
        "allowed_origins": [],
        "archived": false,
        "deployment": 1,
        "created_at": time,
        "updated_at": time,
        "initially_published_at": time,
        "published_at": time,
        "revision": 1,
    })
}

fn failure(error: Error) -> Box<dyn std::error::Error> {
    format!("{}: {}", error.reason.word(), error.message).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_accepts_its_input() {
        for rule in ["verify", "mint", "parameters"] {
            repeat(rule, 2).unwrap();
        }
        assert!(repeat("another", 2).is_err());
    }
}
