import type { CSSProperties, ForwardRefExoticComponent, RefAttributes } from "react";
import type { CardId, Data, EmbedEvents, Format, Params, Session, Theme } from "vitrine-embed";

interface Common {
  params?: Params;
  theme?: Theme;
  /** A BCP 47 tag, such as `de` or `pt-BR`. */
  locale?: string;
  /** `auto` follows the content; otherwise pixels, or a CSS length. */
  height?: "auto" | number | string;
  /** The accessible name of the frame until the content has a title. */
  title?: string;
  className?: string;
  style?: CSSProperties;
  onData?: (data: Data) => void;
  onReady?: (event: EmbedEvents["ready"]) => void;
  onError?: (event: EmbedEvents["error"]) => void;
  onExpiring?: (event: EmbedEvents["expiring"]) => void;
  onExpired?: (event: EmbedEvents["expired"]) => void;
  onParams?: (event: EmbedEvents["params"]) => void;
  onParameterChanged?: (event: EmbedEvents["parameter-changed"]) => void;
  onStateChanged?: (event: EmbedEvents["state-changed"]) => void;
  onCardLoaded?: (event: EmbedEvents["card-loaded"]) => void;
  onCardFailed?: (event: EmbedEvents["card-failed"]) => void;
  onNotice?: (event: EmbedEvents["notice"]) => void;
  onResize?: (event: EmbedEvents["resize"]) => void;
  onDownload?: (event: EmbedEvents["download"]) => void;
  onNavigate?: (event: EmbedEvents["navigate"]) => void;
}

/** Either the URL to frame, or a function that fetches a session from your backend. */
export type VitrineEmbedProps = Common &
  ({ src: string; fetchSession?: undefined } | { fetchSession: (context: { signal: AbortSignal }) => Session | Promise<Session>; src?: undefined });

export interface VitrineEmbedHandle {
  setParameters(params: Params): void;
  download(card: CardId, format: Format): void;
  setState(keys: Record<string, unknown>): void;
  refresh(): void;
}

export declare const VitrineEmbed: ForwardRefExoticComponent<VitrineEmbedProps & RefAttributes<VitrineEmbedHandle>>;
