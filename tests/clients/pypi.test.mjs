// Programs of PyPI that publish through Metabase's API.

import assert from "node:assert/strict";
import { ADMIN_KEY, Client, Python, WRONG_KEY, pythonVersion, start } from "./harness.mjs";

const page = "from-metabase";
const product = await start();
const client = (name) => new Client(name, { page, registry: "PyPI", version: pythonVersion(name) });
const resource = (path) => product.call("GET", `/api/${path}`);
const given = { HOST: product.base, KEY: ADMIN_KEY, WRONG: WRONG_KEY };
const NAMES = "from os import environ\nhost, key, wrong = environ['HOST'], environ['KEY'], environ['WRONG']";

// ---- metabase-api ----

const api = client("metabase-api");
const apiPython = Python.start("metabase-api", `from metabase_api import Metabase_API
${NAMES}
with_key = Metabase_API(host, api_key=key)
with_password = Metabase_API(host, "ann@example.com", key)`, given);

api.works("signs in with an API key or a password", async () => {
  for (const made of ["with_key", "with_password"]) {
    assert.equal(await apiPython.run(`${made}.get_item_name("dashboard", 1)`), "Sales");
  }
});
api.works("finds items by name, searches", async () => {
  assert.equal(await apiPython.run('with_password.get_item_id("dashboard", "Sales")'), 1);
  assert.equal(await apiPython.run('with_key.get_item_info("card", item_name="Orders")["id"]'), 2);
  assert.equal(await apiPython.run('with_key.get_item_id("card", "Orders", collection_name="root")'), 2);
  assert.deepEqual(await apiPython.run('[(i["model"], i["id"]) for i in with_key.search("Revenue", item_type="card")]'), [["card", 1]]);
});
api.works("publishes with `put`, archives, deletes", async () => {
  await product.publish("dashboard/41", { title: "Draft", enable_embedding: false });
  await product.publish("question/41", { title: "Old" });
  assert.equal(await apiPython.run('with_password.put("/api/dashboard/41", json={"enable_embedding": True})'), 200);
  assert.equal((await resource("dashboard/41")).enable_embedding, true);
  await apiPython.run('with_key.move_to_archive("card", item_name="Old")');
  assert.equal((await resource("card/41")).archived, true);
  assert.equal(await apiPython.run('with_key.delete_item("dashboard", item_id=41)'), 204);
  await assert.rejects(resource("dashboard/41"), /404/);
});
api.works("creates questions", async () => {
  const made = await apiPython.run('with_key.create_card(custom_json={"name": "New", "dataset_query": {}, "display": "table"}, return_card=True)');
  assert.equal((await resource(`card/${made.id}`)).name, "New");
});
api.works("a question's results", async () =>
  assert.deepEqual(await apiPython.run("with_key.get_card_data(card_id=3)"), [{ Answer: 42 }]));
api.works("databases", async () => assert.equal((await apiPython.run('with_key.get_item_info("database", 1)')).name, "managed"));
api.notOffered("collections", () => apiPython.run('with_key.get_item_info("collection", item_name="Team")'), /There is no collection/);
api.refuses("a wrong key", () => apiPython.run('Metabase_API(host, api_key=wrong).get_item_name("dashboard", 1)'),
  /ValueError: The provided API key is not correct/);
api.refuses("a wrong password", () => apiPython.run('Metabase_API(host, "ann@example.com", wrong)'), /Response \[401\]/);

// ---- metabase-python ----

const python = client("metabase-python");
const pythonPython = Python.start("metabase-python", `from metabase import Metabase, Card, Database, User
${NAMES}
with_token = Metabase(host, user=None, password=None, token=key)
with_password = Metabase(host, user="ann@example.com", password=key)`, given);

