import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { fetchRuntime, RuntimeError, unlike } from "./runtime.ts";
import { complaintOf, type Source } from "./sources.ts";
import { type Target, TARGETS } from "./targets.ts";

const GOOD = new TextEncoder().encode("the runtime");
const BAD = new TextEncoder().encode("the runtine");
const SHA256 = createHash("sha256").update(GOOD).digest("hex");
const TARGET: Target = {
  name: "plan9-amd64",
  archive: "tar.gz",
  runtime: { version: "1.2.3", program: "deno", sha256: SHA256, npm: "@deno/plan9" },
};

/** A folder for the cache and for runtimes, and sources that say what they were asked. */
async function room(answers: Readonly<Record<string, Uint8Array | string>>): Promise<
  AsyncDisposable & {
    readonly path: string;
    readonly asked: string[];
    readonly options: Parameters<typeof fetchRuntime>[1];
  }
> {
  const path = await Deno.makeTempDir({ prefix: "krustlet-runtime-test-" });
  const asked: string[] = [];
  const sources = Object.entries(answers).map(([name, answer]): Source => () => {
    asked.push(name);
    return Promise.resolve(
      typeof answer === "string"
        ? { asked: name, problem: answer }
        : { asked: name, program: answer },
    );
  });
  const cache = join(path, "cache");
  return {
    path,
    asked,
    options: {
      sources,
      keep: async ({ build }) => {
        if (await Deno.stat(cache).then(() => true, () => false)) return cache;
        const unfinished = await Deno.makeTempDir({ dir: path });
        await build(unfinished);
        await Deno.rename(unfinished, cache);
        return cache;
      },
    },
    [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }),
  };
}

Deno.test("fetchRuntime() asks one source after the other, and nobody when it has it", async () => {
  await using place = await room({ npm: "ETARGET", tampered: BAD, wheel: GOOD, never: BAD });
  assert.deepEqual(await fetchRuntime(TARGET, place.options), GOOD);
  assert.deepEqual(await fetchRuntime(TARGET, place.options), GOOD);
  assert.deepEqual(place.asked, ["npm", "tampered", "wheel"]);
});

Deno.test("fetchRuntime() says what each source said, and what to do", async () => {
  await using place = await room({ npm: "ETARGET", wheel: BAD });
  await assert.rejects(fetchRuntime(TARGET, place.options), (error: Error) => {
    assert.ok(error instanceof RuntimeError);
    assert.match(
      error.message,
      /^Cannot package plan9-amd64: nobody has its runtime, deno 1\.2\.3:/,
    );
    assert.match(error.message, /\n {2}npm: ETARGET\n {2}wheel: its SHA-256 is [0-9a-f]{64}, and /);
    assert.match(error.message, /<folder>\/plan9-amd64\/deno and say --runtimes=<folder>/);
    return true;
  });
});

Deno.test("fetchRuntime() does not believe what lies in its cache", async () => {
  await using place = await room({ npm: GOOD });
  await fetchRuntime(TARGET, place.options);
  await Deno.writeFile(join(place.path, "cache/deno"), BAD);
  await assert.rejects(fetchRuntime(TARGET, place.options), /cache\/deno": its SHA-256 is/);
});

Deno.test("fetchRuntime() asks nobody when there is a folder, and takes no other program", async () => {
  await using place = await room({ npm: GOOD });
  const options = { ...place.options, folder: place.path };
  await assert.rejects(
    fetchRuntime(TARGET, options),
    /there is no ".*plan9-amd64\/deno"; put deno/,
  );
  await Deno.mkdir(join(place.path, TARGET.name));
  await Deno.writeFile(join(place.path, TARGET.name, "deno"), BAD);
  await assert.rejects(
    fetchRuntime(TARGET, options),
    /its SHA-256 is .* is pinned; put deno 1\.2\.3/,
  );
  await Deno.writeFile(join(place.path, TARGET.name, "deno"), GOOD);
  assert.deepEqual(await fetchRuntime(TARGET, options), GOOD);
  assert.deepEqual(place.asked, []);
});

Deno.test("unlike() knows a single bit", () => {
  assert.equal(unlike(GOOD, SHA256), undefined);
  assert.match(unlike(BAD, SHA256)!, new RegExp(SHA256));
});

Deno.test("complaintOf() finds the line that says what is wrong", () => {
  const npm =
    "npm error code ETARGET\nnpm error notarget No matching version\nnpm error A complete log of";
  assert.equal(complaintOf(npm), "npm error notarget No matching version");
  assert.equal(complaintOf("WARNING: old\nERROR: none fits\n"), "ERROR: none fits");
  assert.equal(complaintOf("No module named pip\n"), "No module named pip");
  assert.equal(complaintOf(""), "it says nothing");
});

Deno.test("TARGETS pin a program each, no two the same", () => {
  const hashes = TARGETS.map(({ runtime }) => runtime.sha256);
  assert.ok(hashes.every((hash) => /^[0-9a-f]{64}$/.test(hash)));
  assert.equal(new Set(hashes).size, TARGETS.length);
});
