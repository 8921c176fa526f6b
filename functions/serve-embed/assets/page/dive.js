// The page of a dive of React, as HTML for the frame: the modules that the dive imports, and its own, which mounts the component.

// The names that a dive imports. One file has them all except for the charts, so that there is one React.
const MODULES = { react: "react", "react/jsx-runtime": "react", "react-dom": "react", "@motherduck/react-sql-query": "react", "vitrine-embed/dive": "react", "vitrine-embed/mount": "react", recharts: "recharts" };

// In JSON, `<` can be written in another way, and then no text ends the script.
const json = (value) => JSON.stringify(value).replaceAll("<", "\\u003c");

// Until the module has mounted the component, only an error says that it will not.
function start({ code, imports, failed }) {
  const root = document.getElementById("root");
  root.dataset.failed = failed;
  addEventListener("error", () => { if (!root.dataset.mounted) root.textContent = failed; }, true);
  const add = (type, textContent) => document.head.append(Object.assign(document.createElement("script"), { type, textContent }));
  add("importmap", JSON.stringify({ imports }));
  add("module", code);
}

export function pageOf(code, failed, fileOf) {
  const imports = Object.fromEntries(Object.entries(MODULES).map(([name, file]) => [name, new URL(fileOf(file), location.href).href]));
  return `<!doctype html><style>body{margin:0;font-family:system-ui,sans-serif}</style><div id="root"></div><script>(${start})(${json({ code, imports, failed })})</script>`;
}
