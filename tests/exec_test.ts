/** `kubectl exec`, `cp`, `attach` and `debug`, over WebSockets and over SPDY. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { eventually } from "./harness/eventually.ts";
import { tempFolder } from "./harness/temp_folder.ts";
import { type Scene, useTestbed } from "./harness/testbed.ts";
import { type PodRef, waitEnded, waitRunning } from "./harness/wait_pod.ts";

const scenario = useTestbed();

/** What kubectl speaks with the API server, which speaks the same with the node. */
const TRANSPORTS = {
  WebSocket: {},
  SPDY: {
    KUBECTL_REMOTE_COMMAND_WEBSOCKETS: "false",
    KUBECTL_PORT_FORWARD_WEBSOCKETS: "false",
  },
} as const;
const MIB = 1024 * 1024;

/** A pod that sleeps, with an empty folder at `/data`. */
async function sleeper(scene: Scene): Promise<PodRef> {
  const ref = await scene.pod({
    name: "sleeper",
    spec: { volumes: [{ name: "data", emptyDir: {} }], terminationGracePeriodSeconds: 0 },
    containers: [{
      image: await scene.image("sleep"),
      env: [{ name: "WHO", value: "the container" }],
      volumeMounts: [{ name: "data", mountPath: "/data" }],
    }],
  });
  await waitRunning(scene.cluster, ref);
  return ref;
}

interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

