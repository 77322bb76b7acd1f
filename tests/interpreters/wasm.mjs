// Runs probe.py under CPython compiled to WebAssembly:
//
//     node wasm.mjs PYODIDE ARGUMENT…
//
// PYODIDE is the folder of the npm package. The host's files are seen under /host, also by the arguments.
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const [folder, ...rest] = process.argv.slice(2);
const { loadPyodide } = await import(pathToFileURL(join(folder, "pyodide.mjs")));
const python = await loadPyodide({ indexURL: folder });
python.FS.mkdirTree("/host");
python.FS.mount(python.FS.filesystems.NODEFS, { root: "/" }, "/host");
python.globals.set("here", "/host" + dirname(fileURLToPath(import.meta.url)));
python.globals.set("arguments", python.toPy(rest));
python.runPython(`
import sys
sys.path.insert(0, here)
import probe
probe.main(list(arguments))
`);
