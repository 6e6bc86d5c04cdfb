import assert from "node:assert/strict";
import { type Access, bytesSource, OciClient, PullFailure } from "./mod.ts";
import { OCI_INDEX, OCI_MANIFEST } from "./media_types.ts";
import { digestOf, MODULE, TestRegistry, TestServer } from "./_test_registry.ts";

const { signal } = new AbortController();

function accessTo(registry: TestRegistry, repository = "team/app"): Access {
  return { registry: registry.host, repository, credential: undefined };
}

function open(registry: TestRegistry): OciClient {
  return new OciClient({ insecure: [registry.host], retryMs: 1 });
}

function manifestBytes(body: object): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(JSON.stringify({ schemaVersion: 2, ...body }));
}

Deno.test("OciClient.ping() says what a registry asks for, and who is let in", async () => {
  await using free = await TestRegistry.start();
  await using basic = await TestRegistry.start({
    auth: { kind: "basic", user: "ann", password: "sesame" },
  });
  await using other = await TestServer.answering((_, response) => response.writeHead(404).end());
  using client = new OciClient({ insecure: [free.host, basic.host, other.host], retryMs: 1 });
  const ann = { username: "ann", password: "sesame", source: "a test" };
  const ping = (registry: string, credential?: typeof ann): Promise<{ asks: string }> =>
    client.ping({ registry, credential }, { signal });
  assert.deepEqual(await ping(free.host), { asks: "nothing" });
  assert.deepEqual(await ping(basic.host), { asks: "basic" });
  assert.deepEqual(await ping(basic.host, ann), { asks: "basic" });
  await assert.rejects(ping(basic.host, { ...ann, password: "x" }), /refuses the user .* \(401\)/);
  await assert.rejects(ping(other.host), /has no its protocol's version|404/);
});

Deno.test("OciClient.tags() follows every page, and only as far as is read", async () => {
  await using registry = await TestRegistry.start();
  for (let i = 0; i < 7; i++) registry.manifest("team/app", `v${i}`, { i });
  using client = open(registry);
  const tags = await Array.fromAsync(client.tags(accessTo(registry), { signal, pageSize: 3 }));
  assert.deepEqual(tags, ["v0", "v1", "v2", "v3", "v4", "v5", "v6"]);
  assert.equal(registry.seen.length, 3);
  for await (const tag of client.tags(accessTo(registry), { signal, pageSize: 3 })) {
    if (tag === "v1") break;
  }
  assert.equal(registry.seen.length, 4);
});

Deno.test("OciClient.tags() ends lists that go on for ever, elsewhere, or are none", async () => {
  const answers: readonly (readonly [string, string, RegExp])[] = [
    [`</v2/app/tags/list?again>; rel="next"`, `{"tags":["a"]}`, /without an end/],
    [`<http://evil.example/>; rel="next"`, `{"tags":["a"]}`, /continues its list on another host/],
    ["", `{"tags":7}`, /sent no list of tags/],
    ["", `<html>`, /not JSON; is it a registry\?/],
  ];
  for (const [link, body, message] of answers) {
    await using server = await TestServer.answering((_, response) => {
      response.writeHead(200, link === "" ? {} : { link }).end(body);
    });
    using client = new OciClient({ insecure: [server.host], retryMs: 1 });
    const access = { registry: server.host, repository: "app", credential: undefined };
    await assert.rejects(Array.fromAsync(client.tags(access, { signal })), message);
    assert.ok(server.seen.length <= 3);
  }
});

for (const old of [false, true]) {
  const how = old ? "by the fallback tag of an old registry" : "by the registry's list";
  Deno.test(`OciClient.pushManifest() makes what has a subject be found ${how}`, async () => {
    await using registry = await TestRegistry.start();
    registry.quirks = { old };
    using client = open(registry);
    const access = accessTo(registry);
    const subject = digestOf(MODULE);
    const push = (artifactType: string): Promise<{ digest: string; subject?: string }> => {
      const body = { artifactType, subject: { digest: subject, size: 8, mediaType: OCI_MANIFEST } };
      const manifest = { bytes: manifestBytes(body), mediaType: OCI_MANIFEST };
      return client.pushManifest(access, manifest, { signal });
    };
    assert.deepEqual(await client.referrers(access, subject, { signal }), []);
    const signature = await push("a/signature");
    const bill = await push("a/bill");
    assert.equal(signature.subject, subject);
    await push("a/bill");
    const found = await client.referrers(access, subject, { signal });
    assert.deepEqual(found.map(({ digest }) => digest), [signature.digest, bill.digest]);
    const bills = await client.referrers(access, subject, { signal, artifactType: "a/bill" });
    assert.deepEqual(bills.map(({ digest }) => digest), [bill.digest]);
    const tagged = registry.manifests.get(`team/app ${subject.replace(":", "-")}`);
    assert.equal(tagged?.type, old ? OCI_INDEX : undefined);
  });
}

Deno.test("OciClient.pushManifest() and deleteManifest() put a tag in and take it out", async () => {
  await using registry = await TestRegistry.start();
  using client = open(registry);
  const access = accessTo(registry);
  const bytes = manifestBytes({ mediaType: OCI_MANIFEST });
  const pushed = await client.pushManifest(access, { bytes, mediaType: OCI_MANIFEST }, {
    signal,
    tag: "v1",
  });
  assert.deepEqual(pushed, { digest: digestOf(bytes), size: bytes.length });
  assert.equal(await client.resolve(access, "v1", { signal }), pushed.digest);
  const read = await client.manifest(access, pushed.digest, { signal });
  assert.deepEqual(read, { bytes, mediaType: OCI_MANIFEST, digest: pushed.digest });
  await client.deleteManifest(access, "v1", { signal });
  await assert.rejects(
    client.manifest(access, "v1", { signal }),
    (error) => error instanceof PullFailure && error.status === 404,
  );
  const blob = bytesSource(MODULE);
  await client.pushBlob(access, blob, { signal });
  await client.deleteBlob(access, blob.digest, { signal });
  await assert.rejects(client.smallBlob(access, blob.digest, { signal }), /\(404\)/);
  await assert.rejects(client.deleteBlob(access, blob.digest, { signal }), /deletion of blob/);
});

Deno.test("a token for a push, a mount or a deletion is asked for with just these scopes", async () => {
  const scopes: string[][] = [];
  await using tokens = await TestServer.answering((request, response) => {
    scopes.push(new URL(request.url!, "http://t").searchParams.getAll("scope"));
    response.end(JSON.stringify({ token: "t" }));
  });
  await using registry = await TestRegistry.start({
    auth: { kind: "token", realm: `http://${tokens.host}/`, accepts: (token) => token === "t" },
  });
  using client = open(registry);
  const access = accessTo(registry);
  await client.pushBlob(access, bytesSource(MODULE), { signal });
  await client.pushBlob(access, bytesSource(MODULE.slice(0, 4)), { signal, mountFrom: "base" });
  await client.deleteBlob(access, digestOf(MODULE), { signal });
  assert.deepEqual(scopes, [
    ["repository:team/app:pull,push"],
    ["repository:team/app:pull,push", "repository:base:pull"],
    ["repository:team/app:pull,delete"],
  ]);
});
