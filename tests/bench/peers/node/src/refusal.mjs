// Why something is refused: a stable word, its status, and what the caller is told.

const REASONS = {
  token_missing: [401, "An embed token is required."],
  token_too_large: [400, "The token is larger than 8 KiB."],
  token_malformed: [400, "Message seems corrupt or manipulated"],
  token_header: [401, "The token's header is not acceptable."],
  token_algorithm: [401, "JWT `alg` must be HS256."],
  token_key_unknown: [401, "The token names a signing key that is not known."],
  token_signature: [401, "Message seems corrupt or manipulated"],
  token_claims: [401, "Message seems corrupt or manipulated."],
  token_without_expiry: [401, "Token has no expiry (`exp`)."],
  token_expired: [401, "Token is expired"],
  token_not_yet_valid: [401, "Token is not yet valid"],
  token_lifetime: [401, "Token expires too far in the future."],
  token_revoked: [401, "The token has been revoked."],
  resource_missing: [400, "Token is missing value for keypath [:resource]"],
  resource_ambiguous: [400, "The token names more than one resource."],
  resource_id_invalid: [400, "Invalid ID."],
  params_missing: [400, "Token is missing value for keypath [:params]"],
  params_invalid: [400, "Invalid parameter values"],
  embedding_disabled: [403, "Embedding is not enabled."],
  resource_not_found: [404, "Not found."],
  resource_archived: [403, "The object has been archived."],
  resource_not_published: [403, "Embedding is not enabled for this object."],
  parameter_disabled: [400],
  parameter_pinned: [400],
  parameter_locked_missing: [400],
  parameter_locked: [400],
  parameter_unknown: [400],
  parameter_invalid: [400],
  attribute_missing: [403],
  route_not_found: [404, "API endpoint does not exist."],
  internal: [500, "Something went wrong on our side."],
  unavailable: [503, "Temporarily unavailable. Try again shortly."],
};

const CODES = {
  400: "BAD_REQUEST",
  401: "UNAUTHORIZED",
  403: "FORBIDDEN",
  404: "NOT_FOUND",
  500: "INTERNAL_SERVER_ERROR",
  503: "SERVICE_UNAVAILABLE",
};

export class Refusal extends Error {
  // `detail` is for the log only.
  constructor(reason, { message, detail } = {}) {
    const [status, usual] = REASONS[reason];
    super(message ?? usual);
    this.reason = reason;
    this.status = status;
    this.code = CODES[status];
    this.detail = detail;
  }
}
