//! A provider of OpenID Connect on this machine, which checks what a client sends and can be told to misbehave.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard};

use aws_lc_rs::digest;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair, RSA_PKCS1_SHA256, RsaKeyPair,
};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use vitrine::rules::random;
use vitrine_tests::merge;

pub const CLIENT_ID: &str = "the console";

pub fn encoded(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// A key pair of the provider.
pub enum Signer {
    Rsa(RsaKeyPair),
    Ec(EcdsaKeyPair),
}

impl Signer {
    pub fn rsa() -> Self {
        Self::Rsa(RsaKeyPair::generate(KeySize::Rsa2048).unwrap())
    }

    pub fn ec() -> Self {
        Self::Ec(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap())
    }

    fn algorithm(&self) -> &'static str {
        match self {
            Self::Rsa(_) => "RS256",
            Self::Ec(_) => "ES256",
        }
    }

    /// The public key. That of a pair of RSA is two integers in a sequence of DER.
    pub fn jwk(&self, kid: &str) -> Value {
        match self {
            Self::Rsa(pair) => {
                let der = pair.public_key().as_ref();
                let modulus = &der[9..9 + 256];
                assert_eq!((der.len(), &der[4..9]), (270, &[2, 0x82, 1, 1, 0][..]));
                json!({"kty": "RSA", "kid": kid, "n": encoded(modulus), "e": encoded(&der[267..])})
            }
            Self::Ec(pair) => {
                let (x, y) = pair.public_key().as_ref()[1..].split_at(32);
                json!({"kty": "EC", "crv": "P-256", "kid": kid, "x": encoded(x), "y": encoded(y)})
            }
        }
    }

    fn sign(&self, message: &str) -> String {
        let random = SystemRandom::new();
        match self {
            Self::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, message.as_bytes(), &mut signature).unwrap();
                encoded(signature)
            }
            Self::Ec(pair) => encoded(pair.sign(&random, message.as_bytes()).unwrap()),
        }
    }
}

/// The state of the provider, and its faults.
pub struct Desk {
    pub signer: Signer,
    pub kid: String,
    /// The published keys.
    pub keys: Vec<Value>,
    /// Members over those of the document, of the token's header and of its claims.
    pub document: Value,
    pub header: Value,
    pub claims: Value,
    /// The signature of tokens, if it is not a real one.
    pub signature: Option<String>,
    /// The secret that the client has to show.
    pub client_secret: Option<String>,
    /// Paths that are answered with this status and body instead.
    pub faults: BTreeMap<&'static str, (u16, String)>,
    /// The paths that were asked for.
    pub asked: Vec<String>,
    codes: BTreeMap<String, BTreeMap<String, String>>,
}

pub struct Issuer {
    pub url: String,
    desk: Arc<Mutex<Desk>>,
}

pub fn pairs(query: &str) -> BTreeMap<String, String> {
    form_urlencoded::parse(query.as_bytes()).into_owned().collect()
}

impl Issuer {
    pub fn open(signer: Signer) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let desk = Arc::new(Mutex::new(Desk {
            keys: vec![signer.jwk("1")],
            signer,
            kid: "1".to_owned(),
            document: json!({}),
            header: json!({}),
            claims: json!({}),
            signature: None,
            client_secret: None,
            faults: BTreeMap::new(),
            asked: Vec::new(),
            codes: BTreeMap::new(),
        }));
        let (shared, own) = (desk.clone(), url.clone());
        std::thread::spawn(move || {
            for connection in listener.incoming() {
                // A client that hangs up is no fault of the provider.
                let _ = connection.and_then(|connection| answer(connection, &own, &shared));
            }
        });
        Self { url, desk }
    }

    pub fn desk(&self) -> MutexGuard<'_, Desk> {
        self.desk.lock().unwrap()
    }

    /// The settings of a product whose people sign in here.
    pub fn settings(&self) -> [(&str, &str); 4] {
        [
            ("PublicUrl", "https://vitrine.example.com"),
            ("ConsoleIssuer", &self.url),
            ("ConsoleClientId", CLIENT_ID),
            ("ConsoleRoles", "owners=admin,editors=write@1,analysts=read"),
        ]
    }

    /// The person's agreement at the provider's page: the path of the client to which the browser comes back.
    pub fn agree(&self, location: &str) -> String {
        let (page, query) = location.split_once('?').unwrap();
        assert_eq!(page, format!("{}/authorize", self.url));
        let asked = pairs(query);
        for (name, value) in [
            ("response_type", "code"),
            ("client_id", CLIENT_ID),
            ("redirect_uri", "https://vitrine.example.com/console/oidc/callback"),
            ("code_challenge_method", "S256"),
        ] {
            assert_eq!(asked[name], value);
        }
        assert!(asked["scope"].split(' ').any(|scope| scope == "openid"));
        let code = random::secret().unwrap();
        let answer = [("code", code.as_str()), ("state", asked["state"].as_str())];
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(answer).finish();
        self.desk().codes.insert(code, asked);
        format!("/console/oidc/callback?{query}")
    }
}

