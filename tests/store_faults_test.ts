/** The image store when it is damaged, and when several processes use it. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { guest } from "./guests/build.ts";
import { type CommandResult, krustletCommand, runKrustlet } from "./harness/command.ts";
import { eventually } from "./harness/eventually.ts";
import { ImageShop, run } from "./harness/image_shop.ts";
import { freePort } from "./harness/ports.ts";
import { type Process, startProcess } from "./harness/processes.ts";
import { pushArtifact } from "./harness/push.ts";
import { clusterTest } from "./harness/testbed.ts";

const MIB = 2 ** 20;

/** A test in the shop; its registry outlives the last tick of it. */
function inShop(name: string, play: (shop: ImageShop) => Promise<void>): void {
  clusterTest(name, async () => {
    await using shop = await ImageShop.open();
    await play(shop);
  });
}

inShop("a damaged store: says what it found, pulls again, and never runs it", async (shop) => {
  const hello = await Deno.readFile(await guest("hello"));
  const other = await Deno.readFile(await guest("exit_42"));
  assert.ok(other.length + 10 < hello.length, "there is room for a section behind the module");
  const { image, layerDigest } = await pushArtifact(shop.registry, { repo: "hello", wasm: hello });
  assert.equal((await shop.pull(image)).code, 0);

  // Another program in its place, which would run: only its digest tells.
  const blob = join(shop.data, "images/blobs", layerDigest.replace(":", "/"));
  const padding = hello.length - other.length - 8;
  const size = [0, 7, 14, 21, 28].map((bits) => padding + 1 >> bits & 127 | (bits < 28 ? 128 : 0));
  await Deno.writeFile(
    blob,
    Uint8Array.from([...other, 0, ...size, 0, ...new Uint8Array(padding + 1)]).subarray(
      0,
      hello.length,
    ),
  );
  const pod = join(shop.data, "pod.json");
  const containers = [{ name: "main", image, imagePullPolicy: "IfNotPresent" }];
  const spec = { restartPolicy: "Never", containers };
  const manifest = { apiVersion: "v1", kind: "Pod", metadata: { name: "hello" }, spec };
  await Deno.writeTextFile(pod, JSON.stringify(manifest));
  const flags = ["--insecure-registries", shop.registry.host, "--data-dir", shop.data];
  const ran = await runKrustlet(["run", ...flags, pod]);
  assert.equal(ran.code, 0, ran.stderr);
  assert.match(ran.stdout, /Hello, world!/);
  assert.match(
    ran.stderr,
    /Removing ".+\/blobs\/sha256\/.+" of the image store.*its content has digest/,
  );

  const index = join(shop.data, "images/references.json");
  await Deno.writeFile(index, new Uint8Array((await Deno.stat(index)).size));
  const pulled = await shop.pull(image);
  assert.equal(pulled.code, 0, pulled.stderr);
  assert.match(pulled.stderr, /Cannot read ".+\/references.json".*it is torn/);
  assert.equal((await shop.pull(image)).stderr.includes("torn"), false);
});

/** In front of a command, so that it must keep to files' rights even if this is root. */
const RIGHTS = Deno.uid() === 0
  ? ["setpriv", "--bounding-set", "-dac_override,-dac_read_search", "--"]
  : [];

inShop("wrong rights: a file is pulled again, and of a folder it says what to do", async (shop) => {
  if (Deno.build.os === "windows") return;
  const { image, layerDigest } = await shop.module("app");
  const pull = (): Promise<CommandResult> =>
    run([...RIGHTS, ...krustletCommand(), ...shop.words(image)]);
  assert.equal((await pull()).code, 0);
  const blob = join(shop.data, "images/blobs", layerDigest.replace(":", "/"));
  for (const path of [blob, join(shop.data, "images/references.json")]) {
    await Deno.chmod(path, 0);
    const { code, stderr } = await pull();
    assert.equal(code, 0, stderr);
    assert.match(stderr, /"[^"]+".*ermission denied/);
  }
  for (const folder of ["partial", "blobs/sha256"]) {
    const path = join(shop.data, "images", folder);
    await Deno.remove(blob);
    await Deno.chmod(path, 0o500);
    const { code, stderr } = await pull();
    assert.equal(code, 1, stderr);
    assert.match(
      stderr,
      /may not read and write all of ".+" \(.*\); give the folder, and what is in it/,
    );
    await Deno.chmod(path, 0o700);
    assert.equal((await pull()).code, 0);
  }
});

