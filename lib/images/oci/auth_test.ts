import assert from "node:assert/strict";
import { OciClient } from "./client.ts";
import type { Credential } from "./credential.ts";
import { PullFailure } from "./failure.ts";
import { digestOf, MODULE, moduleOf, TestRegistry, TestServer } from "./_test_registry.ts";

const { signal } = new AbortController();

function user(username: string, password: string, source = `the tests' "creds"`): Credential {
  return { username, password, source };
}

function open(registry: TestRegistry): OciClient {
  return new OciClient({ insecure: [registry.host], retryMs: 1 });
}

/** Reads the manifest of the tag `latest`; its layer as well if `digest` is given. */
async function read(
  client: OciClient,
  registry: TestRegistry,
  options: { credential?: Credential; repository?: string; digest?: string } = {},
): Promise<Uint8Array> {
  const { repository = "app", credential, digest } = options;
  const access = { registry: registry.host, repository, credential };
  const { bytes } = await client.manifest(access, "latest", { signal });
  return digest === undefined ? bytes : await client.smallBlob(access, digest, { signal });
}

/** A token server: anonymous callers get a token too, but one that opens nothing. */
async function tokenServer(answer: Record<string, unknown> = {}): Promise<TestServer> {
  let tokens = 0;
  return await TestServer.answering((request, response) => {
    const given = request.headers.authorization ?? "";
    if (given === `Basic ${btoa("bad:bad")}`) {
      response.writeHead(401).end();
      return;
    }
    const who = given === "" ? "anonymous" : atob(given.slice(6)).split(":")[0];
    response.end(JSON.stringify({ token: `${who}-${++tokens}`, expires_in: 300, ...answer }));
  });
}

Deno.test("a registry with Basic gets the password, and says when it is wrong or missing", async () => {
  await using registry = await TestRegistry.start({
    auth: { kind: "basic", user: "ann", password: "sesame" },
  });
  registry.artifact("app", "latest", MODULE);
  using client = open(registry);
  await assert.rejects(
    read(client, registry),
    /asks for credentials \(401\): it says "UNAUTHORIZED"; give credentials for "127/,
  );
  const wrong = user("ann", "guess", `the tests' "old-creds"`);
  await assert.rejects(
    read(client, registry, { credential: wrong }),
    (error) =>
      error instanceof PullFailure && error.status === 401 &&
      /of the tests' "old-creds" \(401\).*; correct the credentials in the tests'/
        .test(error.message) &&
      !Deno.inspect(error).includes("guess"),
  );
  const right = user("ann", "sesame");
  // At once, so that one must not take another's first question for its own refusal.
  await Promise.all(Array.from({ length: 5 }, () => read(client, registry, { credential: right })));
  const seen = registry.seen.length;
  for (let i = 0; i < 3; i++) await read(client, registry, { credential: right });
  assert.equal(registry.seen.length - seen, 3, "who was asked for a password once comes with it");
  await assert.rejects(read(client, registry, { credential: wrong }), /\(401\)/);
});

Deno.test("a token is asked for the repository only, and used again by the same credential", async () => {
  await using tokens = await tokenServer();
  await using registry = await TestRegistry.start({
    auth: {
      kind: "token",
      realm: `http://${tokens.host}/token?account=x`,
      accepts: (token) => token.startsWith("ann-"),
    },
  });
  registry.artifact("team/app", "latest", MODULE);
  using client = open(registry);
  const credential = user("ann", "sesame");
  for (let i = 0; i < 3; i++) await read(client, registry, { credential, repository: "team/app" });
  assert.equal(tokens.seen.length, 1);
  const { searchParams } = new URL(tokens.seen[0]!.path, "http://t");
  assert.deepEqual(searchParams.getAll("scope"), ["repository:team/app:pull"]);
  assert.equal(searchParams.get("service"), "test.registry");
  assert.equal(searchParams.get("account"), "x");
  const given = new Set(registry.seen.map(({ authorization }) => authorization));
  assert.deepEqual(given, new Set([undefined, "Bearer ann-1"]));
});

Deno.test("a token is never used by another credential, nor without one", async () => {
  await using tokens = await tokenServer();
  await using registry = await TestRegistry.start({
    auth: {
      kind: "token",
      realm: `http://${tokens.host}/token`,
      accepts: (token) => token.startsWith("ann-"),
    },
  });
  registry.artifact("app", "latest", moduleOf(70_000));
  using client = open(registry);
  const ann = user("ann", "sesame");
  const bob = user("bob", "sesame");
  // At once, so that a flight which forgot the credential would carry them all.
  const [first, second, third] = await Promise.allSettled([
    read(client, registry, { credential: ann }),
    read(client, registry, { credential: bob }),
    read(client, registry),
  ]);
  assert.equal(first!.status, "fulfilled");
  assert.deepEqual([second!.status, third!.status], ["rejected", "rejected"]);
  await assert.rejects(read(client, registry), /asks for credentials/);
  await assert.rejects(read(client, registry, { credential: bob }), /"creds" \(401\)/);
});

