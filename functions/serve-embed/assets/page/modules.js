// The modules that drawings load when they need them.

// Returns `load(name)`, which gives the module itself once it is there, so that what is drawn again does not wait. One that
// did not arrive is asked for again the next time.
export function loader(fileOf) {
  const modules = {};
  return (name) => modules[name] ??= import(fileOf(name)).then((module) => modules[name] = module).catch((error) => {
    delete modules[name];
    throw error;
  });
}

// Loads modules beside an answer. Those that do not arrive are asked for again when they are used.
export const prepare = (load, names) => names.forEach((name) => Promise.resolve(load(name)).catch(() => {}));

// The facts about the page and the viewer that `draw` needs.
export function contextOf(page, view, load) {
  return {
    ...page.looks(), words: page.drawingWords(), title: view.resource.title, values: Object.fromEntries(view.parameters.map(({ slug, value }) => [slug, value])),
    ...Object.fromEntries(["table", "figures", "charts", "pie", "rows", "markdown"].map((name) => [name, () => load(name)])),
    follow: (url) => page.handle("navigate", { url }),
    onFallback: (what) => page.handle("fallback", what),
  };
}
