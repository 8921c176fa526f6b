// The page's texts in the viewer's language: one sentence for each cause of an error.

import { fileOf } from "./files.js";

const ENGLISH = {
  expired: "This embed has expired. Reload the page to continue.",
  invalid: "This embed link is not valid.",
  off: "Embedding is switched off.",
  unpublished: "This content is not published.",
  missing: "This content does not exist.",
  mismatch: "This embed is not available.",
  host: "This content may not be shown on this page.",
  access: "You do not have access to this content.",
  retry: "Temporarily unavailable. Trying again…",
  unknown: "Something went wrong.",
  reference: "Reference:", empty: "Nothing to show yet.", any: "Any", yes: "Yes", no: "No", from: "From", to: "To",
  again: "Try again", list: "Separate with commas", download: "Download",
  clear: "Clear", search: "Search", none: "No matches", chosen: "{n} chosen", toFile: "Download {name}",
  pastDays: "Past {n} days", pastMonths: "Past {n} months", between: "Between…", image: "Image ({format})",
};

const RIGHT_TO_LEFT = ["ar", "fa", "he", "ur"];

// Maps reasons to sentences. The first match counts.
const CAUSES = [
  [/^(token_expired|session_)/, "expired"],
  [/^(token_|session$)/, "invalid"],
  [/^embedding_/, "off"],
  [/^resource_(not_published|archived)$/, "unpublished"],
  [/^(resource|version)_not_found$/, "missing"],
  [/^resource_mismatch$/, "mismatch"],
  [/^host_not_allowed$/, "host"],
  [/^attribute_missing$/, "access"],
];

// The sentences of MotherDuck's own page, which viewers of a dive know.
export const SANDBOX = {
  invalid: "Invalid or expired token. Please reload the page.",
  missing: "Dive not found.",
  expired: "Session expired",
  failed: "Failed to load dive. Please try again.",
};

const LANGUAGES = ["de", "fr", "es", "pt", "ja", "ko", "zh"]; // each is a file of its own
const loaded = { en: { page: ENGLISH } };

// Falls back to English. `name` is for the document's `lang` attribute. `words` are missing until `prepareLanguage` has loaded them.
export function language(locale) {
  const name = /^[a-z]{2,8}([-_][a-z0-9]{1,8})*$/i.test(locale ?? "") ? locale.replace(/_/g, "-") : "en";
  const short = name.split("-")[0].toLowerCase();
  const spoken = LANGUAGES.includes(short) ? short : "en";
  const { page: words, drawing } = loaded[spoken] ?? {};
  return { name, spoken, words, drawing, dir: RIGHT_TO_LEFT.includes(short) ? "rtl" : "ltr" };
}

// Loads the words of a language, if they are not there. Their file is asked for twice; without it the page speaks English.
export async function prepareLanguage(locale) {
  const { spoken, words } = language(locale);
  const ask = () => import(fileOf(spoken));
  if (!words) loaded[spoken] = await ask().catch(ask).catch(() => loaded.en);
}

export function sentence(words, { reason, message, retry }, inSandbox) {
  if (retry) return words.retry;
  const cause = CAUSES.find(([pattern]) => pattern.test(reason))?.[1];
  if (inSandbox) return SANDBOX[cause === "expired" ? "invalid" : cause] ?? SANDBOX.failed;
  if (cause) return words[cause];
  // The other reasons are mistakes in the setup. Their messages are in English, for developers; in other languages the
  // viewer reads that the setup is wrong.
  return reason === "unknown" ? words.unknown : words.setup ?? (message || words.unknown);
}
