import assert from "node:assert/strict";
import { ApiError } from "../api/client.ts";
import type { Pod } from "../api/types.ts";
import { eventually } from "../api/_test_server.ts";
import type { PodKey, StatusTransport } from "../status/writer.ts";
import { Mirrors } from "./mirrors.ts";
import { staticPod } from "./static_pod.ts";
import { nameOf } from "./static_pods.ts";

function refusal(status: number, reason: string): ApiError {
  const body = JSON.stringify({ kind: "Status", reason });
  return new ApiError({ method: "TEST", path: "/", status, body });
}

/** An API server that keeps pods by name. */
class Api {
  readonly pods = new Map<string, Pod>();
  readonly calls: string[] = [];
  away = false;
  #uids = 0;

  create<T>(path: string, body: unknown): Promise<T> {
    const pod = structuredClone(body) as Pod;
    const key = `${path}/${pod.metadata?.name}`;
    this.calls.push(`create ${pod.metadata?.name}`);
    if (this.away) return Promise.reject(new Error("nobody answers"));
    if (this.pods.has(key)) return Promise.reject(refusal(409, "AlreadyExists"));
    pod.metadata!.uid = `mirror-${++this.#uids}`;
    this.pods.set(key, pod);
    return Promise.resolve(pod as T);
  }

  delete<T>(path: string, options: { body?: unknown } = {}): Promise<T> {
    this.calls.push(`delete ${path.split("/").at(-1)}`);
    const { preconditions } = options.body as { preconditions: { uid: string } };
    const pod = this.pods.get(path);
    if (pod === undefined) return Promise.reject(refusal(404, "NotFound"));
    if (pod.metadata?.uid !== preconditions.uid) return Promise.reject(refusal(409, "Conflict"));
    this.pods.delete(path);
    return Promise.resolve(pod as T);
  }
}

const pod = (image = "app:v1"): Promise<Pod> =>
  staticPod({
    kind: "Pod",
    metadata: { name: "web" },
    ...({ spec: { containers: [{ name: "app", image }] } }),
  }, { nodeName: "n1", path: "/m/web.yaml" });

/** Mirrors at work, with everything that they tell. */
async function withMirrors(
  test: (parts: { api: Api; mirrors: Mirrors; told: PodKey[]; trouble: string[] }) => Promise<void>,
): Promise<void> {
  const api = new Api();
  const told: PodKey[] = [];
  const trouble: string[] = [];
  const mirrors = new Mirrors({
    api,
    nodeUid: () => "node-uid",
    onMirror: (key) => told.push(key),
    onTrouble: (message) => trouble.push(message),
  });
  const stop = new AbortController();
  const running = mirrors.run(stop.signal);
  try {
    await test({ api, mirrors, told, trouble });
  } finally {
    stop.abort();
    await running;
  }
}

const wanted = (...pods: Pod[]): Map<string, Pod> => new Map(pods.map((one) => [nameOf(one), one]));

Deno.test("Mirrors makes a mirror pod, and again when it is deleted", async () => {
  await withMirrors(async ({ api, mirrors, told }) => {
    const web = await pod();
    mirrors.set(wanted(web));
    assert.deepEqual(mirrors.sync([{ metadata: { name: "other", uid: "u" } }]).length, 1);
    await eventually("there is a mirror", () => told.length === 1);
    assert.equal(told[0]?.uid, web.metadata?.uid);
    const [[path, mirror]] = [...api.pods] as [[string, Pod]];
    // Somebody deletes it: the API server waits for the node, which lets it go at once.
    const dying = { ...mirror, metadata: { ...mirror.metadata, deletionTimestamp: "now" } };
    api.pods.set(path, dying);
    assert.equal(mirrors.applied(dying), true);
    await eventually("there is another", () => told.length === 2);
    assert.equal(api.pods.get(path)?.metadata?.deletionTimestamp, undefined);
    assert.deepEqual(api.calls, ["create web-n1", "delete web-n1", "create web-n1"]);
  });
});

Deno.test("Mirrors replaces what shows another manifest, and removes what shows none", async () => {
  await withMirrors(async ({ api, mirrors, told }) => {
    const [before, after] = [await pod("app:v1"), await pod("app:v2")];
    mirrors.set(wanted(before));
    mirrors.sync([]);
    await eventually("there is a mirror", () => told.length === 1);
    mirrors.set(wanted(after));
    await eventually("there is another", () => told.length === 2);
    assert.equal(told[1]?.uid, after.metadata?.uid);
    mirrors.set(wanted());
    await eventually("there is none", () => api.pods.size === 0);
  });
});

Deno.test("Mirrors waits for the API server, says so once, and then goes on", async () => {
  await withMirrors(async ({ api, mirrors, told, trouble }) => {
    api.away = true;
    mirrors.set(wanted(await pod()));
    mirrors.sync([]);
    await eventually("it has tried twice", () => api.calls.length === 2);
    api.away = false;
    await eventually("there is a mirror", () => told.length === 1);
    assert.deepEqual(trouble, [
      'Cannot show static pod "default/web-n1" to the cluster: nobody answers',
    ]);
  });
});

Deno.test("Mirrors leads a static pod's status to its mirror, and keeps it back while there is none", async () => {
  await withMirrors(async ({ mirrors, told }) => {
    const written: string[] = [];
    const to: StatusTransport = {
      writeStatus: ({ uid }) => {
        written.push(uid);
        return Promise.resolve("written");
      },
      release: () => Promise.resolve("written"),
    };
    const transport = mirrors.transport(to);
    const { signal } = new AbortController();
    const web = await pod();
    mirrors.set(wanted(web));
    const key = { namespace: "default", name: "web-n1", uid: web.metadata!.uid! };
    assert.equal(await transport.writeStatus(key, {}, signal), "gone");
    mirrors.sync([]);
    await eventually("there is a mirror", () => told.length === 1);
    assert.equal(await transport.writeStatus(key, {}, signal), "written");
    await transport.writeStatus({ ...key, name: "x", uid: "of-the-api" }, {}, signal);
    assert.deepEqual(written, ["mirror-1", "of-the-api"]);
  });
});
