// What an operator can decide, with the same names and defaults as the functions'.

const env = process.env;

function whole(name, otherwise) {
  const value = Number(env[name] ?? otherwise);
  if (!Number.isInteger(value) || value < 0) throw new Error(`${name} must be a whole number`);
  return value;
}

function word(name, otherwise, words) {
  const value = env[name] ?? otherwise;
  if (!words.includes(value)) throw new Error(`${name} must be one of: ${words.join(", ")}`);
  return value;
}

const on = (name, otherwise) => word(name, otherwise, ["true", "false"]) === "true";

export const settings = {
  table: env.TABLE_NAME,
  signingSecret: env.SIGNING_SECRET_ARN,
  embeddingEnabled: on("EmbeddingEnabled", "true"),
  allowedOrigins: (env.AllowedOrigins ?? "")
    .split(/[, ]/)
    .map((origin) => origin.replace(/\/+$/, "").toLowerCase())
    .filter((origin) => origin !== ""),
  requireTokenExpiry: on("RequireTokenExpiry", "true"),
  maxTokenLifetimeSeconds: whole("MaxTokenLifetimeSeconds", 86_400),
  pinned: word("EnabledInToken", "default", ["default", "pinned"]) === "pinned",
  allowEmptyLockedList: on("AllowEmptyLockedList", "false"),
  resourceCacheSeconds: whole("ResourceCacheSeconds", 5),
  keyCacheSeconds: whole("KeyCacheSeconds", 60),
};

// A viewer waits: short timeouts and few attempts, then an honest 503.
export const impatient = {
  maxAttempts: 3,
  requestHandler: { connectionTimeout: 1_000, requestTimeout: 1_500 },
};

export const now = () => Math.floor(Date.now() / 1_000);
