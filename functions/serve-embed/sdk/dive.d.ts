export type Value = string | number | boolean | null | Value[] | { [key: string]: Value };

/** A row by the names of its columns. */
export type Row = Record<string, Value>;

export interface SQLQueryOptions<Data = Row[]> {
  /** Values of the query's parameters. SQL text has none. */
  params?: Record<string, Value>;
  /** Nothing is asked for while this is false. */
  enabled?: boolean;
  select?: (rows: Row[]) => Data;
  initialData?: Row[];
  /** Shown until the first answer; a function receives the rows of the query before. */
  placeholderData?: Row[] | ((previous: Row[] | undefined) => Row[] | undefined);
}

export interface SQLQueryResult<Data = Row[]> {
  data: Data | undefined;
  error: (Error & { reason?: string }) | null;
  status: "pending" | "success" | "error";
  isLoading: boolean;
  isPending: boolean;
  isFetching: boolean;
  isSuccess: boolean;
  isError: boolean;
  isPlaceholderData: boolean;
  refetch: () => void;
}

/** The rows of a query that was published with the dive, by its name; or of SQL, where the stack allows that. */
export declare function useSQLQuery<Data = Row[]>(nameOrSql: string, options?: SQLQueryOptions<Data>): SQLQueryResult<Data>;

/** A key of the dive's state, which begins with the session's `initial_state`. */
export declare function useDiveState<T>(key: string, initial: T | (() => T)): [T, (next: T | ((before: T) => T)) => void];
