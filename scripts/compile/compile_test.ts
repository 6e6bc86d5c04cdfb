import assert from "node:assert/strict";
import { join } from "node:path";
import { zipSync } from "fflate";
import { PERMISSIONS } from "../package/launcher.ts";
import { RUNTIME_VERSION, TARGETS } from "../package/targets.ts";
import {
  denortArchive,
  DenortError,
  denortFolder,
  pinned,
  sha256Of,
  unpackDenort,
  verifyDenort,
} from "./denort.ts";
import pins from "./denort_pins.json" with { type: "json" };
import { differences, EMBEDDED_BYTES_MAX, parseEmbedded } from "./embedded.ts";
import { fetchDenort, readPins } from "./fetch_denort.ts";
import { compileAll } from "./mod.ts";
import { binaryName, compileArguments, STARTED_BY_NAME, targetNamed, TRIPLES } from "./settings.ts";

const LIST = `Compile main.js to krustlet

Embedded Files

krustlet
├── main.js (9.78KB)
├── providers/* (5.66KB)
└── chunk-A.js (3B - 1.00KB)

Files: 3.16MB
Metadata: 1.37KB
`;
const files = new Map([
  ["main.js", "x".repeat(10_015)],
  ["providers/wasi/guest_main.js", "x".repeat(3_000)],
  ["providers/wasi/shared_guest_worker.js", "x".repeat(2_796)],
  ["chunk-A.js", "abc"],
]);
const ZIP = zipSync({ denort: new TextEncoder().encode("the base runtime") });