python.works("signs in with a password, or with an access key as `token`", async () => {
  for (const made of ["with_token", "with_password"]) {
    assert.equal(await pythonPython.run(`Card.get(1, using=${made}).name`), "Revenue");
  }
});
python.works("lists questions, publishes them, archives them", async () => {
  await product.publish("question/42", { title: "Draft", enable_embedding: false });
  assert.ok((await pythonPython.run("[card.name for card in Card.list(using=with_password)]")).includes("Draft"));
  await pythonPython.run(`card = Card.get(42, using=with_password)
card.update(enable_embedding=True, name="Live")`);
  const { name, enable_embedding } = await resource("card/42");
  assert.deepEqual([name, enable_embedding], ["Live", true]);
  await pythonPython.run("card.archive()");
  assert.equal((await resource("card/42")).archived, true);
});
python.works("any route with `get` and `put`", async () => {
  assert.equal(await pythonPython.run('with_password.put("/api/dashboard/1", json={"description": "All"}).status_code'), 200);
  assert.equal(await pythonPython.run('with_password.get("/api/dashboard/1").json()["description"]'), "All");
});
python.works("creates questions", async () => {
  const id = await pythonPython.run(
    'Card.create(using=with_token, name="New", dataset_query={}, visualization_settings={}, display="table").id');
  assert.equal((await resource(`card/${id}`)).name, "New");
});
python.notOffered("users", () => pythonPython.run("User.get(1, using=with_token)"), /NotFoundError/);
python.works("databases", async () => assert.equal(await pythonPython.run("Database.get(1, using=with_token).name"), "managed"));
python.refuses("a wrong password", () =>
  pythonPython.run('Card.list(using=Metabase(host, "ann@example.com", wrong))'), /AuthenticationError/);
// It takes any answer but 404 for a question, which then has no name.
python.refuses("a wrong token", () => pythonPython.run("Card.get(1, using=Metabase(host, None, None, token=wrong)).name"), /AttributeError/);

// ---- metabase-tools ----

const tools = client("metabase-tools");
const toolsPython = Python.start("metabase-tools", `from metabase_tools import MetabaseApi
${NAMES}
class WithoutSettings(MetabaseApi):
    def _fetch_settings(self):
        return None`, given);

tools.works("signs in, reads the version", async () => {
  const credentials = ['{"username": "ann@example.com", "password": key}', '{"token": key}'];
  for (const given of credentials) assert.match(await toolsPython.run(`str(WithoutSettings(host, ${given}).server_version)`), /^0\./);
});
tools.notOffered("its start, which wants every setting of an older Metabase", () => toolsPython.run('MetabaseApi(host, {"token": key})'), /ValidationError/);
tools.notOffered("dashboards and questions, of which it accepts only the fields of an older Metabase", () =>
  toolsPython.run('WithoutSettings(host, {"token": key}).dashboards.get([1])'), /ValidationError[^]*extra fields not permitted/);
tools.refuses("a wrong password", () =>
  toolsPython.run('MetabaseApi(host, {"username": "ann@example.com", "password": wrong})'), /Failed to authenticate/);
tools.refuses("a wrong token", () => toolsPython.run('MetabaseApi(host, {"token": wrong})'), /Failed to authenticate/);

// ---- metabase-sync ----

const sync = client("metabase-sync");
const syncPython = Python.start("metabase-sync", `import logging
from pathlib import Path
from typer.testing import CliRunner
from metabase_sync.cli import app
from metabase_sync.client import MetabaseClient
from metabase_sync.export import run_export
${NAMES}
with_key = MetabaseClient(host, key, max_retries=0)
def command(*words, key=key):
    result = CliRunner().invoke(app, words, env={"METABASE_URL": host, "METABASE_API_KEY": key})
    return result.output`, given);

sync.works("`diagnose`", async () => {
  assert.match(await syncPython.run('command("diagnose")'), /Metabase version: v0[^]*'status': 'ok'/);
});
sync.works("its client's lists, `get`, `put`", async () => {
  assert.ok((await syncPython.run('[card["name"] for card in with_key.list_cards()]')).includes("Revenue"));
  assert.ok((await syncPython.run('[one["name"] for one in with_key.list_dashboards()]')).includes("Customers"));
  const { description } = await syncPython.run('with_key.put("/api/dashboard/2", {"description": "All of them"})');
  assert.equal(description, "All of them");
});
sync.notOffered("`export`, `plan`, `apply`: snippets, subscriptions", () =>
  syncPython.run('run_export(with_key, Path("state"))'), /api\/native-query-snippet -> 404/);
sync.refuses("a wrong key", () => syncPython.run("MetabaseClient(host, wrong).list_cards()"), /api\/card.* -> 401/);
