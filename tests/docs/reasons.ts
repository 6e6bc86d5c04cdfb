/**
 * What the sources can say to a user: reasons of Events and conditions, and errors at the start.
 *
 * Read from the sources' text, because no program can be asked for all that it might say.
 *
 * @module
 */
import { join } from "node:path";
import { ROOT } from "./page.ts";

/** Where reasons are said. */
const FOLDERS = ["lib", "certs", "providers"];
/** How a reason is written in the sources. */
const REASONS: readonly RegExp[] = [
  /\breason: *(?:\| *)?((?:"[A-Z]\w+"(?:\s*\|\s*)?)+)/g,
  /\btell\(\s*(?:"(?:Normal|Warning)",\s*)?("[A-Z]\w+")/g,
  /(?:waiting|notStarted|#?warn)\(\s*("[A-Z]\w+")/g,
  /\b(?:good|bad)\(\s*(?:"\w+"|type),\s*("[A-Z]\w+")/g,
  /("[A-Z]\w+(?:NotSupported|Forbidden|Unavailable)")/g,
  /\breason \?\? ("[A-Z]\w+")/g,
  /^ *if \(isKubeletError.* return ("[A-Z]\w+");/gm,
  /\? ("[A-Z][a-z]\w+") : "Failed/g,
  /\? "\w+" : ("Failed\w+")/g,
  /: ("ErrImage\w+");/g,
  /\bdisruption\??: ("[A-Z]\w+")/g,
  /\bconst [A-Z_]+(?:: \w+)? = ("[A-Z][a-z]+[A-Z]\w+")/g,
  /\btype(?: =|:) ("[A-Z][a-z]+[A-Z]\w+")/g,
];
/** Look like reasons, and are none that somebody would look for. */
const OTHERS = new Set([
  ...["ClusterRoleBinding", "InternalIP", "KubeconfigNotFound", "Succeeded", "Waiting", "Warning"],
]);

/** Files whose errors can keep a command from starting. */
const STARTS: readonly string[] = [
  "main.ts",
  "node_identity.ts",
  ...["csr", "csr_request", "issued", "private_file", "request", "request_errors"]
    .map((name) => `certs/${name}.ts`),
  ...["config", "config_file", "image_options", "read_options"].map((name) =>
    `lib/config/${name}.ts`
  ),
  ...["kubeconfig", "kubeconfig_file", "transport"].map((name) => `lib/api/${name}.ts`),
  "lib/data_dir.ts",
  "lib/network/ground.ts",
  "lib/server/health_server.ts",
  "lib/server/server.ts",
  "providers/wasi/rehearsal.ts",
  "wasi/sandbox/report.ts",
];

/** Every reason, with a file that says it. */
export async function reasonsInSources(): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  for (const folder of FOLDERS) {
    for await (const path of sources(folder)) {
      for (const reason of reasonsIn(await read(path))) found.set(reason, path);
    }
  }
  return found;
}

/** The reasons in one source text. */
export function reasonsIn(text: string): string[] {
  return REASONS.flatMap((pattern) => [...text.matchAll(pattern)])
    .flatMap(([, words = ""]) => [...words.matchAll(/"(\w+)"/g)].map(([, word = ""]) => word))
    .filter((word) => !OTHERS.has(word));
}

/** How each error at the start begins, as `Cannot listen on`, with its file. */
export async function startErrors(): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  for (const path of STARTS) {
    for (const words of startErrorsIn(await read(path))) found.set(words, path);
  }
  return found;
}

/** The beginnings of errors in one source text: up to the first value or colon. Log lines have `{…}`. */
export function startErrorsIn(text: string): string[] {
  return [...text.matchAll(/["`](Cannot [a-z][^"`$:;{\\\n]*[^"`$:;{\\\s])( ?[^\n]{0,12})/g)]
    .filter(([, , next = ""]) => !next.includes("{") || next.includes("${"))
    .map(([, words = ""]) => words);
}

async function* sources(folder: string): AsyncGenerator<string> {
  for await (const { name, isDirectory } of Deno.readDir(join(ROOT, folder))) {
    const path = `${folder}/${name}`;
    if (isDirectory && !/^(fuzz|testing|krator|streaming)$/.test(name)) yield* sources(path);
    else if (/^[^_].*(?<!_test)\.ts$/.test(name)) yield path;
  }
}

async function read(path: string): Promise<string> {
  return await Deno.readTextFile(join(ROOT, path));
}
