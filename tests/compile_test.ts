/**
 * What `deno task compile` makes: looked at, and never run. In the place of the base runtime, which is not to be had
 * everywhere, is a program that does nothing.
 */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { baseRuntime } from "./parts/base_runtime.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
/** Platforms, how the files of their programs begin, and KiB of the stack that their guests have. */
const PLATFORMS = [
  { name: "linux-amd64", begins: [0x7f, 0x45, 0x4c, 0x46], stackKib: 3500 },
  { name: "linux-arm64", begins: [0x7f, 0x45, 0x4c, 0x46], stackKib: 3500 },
  { name: "darwin-amd64", begins: [0xcf, 0xfa, 0xed, 0xfe], stackKib: 3500 },
  { name: "darwin-arm64", begins: [0xcf, 0xfa, 0xed, 0xfe], stackKib: 3500 },
  { name: "windows-amd64", begins: [0x4d, 0x5a], stackKib: 2800 },
  { name: "windows-arm64", begins: [0x4d, 0x5a], stackKib: 2800 },
] as const;
/** What must be in each binary once: the program, guest processes and Workers. */
const ENTRIES = [
  ...["main.js", "guest_main.js", "shared_guest_worker.js", "scoped_guest_worker.js"],
  "guest_thread_worker.js",
];
/** Bytes beside the base runtime: 6.7 MB when this was written. */
const ADDED_BYTES_MAX = 9_000_000;

async function compile(
  platform: string,
  { out, runtime, denort }: {
    readonly out: string;
    readonly runtime: string;
    readonly denort?: string;
  },
): Promise<{ readonly code: number; readonly text: string }> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      ...["task", "--quiet", "compile", `--target=${platform}`, `--out=${out}`],
      ...(denort === undefined ? [] : [`--denort=${denort}`]),
    ],
    cwd: ROOT,
    stdin: "null",
    env: { NO_COLOR: "1", DENORT_BIN: runtime },
  }).output();
  const decoder = new TextDecoder();
  return { code, text: decoder.decode(stdout) + decoder.decode(stderr) };
}

for (const { name, begins, stackKib } of PLATFORMS) {
  Deno.test(`a binary for ${name} holds the program once, and nothing of this machine`, async () => {
    await using out = await tempFolder();
    const runtime = await baseRuntime(name);
    const { code, text } = await compile(name, { out: out.path, runtime });
    assert.equal(code, 0, text);
    const [made, ...others] = await Array.fromAsync(Deno.readDir(out.path));
    assert.deepEqual(others, []);
    assert.match(made!.name, new RegExp(`^krustlet-.+-${name}${name[0] === "w" ? ".exe" : ""}$`));
    const bytes = Buffer.from(await Deno.readFile(join(out.path, made!.name)));
    assert.deepEqual([...bytes.subarray(0, begins.length)], begins);
    const added = bytes.length - (await Deno.stat(runtime)).size;
    assert.ok(added < ADDED_BYTES_MAX, `${added} bytes are added`);
    const names = embedded(bytes);
    for (const entry of ENTRIES) {
      assert.equal(names.filter((one) => one === entry).length, 1, `${entry} in ${names}`);
    }
    assert.deepEqual(names.filter((one) => /_test|node_modules|\.(ts|map|wasm)$/.test(one)), []);
    for (const stranger of [ROOT, "sourceMappingURL"]) {
      assert.ok(!bytes.includes(stranger), `"${stranger}" is in it`);
    }
    assert.ok(bytes.includes(`--stack-size=${stackKib}`), "its guests' stack");
    assert.ok(bytes.includes('"code_cache_key":null'), "it would run code from a file of anybody");
  });
}

Deno.test("the same base runtime makes the same binary", async () => {
  await using out = await tempFolder();
  const runtime = await baseRuntime("linux-amd64");
  const hashes: string[] = [];
  for (const folder of [join(out.path, "a"), join(out.path, "b")]) {
    const { code, text } = await compile("linux-amd64", { out: folder, runtime });
    assert.equal(code, 0, text);
    for await (const { name } of Deno.readDir(folder)) {
      const bytes = await Deno.readFile(join(folder, name));
      hashes.push(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex());
    }
  }
  assert.equal(hashes.length, 2);
  assert.equal(hashes[0], hashes[1]);
});

Deno.test("without a base runtime, compiling tells how to provide one", async () => {
  await using out = await tempFolder();
  const folders = { out: join(out.path, "dist"), denort: out.path };
  const { code, text } = await compile("linux-amd64", { ...folders, runtime: "" });
  assert.equal(code, 1, text);
  assert.match(text, /no base runtime .*denort-x86_64-unknown-linux-gnu\.zip/);
  assert.match(text, /fetch_denort\.ts --target=linux-amd64.*DENORT_BIN/);
});

async function tempFolder(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await Deno.makeTempDir({ prefix: "krustlet-test-" });
  return { path, [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }) };
}

/** The names of all files and folders that a binary tells that it holds. */
function embedded(bytes: Buffer): string[] {
  return [...bytes.toString("latin1").matchAll(/\{"(?:File|Dir)":\{"n":"([^"]+)"/g)].map((
    [, name],
  ) => name!);
}
