/** Probes, hooks, last words and another image: what happens in and around a container that runs. */
import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { guest } from "./guests/build.ts";
import { conditionOf } from "./harness/objects.ts";
import { pushTree } from "./harness/push_tree.ts";
import { tempFolder } from "./harness/temp_folder.ts";
import { useTestbed } from "./harness/testbed.ts";
import {
  statusOf,
  waitEnded,
  waitEvent,
  waitGone,
  waitPod,
  waitRunning,
} from "./harness/wait_pod.ts";

const scenario = useTestbed();

const DATA = { volumes: [{ name: "data", emptyDir: {} }] };
const MOUNT = { volumeMounts: [{ name: "data", mountPath: "/data" }] };
const FOREVER = ["sleep(3600000)"];
/** A program beside the container's own: its module is the only one that there is. */
const exec = (...script: string[]): { exec: { command: string[] } } => ({
  exec: { command: ["exerciser", ...script] },
});

scenario(
  "a container is ready when its probe says so, by what another one writes",
  async (scene) => {
    const image = await scene.image("go_exerciser");
    const ref = await scene.pod({
      name: "ready",
      containers: [{
        image,
        args: FOREVER,
        ...MOUNT,
        readinessProbe: { ...exec("assert_exists(file:/data/ready)"), periodSeconds: 1 },
      }, {
        name: "other",
        image,
        args: ["sleep(3000)", "write(lit:yes)to(file:/data/ready)", ...FOREVER],
        ...MOUNT,
      }],
      spec: { ...DATA, terminationGracePeriodSeconds: 0 },
    });
    const message = /^Readiness probe failed: .*ERR: .*\/data\/ready/s;
    await waitEvent(scene.cluster, ref, { reason: "Unhealthy", message });
    const pod = await waitPod(scene.cluster, ref, {
      to: "be ready",
      wanted: (pod) => conditionOf(pod, "Ready")?.status === "True",
    });
    assert.equal(statusOf(pod, "main").restartCount, 0);
  },
);

scenario("a container whose liveness probe fails is ended, and restarted", async (scene) => {
  const ref = await scene.pod({
    name: "alive",
    restartPolicy: "OnFailure",
    containers: [{
      image: await scene.image("go_exerciser"),
      args: FOREVER,
      livenessProbe: {
        ...exec("assert_exists(file:/never)"),
        periodSeconds: 1,
        failureThreshold: 2,
        terminationGracePeriodSeconds: 1,
      },
    }],
    spec: { terminationGracePeriodSeconds: 600 },
  });
  const message = /^Container main failed liveness probe, will be restarted$/;
  await waitEvent(scene.cluster, ref, { reason: "Killing", message });
  const pod = await waitPod(scene.cluster, ref, {
    to: "run again",
    wanted: (pod) => statusOf(pod, "main").restartCount > 0,
  });
  assert.equal(statusOf(pod, "main").lastState?.terminated?.exitCode, 137);
  await scene.kubectl("delete", "pod", "alive", "--grace-period=0", "--force");
});

