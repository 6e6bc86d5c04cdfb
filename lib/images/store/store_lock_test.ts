import assert from "node:assert/strict";
import { TestDir } from "../oci/_test_registry.ts";
import { StoreLock } from "./store_lock.ts";

Deno.test("StoreLock.alone() does nothing while another uses the store", async () => {
  await using dir = new TestDir();
  using ours = new StoreLock(dir.path);
  const theirs = new StoreLock(dir.path);
  assert.equal(await ours.alone(() => Promise.resolve("done")), "done");
  await theirs.use();
  assert.equal(await ours.alone(() => assert.fail("another uses it")), "shared");
  theirs.close();
  assert.equal(await ours.alone(() => Promise.resolve("done")), "done");
});

Deno.test("StoreLock.use() waits until another has done its work alone", async () => {
  await using dir = new TestDir();
  using ours = new StoreLock(dir.path);
  using theirs = new StoreLock(dir.path);
  const order: string[] = [];
  const work = Promise.withResolvers<void>();
  const begun = Promise.withResolvers<void>();
  const alone = ours.alone(async () => {
    begun.resolve();
    await work.promise;
    order.push("alone");
  });
  await begun.promise;
  const using_ = theirs.use().then(() => order.push("used"));
  work.resolve();
  await Promise.all([alone, using_]);
  assert.deepEqual(order, ["alone", "used"]);
});

Deno.test("StoreLock.alone() holds the store again after work that fails", async () => {
  await using dir = new TestDir();
  using ours = new StoreLock(dir.path);
  using theirs = new StoreLock(dir.path);
  await assert.rejects(ours.alone(() => Promise.reject(new Error("no"))), { message: "no" });
  assert.equal(await theirs.alone(() => assert.fail("it is in use")), "shared");
});

Deno.test("StoreLock.changing() lets one change the index at a time", async () => {
  await using dir = new TestDir();
  const locks = Array.from({ length: 4 }, () => new StoreLock(dir.path));
  let [now, most] = [0, 0];
  await Promise.all(locks.map((lock) =>
    lock.changing(async () => {
      most = Math.max(most, ++now);
      await Deno.stat(dir.path);
      now--;
    })
  ));
  assert.equal(most, 1);
});

Deno.test("StoreLock.changing() says which folder another process holds for too long", async () => {
  await using dir = new TestDir();
  const [ours, theirs] = [new StoreLock(dir.path, 20), new StoreLock(dir.path)];
  await theirs.changing(async () => {
    await assert.rejects(ours.changing(() => assert.fail("it is held")), {
      name: "PullFailure",
      message: `another process has held "${dir.path}" for 0.02 s; is one stuck?`,
    });
  });
  assert.equal(await ours.changing(() => Promise.resolve("done")), "done");
});

Deno.test("StoreLock is given back by the system when its process is killed", async () => {
  await using dir = new TestDir();
  const lock = new URL("./store_lock.ts", import.meta.url).href;
  const script = `import { StoreLock } from ${JSON.stringify(lock)};
await new StoreLock(Deno.args[0]).use(); console.log("held"); setInterval(() => {}, 1000);`;
  const path = `${dir.path}/hold.ts`;
  await Deno.writeTextFile(path, script);
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", "--quiet", path, dir.path],
    cwd: new URL("../../..", import.meta.url),
    stdout: "piped",
  }).spawn();
  const reader = child.stdout.getReader();
  await reader.read();
  using ours = new StoreLock(dir.path);
  assert.equal(await ours.alone(() => assert.fail("it is in use")), "shared");
  child.kill("SIGKILL");
  await child.status;
  await reader.cancel();
  assert.equal(await ours.alone(() => Promise.resolve("done")), "done");
});
