import assert from "node:assert/strict";
import { ApiError } from "../api/api_error.ts";
import { followClientCa, readClientCa } from "./client_ca.ts";

/** An API server that answers so. */
function apiWith(answer: () => unknown): { asked: string[]; get<T>(path: string): Promise<T> } {
  const asked: string[] = [];
  return {
    asked,
    get: <T>(path: string): Promise<T> => {
      asked.push(path);
      return Promise.resolve().then(answer) as Promise<T>;
    },
  };
}

function refused(status: number): never {
  throw new ApiError({ method: "GET", path: "/", status });
}

Deno.test("readClientCa() takes the user's file, else what the cluster publishes, else its own", async () => {
  const published = apiWith(() => ({ data: { "client-ca-file": "published" } }));
  const file = () => Promise.resolve("file");
  assert.equal(await readClientCa(published, { file, cluster: "own" }), "file");
  assert.deepEqual(published.asked, []);
  assert.equal(await readClientCa(published, { file: undefined, cluster: "own" }), "published");
  assert.deepEqual(published.asked, [
    "/api/v1/namespaces/kube-system/configmaps/extension-apiserver-authentication",
  ]);
  for (const answer of [() => refused(403), () => refused(404), () => ({}), () => ({ data: {} })]) {
    const api = apiWith(answer);
    assert.equal(await readClientCa(api, { file: undefined, cluster: "own" }), "own");
    assert.equal(await readClientCa(api, { file: undefined, cluster: undefined }), undefined);
  }
  await assert.rejects(
    readClientCa(apiWith(() => refused(500)), { file: undefined, cluster: "own" }),
    ApiError,
  );
});

Deno.test("followClientCa() tells of others only, and outlives failures", async () => {
  const answers = ["a", "b", new Error("away"), undefined, "b", "c"];
  const stop = new AbortController();
  const told: string[] = [];
  await followClientCa("a", {
    read: () => {
      const answer = answers.shift();
      if (answers.length === 0) stop.abort();
      return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
    },
    onChange: (pem) => told.push(pem),
    onError: (error) => told.push(String(error)),
    signal: stop.signal,
    everyMs: 1,
  });
  assert.deepEqual(told, ["b", "Error: away", "c"]);
});
