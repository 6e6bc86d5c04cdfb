import assert from "node:assert/strict";
import type { Container, Pod } from "../api/types.ts";
import type { ContainerMount, ContainerRun } from "../provider.ts";
import { terminationFolder, terminationMessage } from "./termination_message.ts";

const SPEC: Container = { name: "app", terminationMessagePath: "/dev/termination-log" };

/** A run that has ended, with its root, a volume and a log. */
class Ended implements AsyncDisposable {
  readonly dir = Deno.makeTempDirSync();
  readonly root = `${this.dir}/root`;
  readonly volume = `${this.dir}/volume`;
  mounts: ContainerMount[] = [];

  constructor() {
    for (const path of [`${this.root}/dev`, this.volume, `${this.dir}/logs`]) {
      Deno.mkdirSync(path, { recursive: true });
    }
  }

  async words(spec: Container = SPEC, { failed = true, others = 0 } = {}): Promise<string> {
    const run: ContainerRun = {
      id: "",
      pod: { uid: "", namespace: "", name: "" },
      container: "app",
      attempt: 0,
      module: { path: "", digest: "" },
      argv: [],
      env: {},
      rootPath: this.root,
      mounts: this.mounts,
      logPath: `${this.dir}/logs/0.log`,
      limits: {},
    };
    const initContainers = Array.from({ length: others }, (_, i) => ({ name: `other-${i}` }));
    const pod: Pod = { spec: { containers: [spec], initContainers } };
    return await terminationMessage({ pod, spec, run, failed });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.dir, { recursive: true });
  }
}

Deno.test("terminationMessage() is the end of the container's own file, a pod's bound divided", async () => {
  await using ended = new Ended();
  assert.equal(await ended.words(), "");
  await Deno.writeTextFile(`${ended.root}/dev/termination-log`, "DONE");
  assert.equal(await ended.words(SPEC, { failed: false }), "DONE");
  await Deno.writeTextFile(`${ended.root}/dev/termination-log`, `${"x".repeat(5_000)}end`);
  assert.equal((await ended.words()).length, 4096);
  const shared = await ended.words(SPEC, { others: 5 });
  assert.deepEqual([shared.length, shared.endsWith("xend")], [2048, true]);
  await Deno.writeTextFile(`${ended.root}/dev/termination-log`, "ü".repeat(3_000));
  assert.equal(await ended.words(SPEC, { others: 3 }), "ü".repeat(1_536));
});

Deno.test("terminationMessage() reads from the volume that holds its path", async () => {
  await using ended = new Ended();
  const mount = { hostPath: ended.volume, guestPath: "/out", readOnly: false };
  ended.mounts = [{ ...mount, hostPath: ended.root, guestPath: "/" }, mount];
  await Deno.writeTextFile(`${ended.volume}/words`, "from the volume");
  const spec = { ...SPEC, terminationMessagePath: "/out/words" };
  assert.equal(await ended.words(spec), "from the volume");
});

Deno.test({
  name: "terminationMessage() follows no link out of the guest's files, and waits for no pipe",
  ignore: Deno.build.os === "windows",
  async fn(): Promise<void> {
    await using ended = new Ended();
    const secret = `${ended.dir}/secret`;
    await Deno.writeTextFile(secret, "a secret of the machine");
    const path = `${ended.root}/dev/termination-log`;
    await Deno.symlink(secret, path);
    assert.equal(await ended.words(), "");
    await Deno.remove(path);
    await new Deno.Command("mkfifo", { args: [path] }).output();
    assert.equal(await ended.words(), "");
    await Deno.remove(path);
    await Deno.writeTextFile(`${ended.root}/real`, "inside");
    await Deno.symlink("../real", path);
    assert.equal(await ended.words(), "inside");
    await Deno.remove(`${ended.root}/dev`, { recursive: true });
    await Deno.symlink(ended.dir, `${ended.root}/dev`);
    const spec = { ...SPEC, terminationMessagePath: "/dev/secret" };
    assert.equal(await ended.words(spec), "");
  },
});

Deno.test({
  name: "terminationMessage() does not follow a mount that a guest has swapped for a link",
  ignore: Deno.build.os === "windows",
  async fn(): Promise<void> {
    await using ended = new Ended();
    const sub = `${ended.volume}/sub`;
    await Deno.mkdir(sub);
    ended.mounts = [{ hostPath: sub, guestPath: "/data", readOnly: false }];
    await Deno.writeTextFile(`${sub}/words`, "bye");
    await Deno.mkdir(`${ended.dir}/machine`);
    await Deno.writeTextFile(`${ended.dir}/machine/words`, "a secret of the machine");
    const spec = { ...SPEC, terminationMessagePath: "/data/words" };
    assert.equal(await ended.words(spec), "bye");
    await Deno.rename(sub, `${ended.volume}/other`);
    await Deno.symlink("../machine", sub);
    assert.equal(await ended.words(spec), "");
  },
});

Deno.test("terminationMessage() takes the end of a failed run's log, where that was asked for", async () => {
  await using ended = new Ended();
  const lines = Array.from({ length: 100 }, (_, i) => `2026-01-01T00:00:00Z stdout F line ${i}\n`);
  await Deno.writeTextFile(`${ended.dir}/logs/0.log`, lines.join(""));
  const spec: Container = { ...SPEC, terminationMessagePolicy: "FallbackToLogsOnError" };
  assert.equal(await ended.words(), "");
  assert.equal(await ended.words(spec, { failed: false }), "");
  const words = await ended.words(spec);
  assert.deepEqual([words.split("\n").length - 1, words.startsWith("line 20\n")], [80, true]);
  await Deno.writeTextFile(`${ended.root}/dev/termination-log`, "its own");
  assert.equal(await ended.words(spec), "its own");
});

Deno.test("terminationFolder() is to be made unless a mount holds it", () => {
  const mount = (guestPath: string): ContainerMount => ({
    hostPath: "",
    guestPath,
    readOnly: false,
  });
  assert.equal(terminationFolder({}, [mount("/devices")]), "/dev");
  assert.equal(terminationFolder({}, [mount("/dev")]), undefined);
  assert.equal(terminationFolder({ terminationMessagePath: "/a/b/c" }, [mount("/a")]), undefined);
  assert.equal(terminationFolder({ terminationMessagePath: "/words" }, []), undefined);
});
