// Hooks for dives that bring React. `getVitrine` returns the object that the page puts into a dive's window, `textOf` the SQL that is sent for
// a text of the dive.

export function hooksOf(React, getVitrine, textOf = (sql) => sql) {
  if (!React?.useState) throw new TypeError("the hooks of vitrine need React: load it as `globalThis.React`, or import vitrine-embed/dive");
  const { useCallback, useEffect, useMemo, useState } = React;

  function useView() {
    const [view, setView] = useState(() => getVitrine().view);
    useEffect(() => {
      setView(getVitrine().view); // it may have changed before the listener was there
      return getVitrine().onView(setView);
    }, []);
    return view;
  }

  // The rows of a query that was published with the dive, as objects; or of SQL, where the stack allows that. They are asked for again
  // with other `params`, and when the viewer changes a parameter or the page loads the view again.
  function useSQLQuery(asked, { params, enabled = true, select, initialData, placeholderData } = {}) {
    const { load } = useView();
    const [round, setRound] = useState(0);
    const [settled, setSettled] = useState({});
    const key = JSON.stringify([asked, params ?? {}]);
    const turn = `${load} ${round} ${key}`;
    const isEnabled = Boolean(enabled);

    useEffect(() => {
      if (!isEnabled) return undefined;
      let isLatest = true;
      const settle = (fields) => {
        if (isLatest) setSettled((before) => ({ rows: before.key === key ? before.rows : undefined, ...fields, key, turn }));
      };
      const fresh = round > 0;
      const ask = async () => (isName(asked) ? getVitrine().query(asked, params, { fresh }) : getVitrine().sql(textOf(asked), { fresh }));
      ask().then((answer) => settle({ rows: objectsOf(answer), error: null }), (error) => settle({ error }));
      return () => { isLatest = false; };
    }, [turn, isEnabled]);

    const own = settled.key === key ? settled : {};
    const rows = own.rows ?? initialData;
    const error = own.error ?? null;
    const instead = rows !== undefined || error ? undefined : typeof placeholderData === "function" ? placeholderData(settled.rows) : placeholderData;
    const shown = rows ?? instead;
    const data = useMemo(() => (select && shown !== undefined ? select(shown) : shown), [shown, select]);
    const status = error ? "error" : shown === undefined ? "pending" : "success";
    const isFetching = isEnabled && settled.turn !== turn;
    const refetch = useCallback(() => setRound((before) => before + 1), []);
    return {
      data, error, status, isFetching, refetch,
      isLoading: isFetching && status === "pending",
      isPending: status === "pending",
      isSuccess: status === "success",
      isError: status === "error",
      isPlaceholderData: instead !== undefined,
    };
  }

  // A key of the dive's state: the session's `initial_state` first, then what the dive or its host sets.
  function useDiveState(key, initial) {
    const { state } = useView();
    const [fallback] = useState(initial);
    const valueIn = (state) => (state && Object.hasOwn(state, key) ? state[key] : fallback);
    const set = useCallback((next) => {
      const vitrine = getVitrine();
      vitrine.setState({ [key]: typeof next === "function" ? next(valueIn(vitrine.view.state)) : next });
    }, [key]);
    return [valueIn(state), set];
  }

  return { useSQLQuery, useDiveState };
}

// The name of a published query is one word. SQL has blanks.
const isName = (asked) => !/\s/.test(asked);

const objectsOf = ({ columns, rows }) => rows.map((row) => Object.fromEntries(columns.map(({ name }, index) => [name, row[index]])));
