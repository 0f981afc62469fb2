// Python in a worker: loads Pyodide and resforge, then answers one question after another.
import { loadPyodide } from "./pyodide/pyodide.mjs";

const here = new URL(".", import.meta.url).href;
const ready = start();

async function start() {
  const packed = fetch(`${here}python.zip`).then((response) => {
    if (!response.ok) throw new Error(`python.zip: HTTP status ${response.status}`);
    return response.arrayBuffer();
  });
  const pyodide = await loadPyodide({ indexURL: `${here}pyodide/` });
  pyodide.unpackArchive(await packed, "zip", { extractDir: "/lib/playground" });
  const ask = pyodide.runPython(
    "import sys; sys.path.insert(0, '/lib/playground'); from engine import ask; ask",
  );
  self.postMessage({ ready: true });
  return ask;
}

self.onmessage = async ({ data: { name, given } }) => {
  const ask = await ready;
  self.postMessage({ answer: JSON.parse(ask(name, JSON.stringify(given))) });
};

ready.catch(failed);
// Where a file of Pyodide's own is missing, its promise never settles.
self.addEventListener("unhandledrejection", ({ reason }) => failed(reason));

function failed(error) {
  self.postMessage({ failed: String(error?.message ?? error).slice(0, 200) });
}
