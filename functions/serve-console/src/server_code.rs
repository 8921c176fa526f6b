//! Code for the owner's server, in several languages: programs that run as they are and print the iframe's URL.
//!
//! They read `VITRINE` (the address of the stack) and `VITRINE_SECRET` or `VITRINE_KEY` from the environment, and need
//! nothing but the language's own library, with the exception of Rust.

use serde_json::{Map, Value, json};

use crate::literals::{GO, JAVASCRIPT, Literals, PHP, PYTHON, RUBY, RUST, ascii_text, json_text};

/// The parts of a token that the owner has chosen.
pub struct Embed<'a> {
    pub kind: &'a str,
    /// The number or UUID of the resource.
    pub id: Value,
    pub params: Map<String, Value>,
    /// The viewer's attributes that parameters are bound to.
    pub attributes: Map<String, Value>,
    /// The appearance, for the fragment of the URL.
    pub look: String,
}

/// A program in one language.
pub struct Program {
    /// A word for it, in ids.
    pub word: String,
    pub language: &'static str,
    /// The command that runs it, with the name of its file.
    pub run: String,
    pub code: String,
}

impl Embed<'_> {
    /// The claims without `exp`, in order.
    fn claims(&self) -> Vec<(&'static str, Value)> {
        let mut claims = vec![
            ("resource", Value::Object(Map::from_iter([(self.kind.to_owned(), self.id.clone())]))),
            ("params", Value::Object(self.params.clone())),
        ];
        if !self.attributes.is_empty() {
            claims.push(("viewer", json!({ "attributes": self.attributes })));
        }
        claims
    }

    /// The claims as lines of a literal, each with this indentation and a comma.
    fn lines(&self, indent: &str, literals: &Literals, pair: &str) -> String {
        let line = |(name, value): (&str, Value)| {
            format!("{indent}{}{pair}{},\n", literals.write(&name.into()), literals.write(&value))
        };
        self.claims().into_iter().map(line).collect()
    }

    /// The claims as JSON up to the value of `exp`.
    fn open_json(&self) -> String {
        let members: Vec<_> =
            self.claims().iter().map(|(name, value)| format!("{}:{value}", json_text(name))).collect();
        format!("{{{},\"exp\":", members.join(","))
    }

    fn path(&self) -> String {
        format!("/embed/{}/", self.kind)
    }

    /// Programs that sign a token with the signing secret. They call nothing.
    pub fn signing_programs(&self) -> Vec<Program> {
        let program = |word: &str, language, run: &str, code| Program {
            word: word.to_owned(),
            language,
            run: run.to_owned(),
            code,
        };
        vec![
            program("node", "Node.js", "node embed.mjs", self.node()),
            program("python", "Python", "python3 embed.py", self.python()),
            program("ruby", "Ruby", "ruby embed.rb", self.ruby()),
            program("php", "PHP", "php embed.php", self.php()),
            program("go", "Go", "go run embed.go", self.go()),
            program("java", "Java", "java Embed.java", self.java()),
            program("csharp", "C#", "dotnet run", self.csharp()),
            program("clojure", "Clojure", "clojure -M embed.clj", self.clojure()),
            program("rust", "Rust", "cargo add jsonwebtoken@9 serde_json && cargo run", self.rust()),
        ]
    }

    /// The body of a request for a session.
    pub fn wanted(&self) -> Vec<(&'static str, Value)> {
        let mut wanted = self.claims();
        wanted.push(("ttl_seconds", 600.into()));
        wanted
    }

    fn node(&self) -> String {
        let (claims, path, look) = (self.lines("  ", &JAVASCRIPT, ": "), self.path(), &self.look);
        format!(
            r##"import {{ createHmac }} from "node:crypto";

const encode = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
const claims = {{
{claims}  "exp": Math.floor(Date.now() / 1000) + 600,
}};
const unsigned = `${{encode({{ alg: "HS256", typ: "JWT" }})}}.${{encode(claims)}}`;
const signature = createHmac("sha256", process.env.VITRINE_SECRET).update(unsigned).digest("base64url");
const embedUrl = `${{process.env.VITRINE}}{path}${{unsigned}}.${{signature}}#{look}`;
console.log(embedUrl);
"##
        )
    }

    fn python(&self) -> String {
        let (claims, path, look) = (self.lines("    ", &PYTHON, ": "), self.path(), &self.look);
        format!(
            r##"import base64, hashlib, hmac, json, os, time


def encode(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=")


claims = {{
{claims}    "exp": int(time.time()) + 600,
}}
header = {{"alg": "HS256", "typ": "JWT"}}
unsigned = encode(json.dumps(header).encode()) + b"." + encode(json.dumps(claims).encode())
signature = encode(hmac.new(os.environ["VITRINE_SECRET"].encode(), unsigned, hashlib.sha256).digest())
embed_url = os.environ["VITRINE"] + "{path}" + (unsigned + b"." + signature).decode() + "#{look}"
print(embed_url)
"##
        )
    }

    fn ruby(&self) -> String {
        let (claims, path, look) = (self.lines("  ", &RUBY, " => "), self.path(), &self.look);
        format!(
            r##"require "json"
require "openssl"

def encode(data) = [data].pack("m0").tr("+/", "-_").delete("=")

claims = {{
{claims}  "exp" => Time.now.to_i + 600,
}}
header = {{ "alg" => "HS256", "typ" => "JWT" }}
unsigned = "#{{encode(JSON.generate(header))}}.#{{encode(JSON.generate(claims))}}"
signature = encode(OpenSSL::HMAC.digest("SHA256", ENV.fetch("VITRINE_SECRET"), unsigned))
embed_url = ENV.fetch("VITRINE") + "{path}" + "#{{unsigned}}.#{{signature}}" + '#{look}'
puts embed_url
"##
        )
    }

    fn php(&self) -> String {
        let (claims, path, look) = (self.lines("    ", &PHP, " => "), self.path(), &self.look);
        format!(
            r"<?php
function encode(string $data): string {{
    return rtrim(strtr(base64_encode($data), '+/', '-_'), '=');
}}

$claims = [
{claims}    'exp' => time() + 600,
];
$header = ['alg' => 'HS256', 'typ' => 'JWT'];
$unsigned = encode(json_encode($header)) . '.' . encode(json_encode($claims));
$signature = encode(hash_hmac('sha256', $unsigned, getenv('VITRINE_SECRET'), true));
$embedUrl = getenv('VITRINE') . '{path}' . $unsigned . '.' . $signature . '#{look}';
echo $embedUrl, PHP_EOL;
"
        )
    }

    fn go(&self) -> String {
        let (claims, path, look) = (self.lines("\t\t", &GO, ": "), self.path(), &self.look);
        format!(
            r##"package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"time"
)

func encode(value any) string {{
	data, _ := json.Marshal(value)
	return base64.RawURLEncoding.EncodeToString(data)
}}

func main() {{
	claims := map[string]any{{
{claims}		"exp": time.Now().Unix() + 600,
	}}
	unsigned := encode(map[string]any{{"alg": "HS256", "typ": "JWT"}}) + "." + encode(claims)
	mac := hmac.New(sha256.New, []byte(os.Getenv("VITRINE_SECRET")))
	mac.Write([]byte(unsigned))
	token := unsigned + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
	embedURL := os.Getenv("VITRINE") + "{path}" + token + "#{look}"
	fmt.Println(embedURL)
}}
"##
        )
    }

    fn java(&self) -> String {
        let (claims, path, look) = (ascii_text(&self.open_json()), self.path(), &self.look);
        format!(
            r##"import java.nio.charset.StandardCharsets;
import java.util.Base64;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

public class Embed {{
    static String encode(byte[] data) {{
        return Base64.getUrlEncoder().withoutPadding().encodeToString(data);
    }}

    static byte[] bytes(String text) {{
        return text.getBytes(StandardCharsets.UTF_8);
    }}

    public static void main(String[] arguments) throws Exception {{
        long expires = System.currentTimeMillis() / 1000 + 600;
        String claims = {claims} + expires + "}}";
        String unsigned = encode(bytes("{{\"alg\":\"HS256\",\"typ\":\"JWT\"}}")) + "." + encode(bytes(claims));
        Mac mac = Mac.getInstance("HmacSHA256");
        mac.init(new SecretKeySpec(bytes(System.getenv("VITRINE_SECRET")), "HmacSHA256"));
        String token = unsigned + "." + encode(mac.doFinal(bytes(unsigned)));
        String embedUrl = System.getenv("VITRINE") + "{path}" + token + "#{look}";
        System.out.println(embedUrl);
    }}
}}
"##
        )
    }

    fn csharp(&self) -> String {
        let (claims, path, look) = (ascii_text(&self.open_json()), self.path(), &self.look);
        format!(
            r##"using System;
using System.Security.Cryptography;
using System.Text;

public static class Embed
{{
    static string Encode(byte[] data) =>
        Convert.ToBase64String(data).TrimEnd('=').Replace('+', '-').Replace('/', '_');

    static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);

    public static void Main()
    {{
        var expires = DateTimeOffset.UtcNow.ToUnixTimeSeconds() + 600;
        var claims = {claims} + expires + "}}";
        var unsigned = Encode(Bytes("{{\"alg\":\"HS256\",\"typ\":\"JWT\"}}")) + "." + Encode(Bytes(claims));
        var secret = Environment.GetEnvironmentVariable("VITRINE_SECRET") ?? "";
        using (var mac = new HMACSHA256(Bytes(secret)))
        {{
            var token = unsigned + "." + Encode(mac.ComputeHash(Bytes(unsigned)));
            var embedUrl = Environment.GetEnvironmentVariable("VITRINE") + "{path}" + token + "#{look}";
            Console.WriteLine(embedUrl);
        }}
    }}
}}
"##
        )
    }

    fn clojure(&self) -> String {
        let (claims, path, look) = (ascii_text(&self.open_json()), self.path(), &self.look);
        format!(
            r##"(import '(java.util Base64) '(javax.crypto Mac) '(javax.crypto.spec SecretKeySpec))

(defn bytes-of [text] (.getBytes ^String text "UTF-8"))
(defn encode [data] (.encodeToString (.withoutPadding (Base64/getUrlEncoder)) data))
(defn sign [text]
  (let [mac (Mac/getInstance "HmacSHA256")]
    (.init mac (SecretKeySpec. (bytes-of (System/getenv "VITRINE_SECRET")) "HmacSHA256"))
    (encode (.doFinal mac (bytes-of text)))))

(let [expires (+ (quot (System/currentTimeMillis) 1000) 600)
      claims (str {claims} expires "}}")
      unsigned (str (encode (bytes-of "{{\"alg\":\"HS256\",\"typ\":\"JWT\"}}")) "." (encode (bytes-of claims)))
      embed-url (str (System/getenv "VITRINE") "{path}" unsigned "." (sign unsigned) "#{look}")]
  (println embed-url))
"##
        )
    }

    fn rust(&self) -> String {
        let (claims, path, look) = (self.lines("        ", &RUST, ": "), self.path(), &self.look);
        format!(
            r##"use jsonwebtoken::{{EncodingKey, Header, encode}};
use serde_json::json;

fn main() -> Result<(), Box<dyn std::error::Error>> {{
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?.as_secs();
    let claims = json!({{
{claims}        "exp": now + 600,
    }});
    let secret = std::env::var("VITRINE_SECRET")?;
    let token = encode(&Header::default(), &claims, &EncodingKey::from_secret(secret.as_bytes()))?;
    let embed_url = std::env::var("VITRINE")? + "{path}" + &token + "#{look}";
    println!("{{embed_url}}");
    Ok(())
}}
"##
        )
    }
}
