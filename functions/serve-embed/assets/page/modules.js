// The modules that drawings load when they need them.

// Returns `load(name)`, which gives the module itself once it is there, so that what is drawn again does not wait. One that
// did not arrive is asked for again the next time.
export function loader(files) {
  const modules = {};
  return (name) => modules[name] ??= import(files[name]).then((module) => modules[name] = module).catch((error) => {
    delete modules[name];
    throw error;
  });
}

// The facts about the page and the viewer that `draw` needs.
export function contextOf(page, view, load) {
  return {
    ...page.looks(), title: view.resource.title, values: Object.fromEntries(view.parameters.map(({ slug, value }) => [slug, value])),
    charts: () => load("charts"), markdown: () => load("markdown"),
    follow: (url) => page.handle("navigate", { url }),
    onFallback: (what) => page.handle("fallback", what),
  };
}
