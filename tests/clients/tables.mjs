// Compares the tables of client programs in the migration pages with the results of a whole run. `BLESS=1` rewrites them.

import { readFileSync, readdirSync, writeFileSync } from "node:fs";

const folder = process.env.CLIENT_RESULTS;
const results = readdirSync(folder).map((file) => JSON.parse(readFileSync(`${folder}/${file}`)));
const BEGIN = "<!-- clients: written by tests/clients/run -->";
const END = "<!-- end of clients -->";

const row = ({ name, version, registry, works, notOffered }) =>
  `| ${name} ${version} (${registry}) | ${works.join("; ") || "nothing"} | ${notOffered.join("; ")} |`;

let differs = false;
for (const page of new Set(results.map((result) => result.page))) {
  const rows = results.filter((result) => result.page === page).sort((a, b) => a.name.localeCompare(b.name)).map(row);
  const table = ["| program | works | not offered |", "| --- | --- | --- |", ...rows].join("\n");
  console.log(`\n${page}\n${table}`);
  const path = new URL(`../../infra/migrating/${page}.md`, import.meta.url);
  const text = readFileSync(path, "utf8");
  const [before, after] = [text.split(BEGIN)[0], text.split(END)[1]];
  if (before === text || after === undefined) throw new Error(`${page}.md has no place for the table`);
  const wanted = `${before}${BEGIN}\n${table}\n${END}${after}`;
  if (wanted === text) continue;
  if (process.env.BLESS) writeFileSync(path, wanted);
  else differs = true;
}
if (differs) {
  console.error("\nThe tables in infra/migrating are out of date: BLESS=1 bash tests/clients/run");
  process.exit(1);
}
