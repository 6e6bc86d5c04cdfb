import assert from "node:assert/strict";
import type { TLSSocket } from "node:tls";
import { OciClient } from "./mod.ts";
import { makeCertificates, MODULE, TestRegistry, TestServer } from "./_test_registry.ts";

const { signal } = new AbortController();

Deno.test("OciClient believes an authority for the registry that it was given for, and no other", async () => {
  const certificates = makeCertificates();
  await using registry = await TestRegistry.start({ tls: certificates });
  await using other = await TestRegistry.start({ tls: certificates });
  for (const { manifests } of [registry, other]) manifests.clear();
  const digest = registry.artifact("app", "v1", MODULE);
  other.artifact("app", "v1", MODULE);
  using client = new OciClient({ trust: { authorities: { [registry.host]: [certificates.ca] } } });
  const resolve = (host: string): Promise<string | undefined> =>
    client.resolve({ registry: host, repository: "app", credential: undefined }, "v1", { signal });
  assert.equal(await resolve(registry.host), digest);
  await assert.rejects(
    resolve(other.host),
    new RegExp(`unknown authority; trust the authority's certificate for "${other.host}"`),
  );
});

Deno.test("OciClient shows its certificate to the registry itself, and not along a redirect", async () => {
  const certificates = makeCertificates();
  const shown: string[] = [];
  const answer = (name: string, location?: string) => {
    const tls = { ...certificates, requestCert: true, rejectUnauthorized: false };
    return TestServer.answering((request, response) => {
      const { subject } = (request.socket as TLSSocket).getPeerCertificate();
      shown.push(`${name}: ${subject?.CN ?? "nobody"}`);
      response.writeHead(
        location === undefined ? 200 : 307,
        location === undefined ? {} : { location },
      );
      response.end("{}");
    }, tls);
  };
  await using storage = await answer("storage");
  await using registry = await answer("registry", `https://${storage.host}/blob`);
  using client = new OciClient({
    trust: {
      authorities: { [registry.host]: [certificates.ca] },
      clientCertificates: {
        [registry.host]: { certPem: certificates.cert, keyPem: certificates.key },
      },
    },
  });
  const access = { registry: registry.host, repository: "app", credential: undefined };
  await (await client.blob(access, `sha256:${"0".repeat(64)}`, { signal })).discard();
  assert.deepEqual(shown, ["registry: registry", "storage: nobody"]);
});

Deno.test("proxies are those of the environment, and a registry on this machine needs none", async () => {
  const asked: string[] = [];
  await using proxy = await TestServer.answering((request, response) => {
    asked.push(request.url!);
    response.writeHead(200, { "docker-content-digest": `sha256:${"1".repeat(64)}` }).end();
  });
  await using registry = await TestRegistry.start();
  const digest = registry.artifact("app", "v1", MODULE);
  const program = `
    import { OciClient } from ${JSON.stringify(new URL("./mod.ts", import.meta.url).href)};
    const hosts = Deno.args;
    using client = new OciClient({ insecure: hosts, retryMs: 1 });
    for (const registry of hosts) {
      const access = { registry, repository: "app", credential: undefined };
      const { signal } = new AbortController();
      console.log(await client.resolve(access, "v1", { signal }).catch((error) => error.message));
    }`;
  const port = registry.host.split(":")[1];
  const hosts = ["r.test", "none.test", registry.host, `localhost:${port}`];
  for (const names of [["HTTP_PROXY", "NO_PROXY"], ["http_proxy", "no_proxy"]] as const) {
    const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["eval", "--no-check", program, ...hosts],
      env: { [names[0]]: `http://${proxy.host}`, [names[1]]: "none.test" },
    }).output();
    assert.deepEqual(new TextDecoder().decode(stdout).trim().split("\n"), [
      `sha256:${"1".repeat(64)}`,
      `host "none.test" has no address (DNS): is the name right, and this machine's DNS?`,
      digest,
      digest,
    ], new TextDecoder().decode(stderr));
  }
  assert.deepEqual(asked, Array(2).fill("http://r.test/v2/app/manifests/v1"));
});
