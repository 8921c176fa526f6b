// Names of tables in the SQL of a dive, which may name a database before the table. A stack has one namespace of tables.

const NAME = /"[^"]*"|[\p{L}\p{N}_$]+/gu;
// Texts and comments first, which keep what they hold.
const PART = /'[^']*(?:'|$)|--[^\n]*|\/\*[^]*?(?:\*\/|$)|(?:"[^"]*"|[\p{L}\p{N}_$]+)(?:\.(?:"[^"]*"|[\p{L}\p{N}_$]+))*/gu;
const plain = (name) => name.replaceAll('"', "").toLowerCase();

// Returns a function that takes the databases of a dive off the names of tables, like `vitrine publish` does to texts that it knows.
export function unqualifier(databases) {
  const known = databases.map((name) => name.toLowerCase());
  const found = new Map();
  return (sql) => sql.replace(PART, (part) => {
    const names = /^['/-]/.test(part) ? [] : part.match(NAME);
    if (names.length < 3 || !known.includes(plain(names[0]))) return part;
    const name = names.slice(0, 3).map(plain).join("."), table = plain(names[2]);
    if ((found.get(table) ?? name) !== name) throw new Error(`the tables ${found.get(table)} and ${name} would both be ${table}`);
    found.set(table, name);
    return names.slice(2).join(".");
  });
}
