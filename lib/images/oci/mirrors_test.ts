import assert from "node:assert/strict";
import { type Access, type MirrorLogin, OciClient, PullFailure, type Sink } from "./mod.ts";
import { digestOf, moduleOf, TestRegistry, TestServer } from "./_test_registry.ts";

const { signal } = new AbortController();
const MODULE = moduleOf(50_000);
const ANN = { username: "ann", password: "sesame", source: "a test" };

/** A registry with an image, and a mirror that has it below `hub/`. */
class Fixture implements AsyncDisposable {
  readonly registry: TestRegistry;
  readonly mirror: TestRegistry;
  readonly access: Access;
  readonly digest: string;

  static async open(): Promise<Fixture> {
    return new Fixture(
      await TestRegistry.start({ auth: { kind: "basic", user: "ann", password: "sesame" } }),
      await TestRegistry.start(),
    );
  }

  private constructor(registry: TestRegistry, mirror: TestRegistry) {
    this.registry = registry;
    this.mirror = mirror;
    this.access = { registry: registry.host, repository: "app", credential: ANN };
    this.digest = registry.artifact("app", "v1", MODULE);
    mirror.artifact("hub/app", "v1", MODULE);
  }

  client(mirrors: readonly string[], mirrorLogin?: MirrorLogin): OciClient {
    return new OciClient({
      insecure: [this.registry.host],
      mirrors: { [this.registry.host]: mirrors },
      mirrorLogin,
      retryMs: 1,
    });
  }

