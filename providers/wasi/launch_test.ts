import assert from "node:assert/strict";
import { binaryV8Flags, GUEST_ARGUMENT, launch, type LaunchInput } from "./launch.ts";

const INPUT: LaunchInput = {
  os: "linux",
  standalone: false,
  execPath: "/bin/deno",
  parentPid: 17,
  entry: new URL("file:///room/guest_main.ts"),
  libc: "/lib/libc.so.6",
  imagesDir: "/data/images",
  logsDir: "/data/logs",
  podsDir: "/data/pods",
  codeDirs: ["/room/", "/wasi/"],
  env: { HOME: "/home/me", SECRET: "s" },
};

Deno.test("launch() gives leave for the C library, the images, the logs and its own code", () => {
  const { args } = launch(INPUT);
  assert.deepEqual(args.filter((arg) => arg.startsWith("--allow")), [
    "--allow-ffi=/lib/libc.so.6",
    "--allow-read=/data/images,/data/logs,/room/,/wasi/",
    "--allow-write=/data/logs",
  ]);
  const behind = args.slice(args.indexOf("file:///room/guest_main.ts") + 1);
  assert.deepEqual(behind, ["17", "alone", "/lib/libc.so.6", "/room/", "/wasi/"]);
});

Deno.test("launch() tells a process that its guest waits, if it is to have one guest", () => {
  const kind = (input: Partial<LaunchInput>): string | undefined =>
    launch({ ...INPUT, awaited: true, ...input }).args.at(-4);
  assert.deepEqual([kind({}), kind({ shared: true })], ["awaited", "shared"]);
});

Deno.test("launch() gives the portable host leave for the guest's folders and its pod's network", () => {
  const { libc: _, ...portable } = INPUT;
  const places = { extraDirs: ["/srv/a,b"], deskPath: "/data/desk/desk" };
  const { args } = launch({ ...portable, os: "darwin", ...places });
  assert.deepEqual(args.filter((arg) => arg.startsWith("--allow")), [
    "--allow-net",
    "--allow-read=/data/images,/data/logs,/room/,/wasi/,/data/pods,/srv/a,,b,/data/desk/desk",
    "--allow-write=/data/logs,/data/pods,/srv/a,,b,/data/desk/desk",
  ]);
  assert.deepEqual(args.slice(-4), ["17", "portable", "/room/", "/wasi/"]);
  assert.ok(
    args.includes("--unstable-worker-options"),
    "to cut it down to one container's folders",
  );
});

Deno.test("launch() bounds the heap of each Worker of a shared process, and its stack", () => {
  const { args } = launch({ ...INPUT, shared: true });
  assert.deepEqual(args.filter((arg) => arg.startsWith("--allow")), [
    "--allow-ffi=/lib/libc.so.6",
    "--allow-read=/data/images,/data/logs,/room/,/wasi/",
    "--allow-write=/data/logs",
  ]);
  const flags = args.find((arg) => arg.startsWith("--v8-flags="))?.split("=").slice(1).join("=");
  const [, stackKib] = /^--stack-size=(\d+),.*,--max-heap-size=\d+$/.exec(flags ?? "") ?? [];
  assert.ok(Number(stackKib) < 4096, "a Worker's thread has 4 MiB in Deno");
  assert.deepEqual(args.slice(-5), ["17", "shared", "/lib/libc.so.6", "/room/", "/wasi/"]);
});

Deno.test("launch() passes on nothing of the agent's environment but what Deno needs", () => {
  assert.deepEqual(launch(INPUT).env, {
    NO_COLOR: "1",
    DENO_NO_UPDATE_CHECK: "1",
    HOME: "/home/me",
  });
  const { env } = launch({ ...INPUT, shared: true });
  assert.equal(env.MALLOC_ARENA_MAX, "1", "its threads are Workers, which share one heap");
});

Deno.test("launch() starts a compiled binary by its hidden argument", () => {
  const { command, args, env } = launch({
    ...INPUT,
    standalone: true,
    codeDirs: [],
    execPath: "/bin/krustlet",
  });
  assert.equal(command, "/bin/krustlet");
  assert.deepEqual(args, [GUEST_ARGUMENT, "17", "alone", "/lib/libc.so.6"]);
  assert.equal(env.DENO_V8_FLAGS, undefined, "a compiled binary does not read it");
});

Deno.test("binaryV8Flags() fit the smallest of the threads that run guests", () => {
  for (const os of ["linux", "darwin", "windows"] as const) {
    const { args } = launch({ ...INPUT, os, shared: true });
    const flags = args.find((arg) => arg.startsWith("--v8-flags="))?.slice("--v8-flags=".length);
    assert.deepEqual(flags?.split(",").slice(0, -1), binaryV8Flags(os));
  }
});

Deno.test("launch() asks for less stack than the main thread of Deno has on Windows", () => {
  const { args } = launch({ ...INPUT, os: "windows" });
  const flag = args.find((arg) => arg.startsWith("--v8-flags=--stack-size="));
  assert.ok(Number(/--stack-size=(\d+)/.exec(flag ?? "")?.[1]) < 4096);
});