for (const [transport, env] of Object.entries(TRANSPORTS)) {
  const kubectl = (scene: Scene, args: readonly string[], input?: string): Promise<Ran> =>
    scene.cluster.tryKubectl(["-n", scene.namespace, ...args], {
      env,
      ...(input === undefined ? {} : { input }),
    });

  scenario(`kubectl exec runs programs in a container's view (${transport})`, async (scene) => {
    await sleeper(scene);
    const exec = (...command: string[]) => kubectl(scene, ["exec", "sleeper", "--", ...command]);
    const said = await exec("sh", "-c", "echo out; echo err >&2; echo $WHO | cat; exit 7");
    assert.deepEqual(
      [said.code, said.stdout],
      [7, "out\nthe container\n"],
      said.stderr,
    );
    assert.match(said.stderr, /^err\n/);
    assert.match(said.stderr, /exit code 7/);
    await exec("sh", "-c", "echo kept > /data/file");
    assert.equal((await exec("cat", "/data/file")).stdout, "kept\n");
    const echoed = await kubectl(scene, ["exec", "-i", "sleeper", "--", "cat"], "typed\n");
    assert.deepEqual([echoed.code, echoed.stdout], [0, "typed\n"], echoed.stderr);
    const missing = await exec("/no/such/program");
    assert.equal(missing.code, 127, missing.stderr);
    assert.match(missing.stderr, /\/no\/such\/program/);
  });

  scenario(`kubectl exec says what is not there (${transport})`, async (scene) => {
    await sleeper(scene);
    const other = await kubectl(scene, ["exec", "sleeper", "-c", "other", "--", "ls"]);
    assert.equal(other.code, 1);
    assert.match(other.stderr, /container other is not valid|container not found/);
    const ref = await scene.pod({
      name: "over",
      containers: [{ image: await scene.image("hello") }],
    });
    await waitEnded(scene.cluster, ref, "Succeeded");
    const over = await kubectl(scene, ["exec", "over", "--", "ls"]);
    assert.equal(over.code, 1);
    assert.match(over.stderr, /completed pod|not running|not found/);
  });

  scenario(`kubectl cp carries 50 MB and odd names, both ways (${transport})`, async (scene) => {
    await sleeper(scene);
    await using here = await tempFolder();
    // Without a backslash, of which kubectl makes a slash on the way back.
    const names = ["plain", "with space", "-dash", "umlaut-ä", "quote'\"", "star*", "new\nline"];
    const tree = join(here.path, "tree");
    await Deno.mkdir(join(tree, "deep", "er"), { recursive: true });
    for (const name of names) await Deno.writeTextFile(join(tree, "deep", name), `of ${name}`);
    const large = new Uint8Array(50 * MIB);
    for (let at = 0; at < large.length; at += 65_536) {
      crypto.getRandomValues(large.subarray(at, at + 65_536));
    }
    await Deno.writeFile(join(tree, "large"), large);
    const sent = await kubectl(scene, ["cp", tree, "sleeper:/data/tree"]);
    assert.equal(sent.code, 0, sent.stderr);
    const back = join(here.path, "back");
    const got = await kubectl(scene, ["cp", "--retries=3", "sleeper:/data/tree", back]);
    assert.equal(got.code, 0, got.stderr);
    for (const name of names) {
      assert.equal(await Deno.readTextFile(join(back, "deep", name)), `of ${name}`);
    }
    assert.ok((await Deno.stat(join(back, "deep", "er"))).isDirectory);
    const copied = await Deno.readFile(join(back, "large"));
    assert.equal(copied.length, large.length);
    assert.ok(copied.every((byte, i) => byte === large[i]), "a byte of the large file is another");
  });

  scenario(`kubectl attach reads and types (${transport})`, async (scene) => {
    const ref = await scene.pod({
      name: "reader",
      containers: [{ image: await scene.image("cat"), stdin: true, stdinOnce: true }],
    });
    await waitRunning(scene.cluster, ref);
    const attached = await kubectl(scene, ["attach", "-i", "reader"], "one\ntwo\n");
    assert.match(attached.stdout, /one\ntwo\n$/, attached.stderr);
    await waitEnded(scene.cluster, ref, "Succeeded");
    assert.equal(await scene.kubectl("logs", "reader"), "reading\none\ntwo\n");
  });

  scenario(`kubectl port-forward says that nothing listens (${transport})`, async (scene) => {
    await sleeper(scene);
    const stop = new AbortController();
    const port = 20_000 + Math.floor(Math.random() * 10_000);
    const forward = scene.cluster.tryKubectl(
      ["-n", scene.namespace, "port-forward", "pod/sleeper", `${port}:80`],
      { env, signal: stop.signal },
    );
    const refused = await eventually("the port to be forwarded", async () => {
      try {
        using connection = await Deno.connect({ hostname: "127.0.0.1", port });
        return await connection.read(new Uint8Array(1)) === null;
      } catch (error) {
        if (error instanceof Deno.errors.ConnectionRefused) return false;
        if (error instanceof Deno.errors.ConnectionReset) return true;
        throw error;
      }
    });
    assert.ok(refused);
    stop.abort();
    assert.match(
      (await forward).stderr,
      /failed to connect to localhost:80 inside the pod: .*connection refused/,
    );
  });
}

scenario("a hundred sessions at once each get their own answer", async (scene) => {
  await sleeper(scene);
  const answers = await Promise.all(
    Array.from({ length: 100 }, (_, i) => scene.kubectl("exec", "sleeper", "--", "echo", `${i}`)),
  );
  assert.deepEqual(answers, Array.from({ length: 100 }, (_, i) => `${i}\n`));
});

scenario("kubectl debug looks around in another container's view", async (scene) => {
  const ref = await sleeper(scene);
  await scene.kubectl("exec", "sleeper", "--", "sh", "-c", "echo seen > /data/file");
  const image = await scene.image("sleep");
  const debug = ["debug", "sleeper", `--image=${image}`, "--target=main", "-c", "look"];
  await scene.kubectl(...debug);
  await eventually("the debug container to run", async () => {
    const pod = await scene.kubectl("get", "pod", ref.name, "-o", "json");
    const { status } = JSON.parse(pod);
    return status.ephemeralContainerStatuses?.[0]?.state?.running !== undefined;
  });
  const seen = ["exec", "sleeper", "-c", "look", "--", "cat", "/proc/1/root/data/file"];
  assert.equal(await scene.kubectl(...seen), "seen\n");
});
