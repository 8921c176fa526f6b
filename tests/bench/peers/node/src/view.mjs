// Opens a view with a token, or throws a refusal.

import { createHash } from "node:crypto";
import { gather } from "./evidence.mjs";
import { fromClaims, fromQuery, resolve } from "./parameters.mjs";
import { Refusal } from "./refusal.mjs";
import { now } from "./settings.mjs";
import { authenticate, checkTime } from "./token.mjs";
import { isObject } from "./values.mjs";

const KINDS = ["dashboard", "question"];
const ENTITY_ID = /^[A-Za-z0-9_-]{21}$/;
const PUBLIC_ID = /^[A-Za-z][A-Za-z0-9]{11}$/;

// `seen` collects fields for the log line.
export async function open(token, query, seen) {
  if (!token) throw new Refusal(401, "token missing");
  const { kid, claims } = await authenticate(token);
  seen.key = kid;
  checkTime(claims);
  const reference = named(claims.resource);
  seen.resource = reference;
  const filedUnder = claims.sid ?? (claims.jti === undefined ? undefined : fingerprint(claims.jti));
  const { embeddingEnabled, resource, session } = await gather(reference, filedUnder);
  // A token from a stored session ends with the session.
  if (session?.revoked || (claims.sid !== undefined && !session.redeemed)) throw new Refusal(401, "token revoked");
  if (!embeddingEnabled) throw new Refusal(403, "embedding disabled");
  if (!resource) throw new Refusal(404, "resource not found");
  if (resource.archived) throw new Refusal(403, "resource archived");
  if (!resource.enable_embedding) throw new Refusal(403, "resource not published");
  const url = fromQuery(query);
  const given = { token: fromClaims(claims), url, attributes: claims.viewer.attributes };
  return answer(resource, claims, resolve(resource, given));
}

const fingerprint = (id) => createHash("sha256").update(id).digest("hex");

// The partition key of the resource that the token names.
function named(resource) {
  const kinds = isObject(resource) ? KINDS.filter((kind) => resource[kind] != null) : [];
  if (kinds.length === 0) throw new Refusal(400, "resource missing");
  if (kinds.length > 1) throw new Refusal(400, "resource ambiguous");
  const id = resource[kinds[0]];
  const isId =
    typeof id === "string" ? ENTITY_ID.test(id) || PUBLIC_ID.test(id) : Number.isSafeInteger(id) && id > 0;
  if (!isId) throw new Refusal(400, "resource id invalid");
  return `${kinds[0]}#${id}`;
}

function answer(resource, { viewer, exp }, { visible, attributes }) {
  const { kind, id, entity_id, public_id, title, description } = resource;
  return {
    resource: { kind, id, entity_id, public_id, title, description },
    parameters: visible,
    content: resource.content,
    viewer: viewer.id == null ? null : { id: viewer.id },
    ...(Object.keys(attributes).length > 0 && { attributes }),
    downloads: resource.allow_downloads,
    frame_origins: [...new Set(resource.allowed_origins)].sort(),
    expires_at: exp === undefined ? null : rfc3339(Math.floor(exp)),
    server_time: rfc3339(now()),
  };
}

const rfc3339 = (seconds) => `${new Date(seconds * 1_000).toISOString().slice(0, 19)}Z`;
