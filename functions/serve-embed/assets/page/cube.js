// Translates between our events and actions and the messages of Cube's host pages, which have one shape in both
// directions.

import { address } from "./address.js";

const path = () => location.pathname;

function event(name, payload) {
  const type = `cube:event:${name}`;
  return { source: "cube-embed", direction: "event", type, payload, timestamp: Date.now(), surface: "dashboard" };
}

// Translates one of our events into any number of Cube's.
export function eventsOf(type, detail, view) {
  const publicId = view?.resource.public_id ?? address.publicId;
  switch (type) {
    case "ready": {
      const { embed_tenant = null, deployment = null } = view.session ?? {};
      const ready = { embedTenant: embed_tenant, deploymentId: deployment, mode: "signed", surface: "dashboard", publicId };
      return [event("ready", ready), event("view", { surface: "dashboard", path: path(), publicId, title: detail.title })];
    }
    case "loaded": return [event("dashboard-loaded", { publicId, widgetCount: 1, loadDurationMs: detail.duration })];
    case "navigate": return [event("navigate", { path: detail.path ?? detail.url, previousPath: detail.previous ?? path() })];
    case "download": return [event("download", { format: detail.format, target: "dashboard", title: detail.name })];
    case "error": return [event("error", { message: detail.message, name: detail.reason, context: "embed-render", fatal: !view })];
    case "expiring": return [event("session-expiring", { expiresAt: detail.expires_at })];
    case "notice": return [event("notice", detail)];
    case "expired": return [event("session-expired", {})];
    default: return [];
  }
}

const text = (value) => (typeof value === "string" ? value : undefined);

const ACTIONS = {
  "set-color-scheme": ({ scheme }) => ["theme", text(scheme)],
  "set-theme": (theme) => ["brand", theme],
  "set-locale": ({ locale }) => ["locale", text(locale)],
  "set-timezone": ({ timezone }) => ["timezone", text(timezone)],
  "set-filter": ({ filterUrlParameter }) => ["filters", [...new URLSearchParams(text(filterUrlParameter) ?? "")]],
  "set-session": (payload) => ["session", text(payload) ?? text(payload.session) ?? text(payload.sessionId)],
  navigate: ({ path }) => ["navigate", text(path)],
  refresh: () => ["refresh"],
};

// Translates one of Cube's actions into ours.
export function actionOf(data) {
  // Older hosts send this action without the envelope.
  if (data?.type === "SET_THEME") return ["theme", text(data.payload)];
  if (data?.source !== "cube-embed" || data.direction !== "action") return null;
  const read = Object.hasOwn(ACTIONS, String(data.type).slice(12)) && ACTIONS[data.type.slice(12)];
  return read && data.type.startsWith("cube:action:") ? read(data.payload ?? {}) : null;
}
