// The React component `VitrineEmbed`. Its properties are the options of `mount`, and one for each event: `onReady`, `onCardLoaded`, ...

import { createElement, useEffect, useImperativeHandle, useRef, forwardRef } from "react";
import { EVENTS, mount } from "./vitrine.mjs";

// `card-loaded` is handled by `onCardLoaded`.
const HANDLERS = EVENTS.map((type) => [type, `on${type.split("-").map((word) => word[0].toUpperCase() + word.slice(1)).join("")}`]);
const OPTIONS = ["src", "params", "theme", "locale", "height"];

export const VitrineEmbed = forwardRef(function VitrineEmbed(props, ref) {
  const { className, style, title, fetchSession, onData } = props;
  const element = useRef(null);
  const embed = useRef(null);
  // Functions that are made in each rendering change nothing: the latest ones are called.
  const latest = useRef(props);
  latest.current = props;
  const isFetched = !props.src && Boolean(fetchSession);
  const wantsData = Boolean(onData);

  useEffect(() => {
    const { src, params, theme, locale, height } = latest.current;
    const on = Object.fromEntries(HANDLERS.map(([type, name]) => [type, (event) => latest.current[name]?.(event)]));
    const source = isFetched ? { fetchSession: (context) => latest.current.fetchSession(context) } : { src };
    if (!isFetched && !src) return undefined;
    const given = Object.entries({ params, theme, locale, height, title }).filter(([, value]) => value !== undefined);
    embed.current = mount(element.current, { ...Object.fromEntries(given), ...source, on });
    return () => {
      embed.current.destroy();
      embed.current = null;
    };
  }, [isFetched, isFetched || Boolean(props.src)]);

  useEffect(() => (wantsData ? embed.current?.onData((data) => latest.current.onData?.(data)) : undefined), [wantsData, isFetched, Boolean(props.src)]);

  // The first values were those of `mount`. Objects that are equal change nothing.
  const options = OPTIONS.map((name) => JSON.stringify(props[name]));
  const applied = useRef(null);
  useEffect(() => {
    const before = applied.current;
    applied.current = options;
    if (!before) return;
    const changed = OPTIONS.filter((name, index) => options[index] !== before[index] && props[name] !== undefined);
    if (changed.length) embed.current?.update(Object.fromEntries(changed.map((name) => [name, props[name]])));
  }, options);

  useImperativeHandle(ref, () => ({
    setParameters: (params) => embed.current?.setParameters(params),
    download: (card, format) => embed.current?.download(card, format),
    setState: (keys) => embed.current?.setState(keys),
    refresh: () => embed.current?.refresh(),
  }), []);

  return createElement("div", { ref: element, className, style });
});
