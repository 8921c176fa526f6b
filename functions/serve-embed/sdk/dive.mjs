// The hooks of a dive that is bundled with React: `useSQLQuery` and `useDiveState`.

import * as React from "react";
import { hooksOf } from "./hooks.mjs";

export const { useSQLQuery, useDiveState } = hooksOf(React, () => globalThis.vitrine);
