import type { CardId, Data, Embed, EmbedEvents, Format, Params, Session } from "vitrine-embed";

/** The element `<vitrine-embed>`. The attributes `src`, `theme`, `locale`, `height` and `title` are options of `mount`. Its events have the
 * names and, as `detail`, the content of those of `mount`. */
export declare class VitrineEmbed extends HTMLElement {
  /** The embed, while the element is in the page and has a source. */
  readonly embed: Embed | null;
  fetchSession?: (context: { signal: AbortSignal }) => Session | Promise<Session>;
  params?: Params;
  /** Set it before the element is in the page. */
  onData?: (data: Data) => void;
  setParameters(params: Params): void;
  download(card: CardId, format: Format): void;
  setState(keys: Record<string, unknown>): void;
  refresh(): void;
  addEventListener<Type extends keyof EmbedEvents>(type: Type, listener: (event: CustomEvent<EmbedEvents[Type]>) => void, options?: boolean | AddEventListenerOptions): void;
  addEventListener(type: string, listener: EventListenerOrEventListenerObject, options?: boolean | AddEventListenerOptions): void;
}

declare global {
  interface HTMLElementTagNameMap {
    "vitrine-embed": VitrineEmbed;
  }
}
