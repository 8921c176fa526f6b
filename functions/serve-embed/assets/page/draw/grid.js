// A dashboard's cards on 24 columns. Each loads, fails and is tried again by itself.

export function drawGrid() { throw new Error("not yet"); }
