// The files that the page loads when it needs them. Its HTML has their paths.

let paths;

export const fileOf = (name) => (paths ??= JSON.parse(document.getElementById("embed").dataset.files))[name];
