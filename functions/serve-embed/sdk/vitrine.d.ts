/** The events of an embed. */
export interface EmbedEvents {
  /** The first authorised view has arrived. */
  ready: { kind: "dashboard" | "question" | "dive"; title: string; parameters: Params };
  /** A request was refused or failed. `reason` is one stable word. */
  error: { reason: string; message: string; request_id: string | null; status?: number | null };
  /** The session ends soon. With `fetchSession` it is renewed automatically. */
  expiring: { expires_at: string; seconds: number };
  /** The session has ended. A new one continues the embed in place. */
  expired: Record<string, never>;
  /** The viewer or the host has set parameters. */
  params: { parameters: Params };
  /** One of these parameters has another value, set by the viewer or the host. */
  "parameter-changed": { slug: string; value: Value | Value[]; parameters: Params };
  /** The content has changed keys of its own state, which began with the session's. */
  "state-changed": { state: Record<string, unknown> };
  /** A card has its answer. `card` is null for a question, which is one card. */
  "card-loaded": { card: CardId; title: string; rows: number };
  /** A card has no answer. */
  "card-failed": { card: CardId; title: string; reason: string; message: string; request_id: string | null };
  /** Something was left out of the embed. `names` set no parameter that the viewer may set. */
  notice: { reason: "parameters_ignored"; names: string[] };
  /** The height of the embed in CSS pixels. */
  resize: { height: number };
  /** A file was downloaded. */
  download: { name: string; format: string };
  /** The viewer followed a link out of the embed. */
  navigate: { url: string };
}

/** The id of a card of a dashboard; null for a question. */
export type CardId = number | string | null;

/** The answer that a card shows. */
export interface Data {
  card: CardId;
  title: string;
  columns: { name: string; type: string; display_name: string }[];
  rows: unknown[][];
  /** There are more rows than these. */
  truncated: boolean;
  /** The time of the answer. */
  as_of: string;
}

export type Format = "csv" | "xlsx" | "json" | "png" | "svg";

export type Value = string | number | boolean | null;
export type Params = Record<string, Value | Value[]>;
export type Theme = "light" | "dark" | "auto" | "transparent";

/** The response of `POST /v1/sessions`, passed on by your backend; or the URL to frame. */
export type Session = string | { embed_url: string } | { src: string } | Response;

interface Common {
  /** Initial values of enabled parameters. */
  params?: Params;
  theme?: Theme;
  /** A BCP 47 tag, such as `de` or `pt-BR`. */
  locale?: string;
  /** `auto` follows the content; otherwise pixels, or a CSS length. */
  height?: "auto" | number | string;
  /** The accessible name of the frame until the content has a title. */
  title?: string;
  /** Receives the rows of each card whenever it has an answer. */
  onData?: (data: Data) => void;
  on?: { [Type in keyof EmbedEvents]?: (event: EmbedEvents[Type]) => void };
}

export type Options = Common & (
  | { /** The URL to frame. */ src: string; fetchSession?: undefined }
  | {
      /** Fetches a session from your backend: the first one, and a new one whenever it ends. */
      fetchSession: (context: { signal: AbortSignal }) => Session | Promise<Session>;
      src?: undefined;
    }
);

export type Update = Pick<Common, "params" | "theme" | "locale" | "height"> & {
  src?: string;
  fetchSession?: (context: { signal: AbortSignal }) => Session | Promise<Session>;
};

export interface Embed {
  update(update: Update): void;
  /** Sets enabled parameters. All others are left alone, and reported by `notice`. */
  setParameters(params: Params): void;
  /** The same as `setParameters`. */
  setParams(params: Params): void;
  /** Receives the rows of each card, of those that are there and of those to come. Returns a function that removes the listener. */
  onData(listener: (data: Data) => void): () => void;
  /** Saves what a card shows, if the resource allows downloads; else the embed sends an `error`. `png` and `svg` are for charts. */
  download(card: CardId, format: Format): void;
  /** Changes keys of the content's own state; the other keys stay. */
  setState(keys: Record<string, unknown>): void;
  /** Loads the view again. */
  refresh(): void;
  /** Removes the embed from the page. */
  destroy(): void;
  /** Returns a function that removes the listener. */
  on<Type extends keyof EmbedEvents>(type: Type, listener: (event: EmbedEvents[Type]) => void): () => void;
}

/** The names of all events. */
export const EVENTS: readonly (keyof EmbedEvents)[];

/** Mounts an embed in `element`. A second call for the same element updates the existing embed. */
export function mount(element: Element, options: Options): Embed;
