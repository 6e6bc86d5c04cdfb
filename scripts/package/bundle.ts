/**
 * The program as plain JavaScript files, which need no cache and no network.
 *
 * @module
 */
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { withoutMachine } from "./bundle_names.ts";
import { nameCjsImports } from "./cjs_imports.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

const PROGRAM = "main.ts";
/** Files that the program starts by their names: guest processes, Workers. */
const GUESTS = [
  "providers/wasi/guest_main.ts",
  "providers/wasi/shared_guest_worker.ts",
  "providers/wasi/scoped_guest_worker.ts",
  "wasi/threads/guest_thread_worker.ts",
] as const;
const ENTRIES: readonly string[] = [PROGRAM, ...GUESTS];

/**
 * The bundle's files by their paths, as `providers/wasi/guest_main.js`. The program and its guests share none: what
 * packages of the program need to be loaded at all would cost each guest 25 ms.
 */
export async function bundle(): Promise<ReadonlyMap<string, string>> {
  const parts = await Promise.all([
    bundleOf([PROGRAM], { without: GUESTS }),
    bundleOf(GUESTS),
  ]);
  const named = nameCjsImports(new Map(parts.flatMap((files) => [...files])));
  return withoutMachine(named, ENTRIES.map((path) => path.replace(/\.ts$/, ".js")));
}

async function bundleOf(
  entries: readonly string[],
  { without = [] }: { readonly without?: readonly string[] } = {},
): Promise<ReadonlyMap<string, string>> {
  const outdir = await Deno.makeTempDir({ prefix: "krustlet-bundle-" });
  try {
    const { success, stderr } = await new Deno.Command(Deno.execPath(), {
      args: [
        // Not minified: that inlines a `using` variable that is used once, and so never ends what it holds.
        ...["bundle", "--quiet", "--platform", "deno", "--code-splitting"],
        ...without.flatMap((path) => ["--external", `./${path}`]),
        ...["--outdir", outdir, ...entries],
      ],
      cwd: ROOT,
      env: { NO_COLOR: "1" },
      stdin: "null",
      stdout: "null",
    }).output();
    if (!success) throw new Error(`Cannot bundle: ${new TextDecoder().decode(stderr)}`);
    const files = new Map<string, string>();
    for await (const path of filesBelow(outdir)) {
      files.set(path, pointToBundle(await Deno.readTextFile(join(outdir, path)), path));
    }
    return files;
  } finally {
    await Deno.remove(outdir, { recursive: true });
  }
}

/**
 * The bundler leaves the names of files alone that are started by their names, or imported and bundled apart: makes
 * them those of the bundle, as seen from `path`. Throws for a TypeScript file that the bundle does not have.
 */
export function pointToBundle(text: string, path: string): string {
  return text.replace(/(new URL|\bimport)\("([^"]+\.ts)"(?=[,)])/g, (_, call, name: string) => {
    const entry = ENTRIES.find((one) => `/${one}`.endsWith(`/${name.replace(/^\.\//, "")}`));
    if (entry === undefined) throw new Error(`Cannot bundle: "${path}" starts "${name}"`);
    const target = relative(dirname(path), entry).replaceAll("\\", "/").replace(/\.ts$/, ".js");
    return `${call}("${target.startsWith(".") ? target : `./${target}`}"`;
  });
}

async function* filesBelow(root: string, below = ""): AsyncGenerator<string, void> {
  for await (const { name, isDirectory } of Deno.readDir(join(root, below))) {
    const path = below === "" ? name : `${below}/${name}`;
    if (isDirectory) yield* filesBelow(root, path);
    else yield path;
  }
}
