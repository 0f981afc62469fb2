// What is done once at build time: Python's files compiled and packed, and the first answers.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { loadPyodide } from "pyodide";

const made = process.argv[2];
const pyodide = await loadPyodide();
pyodide.FS.mkdirTree("/build");
pyodide.FS.mount(pyodide.FS.filesystems.NODEFS, { root: process.cwd() }, "/build");
await pyodide.runPythonAsync(readFileSync("bake.py", "utf8"));
const ask = pyodide.globals.get("ask");
writeFileSync(join(made, "python.zip"), readFileSync("python.zip"));

const first = readFileSync("first.yaml", "utf8");
const answers = { text: first };
for (const [name, wanted] of [["look", { text: first }], ]) {
  const answer = JSON.parse(ask(name, JSON.stringify(wanted)));
  if (answer.error) throw new Error(`${name}: ${answer.error.message}`);
  answers[name] = answer.ok;
}
if (answers.look.faults.length) throw new Error(`first.yaml: ${answers.look.faults[0].message}`);
writeFileSync(join(made, "first.json"), JSON.stringify(answers));
process.exit(0);
