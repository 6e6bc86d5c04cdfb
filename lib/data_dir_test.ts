import assert from "node:assert/strict";
import { join } from "node:path";
import { fileExists, lockDataDir, readText } from "./data_dir.ts";
import { KubeletError } from "./errors.ts";

const MODULE = new URL("./data_dir.ts", import.meta.url).href;

/** A folder that is removed at the end. */
async function folder(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await Deno.makeTempDir({ prefix: "krustlet-data-" });
  return { path, [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }) };
}

/** Another process that takes the lock, says how that went, and lives until its stdin ends. */
async function holder(
  dataDir: string,
): Promise<AsyncDisposable & { readonly said: string; die(): Promise<void> }> {
  const code = `
    const { lockDataDir } = await import(${JSON.stringify(MODULE)});
    const said = await lockDataDir(${JSON.stringify(dataDir)}).then(() => "locked", String);
    await Deno.stdout.write(new TextEncoder().encode(said));
    await Deno.stdin.read(new Uint8Array(1));
  `;
  const child = new Deno.Command(Deno.execPath(), {
    args: ["eval", code],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const reader = child.stdout.getReader();
  const { value } = await reader.read();
  return {
    said: new TextDecoder().decode(value),
    async die(): Promise<void> {
      child.kill("SIGKILL");
      await child.status;
    },
    async [Symbol.asyncDispose](): Promise<void> {
      await child.stdin.close().catch(() => {}); // one that was killed reads no more
      await reader.cancel();
      await child.status;
    },
  };
}

Deno.test("lockDataDir() makes the folder, and refuses a second agent", async () => {
  await using parent = await folder();
  const dataDir = join(parent.path, "new", "data");
  await using first = await holder(dataDir);
  assert.equal(first.said, "locked");
  await assert.rejects(lockDataDir(dataDir), (error) => {
    assert.ok(error instanceof KubeletError);
    assert.equal(error.code, "invalid");
    assert.ok(error.message.includes(`"${dataDir}": another krustlet is at work there`));
    return true;
  });
});

Deno.test("lockDataDir() is free again when the agent that held it was killed", async () => {
  await using data = await folder();
  await using first = await holder(data.path);
  assert.equal(first.said, "locked");
  await first.die();
  await using second = await holder(data.path);
  assert.equal(second.said, "locked");
});

Deno.test("lockDataDir() says what is wrong with a folder that cannot be made", async () => {
  await using data = await folder();
  const file = join(data.path, "file");
  await Deno.writeTextFile(file, "");
  await assert.rejects(lockDataDir(join(file, "data")), {
    code: "invalid",
    message: /^Cannot use data folder ".*file.*data": .+; give another one with --data-dir$/s,
  });
});

Deno.test("fileExists() tells files and folders from nothing", async () => {
  await using data = await folder();
  assert.equal(await fileExists(data.path), true);
  assert.equal(await fileExists(join(data.path, "missing")), false);
});

Deno.test("readText() names the file and the flag that named it", async () => {
  await using data = await folder();
  const path = join(data.path, "ca.pem");
  await assert.rejects(readText(path, "--client-ca-file"), (error) => {
    assert.ok(error instanceof KubeletError && error.code === "invalid");
    assert.ok(error.message.startsWith(`Cannot read "${path}" (--client-ca-file): `));
    return true;
  });
  await Deno.writeTextFile(path, "PEM");
  assert.equal(await readText(path, "--client-ca-file"), "PEM");
});
