// What JSON values are to parameters.

export const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);

// A scalar, or a list of scalars.
export const isValue = (value) =>
  Array.isArray(value) ? value.every((item) => typeof item !== "object" || item === null) : !isObject(value);

// A text of nothing but white space counts as not said at all.
export const isBlank = (value) => typeof value === "string" && value.trim() === "";

// Null, blank, or a list of nothing else.
export const isNothing = (value) =>
  Array.isArray(value) ? value.every((item) => item === null || isBlank(item)) : value == null || isBlank(value);
