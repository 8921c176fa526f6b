//! Code for the owner's server that asks the stack for a session: of any resource, or of a dive for a service account.

use serde_json::{Map, Value};

use crate::literals::{GO, JAVASCRIPT, Literals, PHP, PYTHON, RUBY, RUST, ascii_text, shell_text};
use crate::server_code::Program;

/// A request for a session, and the way from its answer to the URL of the iframe.
pub struct Ask<'a> {
    /// The begin of the programs' ids, and the name of their files.
    pub word: &'static str,
    pub path: String,
    pub body: Vec<(&'static str, Value)>,
    /// The member of the answer.
    pub member: &'static str,
    /// The path that comes between the address of the stack and the member; none if the member is a URL.
    pub page: Option<&'static str>,
    /// The appearance, for the fragment of the URL.
    pub look: &'a str,
}

impl Ask<'_> {
    pub fn programs(&self) -> Vec<Program> {
        let program = |language_word: &str, language, run: &str, code| Program {
            word: format!("{}-{language_word}", self.word),
            language,
            run: run.replace("FILE", self.word).replace("Name", &self.class()),
            code,
        };
        vec![
            program("node", "Node.js", "node FILE.mjs", self.node()),
            program("python", "Python", "python3 FILE.py", self.python()),
            program("ruby", "Ruby", "ruby FILE.rb", self.ruby()),
            program("php", "PHP", "php FILE.php", self.php()),
            program("go", "Go", "go run FILE.go", self.go()),
            program("java", "Java", "java Name.java", self.java()),
            program("csharp", "C#", "dotnet run", self.csharp()),
            program("clojure", "Clojure", "clojure -M FILE.clj", self.clojure()),
            program(
                "rust",
                "Rust",
                "cargo add serde_json && cargo add ureq@3 --features json && cargo run",
                self.rust(),
            ),
            program("shell", "Shell", "sh FILE.sh", self.shell()),
        ]
    }

    /// The name of a class in the file.
    fn class(&self) -> String {
        let (first, rest) = self.word.split_at(1);
        format!("{}{rest}", first.to_uppercase())
    }

    /// The members of the body as lines of a literal.
    fn lines(&self, indent: &str, literals: &Literals, pair: &str) -> String {
        let line = |(name, value): &(&str, Value)| {
            format!("{indent}{}{pair}{},\n", literals.write(&(*name).into()), literals.write(value))
        };
        self.body.iter().map(line).collect()
    }

    fn json(&self) -> String {
        let members = self.body.iter().map(|(name, value)| ((*name).to_owned(), value.clone()));
        Value::Object(members.collect::<Map<_, _>>()).to_string()
    }

    /// An expression for the address of the page, up to the member, with the operator that follows it.
    fn before(&self, address: &str, plus: &str) -> String {
        self.page.map(|page| format!("{address}{plus}\"{page}\"{plus}")).unwrap_or_default()
    }

    fn node(&self) -> String {
        let Self { path, member, look, .. } = self;
        let (body, page) = (self.lines("    ", &JAVASCRIPT, ": "), self.page);
        let before = page.map(|page| format!("${{process.env.VITRINE}}{page}")).unwrap_or_default();
        format!(
            r##"const response = await fetch(`${{process.env.VITRINE}}{path}`, {{
  method: "POST",
  headers: {{ authorization: `Bearer ${{process.env.VITRINE_KEY}}`, "content-type": "application/json" }},
  body: JSON.stringify({{
{body}  }}),
}});
if (!response.ok) throw new Error(await response.text());
const answer = await response.json();
const embedUrl = `{before}${{answer.{member}}}&{look}`;
console.log(embedUrl);
"##
        )
    }

    fn python(&self) -> String {
        let Self { path, member, look, .. } = self;
        let (body, before) =
            (self.lines("    ", &PYTHON, ": "), self.before("os.environ[\"VITRINE\"]", " + "));
        format!(
            r##"import json, os, urllib.request

wanted = {{
{body}}}
request = urllib.request.Request(
    os.environ["VITRINE"] + "{path}",
    data=json.dumps(wanted).encode(),
    headers={{"authorization": "Bearer " + os.environ["VITRINE_KEY"], "content-type": "application/json"}},
)
with urllib.request.urlopen(request) as response:
    answer = json.load(response)
embed_url = {before}answer["{member}"] + "&{look}"
print(embed_url)
"##
        )
    }

    fn ruby(&self) -> String {
        let Self { path, member, look, .. } = self;
        let (body, before) = (
            self.lines("  ", &RUBY, " => "),
            self.before("ENV.fetch(\"VITRINE\")", " + ").replace('#', "\\#"),
        );
        format!(
            r##"require "json"
require "net/http"

wanted = {{
{body}}}
headers = {{ "authorization" => "Bearer " + ENV.fetch("VITRINE_KEY"), "content-type" => "application/json" }}
response = Net::HTTP.post(URI(ENV.fetch("VITRINE") + "{path}"), JSON.generate(wanted), headers)
raise response.body unless response.is_a?(Net::HTTPSuccess)

embed_url = {before}JSON.parse(response.body).fetch("{member}") + "&{look}"
puts embed_url
"##
        )
    }

    fn php(&self) -> String {
        let Self { path, member, look, .. } = self;
        let (body, before) =
            (self.lines("    ", &PHP, " => "), self.before("getenv('VITRINE')", " . ").replace('"', "'"));
        format!(
            r"<?php
$wanted = [
{body}];
$request = stream_context_create(['http' => [
    'method' => 'POST',
    'header' => ['Authorization: Bearer ' . getenv('VITRINE_KEY'), 'Content-Type: application/json'],
    'content' => json_encode($wanted),
]]);
$answer = file_get_contents(getenv('VITRINE') . '{path}', false, $request);
if ($answer === false) {{
    throw new RuntimeException('The session was refused.');
}}
$embedUrl = {before}json_decode($answer, true)['{member}'] . '&{look}';
echo $embedUrl, PHP_EOL;
"
        )
    }

    fn go(&self) -> String {
        let Self { path, member, look, .. } = self;
        let (body, before) = (self.lines("\t\t", &GO, ": "), self.before("os.Getenv(\"VITRINE\")", " + "));
        format!(
            r##"package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
)

func main() {{
	wanted, _ := json.Marshal(map[string]any{{
{body}	}})
	request, err := http.NewRequest("POST", os.Getenv("VITRINE")+"{path}", bytes.NewReader(wanted))
	if err != nil {{
		panic(err)
	}}
	request.Header.Set("Authorization", "Bearer "+os.Getenv("VITRINE_KEY"))
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {{
		panic(err)
	}}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode >= 300 {{
		panic(string(text))
	}}
	var answer map[string]any
	if err := json.Unmarshal(text, &answer); err != nil {{
		panic(err)
	}}
	embedURL := {before}answer["{member}"].(string) + "&{look}"
	fmt.Println(embedURL)
}}
"##
        )
    }

    fn java(&self) -> String {
        let Self { path, member, look, .. } = self;
        let (body, class) = (ascii_text(&self.json()), self.class());
        let before = self.before("System.getenv(\"VITRINE\")", " + ");
        format!(
            r##"import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.regex.Pattern;

public class {class} {{
    public static void main(String[] arguments) throws Exception {{
        String wanted = {body};
        HttpRequest request = HttpRequest.newBuilder(URI.create(System.getenv("VITRINE") + "{path}"))
            .header("Authorization", "Bearer " + System.getenv("VITRINE_KEY"))
            .header("Content-Type", "application/json")
            .POST(HttpRequest.BodyPublishers.ofString(wanted))
            .build();
        HttpResponse<String> response =
            HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofString());
        // The value is a plain text without escapes. Use your own reader of JSON if you have one.
        var found = Pattern.compile("\"{member}\":\"([^\"]+)\"").matcher(response.body());
        if (response.statusCode() >= 300 || !found.find()) throw new Exception(response.body());
        String embedUrl = {before}found.group(1) + "&{look}";
        System.out.println(embedUrl);
    }}
}}
"##
        )
    }

    fn csharp(&self) -> String {
        let Self { path, member, look, .. } = self;
        let (body, class) = (ascii_text(&self.json()), self.class());
        let before = self.before("Environment.GetEnvironmentVariable(\"VITRINE\")", " + ");
        format!(
            r##"using System;
using System.Net.Http;
using System.Text;
using System.Text.RegularExpressions;

public static class {class}
{{
    public static void Main()
    {{
        var wanted = {body};
        var address = Environment.GetEnvironmentVariable("VITRINE") + "{path}";
        var request = new HttpRequestMessage(HttpMethod.Post, address);
        request.Headers.Add("Authorization", "Bearer " + Environment.GetEnvironmentVariable("VITRINE_KEY"));
        request.Content = new StringContent(wanted, Encoding.UTF8, "application/json");
        var response = new HttpClient().SendAsync(request).GetAwaiter().GetResult();
        var answer = response.Content.ReadAsStringAsync().GetAwaiter().GetResult();
        // The value is a plain text without escapes. Use your own reader of JSON if you have one.
        var found = Regex.Match(answer, "\"{member}\":\"([^\"]+)\"");
        if (!response.IsSuccessStatusCode || !found.Success) throw new Exception(answer);
        var embedUrl = {before}found.Groups[1].Value + "&{look}";
        Console.WriteLine(embedUrl);
    }}
}}
"##
        )
    }

    fn clojure(&self) -> String {
        let Self { path, member, look, .. } = self;
        let body = ascii_text(&self.json());
        let before =
            self.page.map(|page| format!("(System/getenv \"VITRINE\") \"{page}\" ")).unwrap_or_default();
        format!(
            r##"(import '(java.net URI)
        '(java.net.http HttpClient HttpRequest HttpRequest$BodyPublishers HttpResponse$BodyHandlers))

(let [wanted {body}
      request (-> (HttpRequest/newBuilder (URI/create (str (System/getenv "VITRINE") "{path}")))
                  (.header "Authorization" (str "Bearer " (System/getenv "VITRINE_KEY")))
                  (.header "Content-Type" "application/json")
                  (.POST (HttpRequest$BodyPublishers/ofString wanted))
                  (.build))
      response (.send (HttpClient/newHttpClient) request (HttpResponse$BodyHandlers/ofString))
      ;; The value is a plain text without escapes. Use your own reader of JSON if you have one.
      found (second (re-find #"\"{member}\":\"([^\"]+)\"" (.body response)))]
  (when-not (and (< (.statusCode response) 300) found)
    (throw (ex-info (.body response) {{}})))
  (println (str {before}found "&{look}")))
"##
        )
    }

    fn rust(&self) -> String {
        let Self { path, member, look, .. } = self;
        let body = self.lines("        ", &RUST, ": ");
        let before = self.page.map(|page| format!("{{address}}{page}")).unwrap_or_default();
        format!(
            r##"use serde_json::{{Value, json}};

fn main() -> Result<(), Box<dyn std::error::Error>> {{
    let address = std::env::var("VITRINE")?;
    let wanted = json!({{
{body}    }});
    let answer: Value = ureq::post(format!("{{address}}{path}"))
        .header("Authorization", format!("Bearer {{}}", std::env::var("VITRINE_KEY")?))
        .send_json(wanted)?
        .body_mut()
        .read_json()?;
    let given = answer["{member}"].as_str().ok_or("there is no session")?;
    let embed_url = format!("{before}{{given}}&{look}");
    println!("{{embed_url}}");
    Ok(())
}}
"##
        )
    }

    fn shell(&self) -> String {
        let (path, body) = (&self.path, shell_text(&self.json()));
        let comment = match self.page {
            None => format!("# The answer has the URL of the iframe as {}.", self.member),
            Some(page) => {
                format!(
                    "# The URL of the iframe is $VITRINE{page} and then the {} of the answer.",
                    self.member
                )
            }
        };
        format!(
            r##"{comment}
curl --fail-with-body --silent --show-error "$VITRINE{path}" \
  --header "Authorization: Bearer $VITRINE_KEY" \
  --header "Content-Type: application/json" \
  --data {body}
"##
        )
    }
}
