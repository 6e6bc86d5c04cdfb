/**
 * Python's oras, where there is a Python.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import { cached } from "./cache.ts";
import { runTool, toolWorks, withProgress } from "./run.ts";

const TOOLS = new URL("../oci_tools/", import.meta.url);
const SCRIPT = fileURLToPath(new URL("python_oras.py", TOOLS));
const REQUIREMENTS = fileURLToPath(new URL("requirements.txt", TOOLS));

/** Why Python's oras is left out, where {@linkcode hasPythonOras} says no. */
export const PYTHON_MISSING = "python3 from 3.10 on, with pip, was not found";

/** A command that pushes and pulls with Python's oras; its script says how. */
export interface PythonOras {
  readonly command: readonly [string, ...string[]];
  readonly env: Readonly<Record<string, string>>;
}

/** Says whether there can be a Python's oras here. */
export async function hasPythonOras(): Promise<boolean> {
  return await toolWorks(["python3", "-c", "import sys, pip; assert sys.version_info >= (3, 10)"]);
}

let installed: Promise<PythonOras | undefined> | undefined;

/** Installs it, in the versions of `requirements.txt`; where that cannot be, it says so. */
export function pythonOras(): Promise<PythonOras | undefined> {
  return installed ??= install();
}

async function install(): Promise<PythonOras | undefined> {
  if (!await hasPythonOras()) {
    console.error(`parts: no Python's oras: ${PYTHON_MISSING}`);
    return undefined;
  }
  const folder = await cached({
    name: "python_oras",
    inputs: [await Deno.readFile(REQUIREMENTS)],
    build: (output) =>
      withProgress("Python's oras", async () => {
        const fetch = (): Promise<string> => runTool(pipCommand(output));
        await fetch().catch(fetch);
      }),
  });
  return {
    command: ["python3", SCRIPT],
    env: { PYTHONPATH: folder, PYTHONNOUSERSITE: "1", PYTHONDONTWRITEBYTECODE: "1" },
  };
}

/** Wheels that any Python can use, of the contents that are asked for, into a folder of their own. */
function pipCommand(folder: string): readonly [string, ...string[]] {
  return [
    ...["python3", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"] as const,
    ...["--no-deps", "--require-hashes", "--requirement", REQUIREMENTS, "--target", folder],
    ...["--only-binary", ":all:", "--implementation", "py", "--abi", "none", "--platform", "any"],
  ];
}
