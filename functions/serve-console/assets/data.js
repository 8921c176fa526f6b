// The page of a table: its rows as a viewer sees them, and uploads with progress.

const token = document.querySelector("[name=csrf_token]")?.value ?? "";

const waiting = document.querySelector("[data-reload]");
if (waiting) setTimeout(() => location.reload(), waiting.dataset.reload * 1000);

const see = document.getElementById("see");
if (see) {
  see.hidden = false;
  see.addEventListener("submit", (event) => {
    event.preventDefault();
    showRows(see).catch((error) => say(see, error.message));
  });
}

const upload = document.getElementById("upload");
if (upload) {
  upload.hidden = false;
  upload.file.addEventListener("change", () => {
    const ending = upload.file.value.toLowerCase().split(".").pop();
    const format = { jsonl: "jsonl", ndjson: "jsonl", parquet: "parquet", csv: "csv", tsv: "csv" }[ending];
    if (format) upload.format.value = format;
  });
  upload.addEventListener("submit", (event) => {
    event.preventDefault();
    const button = upload.querySelector("button");
    button.disabled = true;
    send(upload).catch((error) => {
      button.disabled = false;
      upload.querySelector("progress").hidden = true;
      say(upload, error.message);
    });
  });
}

function say(form, text) {
  form.querySelector("[role=status]").textContent = text;
}

async function told(answer) {
  const body = await answer.json().catch(() => ({}));
  if (answer.ok) return body;
  const issues = (body.issues ?? []).map((issue) => `${issue.path} ${issue.message}`);
  const error = new Error([body.message ?? `The request failed (${answer.status}).`, ...issues].join(" "));
  throw Object.assign(error, { reason: body.reason });
}

function viewer(form) {
  const groups = form.groups.value.split(",").map((group) => group.trim()).filter(Boolean);
  let attributes = {};
  try {
    if (form.elements.attributes.value.trim()) attributes = JSON.parse(form.elements.attributes.value);
  } catch {
    throw new Error("The attributes are not JSON.");
  }
  return { groups, attributes };
}

async function preview(sql, as) {
  const answer = await fetch("/v1/query/preview", {
    method: "POST",
    headers: { "content-type": "application/json", "x-csrf-token": token },
    body: JSON.stringify({ sql, viewer: as }),
  });
  return told(answer);
}

async function showRows(form) {
  const result = form.querySelector(".result");
  result.replaceChildren();
  const as = viewer(form);
  say(form, "Loading…");
  const table = `"${form.dataset.table}"`;
  try {
    const [count, first] = await Promise.all([
      preview(`select count(*) as n from ${table}`, as),
      preview(`select * from ${table} limit 20`, as),
    ]);
    const seen = count.rows[0][0];
    say(form, `This viewer sees ${seen} ${seen === 1 ? "row" : "rows"}${seen > 20 ? ", of which the first 20 are below" : ""}.`);
    if (first.rows.length) result.append(tableOf(first));
  } catch (error) {
    if (error.reason !== "row_policy") throw error;
    say(form, "This viewer sees 0 rows: no row policy opens any to him.");
  }
}

function tableOf({ columns, rows }) {
  const make = (tag, text, attributes = {}) => Object.assign(document.createElement(tag), { textContent: text }, attributes);
  const table = document.createElement("table");
  const head = table.createTHead().insertRow();
  for (const column of columns) head.append(make("th", column.name, { scope: "col" }));
  const body = table.createTBody();
  for (const row of rows) {
    const line = body.insertRow();
    for (const cell of row) line.append(make("td", cell === null ? "" : typeof cell === "object" ? JSON.stringify(cell) : String(cell)));
  }
  const frame = Object.assign(document.createElement("div"), { className: "scroll", tabIndex: 0 });
  frame.setAttribute("role", "region");
  frame.setAttribute("aria-label", "First rows");
  frame.append(table);
  return frame;
}

async function send(form) {
  const [file] = form.file.files;
  const progress = form.querySelector("progress");
  say(form, "Computing the checksum…");
  const bytes = await file.arrayBuffer().catch(() => {
    throw new Error("The browser cannot hold this file in memory. Use the API for it.");
  });
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  const sha256 = Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
  const fields = new URLSearchParams({ csrf_token: token, format: form.format.value, size: file.size, sha256 });
  const { path } = await told(await fetch(form.action, { method: "POST", body: fields }));
  progress.hidden = false;
  say(form, "Uploading…");
  await sent(`${path}/send`, file, (part) => {
    progress.value = part;
    say(form, `Uploading: ${Math.round(part * 100)} %`);
  });
  say(form, "Importing…");
  const commit = Object.assign(document.createElement("form"), { method: "post", action: `${path}/commit` });
  commit.append(Object.assign(document.createElement("input"), { type: "hidden", name: "csrf_token", value: token }));
  document.body.append(commit);
  commit.submit();
}

// The worker has a policy of its own, which lets it connect to the bucket.
function sent(script, file, onPart) {
  return new Promise((resolve, reject) => {
    const worker = new Worker(script);
    worker.onerror = () => reject(new Error("The upload could not start. Reload the page and try again."));
    worker.onmessage = ({ data }) => {
      if (data.status === undefined) return onPart(data.total ? data.loaded / data.total : 0);
      worker.terminate();
      if (data.status >= 200 && data.status < 300) return resolve();
      reject(new Error(data.status ? `The bucket refused the file (${data.status}).` : "The file did not reach the bucket."));
    };
    worker.postMessage(file);
  });
}