Deno.test("a token that opens nothing is asked for once more, and not for ever", async () => {
  await using tokens = await tokenServer();
  await using registry = await TestRegistry.start({
    auth: { kind: "token", realm: `http://${tokens.host}/`, accepts: () => false },
  });
  using client = open(registry);
  await assert.rejects(read(client, registry), /asks for credentials \(401\)/);
  assert.deepEqual([tokens.seen.length, registry.seen.length], [1, 2]);
});

Deno.test("a token that has run out is replaced", async () => {
  await using tokens = await tokenServer();
  const revoked = new Set<string>();
  await using registry = await TestRegistry.start({
    auth: {
      kind: "token",
      realm: `http://${tokens.host}/`,
      accepts: (t) => t !== "" && !revoked.has(t),
    },
  });
  registry.artifact("app", "latest", MODULE);
  using client = open(registry);
  await read(client, registry);
  revoked.add("anonymous-1");
  await read(client, registry);
  assert.equal(tokens.seen.length, 2);
});

Deno.test("a token server that refuses, fails or talks nonsense is named", async () => {
  const answers: (readonly [Record<string, unknown> | string | number, RegExp])[] = [
    [{ token: "two words" }, /token server "127.* sent no usable token/],
    [{ token: 7 }, /sent no usable token/],
    ["<html>secret-token", /sent something that is not JSON/],
    [503, /token server "127.* is in trouble \(503\)/],
    ["x".repeat(300 * 1024), /sent more than 262144 bytes/],
  ];
  for (const [answer, message] of answers) {
    await using tokens = await TestServer.answering((_, response) => {
      if (typeof answer === "number") response.writeHead(answer).end();
      else response.end(typeof answer === "string" ? answer : JSON.stringify(answer));
    });
    await using registry = await TestRegistry.start({
      auth: { kind: "token", realm: `http://${tokens.host}/`, accepts: () => false },
    });
    using client = open(registry);
    await assert.rejects(read(client, registry), (error: unknown) => {
      assert.ok(error instanceof PullFailure, String(error));
      assert.match(error.message, message);
      assert.equal(Deno.inspect(error).includes("secret-token"), false);
      return true;
    });
  }
  await using tokens = await tokenServer();
  await using registry = await TestRegistry.start({
    auth: { kind: "token", realm: `http://${tokens.host}/`, accepts: () => false },
  });
  using client = open(registry);
  const credential = user("bad", "bad");
  await assert.rejects(
    read(client, registry, { credential }),
    /token server ".* the tests' "creds"/,
  );
});

Deno.test("a token server that is no web address gets no credentials", async () => {
  await using registry = await TestRegistry.start({
    auth: { kind: "token", realm: "file:///etc/passwd", accepts: () => false },
  });
  using client = open(registry);
  const credential = user("ann", "sesame");
  await assert.rejects(
    read(client, registry, { credential }),
    /token server that is not an HTTPS address/,
  );
});

Deno.test("an identity token goes to the token server as a refresh token", async () => {
  const bodies: string[] = [];
  await using tokens = await TestServer.answering((request, response) => {
    request.on("data", (bytes) => bodies.push(String(bytes)));
    request.on("end", () => response.end(JSON.stringify({ access_token: "access" })));
  });
  await using registry = await TestRegistry.start({
    auth: {
      kind: "token",
      realm: `http://${tokens.host}/oauth2/token`,
      accepts: (t) => t === "access",
    },
  });
  registry.artifact("app", "latest", MODULE);
  using client = open(registry);
  const nobody = user("00000000-0000-0000-0000-000000000000", "");
  await read(client, registry, { credential: { ...nobody, identityToken: "refresh+me" } });
  const form = Object.fromEntries(new URLSearchParams(bodies.join("")));
  assert.deepEqual(form, {
    grant_type: "refresh_token",
    client_id: "krustlet",
    service: "test.registry",
    scope: "repository:app:pull",
    refresh_token: "refresh+me",
  });
  assert.equal(tokens.seen[0]?.path, "/oauth2/token");
  assert.equal(tokens.seen[0]?.authorization, undefined);
});

Deno.test("a blob that another host stores is fetched there without the registry's token", async () => {
  const module = moduleOf(50_000);
  await using storage = await TestServer.answering((_, response) => response.end(module));
  await using registry = await TestRegistry.start({
    auth: { kind: "basic", user: "ann", password: "sesame" },
  });
  registry.artifact("app", "latest", module);
  registry.fault = (request, response) => {
    if (!request.url!.endsWith(digestOf(module)) || request.headers.authorization === undefined) {
      return false;
    }
    response.writeHead(307, { location: `http://${storage.host}/blob?signature=x` }).end();
    return true;
  };
  using client = open(registry);
  const credential = user("ann", "sesame");
  const digest = digestOf(module);
  assert.deepEqual(await read(client, registry, { credential, digest }), module);
  assert.deepEqual(storage.seen.map(({ authorization }) => authorization), [undefined]);
});
