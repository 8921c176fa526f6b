// All that the table knows about a view, in one round trip; or in none, when it was read a moment ago.

import { BatchGetItemCommand, DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { Refusal } from "./refusal.mjs";
import { impatient, now, settings } from "./settings.mjs";

const MAX_REMEMBERED = 1_000;

const client = new DynamoDBClient(impatient);
const remembered = new Map();

// None is stored until it is turned for the first time.
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
    // The markup stands beside the document.
    if (resource.content?.type === "html") resource.content.html = item.html.S;
    // What cannot be seen is read anew each time: publishing shows at once.
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
  return { embeddingEnabled: turned ?? settings.embeddingEnabled, resource, session };
}

export const warm = () => known([SWITCH]);

async function known(sought) {
  const at = now();
  const fresh = sought.map(({ pk }) => {
    const entry = remembered.get(pk);
    return entry && at - entry.readAt < settings.resourceCacheSeconds ? entry : undefined;
  });
  const asked = sought.filter((_, index) => !fresh[index]);
  const items = asked.length > 0 ? await read(asked) : [];
  return sought.map(({ pk, sk, read }, index) => {
    if (fresh[index]) return fresh[index].value;
    const { value, keep } = read(items.find((item) => item.pk.S === pk && item.sk.S === sk));
    if (keep) remember(pk, value, at);
    return value;
  });
}

function remember(pk, value, readAt) {
  remembered.delete(pk);
  remembered.set(pk, { value, readAt });
  if (remembered.size > MAX_REMEMBERED) remembered.delete(remembered.keys().next().value);
}

// Reads the whole batch or fails: half an answer could be a wider view.
async function read(asked) {
  const keys = asked.map(({ pk, sk }) => ({ pk: { S: pk }, sk: { S: sk } }));
  const request = { RequestItems: { [settings.table]: { Keys: keys, ConsistentRead: true } } };
  let answer;
  try {
    answer = await client.send(new BatchGetItemCommand(request));
  } catch (error) {
    throw new Refusal("unavailable", { detail: `BatchGetItem: ${error.name}` });
  }
  const items = answer.Responses?.[settings.table];
  if (!items || Object.keys(answer.UnprocessedKeys ?? {}).length > 0) {
    throw new Refusal("unavailable", { detail: "BatchGetItem: not the whole answer" });
  }
  return items;
}
