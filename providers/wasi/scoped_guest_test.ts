import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { testProvider } from "../../lib/testing/mod.ts";
import type { Order } from "./protocol.ts";
import { permissionsOf } from "./scoped_walls.ts";
import { openFixture, print, start } from "./testing.ts";

testProvider("WasiProvider on the portable host", () => openFixture({ host: "portable" }));

/** What a Worker tries, and what came of each: `ok`, or the name of the error. */
type Tries = Readonly<Record<string, string>>;

/** This program's own code. */
const CODE = [".", "../../"].map((folder) => fileURLToPath(new URL(folder, import.meta.url)));

/** Tries operations of plain Deno in a Worker with a run's permissions: no other wall stands. */
async function tryAll(order: Order, tries: Tries, narrowed = ""): Promise<Tries> {
  const walls = new URL("./scoped_walls.ts", import.meta.url).href;
  const source = `const came = {};
    const { narrow } = await import(${JSON.stringify(walls)});
    ${narrowed}
    for (const [what, code] of Object.entries(${JSON.stringify(tries)})) {
      try { await new Function("return (async () => " + code + ")()")(); came[what] = "ok"; }
      catch (error) { came[what] = error.name; }
    }
    self.postMessage(came);`;
  const worker = new Worker(`data:text/javascript,${encodeURIComponent(source)}`, {
    type: "module",
    deno: { permissions: permissionsOf(order, CODE) },
  });
  try {
    return await new Promise((resolve) => {
      worker.onmessage = ({ data }: MessageEvent<Tries>) => resolve(data);
    });
  } finally {
    worker.terminate();
  }
}

