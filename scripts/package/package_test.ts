import assert from "node:assert/strict";
import { join } from "node:path/posix";
import { gunzipSync } from "node:zlib";
import { unzipSync } from "fflate";
import { tarGz, zip } from "./archive.ts";
import { bundle, pointToBundle } from "./bundle.ts";
import { makeHere } from "./here.ts";
import { importLate } from "./late_imports.ts";
import { launcher } from "./launcher.ts";
import { checksumLines, chooseTargets } from "./mod.ts";
import { usedPackages } from "./sbom.ts";
import { TARGETS } from "./targets.ts";

/** `(import "wasi_snapshot_preview1" "proc_exit" …) (memory …) (func (export "_start") (call $exit (i32.const 3)))` */
const LEAVES_WITH_3 =
  "AGFzbQEAAAABCAJgAX8AYAAAAiQBFndhc2lfc25hcHNob3RfcHJldmlldzEJcHJvY19leGl0AAADAgEBBQMBAAEHEwIGbWVtb3J5AgAGX3N0YXJ0AAEKCAEGAEEDEAAL";
let bundling: ReturnType<typeof bundle> | undefined;
/** Made once: it takes some seconds. */
const bundled = (): ReturnType<typeof bundle> => bundling ??= bundle();
const bytes = new TextEncoder().encode("hello");
const FILES = [
  { path: "b", bytes, executable: true },
  { path: "a", bytes, executable: false },
];

Deno.test("tarGz() and zip() do not depend on the order of files", async () => {
  const turned = [...FILES].reverse();
  assert.deepEqual(await tarGz(FILES), await tarGz(turned));
  assert.deepEqual(zip(FILES), zip(turned));
});

Deno.test("tarGz() writes modes, and no name of a user", async () => {
  const tar = gunzipSync(await tarGz(FILES));
  const text = (at: number, length: number): string =>
    new TextDecoder().decode(tar.subarray(at, at + length)).replace(/\0.*/s, "");
  assert.deepEqual([text(0, 100), text(100, 8).trim()], ["a", "000644"]);
  assert.deepEqual([text(1024, 100), text(1124, 8).trim()], ["b", "000755"]);
  assert.deepEqual([text(265, 32), text(297, 32)], ["", ""]);
});

Deno.test("zip() holds the files", () => {
  assert.deepEqual(Object.keys(unzipSync(zip(FILES))), ["a", "b"]);
});

Deno.test("pointToBundle() names the bundle's files as seen from each of them", () => {
  const point = (name: string, path: string): string =>
    pointToBundle(`new Worker(new URL("${name}", import.meta.url))`, path);
  assert.match(point("./guest_main.ts", "chunk-1.js"), /"\.\/providers\/wasi\/guest_main\.js"/);
  assert.match(
    point("./guest_thread_worker.ts", "providers/wasi/guest_main.js"),
    /"\.\.\/\.\.\/wasi\/threads\/guest_thread_worker\.js"/,
  );
  assert.equal(
    pointToBundle('await import("./providers/wasi/guest_main.ts");', "main.js"),
    'await import("./providers/wasi/guest_main.js");',
  );
  assert.throws(() => point("./stranger.ts", "main.js"), /stranger/);
});

Deno.test("importLate() hides the names of files that are imported late, and no others", () => {
  assert.equal(
    importLate(
      'import { a } from "./a.js"; const b = import("../b-1.js").then(); import("node:os");',
    ),
    'import { a } from "./a.js"; const b = import(new URL("../b-1.js", import.meta.url).href).then(); ' +
      'import("node:os");',
  );
});

Deno.test("bundle() has a program for guests that loads nothing of Node.js, and nothing of the agent", async () => {
  const files = await bundled();
  const seen = new Set<string>();
  const queue = ["providers/wasi/guest_main.js"];
  for (let path = queue.pop(); path !== undefined; path = queue.pop()) {
    if (seen.has(path)) continue;
    seen.add(path);
    const text = files.get(path);
    assert.ok(text !== undefined, path);
    for (const [, target = ""] of text.matchAll(/^(?:import|export)[^;"]*"([^"]+)";/gm)) {
      assert.match(target, /^\./, `${path} imports ${target}`);
      queue.push(join(path, "..", target));
    }
  }
  assert.ok(seen.size > 10, [...seen].join());
  assert.ok([...seen].every((path) => path !== "main.js"));
});

Deno.test("bundle() keeps every end of what is used: a lock of the image store, for one", async () => {
  const texts = [...(await bundled()).values()].filter((text) => text.includes('"users.lock"'));
  assert.equal(texts.length, 1);
  const locks = texts[0]!.match(/\busing \w+ = await openLock\w*\([^)]*, "\w+\.lock"\)/g) ?? [];
  assert.deepEqual(locks.map((text) => /\w+\.lock/.exec(text)?.[0]), ["users.lock", "index.lock"]);
});

Deno.test({
  name: "makeHere() makes a program that runs a module with what is in its folder",
  ignore: Deno.build.os === "windows",
  async fn(): Promise<void> {
    const folder = await Deno.makeTempDir();
    try {
      const { command, guestEntry } = await makeHere(join(folder, "shipped"));
      assert.ok((await Deno.stat(guestEntry)).isFile);
      const module = join(folder, "three.wasm");
      await Deno.writeFile(module, Uint8Array.fromBase64(LEAVES_WITH_3));
      // Elsewhere, so that nothing is found by chance.
      const { code, stderr } = await new Deno.Command(command, {
        args: ["run", module],
        cwd: folder,
        env: { HOME: folder },
        stdin: "null",
      }).output();
      assert.equal(code, 3, new TextDecoder().decode(stderr));
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});

Deno.test("usedPackages() follows dependencies, and leaves out what only tests use", () => {
  const integrity = "sha512-";
  const lock = {
    specifiers: { "npm:a@1": "1", "npm:t@2": "2" },
    npm: {
      "a@1": { integrity, dependencies: ["b", "c@3"] },
      "b@2_a@1": { integrity, dependencies: ["a"] },
      "c@3": { integrity },
      "c@4": { integrity },
      "t@2": { integrity, dependencies: ["c@4"] },
    },
  };
  assert.deepEqual(usedPackages(lock, ["t"]), ["a@1", "b@2_a@1", "c@3"]);
  const broken = { ...lock, npm: { "a@1": { integrity, dependencies: ["none"] } } };
  assert.throws(() => usedPackages(broken, ["t"]), /none/);
});

Deno.test("launcher() starts the runtime beside it, and asks nothing of a network", () => {
  for (const target of TARGETS) {
    const { path, text } = launcher(target);
    assert.equal(path, target.name.startsWith("windows") ? "krustlet.cmd" : "krustlet");
    assert.match(text, /--no-remote --no-npm --cached-only/);
    assert.ok(text.includes(target.runtime.program));
  }
});

Deno.test("chooseTargets() names what there is for a platform that there is not", () => {
  assert.throws(() => chooseTargets(["plan9-amd64"]), /plan9-amd64[\s\S]*linux-amd64/);
  assert.deepEqual(chooseTargets(["linux-arm64"]).map(({ name }) => name), ["linux-arm64"]);
  assert.equal(chooseTargets([]).length, 6);
});

Deno.test("checksumLines() is what sha256sum -c reads", () => {
  assert.equal(checksumLines([{ name: "x.zip", sha256: "ab" }]), "ab  x.zip\n");
});
