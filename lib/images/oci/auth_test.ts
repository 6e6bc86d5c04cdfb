import assert from "node:assert/strict";
import type { Secret } from "../../api/types.ts";
import { isKubeletError } from "../../errors.ts";
import { type ImageOnDisk, ImageStore } from "../images.ts";
import { digestOf, MODULE, moduleOf, TestDir, TestRegistry, TestServer } from "./_test_registry.ts";

const { signal } = new AbortController();

function secretFor(host: string, entry: object, name = "creds"): Secret {
  const data = { ".dockerconfigjson": btoa(JSON.stringify({ auths: { [host]: entry } })) };
  return { metadata: { name }, type: "kubernetes.io/dockerconfigjson", data };
}

function user(name: string, password: string): object {
  return { auth: btoa(`${name}:${password}`) };
}

function open(dir: TestDir, registry: TestRegistry): ImageStore {
  const registries = { insecure: [registry.host] };
  return new ImageStore({ dir: dir.path, registries, localModules: "refused", retryMs: 1 });
}

function pull(
  store: ImageStore,
  registry: TestRegistry,
  options: { secrets?: Secret[]; repository?: string } = {},
): Promise<ImageOnDisk> {
  const image = `${registry.host}/${options.repository ?? "app"}:latest`;
  return store.ensure({ image, secrets: options.secrets ?? [] }, { signal });
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
  await using dir = new TestDir();
  await using registry = await TestRegistry.start({
    auth: { kind: "basic", user: "ann", password: "sesame" },
  });
  registry.artifact("app", "latest", MODULE);
  await using store = open(dir, registry);
  await assert.rejects(pull(store, registry), (error) =>
    isKubeletError(error, "image_pull") &&
    /asks for credentials \(401\); name a Secret of type kubernetes.io\/dockerconfigjson for "127/
      .test(error.message));
  const wrong = secretFor(registry.host, user("ann", "guess"), "old-creds");
  await assert.rejects(
    pull(store, registry, { secrets: [wrong] }),
    (error) =>
      isKubeletError(error, "image_pull") &&
      /pull secret "old-creds" \(401\)/.test(error.message) &&
      !Deno.inspect(error).includes("guess"),
  );
  const right = secretFor(registry.host, user("ann", "sesame"));
  assert.equal((await pull(store, registry, { secrets: [wrong, right] })).pulled, true);
});

Deno.test("a token is asked for the repository only, and used again by the same credential", async () => {
  await using dir = new TestDir();
  await using tokens = await tokenServer();
  await using registry = await TestRegistry.start({
    auth: {
      kind: "token",
      realm: `http://${tokens.host}/token?account=x`,
      accepts: (token) => token.startsWith("ann-"),
    },
  });
  registry.artifact("team/app", "latest", MODULE);
  await using store = open(dir, registry);
  const secrets = [secretFor(registry.host, user("ann", "sesame"))];
  for (let i = 0; i < 3; i++) await pull(store, registry, { secrets, repository: "team/app" });
  assert.equal(tokens.seen.length, 1);
  const { searchParams } = new URL(tokens.seen[0]!.path, "http://t");
  assert.deepEqual(searchParams.getAll("scope"), ["repository:team/app:pull"]);
  assert.equal(searchParams.get("service"), "test.registry");
  assert.equal(searchParams.get("account"), "x");
  const given = new Set(registry.seen.map(({ authorization }) => authorization));
  assert.deepEqual(given, new Set([undefined, "Bearer ann-1"]));
});

Deno.test("a token is never used by another credential, nor without one", async () => {
  await using dir = new TestDir();
  await using tokens = await tokenServer();
  await using registry = await TestRegistry.start({
    auth: {
      kind: "token",
      realm: `http://${tokens.host}/token`,
      accepts: (token) => token.startsWith("ann-"),
    },
  });
  registry.artifact("app", "latest", moduleOf(70_000));
  await using store = open(dir, registry);
  const ann = [secretFor(registry.host, user("ann", "sesame"))];
  const bob = [secretFor(registry.host, user("bob", "sesame"))];
  // At once, so that a flight which forgot the credential would carry them all.
  const [first, second, third] = await Promise.allSettled([
    pull(store, registry, { secrets: ann }),
    pull(store, registry, { secrets: bob }),
    pull(store, registry),
  ]);
  assert.equal(first!.status, "fulfilled");
  assert.deepEqual([second!.status, third!.status], ["rejected", "rejected"]);
  await assert.rejects(pull(store, registry), /asks for credentials/);
  await assert.rejects(pull(store, registry, { secrets: bob }), /"creds" \(401\)/);
});

Deno.test("a token that opens nothing is asked for once more, and not for ever", async () => {
  await using dir = new TestDir();
  await using tokens = await tokenServer();
  await using registry = await TestRegistry.start({
    auth: { kind: "token", realm: `http://${tokens.host}/`, accepts: () => false },
  });
  await using store = open(dir, registry);
  await assert.rejects(pull(store, registry), /asks for credentials \(401\)/);
  assert.deepEqual([tokens.seen.length, registry.seen.length], [1, 2]);
});

Deno.test("a token that has run out is replaced", async () => {
  await using dir = new TestDir();
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
  await using store = open(dir, registry);
  await pull(store, registry);
  revoked.add("anonymous-1");
  await pull(store, registry);
  assert.equal(tokens.seen.length, 2);
});

Deno.test("a token server that refuses, fails or talks nonsense is named", async () => {
  await using dir = new TestDir();
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
    await using store = open(dir, registry);
    await assert.rejects(pull(store, registry), (error: unknown) => {
      assert.ok(isKubeletError(error, "image_pull"), String(error));
      assert.match(error.message, message);
      assert.equal(Deno.inspect(error).includes("secret-token"), false);
      return true;
    });
  }
  await using tokens = await tokenServer();
  await using registry = await TestRegistry.start({
    auth: { kind: "token", realm: `http://${tokens.host}/`, accepts: () => false },
  });
  await using store = open(dir, registry);
  const bad = [secretFor(registry.host, user("bad", "bad"))];
  await assert.rejects(
    pull(store, registry, { secrets: bad }),
    /token server ".* pull secret "creds"/,
  );
});

Deno.test("a token server that is no web address gets no credentials", async () => {
  await using dir = new TestDir();
  await using registry = await TestRegistry.start({
    auth: { kind: "token", realm: "file:///etc/passwd", accepts: () => false },
  });
  await using store = open(dir, registry);
  const secrets = [secretFor(registry.host, user("ann", "sesame"))];
  await assert.rejects(
    pull(store, registry, { secrets }),
    /token server that is not an HTTPS address/,
  );
});

Deno.test("an identity token goes to the token server as a refresh token", async () => {
  await using dir = new TestDir();
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
  await using store = open(dir, registry);
  const entry = {
    auth: btoa("00000000-0000-0000-0000-000000000000:"),
    identitytoken: "refresh+me",
  };
  await pull(store, registry, { secrets: [secretFor(registry.host, entry)] });
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
  await using dir = new TestDir();
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
  await using store = open(dir, registry);
  const secrets = [secretFor(registry.host, user("ann", "sesame"))];
  const found = await pull(store, registry, { secrets });
  assert.deepEqual(await Deno.readFile(found.module.path), module);
  assert.deepEqual(storage.seen.map(({ authorization }) => authorization), [undefined]);
});