Deno.test("a run's permissions end at its own folders, whatever the code in it does", async () => {
  const folder = await Deno.makeTempDir();
  try {
    for (const path of ["logs/a/app", "logs/b/app", "pods/a/root", "pods/a/config", "pods/b"]) {
      await Deno.mkdir(`${folder}/${path}`, { recursive: true });
      await Deno.writeTextFile(`${folder}/${path}/file`, "text");
    }
    await Deno.mkdir(`${folder}/images`);
    for (const image of ["one", "two"]) await Deno.writeTextFile(`${folder}/images/${image}`, "");
    const order: Order = {
      modulePath: `${folder}/images/one`,
      args: [],
      env: {},
      preopens: [
        { hostPath: `${folder}/pods/a/root`, guestPath: "/", readOnly: false, exact: true },
        { hostPath: `${folder}/pods/a/config`, guestPath: "/etc", readOnly: true, exact: true },
      ],
      logPath: `${folder}/logs/a/app/0.log`,
    };
    const at = (path: string) => JSON.stringify(`${folder}/${path}`);
    const tries = {
      readRoot: `Deno.readTextFile(${at("pods/a/root/file")})`,
      writeRoot: `Deno.writeTextFile(${at("pods/a/root/new")}, "")`,
      readConfig: `Deno.readTextFile(${at("pods/a/config/file")})`,
      readModule: `Deno.readFile(${at("images/one")})`,
      rotateLog: `Deno.rename(${at("logs/a/app/file")}, ${at("logs/a/app/file.1")})`,
      writeConfig: `Deno.writeTextFile(${at("pods/a/config/file")}, "")`,
      removeConfig: `Deno.remove(${at("pods/a/config/file")})`,
      touchConfig: `Deno.utime(${at("pods/a/config/file")}, 0, 0)`,
      writeModule: `Deno.writeTextFile(${at("images/one")}, "")`,
      otherImage: `Deno.readFile(${at("images/two")})`,
      otherPod: `Deno.readTextFile(${at("pods/b/file")})`,
      writeOtherPod: `Deno.writeTextFile(${at("pods/b/file")}, "")`,
      upwards: `Deno.readTextFile(${at("pods/a/root/../../b/file")})`,
      allPods: `[...Deno.readDirSync(${at("pods")})]`,
      otherLog: `Deno.readTextFile(${at("logs/b/app/file")})`,
      linkOut: `Deno.symlink(${at("pods/b")}, ${at("pods/a/root/link")})`,
      run: `new Deno.Command("true").output()`,
      net: `Deno.connect({ port: 1 })`,
      env: `Deno.env.toObject()`,
      ffi: `Deno.dlopen("libc.so.6", {})`,
    };
    const allowed = ["readRoot", "writeRoot", "readConfig", "readModule", "rotateLog"];
    const expected = Object.fromEntries(
      Object.keys(tries).map((what) => [what, allowed.includes(what) ? "ok" : "NotCapable"]),
    );
    assert.deepEqual(await tryAll(order, tries), expected);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("a run's network permission ends with what its module needs", async () => {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/desk`;
  const listener = Deno.listen({ transport: "unix", path });
  try {
    const order: Order = {
      modulePath: `${folder}/module`,
      args: [],
      env: {},
      preopens: [],
      network: { at: { path }, run: 1, token: "", listeners: [] },
    };
    const tries = {
      listen: `Deno.listen({ hostname: "127.0.0.1", port: 0 }).close()`,
      desk: `(await Deno.connect({ transport: "unix", path: ${JSON.stringify(path)} })).close()`,
      removeDesk: `Deno.remove(${JSON.stringify(path)})`,
      goOn: "connected.write(new Uint8Array(1))",
    };
    const connected = `const connected = globalThis.connected =
      await Deno.connect({ transport: "unix", path: ${JSON.stringify(path)} });`;
    const narrow = (sockets: boolean): string =>
      `${connected} narrow(${JSON.stringify(order)}, { sockets: ${sockets} });`;
    const closed = { desk: "NotCapable", removeDesk: "NotCapable", goOn: "ok" };
    assert.deepEqual(await tryAll(order, tries, narrow(true)), { listen: "ok", ...closed });
    assert.deepEqual(await tryAll(order, tries, narrow(false)), {
      listen: "NotCapable",
      ...closed,
    });
    const { network: _, ...without } = order;
    const { listen, desk } = tries;
    assert.deepEqual(await tryAll(without, { listen, desk }), {
      listen: "NotCapable",
      desk: "NotCapable",
    });
  } finally {
    listener.close();
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("WasiProvider on the portable host gives a guest its mounts and its stack", async () => {
  await using fixture = await openFixture({ host: "portable" });
  const { provider, folder } = fixture;
  assert.deepEqual(provider.handlers, ["krustlet", "krustlet-process"]);
  const never = new AbortController().signal;
  const control = { onStarted: () => {}, stop: never, kill: never };
  const hostPath = `${folder}/elsewhere`;
  await Deno.mkdir(hostPath);
  const makesFolder = start(`(i32.store (i32.const 32) (i32.const 0x0077656e))
    (call $proc_exit (call $path_create_directory (i32.const 4) (i32.const 32) (i32.const 3)))`);
  for (const [readOnly, code] of [[true, 69], [false, 0]] as const) { // errno rofs
    const mounts = [{ hostPath, guestPath: "/data", readOnly }];
    const exit = await provider.run(await fixture.guestOf(makesFolder, { mounts }), control);
    assert.deepEqual(exit, { kind: "exited", code });
  }
  assert.ok((await Deno.stat(`${hostPath}/new`)).isDirectory);
  const wat = start(`${print(1, "deep\n")} (call $deeper)`, "(func $deeper (call $deeper))");
  const deep = await provider.run(await fixture.guestOf(wat), control);
  assert.equal(deep.kind, "trapped", JSON.stringify(deep));
});

Deno.test("WasiProvider refuses a handler that this machine does not have", async () => {
  await using fixture = await openFixture({ host: "portable", poolSize: 0 });
  const never = new AbortController().signal;
  const container = await fixture.guestOf(start("nop"), { runtimeHandler: "krustlet-worker" });
  await assert.rejects(
    fixture.provider.run(container, { onStarted: assert.fail, stop: never, kill: never }),
    /Cannot use runtime handler "krustlet-worker": this machine has krustlet, krustlet-process$/,
  );
});
