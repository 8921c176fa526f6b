// A refused request: its status, a text for the caller, and `detail` for the log only.

export class Refusal extends Error {
  constructor(status, message, detail) {
    super(message);
    Object.assign(this, { status, detail });
  }
}