/** A registry in front of another one: it stops in the middle of one blob. */
function stalling(upstream: string, digest: string): Deno.HttpServer<Deno.NetAddr> {
  return Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, async (request) => {
    const { pathname, search } = new URL(request.url);
    const { method, headers } = request;
    const answer = await fetch(`http://${upstream}${pathname}${search}`, { method, headers });
    if (!pathname.endsWith(digest)) return answer;
    const bytes = await answer.bytes();
    const half = new ReadableStream({
      start: (controller) => controller.enqueue(bytes.subarray(0, bytes.length >> 1)),
    });
    return new Response(half, { headers: { "content-length": String(bytes.length) } });
  });
}

inShop(
  "two processes: one goes on while another pulls, and clears what that left when killed",
  async (shop) => {
    const [slow, first, second] = [
      await shop.module("slow", MIB),
      await shop.module("first"),
      await shop.module("second"),
    ];
    const server = stalling(shop.registry.host, slow.layerDigest);
    try {
      await using pull = await shop.start(`127.0.0.1:${server.addr.port}/slow:v1`);
      const [partial] = await eventually("half a blob", async () => {
        const names = await shop.names("partial");
        const sizes = names.map((name) =>
          Deno.statSync(join(shop.data, "images/partial", name)).size
        );
        return sizes.some((size) => size >= MIB / 4) && names;
      });
      const beside = await shop.pull(first.image);
      assert.equal(beside.code, 0, beside.stderr);
      assert.deepEqual(await shop.names("partial"), [partial], "it is still being written");
      pull.signal("SIGKILL");
      assert.equal((await pull.ended).signal, "SIGKILL");
      assert.deepEqual(await shop.names("partial"), [partial]);
      const next = await shop.pull(second.image);
      assert.equal(next.code, 0, next.stderr);
      assert.deepEqual(await shop.names("partial"), []);
      const whole = await shop.pull(slow.image);
      assert.equal(whole.code, 0, whole.stderr);
    } finally {
      await server.shutdown();
    }
  },
);

/** A process that holds the lock of the store's index, as one does that is stuck. */
async function holdIndex(dir: string): Promise<Process> {
  await Deno.mkdir(join(dir, "images"), { recursive: true });
  const script = "const file = await Deno.open(Deno.args[0], { create: true, write: true });" +
    "await file.lock(true); console.log('held'); setInterval(() => {}, 60_000);";
  const path = join(dir, "hold.ts");
  await Deno.writeTextFile(path, script);
  const holder = await startProcess(
    [Deno.execPath(), "run", "-A", "--quiet", path, join(dir, "images/index.lock")],
    { name: "holder", logPath: join(dir, "hold.log") },
  );
  await eventually("the lock", async () => (await holder.log()).includes("held"));
  return holder;
}

inShop(
  "two processes: one waits for the other's lock, also if that one is killed",
  async (shop) => {
    const waiting = await shop.module("waiting");
    await using holder = await holdIndex(shop.data);
    await using pull = await shop.start(waiting.image);
    await eventually("the pull to come to the index", async () => {
      await pull.mustRun();
      const names = await shop.names("blobs/sha256");
      return names.includes(waiting.layerDigest.slice("sha256:".length));
    });
    assert.equal(pull.ending, undefined, "it waits");
    holder.signal("SIGKILL");
    assert.equal((await pull.ended).code, 0, await pull.log());
  },
);

inShop("two agents: the second is refused, until the first is killed", async (shop) => {
  const kubeconfig = join(shop.data, "..", "kubeconfig");
  const url = `http://127.0.0.1:${freePort()}`;
  const config = {
    apiVersion: "v1",
    kind: "Config",
    "current-context": "c",
    clusters: [{ name: "c", cluster: { server: url } }],
    users: [{ name: "u", user: { token: "x" } }],
    contexts: [{ name: "c", context: { cluster: "c", user: "u" } }],
  };
  await Deno.writeTextFile(kubeconfig, JSON.stringify(config));
  const words = (name: string): string[] => [
    ...["--kubeconfig", kubeconfig, "--data-dir", shop.data],
    ...["--node-name", name, "--port", String(freePort())],
  ];
  const start = async (name: string): Promise<Process> => {
    const agent = await startProcess([...krustletCommand(), ...words(name)], {
      name,
      logPath: join(shop.data, "..", `${name}.log`),
    });
    await eventually("the agent to look for its API server", async () => {
      await agent.mustRun();
      return (await agent.log()).includes("cannot reach the API server");
    });
    return agent;
  };
  await using first = await start("first");
  const { code, stderr } = await runKrustlet(words("second"));
  assert.equal(code, 2, stderr);
  assert.match(
    stderr,
    /Cannot use data folder ".+\/data": another krustlet is at work there; give/,
  );
  first.signal("SIGKILL");
  await first.ended;
  await using _third = await start("third");
});
