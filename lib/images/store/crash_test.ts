import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { ImageStore } from "../images.ts";
import { digestOf, moduleOf, names, TestDir, TestRegistry } from "../oci/_test_registry.ts";
import { parseIndex } from "./index_state.ts";

/** How often the process is killed. */
const KILLS = 50;
/** The module comes in so many pieces, with a pause before each. */
const PIECES = 20;
const PAUSE_MS = 5;
const CHILD = fileURLToPath(new URL("./_pull_child.ts", import.meta.url));
const { signal } = new AbortController();

/** A registry whose blobs trickle, so that a pull takes a while. */
async function trickling(): Promise<TestRegistry> {
  const registry = await TestRegistry.start();
  registry.fault = (request, response) => {
    const bytes = registry.blobs.get(request.url!.split("/blobs/")[1] ?? "");
    if (bytes === undefined || bytes.length < PIECES) return false;
    response.writeHead(200, { "content-length": bytes.length });
    const size = Math.ceil(bytes.length / PIECES);
    let at = 0;
    const timer = setInterval(() => {
      response.write(bytes.subarray(at, at += size));
      if (at >= bytes.length) response.end();
    }, PAUSE_MS);
    response.on("close", () => clearInterval(timer));
    return true;
  };
  return registry;
}

/** Pulls in a process of its own, and kills it `afterMs` behind its first word; true if it was. */
async function pullAndKill(args: readonly string[], afterMs: number): Promise<boolean> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", "--quiet", CHILD, ...args],
    cwd: new URL("../../..", import.meta.url),
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const reader = child.stdout.getReader();
  await reader.read();
  const timer = setTimeout(() => child.kill("SIGKILL"), afterMs);
  const { signal } = await child.status;
  clearTimeout(timer);
  await reader.cancel();
  return signal === "SIGKILL";
}

/** Every blob is what its name says, and every record leads to a module that is whole. */
async function checkSound(dir: string): Promise<void> {
  const folder = join(dir, "blobs", "sha256");
  for (const name of names(folder)) {
    const bytes = await Deno.readFile(join(folder, name));
    assert.equal(digestOf(bytes), `sha256:${name}`);
  }
  const index = await Deno.readTextFile(join(dir, "references.json")).catch(() => undefined);
  if (index === undefined) return;
  assert.doesNotThrow(() => JSON.parse(index), "the index is torn");
  for (const { module } of parseIndex(index).images.values()) {
    const { size } = await Deno.stat(join(folder, module!.digest.slice("sha256:".length)));
    assert.equal(size, module!.size);
  }
}

Deno.test(`ImageStore is sound after ${KILLS} pulls that were killed, and the next pull completes`, async () => {
  await using dir = new TestDir();
  await using registry = await trickling();
  let killed = 0;
  for (let i = 0; i < KILLS; i++) {
    // Every third pull is of what may be here already: then it is the index that is being written.
    const app = `app${i % 3 === 2 ? i - 1 : i}`;
    registry.artifact(app, "v1", moduleOf(200_000, i % 3 === 2 ? i - 1 : i));
    const args = [dir.path, registry.host, `${registry.host}/${app}:v1`];
    if (await pullAndKill(args, Math.random() * PIECES * PAUSE_MS * 1.5)) killed++;
    await checkSound(dir.path);
  }
  assert.ok(killed > KILLS / 2, `only ${killed} pulls were killed before they were done`);

  await using store = new ImageStore({
    dir: dir.path,
    registries: { insecure: [registry.host] },
    localModules: "refused",
  });
  const module = moduleOf(200_000, KILLS);
  registry.artifact("last", "v1", module);
  for (const app of ["last", "app0", "app1"]) {
    const image = `${registry.host}/${app}:v1`;
    const found = await store.ensure({ image, secrets: [] }, { signal });
    assert.equal(digestOf(await Deno.readFile(found.module!.path)), found.module!.digest);
  }
  assert.deepEqual(names(join(dir.path, "partial")), [], "what the killed ones left is cleared");
  await checkSound(dir.path);
});
