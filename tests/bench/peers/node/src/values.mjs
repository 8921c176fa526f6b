// Kinds of JSON values.

export const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);

// A scalar, or a list of scalars.
export const isValue = (value) =>
  Array.isArray(value) ? value.every((item) => typeof item !== "object" || item === null) : !isObject(value);

// A string of white space counts as not set.
export const isBlank = (value) => typeof value === "string" && value.trim() === "";

// Null, blank, or a list of only these.
export const isNothing = (value) =>
  Array.isArray(value) ? value.every((item) => item === null || isBlank(item)) : value == null || isBlank(value);
