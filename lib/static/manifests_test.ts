import assert from "node:assert/strict";
import type { Pod } from "../api/types.ts";
import { Manifests } from "./manifests.ts";

const manifest = (name: string, image = "app:v1"): string =>
  `apiVersion: v1\nkind: Pod\nmetadata: { name: ${name} }\n` +
  `spec:\n  containers:\n    - { name: app, image: "${image}" }\n`;

/** A folder, what reads it, and what that complains of. */
class Folder implements AsyncDisposable {
  readonly trouble: string[] = [];
  readonly manifests: Manifests;

  private constructor(readonly path: string) {
    this.manifests = new Manifests({
      path,
      nodeName: "n1",
      onTrouble: (message) => this.trouble.push(message),
    });
  }

  static async open(): Promise<Folder> {
    return new Folder(await Deno.makeTempDir({ prefix: "krustlet-static-" }));
  }

  write(name: string, text: string): Promise<void> {
    return Deno.writeTextFile(`${this.path}/${name}`, text);
  }

  async names(): Promise<string[]> {
    return namesOf(await this.manifests.read());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.path, { recursive: true }).catch(() => {});
  }
}

function namesOf(pods: readonly Pod[]): string[] {
  return pods.map(({ metadata }) => metadata?.name ?? "");
}

Deno.test("Manifests.read() takes YAML and JSON, and leaves hidden files and folders alone", async () => {
  await using folder = await Folder.open();
  await folder.write("a.yaml", `${manifest("one")}---\n${manifest("two")}`);
  await folder.write(
    "b.json",
    JSON.stringify({
      kind: "Pod",
      metadata: { name: "three", namespace: "kube-system" },
      spec: { containers: [{ name: "app", image: "x" }] },
    }),
  );
  await folder.write(".hidden.yaml", manifest("hidden"));
  await Deno.mkdir(`${folder.path}/sub`);
  await folder.write("sub/c.yaml", manifest("deep"));
  assert.deepEqual(await folder.names(), ["one-n1", "two-n1", "three-n1"]);
  assert.deepEqual(folder.trouble, []);
});

Deno.test("Manifests.read() takes one file as well as a folder", async () => {
  await using folder = await Folder.open();
  await folder.write("a.yaml", manifest("one"));
  const one = new Manifests({
    path: `${folder.path}/a.yaml`,
    nodeName: "n1",
    onTrouble: assert.fail,
  });
  assert.deepEqual(namesOf(await one.read()), ["one-n1"]);
});

Deno.test("Manifests.read() keeps what a broken file held, says so once, and lets the rest go on", async () => {
  await using folder = await Folder.open();
  await folder.write("a.yaml", manifest("one"));
  await folder.write("b.yaml", manifest("two"));
  assert.deepEqual(await folder.names(), ["one-n1", "two-n1"]);
  await folder.write("a.yaml", "kind: Pod\nspec: [");
  await folder.write("c.yaml", manifest("three"));
  for (let i = 0; i < 2; i++) {
    assert.deepEqual(await folder.names(), ["one-n1", "two-n1", "three-n1"]);
  }
  assert.equal(folder.trouble.length, 1);
  assert.match(folder.trouble[0]!, /^Cannot use static pod manifest ".*a\.yaml": /);
  await Deno.remove(`${folder.path}/a.yaml`);
  assert.deepEqual(await folder.names(), ["two-n1", "three-n1"]);
});

Deno.test("Manifests.read() takes the first of two pods of one name", async () => {
  await using folder = await Folder.open();
  await folder.write("a.yaml", manifest("same", "first"));
  await folder.write("b.yaml", manifest("same", "second"));
  const [pod, ...more] = await folder.manifests.read();
  assert.deepEqual([pod?.spec?.containers[0]?.image, more], ["first", []]);
  assert.match(folder.trouble.join(), /b\.yaml": pod "default\/same-n1" is there twice/);
});

Deno.test("Manifests.watch() tells of files that come, change and go", async () => {
  await using folder = await Folder.open();
  const stop = new AbortController();
  let seen: readonly Pod[] = [];
  let wake = (): void => {};
  const watching = folder.manifests.watch((pods) => {
    seen = pods;
    wake();
  }, stop.signal);
  const until = async (what: string, is: () => boolean): Promise<void> => {
    const limit = setTimeout(() => stop.abort(), 60_000);
    while (!is()) {
      assert.ok(!stop.signal.aborted, `waited in vain until ${what}`);
      await new Promise<void>((resolve) => {
        wake = resolve;
        stop.signal.addEventListener("abort", () => resolve(), { once: true });
      });
    }
    clearTimeout(limit);
  };
  await folder.write("a.yaml", manifest("one"));
  await until("one is there", () => namesOf(seen).join() === "one-n1");
  const [first] = seen;
  await folder.write("a.yaml", manifest("one", "app:v2"));
  await until("it has changed", () => seen[0]?.metadata?.uid !== first?.metadata?.uid);
  await Deno.remove(`${folder.path}/a.yaml`);
  await until("it is gone", () => seen.length === 0);
  stop.abort();
  await watching;
});
