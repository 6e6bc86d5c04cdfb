import assert from "node:assert/strict";
import { TestServer } from "./_test_server.ts";
import { certificateRequests } from "./certificate_requests.ts";
import { ApiClient, ApiError } from "./client.ts";

const PATH = "/apis/certificates.k8s.io/v1/certificatesigningrequests";

Deno.test("certificateRequests() makes, gets and watches requests, and knows that there is none", async () => {
  await using server = await TestServer.start((x) => {
    if (x.method === "POST") return x.json({ made: JSON.parse(x.body) }, 201);
    if (x.query.has("watch")) {
      x.open();
      x.chunk("news\n");
      return x.end();
    }
    if (x.path.endsWith("/there")) return x.json({ name: "there" });
    if (x.path.endsWith("/gone")) return x.refuse(404, "NotFound");
    x.refuse(403, "Forbidden");
  });
  using client = new ApiClient({ server: server.url });
  const requests = certificateRequests<unknown>(client);
  assert.deepEqual(await requests.create({ a: 1 }), { made: { a: 1 } });
  assert.deepEqual(await requests.get("there"), { name: "there" });
  assert.equal(await requests.get("gone"), undefined);
  await assert.rejects(requests.get("other"), ApiError);
  const { signal } = new AbortController();
  assert.deepEqual(await Array.fromAsync(requests.watch("w", signal)), ["news"]);
  assert.deepEqual(server.requests.map(({ path }) => path).slice(0, 2), [PATH, `${PATH}/there`]);
  assert.equal(server.requests.at(-1)?.query.get("fieldSelector"), "metadata.name=w");
});
