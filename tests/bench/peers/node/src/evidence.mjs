// Everything that a view needs from the table, in one round trip, or in none while it is cached.

import { BatchGetItemCommand, DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { Refusal } from "./refusal.mjs";
import { clientConfig, now, settings } from "./settings.mjs";

const MAX_CACHED = 1_000;

const client = new DynamoDBClient(clientConfig);
const cached = new Map();

// The item does not exist until the switch is changed for the first time.
const SWITCH = {
  pk: "settings",
  sk: "settings",
  read: (item) => ({ value: item?.embedding_enabled.BOOL, keep: true }),
};

const resourceAt = (reference) => ({
  pk: reference,
  sk: "resource",
  read(item) {
    if (!item) return { keep: false };
    const resource = JSON.parse(item.document.S);
    // The HTML is an attribute of its own.
    if (resource.content?.type === "html") resource.content.html = item.html.S;
    // Not cached while it cannot be viewed, so that publishing takes effect at once.
    return { value: resource, keep: resource.enable_embedding && !resource.archived };
  },
});

const sessionAt = (fingerprint) => ({
  pk: `session#${fingerprint}`,
  sk: "session",
  read: (item) => ({ value: { revoked: item?.revoked_at, redeemed: item?.redeemed_at }, keep: true }),
});

export async function gather(reference, fingerprint) {
  const sought = [SWITCH, resourceAt(reference)];
  if (fingerprint) sought.push(sessionAt(fingerprint));
  const [turned, resource, session] = await known(sought);
  return { embeddingEnabled: turned ?? true, resource, session };
}

export const warm = () => known([SWITCH]);

async function known(sought) {
  const at = now();
  const fresh = sought.map(({ pk }) => {
    const entry = cached.get(pk);
    return entry && at - entry.readAt < settings.resourceCacheSeconds ? entry : undefined;
  });
  const asked = sought.filter((_, index) => !fresh[index]);
  const items = asked.length > 0 ? await read(asked) : [];
  return sought.map(({ pk, sk, read }, index) => {
    if (fresh[index]) return fresh[index].value;
    const { value, keep } = read(items.find((item) => item.pk.S === pk && item.sk.S === sk));
    if (keep) cache(pk, value, at);
    return value;
  });
}

function cache(pk, value, readAt) {
  cached.delete(pk);
  cached.set(pk, { value, readAt });
  if (cached.size > MAX_CACHED) cached.delete(cached.keys().next().value);
}

// Reads the whole batch or fails: a partial answer could grant more than it should.
async function read(asked) {
  const keys = asked.map(({ pk, sk }) => ({ pk: { S: pk }, sk: { S: sk } }));
  const request = { RequestItems: { [settings.table]: { Keys: keys, ConsistentRead: true } } };
  let answer;
  try {
    answer = await client.send(new BatchGetItemCommand(request));
  } catch (error) {
    throw new Refusal(503, "unavailable", `BatchGetItem: ${error.name}`);
  }
  const items = answer.Responses?.[settings.table];
  if (!items || Object.keys(answer.UnprocessedKeys ?? {}).length > 0) {
    throw new Refusal(503, "unavailable", "BatchGetItem: not the whole answer");
  }
  return items;
}