fn answer(mut connection: TcpStream, url: &str, desk: &Mutex<Desk>) -> std::io::Result<()> {
    let mut reader = BufReader::new(connection.try_clone()?);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let path = line.split(' ').nth(1).unwrap_or_default().to_owned();
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        headers.insert(name.to_lowercase(), value.to_owned());
    }
    let length = headers.get("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let form = pairs(&String::from_utf8_lossy(&body));
    let (status, body) = desk.lock().unwrap().answer(url, &path, &form, headers.get("authorization"));
    write!(
        connection,
        "HTTP/1.1 {status} X\r\nlocation: {url}/elsewhere\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )
}

impl Desk {
    fn answer(
        &mut self,
        url: &str,
        path: &str,
        form: &BTreeMap<String, String>,
        authorization: Option<&String>,
    ) -> (u16, String) {
        self.asked.push(path.to_owned());
        if let Some((_, fault)) = self.faults.iter().find(|(faulty, _)| path.ends_with(**faulty)) {
            return fault.clone();
        }
        match path {
            "/.well-known/openid-configuration" => {
                let mut document = json!({
                    "issuer": url,
                    "authorization_endpoint": format!("{url}/authorize"),
                    "token_endpoint": format!("{url}/token"),
                    "jwks_uri": format!("{url}/keys"),
                    "id_token_signing_alg_values_supported": ["RS256", "ES256"],
                });
                merge(&mut document, self.document.clone());
                (200, document.to_string())
            }
            "/keys" => (200, json!({"keys": self.keys}).to_string()),
            "/token" => match self.redeem(url, form, authorization) {
                Ok(tokens) => (200, tokens.to_string()),
                Err(error) => (400, json!({"error": error}).to_string()),
            },
            _ => (404, String::new()),
        }
    }

    fn redeem(
        &mut self,
        url: &str,
        form: &BTreeMap<String, String>,
        authorization: Option<&String>,
    ) -> Result<Value, &'static str> {
        let field = |name: &str| form.get(name).map(String::as_str);
        if let Some(secret) = &self.client_secret {
            let in_header = STANDARD.encode(format!("the+console:{}", secret.replace('/', "%2F")));
            let in_header = authorization.is_some_and(|shown| *shown == format!("Basic {in_header}"));
            if !in_header && field("client_secret") != Some(secret.as_str()) {
                return Err("invalid_client");
            }
        }
        let asked = self.codes.remove(field("code").unwrap_or_default()).ok_or("invalid_grant")?;
        let challenge =
            encoded(digest::digest(&digest::SHA256, field("code_verifier").unwrap_or_default().as_bytes()));
        let is_the_client = field("grant_type") == Some("authorization_code")
            && field("client_id") == Some(CLIENT_ID)
            && field("redirect_uri") == Some(asked["redirect_uri"].as_str())
            && challenge == asked["code_challenge"];
        if !is_the_client {
            return Err("invalid_grant");
        }
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
        let access_token = random::secret().unwrap();
        let half = digest::digest(&digest::SHA256, access_token.as_bytes());
        let mut header = json!({"alg": self.signer.algorithm(), "typ": "JWT", "kid": self.kid});
        let mut claims = json!({
            "iss": url, "aud": CLIENT_ID, "sub": "248289761001", "exp": now + 300, "iat": now,
            "nonce": asked["nonce"], "at_hash": encoded(&half.as_ref()[..16]),
            "name": "Anna Ames", "email": "anna@example.com", "groups": ["staff", "owners"],
        });
        merge(&mut header, self.header.clone());
        merge(&mut claims, self.claims.clone());
        let signed = format!("{}.{}", encoded(header.to_string()), encoded(claims.to_string()));
        let signature = self.signature.clone().unwrap_or_else(|| self.signer.sign(&signed));
        Ok(
            json!({"access_token": access_token, "token_type": "Bearer", "id_token": format!("{signed}.{signature}")}),
        )
    }
}