scenario("an HTTP probe asks the host and port that it names", async (scene) => {
  let status = 503;
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(`${request.headers["user-agent"]} ${request.url}`);
    response.writeHead(status).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  try {
    const ref = await scene.pod({
      name: "http",
      containers: [{
        image: await scene.image("go_exerciser"),
        args: FOREVER,
        ports: [{ name: "web", containerPort: port }],
        startupProbe: {
          httpGet: { host: "127.0.0.1", port: "web", path: "/up" },
          periodSeconds: 1,
          failureThreshold: 100,
        },
      }],
      spec: { terminationGracePeriodSeconds: 0 },
    });
    const message = /^Startup probe failed: HTTP probe failed with statuscode: 503$/;
    await waitEvent(scene.cluster, ref, { reason: "Unhealthy", message });
    await waitPod(scene.cluster, ref, {
      to: "run, and not be started",
      wanted: (pod) => pod.status.phase === "Running" && statusOf(pod, "main").started === false,
    });
    status = 200;
    await waitPod(scene.cluster, ref, {
      to: "be started",
      wanted: (pod) => statusOf(pod, "main").started === true,
    });
    assert.match(asked[0]!, /^kube-probe\/1\.\d+ \/up$/);
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

scenario("hooks run in the container after its start and before its end", async (scene) => {
  await using host = await tempFolder();
  const ref = await scene.pod({
    name: "hooks",
    containers: [{
      image: await scene.image("go_exerciser"),
      args: FOREVER,
      ...MOUNT,
      lifecycle: {
        postStart: exec("write(lit:a)to(file:/data/started)"),
        preStop: exec("assert_exists(file:/data/started)", "write(lit:b)to(file:/data/stopping)"),
      },
    }],
    spec: {
      volumes: [{ name: "data", hostPath: { path: host.path } }],
      terminationGracePeriodSeconds: 5,
    },
  });
  await waitRunning(scene.cluster, ref);
  assert.equal(await Deno.readTextFile(join(host.path, "started")), "a");
  await scene.kubectl("delete", "pod", "hooks", "--wait=false");
  await waitGone(scene.cluster, ref);
  assert.equal(await Deno.readTextFile(join(host.path, "stopping")), "b");
});

scenario(
  "a container's last words are in its status, also from a read-only root",
  async (scene) => {
    const image = await scene.image("go_exerciser");
    const say = (path: string): string[] => [`write(lit:bye)to(file:${path})`];
    const ref = await scene.pod({
      name: "words",
      containers: [
        { name: "usual", image, args: say("/dev/termination-log") },
        {
          name: "read-only",
          image,
          args: say("/dev/termination-log"),
          securityContext: { readOnlyRootFilesystem: true },
        },
        { name: "own", image, args: say("/last/words"), terminationMessagePath: "/last/words" },
        {
          name: "log",
          image,
          args: ["assert_exists(file:/nothing)"],
          terminationMessagePolicy: "FallbackToLogsOnError",
        },
      ],
    });
    const pod = await waitEnded(scene.cluster, ref, "Failed");
    const words = (name: string): string | undefined =>
      statusOf(pod, name).state?.terminated?.message;
    assert.deepEqual(["usual", "read-only", "own"].map(words), ["bye", "bye", "bye"]);
    assert.match(words("log") ?? "", /^INF: Let's exercise!\nERR: .*nothing/);
  },
);

scenario("a container whose image has STOPSIGNAL SIGKILL needs no grace period", async (scene) => {
  const wasm = await Deno.readFile(await guest("spin"));
  const { image } = await pushTree(scene.registry, {
    repo: "impatient",
    layers: [{ packing: "gzip", files: { "app.wasm": wasm } }],
    run: { Entrypoint: ["/app.wasm"], StopSignal: "SIGKILL" },
  });
  const ref = await scene.pod({
    name: "impatient",
    containers: [{ image }],
    spec: { terminationGracePeriodSeconds: 600 },
  });
  await waitRunning(scene.cluster, ref);
  // A finalizer keeps what is left of the pod, to be looked at.
  const patch = (finalizers: readonly string[] | null): Promise<string> => {
    const body = JSON.stringify({ metadata: { finalizers } });
    return scene.kubectl("patch", "pod", ref.name, "--type=merge", "-p", body);
  };
  await patch(["krustlet.dev/test"]);
  await scene.kubectl("delete", "pod", ref.name, "--wait=false");
  const pod = await waitPod(scene.cluster, ref, {
    to: "be killed",
    wanted: (found) => found.status.containerStatuses?.[0]?.state?.terminated !== undefined,
  });
  assert.equal(statusOf(pod, "main").state?.terminated?.exitCode, 137);
  await patch(null);
  await waitGone(scene.cluster, ref);
});

scenario("a pod that runs takes another image", async (scene) => {
  const ref = await scene.pod({
    name: "other",
    containers: [{ image: await scene.image("sleep") }],
    spec: { terminationGracePeriodSeconds: 0 },
  });
  await waitRunning(scene.cluster, ref);
  const image = await scene.image("exit_42");
  await scene.kubectl("set", "image", "pod/other", `main=${image}`);
  const pod = await waitEnded(scene.cluster, ref, "Failed");
  const { restartCount, state, lastState } = statusOf(pod, "main");
  assert.deepEqual([restartCount, state?.terminated?.exitCode], [1, 42]);
  assert.equal(lastState?.terminated?.exitCode, 137);
});
