// The backend code for each embed of the demo, with the values of the one on the page.

const LANGUAGES = { node: "Node.js", python: "Python", curl: "curl" };

// A literal: JSON, except where the language differs.
function literal(value, language, indent = "") {
  if (Array.isArray(value)) return `[${value.map((item) => literal(item, language)).join(", ")}]`;
  if (value && typeof value === "object") {
    const inner = Object.entries(value).map(([name, item]) => member(name, item, language)).join(", ");
    return language === "node" ? `{ ${inner} }` : `{${inner}}`;
  }
  return (language === "python" && { true: "True", false: "False", null: "None" }[value]) || JSON.stringify(value);
}

function member(name, value, language) {
  const bare = language === "node" && /^[a-z_$][\w$]*$/i.test(name);
  return `${bare ? name : JSON.stringify(name)}: ${literal(value, language)}`;
}

function members(payload, language, indent, end = ",") {
  const lines = Object.entries(payload).map(([name, value]) => indent + member(name, value, language));
  return lines.join(",\n") + end;
}

const withoutExpiry = ({ exp, ...payload }) => payload;

const signed = {
  node: ({ base_url, payload, seconds }) => `import jwt from "jsonwebtoken";

const token = jwt.sign({
${members(withoutExpiry(payload), "node", "  ")}
  exp: Math.floor(Date.now() / 1000) + ${seconds},
}, process.env.VITRINE_SECRET);

const src = \`${base_url}/embed/dashboard/\${token}\`;`,

  python: ({ base_url, payload, seconds }) => `import os, time
import jwt  # PyJWT

token = jwt.encode({
${members(withoutExpiry(payload), "python", "    ")}
    "exp": int(time.time()) + ${seconds},
}, os.environ["VITRINE_SECRET"])

src = f"${base_url}/embed/dashboard/{token}"`,

  // A shell has no JWT library, so the three parts are joined here.
  curl: ({ base_url, payload, seconds }) => `b64() { openssl base64 -A | tr '+/' '-_' | tr -d =; }
exp=$(($(date +%s) + ${seconds}))

head=$(printf '{"alg":"HS256","typ":"JWT"}' | b64)
body=$(printf %s '{
${members(withoutExpiry(payload), "curl", "  ")}
  "exp": '$exp'}' | b64)
sign=$(printf %s "$head.$body" |
  openssl dgst -sha256 -hmac "$VITRINE_SECRET" -binary | b64)

echo ${base_url}/embed/dashboard/$head.$body.$sign`,
};

// A call with an access key: its path, the field of the answer, and the URL made from it.
function asked(path, scheme, read, url) {
  return {
    node: ({ base_url, payload }) => `const answer = await fetch("${base_url}${path}", {
  method: "POST",
  headers: {
    "Content-Type": "application/json",
    Authorization: \`${scheme} \${process.env.VITRINE_KEY}\`,
  },
  body: JSON.stringify({
${members(payload, "node", "    ")}
  }),
});
const { ${read} } = await answer.json();

const src = \`${url(base_url, `\${${read}}`)}\`;`,

    python: ({ base_url, payload }) => `import os
import requests

answer = requests.post("${base_url}${path}", json={
${members(payload, "python", "    ")}
}, headers={"Authorization": f"${scheme} {os.environ['VITRINE_KEY']}"})

src = f"${url(base_url, `{answer.json()['${read}']}`)}"`,

    curl: ({ base_url, payload }) => `curl ${base_url}${path} \\
  -H "Authorization: ${scheme} $VITRINE_KEY" \\
  -H 'Content-Type: application/json' -d '{
${members(payload, "curl", "    ", "")}
  }'

# ${url(base_url, `<${read}>`)}`,
  };
}

const SNIPPETS = {
  metabase: () => signed,
  cube: ({ src }) => {
    const id = new URL(src).pathname.split("/").at(-1);
    return asked("/api/v1/embed/generate-session", "Api-Key", "sessionId", (base, session) => `${base}/embed/dashboard/${id}?session=${session}`);
  },
  motherduck: () => asked("/v1/dives/5f0b6a52-6f0e-4b52-9a0d-8f1c3a7f2d10/embed-session", "Bearer", "session", (base, session) => `${base}/sandbox/#session=${session}`),
};

export const languages = Object.entries(LANGUAGES);

export function snippet(dialect, language, embed) {
  return SNIPPETS[dialect](embed)[language](embed);
}

// Colours strings and comments only.
export function coloured(code) {
  return code.split(/("(?:[^"\\]|\\.)*"(?:\s*:)?|`[^`]*`|(?:^|\s\s?)(?:\/\/|#) .*$)/m).map((piece, index) => {
    if (index % 2 === 0) return piece;
    const kind = /^\s*(\/\/|#)/.test(piece) ? "comment" : piece.endsWith(":") ? "key" : "string";
    return Object.assign(document.createElement("span"), { className: kind, textContent: piece });
  });
}
