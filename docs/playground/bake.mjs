// What is done once at build time: Python's files compiled and packed, and the first answers.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { loadPyodide } from "pyodide";

const made = process.argv[2];
const pyodide = await loadPyodide();
pyodide.FS.mkdirTree("/build");
pyodide.FS.mount(pyodide.FS.filesystems.NODEFS, { root: process.cwd() }, "/build");
await pyodide.runPythonAsync(readFileSync("bake.py", "utf8"));
writeFileSync(join(made, "python.zip"), readFileSync("python.zip"));

const text = readFileSync("first.yaml", "utf8");
const [look, schema, catalogue] = [answer("look", { text }), answer("schema", {}), answer("catalogue", {})];
if (look.faults.length) throw new Error(`first.yaml: ${look.faults[0].message}`);
writeFileSync(join(made, "first.json"), JSON.stringify({ text, look }));
writeFileSync(join(made, "schema.json"), JSON.stringify(schema));
writeFileSync(join(made, "catalogue.json"), JSON.stringify(catalogue));
process.exit(0);

function answer(name, given) {
  const found = JSON.parse(pyodide.globals.get("ask")(name, JSON.stringify(given)));
  if (found.error) throw new Error(`${name}: ${found.error.message}`);
  return found.ok;
}
