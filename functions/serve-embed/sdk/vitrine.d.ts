/** What an embed tells its host. */
export interface EmbedEvents {
  /** The first authorised view is there. */
  ready: { kind: "dashboard" | "question" | "dive"; title: string; parameters: Params };
  /** Something was refused, or could not be had. `reason` is one stable word. */
  error: { reason: string; message: string; request_id: string | null; status?: number | null };
  /** The session ends soon. With `fetchSession` it is renewed by itself. */
  expiring: { expires_at: string; seconds: number };
  /** The session has ended; a new one revives the embed in place. */
  expired: Record<string, never>;
  /** The viewer, or the host, has set parameters. */
  params: { parameters: Params };
  /** The embed is as high as this, in CSS pixels. */
  resize: { height: number };
  /** The viewer was given a file. */
  download: { name: string; format: string };
  /** The viewer follows a link out of the embed. */
  navigate: { url: string };
}

export type Value = string | number | boolean | null;
export type Params = Record<string, Value | Value[]>;
export type Theme = "light" | "dark" | "auto" | "transparent";

/** What `POST /v1/sessions` answers, passed on by your backend; or the URL to frame. */
export type Session = string | { embed_url: string } | { src: string } | Response;

interface Common {
  /** First values of enabled parameters. */
  params?: Params;
  theme?: Theme;
  /** A BCP 47 tag, such as `de` or `pt-BR`. */
  locale?: string;
  /** `auto` follows the content; else pixels, or a CSS length. */
  height?: "auto" | number | string;
  /** What a screen reader calls the frame until the content has a title. */
  title?: string;
  on?: { [Type in keyof EmbedEvents]?: (event: EmbedEvents[Type]) => void };
}

export type Options = Common & (
  | { /** The URL to frame. */ src: string; fetchSession?: undefined }
  | {
      /** Asks your backend for a session: at first, and whenever the one there is ends. */
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
  setParams(params: Params): void;
  /** Asks for the view again. */
  refresh(): void;
  /** Takes the embed out of the page. */
  destroy(): void;
  /** Answers what takes the listener off again. */
  on<Type extends keyof EmbedEvents>(type: Type, listener: (event: EmbedEvents[Type]) => void): () => void;
}

/** Mounts an embed into `element`. A second call for the same element updates the embed that is there. */
export function mount(element: Element, options: Options): Embed;
