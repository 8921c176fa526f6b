// The signing keys: loaded before the first request, cached, and refreshed when they expire.

import { createSecretKey } from "node:crypto";
import { GetSecretValueCommand, SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { Refusal } from "./refusal.mjs";
import { clientConfig, now, settings } from "./settings.mjs";

// An unknown key triggers a refresh, but no more often than this: anybody can invent a key id.
const MIN_REFRESH_SECONDS = 5;

const client = new SecretsManagerClient(clientConfig);
let kept;
let askedAt;

export const signingKeys = () => keysWithin(settings.keyCacheSeconds);
export const refreshedSigningKeys = () => keysWithin(Math.min(MIN_REFRESH_SECONDS, settings.keyCacheSeconds));

async function keysWithin(maxAge) {
  if (kept && now() - askedAt < maxAge) return kept;
  askedAt = now();
  try {
    const answer = await client.send(new GetSecretValueCommand({ SecretId: settings.signingSecret }));
    kept = parse(answer.SecretString);
  } catch (error) {
    // Expired keys are used while Secrets Manager does not answer.
    if (!kept) throw new Refusal(503, "unavailable", `GetSecretValue: ${error.name}`);
  }
  return kept;
}

function parse(text) {
  const document = JSON.parse(text);
  const keys = (document.keys ?? [document]).map(key);
  const kids = new Set(keys.map(({ kid }) => kid));
  if (keys.length === 0 || kids.size !== keys.length) throw new Error("no key, or a kid twice");
  return keys;
}

function key({ kid, secret, verifies_until: until }) {
  if (typeof kid !== "string" || kid === "") throw new Error("a key without a kid");
  if (typeof secret !== "string" || !/^[0-9a-f]{64}$/.test(secret)) throw new Error("no signing key");
  const verifiesUntil = until == null ? Infinity : Date.parse(until) / 1_000;
  if (Number.isNaN(verifiesUntil)) throw new Error("a time that cannot be read");
  // The secret's characters are the key: it is not decoded from hex, because no client does.
  return { kid, secret: createSecretKey(Buffer.from(secret)), verifiesUntil };
}
