//! MotherDuck's API, tested with the table in `cases/motherduck.json`.

use std::collections::BTreeMap;
use std::ops::{Deref, DerefMut};

use serde_json::{Value, json};

use crate::rows::{World, run_table};

/// The data for the rows.
struct Dives(World);

impl Deref for Dives {
    type Target = World;

    fn deref(&self) -> &World {
        &self.0
    }
}

impl DerefMut for Dives {
    fn deref_mut(&mut self) -> &mut World {
        &mut self.0
    }
}

impl Dives {
    async fn start(settings: &BTreeMap<String, String>) -> World {
        let mut world = Self(World::empty(&[("Deployments", "1,2")], settings).await);
        world.dives().await;
        world.accounts().await;
        world.callers().await;
        world.0
    }

    async fn dive(&mut self, name: &str, fields: Value) -> Value {
        let mut body =
            json!({"title": name, "content": {"type": "html", "html": "one"}, "enable_embedding": true});
        vitrine_tests::merge(&mut body, fields);
        let dive = self.admin("POST", "/v1/dives", Some(body)).await;
        self.words.insert(name.to_owned(), dive["id"].clone());
        dive
    }

    async fn dives(&mut self) {
        let region = json!([{"slug": "region", "name": "Region", "type": "text"}]);
        let bound = json!({"region": {"attribute": "region"}});
        let dive = self.dive("dive", json!({})).await;
        let path = format!("/v1/dives/{}", self.word("dive"));
        let second =
            json!({"title": "dive", "content": {"type": "html", "html": "two"}, "enable_embedding": true});
        self.admin("PUT", &path, Some(second)).await;
        let upper = json!(self.word("dive").to_uppercase());
        self.words.insert("DIVE".to_owned(), upper);
        self.words.insert("public".to_owned(), dive["public_id"].clone());
        self.dive("unpublished", json!({"enable_embedding": false})).await;
        self.dive("archived", json!({"archived": true})).await;
        self.dive("bound", json!({"parameters": region, "embedding_params": bound})).await;
        self.dive("locked", json!({"parameters": region, "embedding_params": {"region": "locked"}})).await;
        self.dive("removed", json!({})).await;
        self.admin("DELETE", &format!("/v1/dives/{}", self.word("removed")), None).await;
    }

    async fn accounts(&self) {
        for account in [
            json!({"username": "acme", "attributes": {"region": "emea"}}),
            json!({"username": "Mixed_Case"}),
            json!({"username": "bare"}),
            json!({"username": "bare2"}),
            json!({"username": "hollow_list", "attributes": {"region": []}}),
            json!({"username": "hollow_items", "attributes": {"region": [null, " "]}}),
            json!({"username": "hollow_text", "attributes": {"region": " "}}),
            json!({"username": "hollow_null", "attributes": {"region": null}}),
            json!({"username": "gone"}),
            json!({"username": "boss", "role": "admin"}),
            json!({"username": "worker", "role": "member"}),
            json!({"username": "guest", "role": "restricted"}),
            json!({"username": "demoted", "role": "admin"}),
            json!({"username": "removed", "role": "admin"}),
            json!({"username": "reborn", "role": "admin"}),
        ] {
            self.admin("POST", "/v1/users", Some(account)).await;
        }
        self.admin("DELETE", "/v1/users/gone", None).await;
    }

    async fn token(&self, username: &str, fields: Value) -> (String, String) {
        let mut body = json!({"name": vitrine::rules::random::short_id().unwrap()});
        vitrine_tests::merge(&mut body, fields);
        let token = self.admin("POST", &format!("/v1/users/{username}/tokens"), Some(body)).await;
        (token["token"].as_str().unwrap().to_owned(), token["id"].as_str().unwrap().to_owned())
    }

    async fn callers(&mut self) {
        const ALL: [&str; 4] = ["resources:write", "resources:list", "sessions:create", "introspect"];
        let keys = [
            ("admin key", json!({"role": "admin"})),
            ("admin of deployment 2", json!({"role": "admin", "deployments": [2]})),
            ("member", json!({"role": "member"})),
            ("member with sessions:create", json!({"role": "member", "permissions": ["sessions:create"]})),
            ("member with resources:write", json!({"role": "member", "permissions": ["resources:write"]})),
            ("member with all permissions", json!({"role": "member", "permissions": ALL})),
            ("restricted", json!({"role": "restricted"})),
            (
                "restricted with sessions:create",
                json!({"role": "restricted", "permissions": ["sessions:create"]}),
            ),
        ];
        self.keys(keys).await;
        for (name, username, fields) in [
            ("account admin", "boss", json!({})),
            ("account member", "worker", json!({})),
            ("account restricted", "guest", json!({})),
            ("account admin, read_scaling", "boss", json!({"token_type": "read_scaling"})),
            ("account admin, demoted", "demoted", json!({})),
            ("account admin, removed", "removed", json!({})),
            ("account admin, removed and made again", "reborn", json!({})),
        ] {
            let token = self.token(username, fields).await.0;
            self.callers.insert(name, Some(token));
        }
        self.product.clock.set_offset(-301);
        let expired = self.token("boss", json!({"ttl": 300})).await.0;
        self.product.clock.set_offset(0);
        self.callers.insert("account admin, expired", Some(expired));
        let (token, id) = self.token("boss", json!({})).await;
        self.admin("DELETE", &format!("/v1/users/boss/tokens/{id}"), None).await;
        self.callers.insert("account admin, token removed", Some(token));
        self.admin("PATCH", "/v1/users/demoted", Some(json!({"role": "member"}))).await;
        self.admin("DELETE", "/v1/users/removed", None).await;
        self.admin("DELETE", "/v1/users/reborn", None).await;
        self.admin("POST", "/v1/users", Some(json!({"username": "reborn", "role": "admin"}))).await;

        let (session, token) = self.session().await;
        let strangers = [
            ("a stranger", Some("st-boss-0123456789abcdef01234567-and-so-on".to_owned())),
            ("an embed session", session),
            ("the token in an embed session", token),
        ];
        self.callers.extend(strangers);
    }

    /// A session and the token in it, or `none` for each that is refused.
    async fn session(&self) -> (Option<String>, Option<String>) {
        let path = format!("/v1/dives/{}/embed-session", self.word("dive"));
        let made = self.product.post(&path, json!({"username": "acme"})).admin().send().await;
        let session = made.json["session"].as_str().unwrap_or("none").to_owned();
        let token = crate::motherduck_sessions::opened(&session)["token"].as_str().map(str::to_owned);
        (Some(session), token.or_else(|| Some("none".to_owned())))
    }
}

#[tokio::test]
async fn each_row_of_the_table_gets_its_answer() {
    run_table(include_str!("../cases/motherduck.json"), Dives::start).await;
}
