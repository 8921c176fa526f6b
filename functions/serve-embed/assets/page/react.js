// Everything that React dives import except for charts: React, its elements, the hooks, and what mounts the component. `build.mjs` adds the
// names of React.

import React from "react";
import { createPortal, flushSync } from "react-dom";
import { createRoot } from "react-dom/client";
import { jsx, jsxs } from "react/jsx-runtime";
import { hooksOf } from "../../sdk/hooks.mjs";
import { unqualifier } from "./tables.js";

let unqualified = (sql) => sql;

export { React as default, createPortal, flushSync, jsx, jsxs };
export const { useSQLQuery, useDiveState } = hooksOf(React, () => globalThis.vitrine, (sql) => unqualified(sql));

// The viewer reads a plain sentence; the error is in the console.
class Boundary extends React.Component {
  state = { hasFailed: false };

  static getDerivedStateFromError() {
    return { hasFailed: true };
  }

  render() {
    const { failed, children } = this.props;
    return this.state.hasFailed ? jsx("p", { role: "alert", children: failed }) : children;
  }
}

// `databases` are those that the dive declares.
export function mount(Component, databases = []) {
  unqualified = unqualifier(databases);
  const root = document.getElementById("root");
  root.dataset.mounted = "";
  createRoot(root).render(jsx(Boundary, { failed: root.dataset.failed, children: jsx(Component, {}) }));
}