/** Serves these files by their names until the test ends. */
function serve(
  served: Readonly<Record<string, Uint8Array<ArrayBuffer>>>,
): AsyncDisposable & { url: string } {
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, (request) => {
    const bytes = served[new URL(request.url).pathname.slice(1)];
    return bytes === undefined ? new Response(null, { status: 404 }) : new Response(bytes);
  });
  return {
    url: `http://127.0.0.1:${server.addr.port}`,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

Deno.test("compileArguments() fix permissions, flags and entries, and leave nothing to a network", () => {
  const args = compileArguments("windows-arm64", "k.exe");
  for (const permission of PERMISSIONS) assert.ok(args.includes(permission), permission);
  for (const entry of STARTED_BY_NAME) {
    assert.equal(args[args.indexOf(entry) - 1], "--include", entry);
  }
  for (const flag of ["--no-code-cache", "--no-prompt", "--no-remote", "--no-npm"]) {
    assert.ok(args.includes(flag), flag);
  }
  assert.ok(args.some((arg) => arg.startsWith("--v8-flags=--stack-size=2800,")), args.join(" "));
  assert.equal(args[args.indexOf("--target") + 1], "aarch64-pc-windows-msvc");
});

Deno.test("targetNamed() knows the platforms of the archives, and no others", () => {
  assert.deepEqual(Object.keys(TRIPLES), TARGETS.map(({ name }) => name));
  for (const name of Object.keys(TRIPLES)) assert.equal(targetNamed(name), name);
  for (const name of ["plan9-amd64", "toString", ""]) {
    assert.throws(() => targetNamed(name), /there are linux-amd64/, name);
  }
  assert.equal(binaryName("linux-arm64", "2.0.0"), "krustlet-2.0.0-linux-arm64");
  assert.equal(binaryName("windows-amd64", "2.0.0"), "krustlet-2.0.0-windows-amd64.exe");
});

Deno.test("parseEmbedded() reads the list of deno compile, and nothing else", () => {
  assert.deepEqual(parseEmbedded(LIST).map(({ name }) => name), [
    "main.js",
    "providers/*",
    "chunk-A.js",
  ]);
  assert.equal(parseEmbedded(LIST)[2]?.bytes, 3);
  assert.throws(() => parseEmbedded("Compile main.js"), /Cannot tell/);
  assert.throws(() => parseEmbedded(LIST.replace("├── main.js (9.78KB)", "what")), /"what"/);
  assert.throws(() => parseEmbedded(LIST.replace("├── p", "│   ├── p")), /no line of a flat list/);
});

Deno.test("differences() finds what is missing, strange, there twice or of another size", () => {
  const list = parseEmbedded(LIST);
  assert.deepEqual(differences(list, files), []);
  assert.match(differences(list.slice(1), files).join(), /"main.js" is missing/);
  const strange = [...list, { name: "node_modules/*", bytes: 5 }];
  assert.match(differences(strange, files).join(), /"node_modules\/\*" is no file of the program/);
  assert.match(differences([...list, list[0]!], files).join(), /"main.js" is there twice/);
  const twiceTheWorker = list.map((one) =>
    one.name === "providers/*" ? { ...one, bytes: 8_592 } : one
  );
  assert.match(differences(twiceTheWorker, files).join(), /"providers\/\*" has about 8592/);
  const large = [{ name: "a", bytes: EMBEDDED_BYTES_MAX + 1 }];
  assert.match(
    differences(large, new Map([["a", "x".repeat(EMBEDDED_BYTES_MAX + 1)]])).join(),
    /more than/,
  );
});

Deno.test("verifyDenort() takes an archive by its pinned hash alone", () => {
  verifyDenort("linux-amd64", ZIP, { "linux-amd64": sha256Of(ZIP) });
  assert.throws(() => verifyDenort("linux-amd64", ZIP, {}), /no hash is pinned.*--pins/);
  const other = { "linux-amd64": sha256Of(new Uint8Array(1)) };
  assert.throws(() => verifyDenort("linux-amd64", ZIP, other), DenortError);
});

Deno.test("the pins are those of the runtime that archives hold", () => {
  assert.equal(pins.version, RUNTIME_VERSION);
  for (const [name, hash] of Object.entries(pinned())) {
    assert.ok(Object.hasOwn(TRIPLES, name), name);
    assert.match(hash ?? "", /^[0-9a-f]{64}$/);
  }
});

Deno.test("fetchDenort() keeps the archive that is pinned, and no other", async () => {
  const folder = await Deno.makeTempDir();
  const name = denortArchive("linux-amd64");
  await using server = serve({ [name]: ZIP });
  const known = { "linux-amd64": sha256Of(ZIP) };
  try {
    const wrong = { "linux-amd64": sha256Of(new Uint8Array(2)) };
    const from = server.url;
    await assert.rejects(
      fetchDenort(["linux-amd64"], { from, to: folder, known: wrong }),
      /pinned/,
    );
    await assert.rejects(fetchDenort(["linux-arm64"], { from, to: folder, known }), /says 404/);
    assert.deepEqual(await Array.fromAsync(Deno.readDir(folder)), []);
    await fetchDenort(["linux-amd64"], { from, to: folder, known });
    const path = await unpackDenort("linux-amd64", { from: folder, to: folder, known });
    assert.equal(await Deno.readTextFile(path), "the base runtime");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("readPins() tells what is served, if it is what the release names", async () => {
  const name = denortArchive("linux-amd64");
  const told = (hash: string): Uint8Array<ArrayBuffer> =>
    new TextEncoder().encode(`${hash}  ${name}\n`);
  await using good = serve({ [name]: ZIP, [`${name}.sha256sum`]: told(sha256Of(ZIP)) });
  assert.deepEqual(await readPins(["linux-amd64"], good.url), { "linux-amd64": sha256Of(ZIP) });
  await using bad = serve({ [name]: ZIP, [`${name}.sha256sum`]: told("0".repeat(64)) });
  await assert.rejects(readPins(["linux-amd64"], bad.url), /Cannot pin/);
  await using none = serve({ [name]: ZIP });
  await assert.rejects(readPins(["linux-amd64"], none.url), /says 404/);
});

Deno.test("compileAll() uses no archive that is not the pinned one", async () => {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeFile(join(folder, denortArchive("linux-amd64")), ZIP);
    const out = join(folder, "out");
    const attempt = (known: Readonly<Record<string, string>>): Promise<string[]> =>
      compileAll(["linux-amd64"], { out, denort: { folder, known } });
    await assert.rejects(attempt({}), /no hash is pinned/);
    await assert.rejects(attempt({ "linux-amd64": "0".repeat(64) }), /is pinned/);
    await assert.rejects(Deno.stat(out), Deno.errors.NotFound);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("denortFolder() is where deno compile keeps what it fetches", async () => {
  assert.match(await denortFolder(), new RegExp(`dl[/\\\\]release[/\\\\]v${RUNTIME_VERSION}$`));
});