  async download(client: OciClient): Promise<string> {
    const pieces: Uint8Array[] = [];
    const sink: Sink = {
      get size() {
        return pieces.reduce((sum, piece) => sum + piece.length, 0);
      },
      write: (bytes) => Promise.resolve(void pieces.push(bytes.slice())),
      restart: () => Promise.resolve(void (pieces.length = 0)),
    };
    const blob = { digest: digestOf(MODULE), size: MODULE.length };
    await client.download(this.access, blob, { sink, signal });
    return digestOf(new Uint8Array(await new Blob(pieces as BlobPart[]).arrayBuffer()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.registry[Symbol.asyncDispose]();
    await this.mirror[Symbol.asyncDispose]();
  }
}

Deno.test("a mirror is asked first, below its path, and gets nobody's credentials", async () => {
  await using fixture = await Fixture.open();
  using client = fixture.client([`http://${fixture.mirror.host}/hub`]);
  const { access, digest } = fixture;
  assert.equal(await client.resolve(access, "v1", { signal }), digest);
  assert.equal((await client.manifest(access, "v1", { signal })).digest, digest);
  assert.equal(await fixture.download(client), digestOf(MODULE));
  assert.equal(fixture.registry.seen.length, 0);
  const { seen } = fixture.mirror;
  assert.ok(seen.every(({ path }) => path.startsWith("/v2/hub/app/")));
  assert.deepEqual(new Set(seen.map(({ authorization }) => authorization)), new Set([undefined]));
});

Deno.test("a mirror that fails in any way hands over to the next, and to the registry", async () => {
  await using fixture = await Fixture.open();
  await using gone = await TestServer.answering((request) => request.socket.destroy());
  await using broken = await TestServer.answering((_, response) => response.writeHead(500).end());
  await using html = await TestServer.answering((_, response) => {
    response.writeHead(200, { "content-type": "text/html" }).end("<html>");
  });
  await using closed = await TestRegistry.start({
    auth: { kind: "basic", user: "bob", password: "other" },
  });
  const mirrors = [gone, broken, html, closed].map(({ host }) => `http://${host}`);
  using client = fixture.client([...mirrors, `http://${fixture.mirror.host}/empty`]);
  const { access, digest } = fixture;
  assert.equal((await client.manifest(access, "v1", { signal })).digest, digest);
  assert.equal(await fixture.download(client), digestOf(MODULE));
  assert.deepEqual(
    closed.seen.map(({ authorization }) => authorization).filter((header) => header !== undefined),
    [],
  );
});

Deno.test("a mirror's wrong bytes are never taken, whole or in part", async () => {
  const wrong = MODULE.with(30_000, 99);
  for (const cut of [false, true]) {
    await using fixture = await Fixture.open();
    fixture.mirror.fault = (request, response) => {
      if (request.url!.includes("/manifests/")) {
        response.end("{}");
        return true;
      }
      response.writeHead(200, { "content-length": wrong.length });
      if (cut) response.write(wrong.subarray(0, 40_000), () => request.socket.destroy());
      else response.end(wrong);
      return true;
    };
    using client = fixture.client([`http://${fixture.mirror.host}/hub`]);
    assert.equal(await fixture.download(client), digestOf(MODULE));
    const { digest } = await client.manifest(fixture.access, fixture.digest, { signal });
    assert.equal(digest, fixture.digest);
  }
});

Deno.test("a registry goes on where its mirror broke off", async () => {
  await using fixture = await Fixture.open();
  fixture.mirror.fault = (request, response) => {
    response.writeHead(200, { "content-length": MODULE.length });
    response.write(MODULE.subarray(0, 40_000), () => request.socket.destroy());
    return true;
  };
  using client = fixture.client([`http://${fixture.mirror.host}/hub`]);
  assert.equal(await fixture.download(client), digestOf(MODULE));
  const [, last] = fixture.registry.seen;
  assert.match(last?.range ?? "", /^bytes=[1-9]\d*-$/);
});

Deno.test("a mirror gets the credential that is found for it, by its own name", async () => {
  await using fixture = await Fixture.open();
  await using mirror = await TestRegistry.start({
    auth: { kind: "basic", user: "robot$1", password: "p@ss" },
  });
  mirror.artifact("hub/app", "v1", MODULE);
  const asked: object[] = [];
  const login = (password: string): MirrorLogin => (place) => {
    asked.push({ ...place });
    return Promise.resolve({ username: "robot$1", password, source: "a test" });
  };
  using client = fixture.client([`http://${mirror.host}/hub`], login("p@ss"));
  assert.equal((await client.manifest(fixture.access, "v1", { signal })).digest, fixture.digest);
  assert.equal(await fixture.download(client), digestOf(MODULE));
  assert.equal(fixture.registry.seen.length, 0);
  const [place] = asked as { registry: string; repository: string }[];
  assert.deepEqual([place?.registry, place?.repository], [mirror.host, "hub/app"]);
  using misled = fixture.client([`http://${mirror.host}/hub`], login("wrongpass"));
  await assert.rejects(misled.manifest(fixture.access, "v2", { signal }), (error: unknown) => {
    assert.ok(error instanceof PullFailure && error.status === 404, String(error));
    assert.match(error.message, /has no manifest "v2" .*its mirrors failed before: .* \(401\)/);
    assert.equal(Deno.inspect(error).includes("wrongpass"), false);
    return true;
  });
});

Deno.test("a mirror whose credential cannot be found out is passed over, and named", async () => {
  await using fixture = await Fixture.open();
  const login: MirrorLogin = () => Promise.reject(new PullFailure("the helper is broken"));
  using client = fixture.client([`http://${fixture.mirror.host}/hub`], login);
  assert.equal((await client.manifest(fixture.access, "v1", { signal })).digest, fixture.digest);
  assert.equal(await fixture.download(client), digestOf(MODULE));
  assert.equal(fixture.mirror.seen.length, 0);
  await assert.rejects(client.manifest(fixture.access, "v2", { signal }), {
    message: /has no manifest "v2" .*its mirrors failed before: the helper is broken/,
  });
});

Deno.test("a mirror's address must not hold a user", () => {
  for (const user of ["robot:secret", "robot", ":secret"]) {
    assert.throws(
      () => new OciClient({ mirrors: { "r.io": ["http://n", `http://${user}@m.io:1/hub`] } }),
      { name: "RangeError", message: /^Cannot use mirror "m.io:1": its address holds a user/ },
    );
  }
});
