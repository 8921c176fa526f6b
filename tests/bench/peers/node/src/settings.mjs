// The settings that a benchmark case changes; all others have the defaults of the functions.

const env = process.env;

export const settings = {
  table: env.TABLE_NAME,
  signingSecret: env.SIGNING_SECRET_ARN,
  maxTokenLifetimeSeconds: 86_400,
  resourceCacheSeconds: Number(env.ResourceCacheSeconds ?? 5),
  keyCacheSeconds: 60,
};

// A viewer is waiting: short timeouts and few attempts, then 503.
export const clientConfig = {
  maxAttempts: 3,
  requestHandler: { connectionTimeout: 1_000, requestTimeout: 1_500 },
};

export const now = () => Math.floor(Date.now() / 1_000);
