import assert from "node:assert/strict";
import { once } from "node:events";
import https from "node:https";
import type net from "node:net";
import type { TLSSocket } from "node:tls";
import { type TestCertificate, testCertificate } from "./_test_certificates.ts";
import { ApiClient, ApiConnectionError, type ClusterAccess } from "./client.ts";

const CA = testCertificate("test authority", { authority: true });
const OTHER_CA = testCertificate("other authority", { authority: true });
const SERVER = testCertificate("server", { issuer: CA, ips: ["127.0.0.1"] });
const CLIENT = testCertificate("system:node:a", { issuer: CA });

interface TlsServer extends AsyncDisposable {
  readonly url: string;
}

/** Answers with the common name of the client's certificate. */
async function startTls(
  identity: TestCertificate,
  options: { clientCertificate?: boolean } = {},
): Promise<TlsServer> {
  const wanted = options.clientCertificate ?? false;
  const server = https.createServer({
    cert: identity.certPem,
    key: identity.keyPem,
    ca: CA.certPem,
    requestCert: wanted,
    rejectUnauthorized: wanted,
  }, (request, response) => {
    const peer = wanted ? (request.socket as TLSSocket).getPeerCertificate().subject.CN : null;
    response.end(JSON.stringify({ peer, host: request.headers.host }));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `https://127.0.0.1:${(server.address() as net.AddressInfo).port}`,
    async [Symbol.asyncDispose](): Promise<void> {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

async function failure(access: ClusterAccess): Promise<ApiConnectionError> {
  using client = new ApiClient(access, { timeoutMs: 5_000 });
  const error = await client.get("/a").then(() => undefined, (e: unknown) => e);
  assert(error instanceof ApiConnectionError, String(error));
  assert(error.message.includes(access.server), error.message);
  return error;
}

Deno.test("ApiClient shows its certificate, and the new one after replaceAccess()", async () => {
  await using server = await startTls(SERVER, { clientCertificate: true });
  const access = (who: TestCertificate): ClusterAccess => ({
    server: server.url,
    caPem: OTHER_CA.certPem + CA.certPem,
    certPem: who.certPem,
    keyPem: who.keyPem,
  });
  using client = new ApiClient(access(CLIENT));
  assert.equal((await client.get<{ peer: string }>("/a")).peer, "system:node:a");
  client.replaceAccess(access(testCertificate("system:node:b", { issuer: CA })));
  assert.equal((await client.get<{ peer: string }>("/a")).peer, "system:node:b");
});

Deno.test("ApiClient explains a server certificate that it cannot trust", async () => {
  const table: [TestCertificate, string, RegExp][] = [
    [SERVER, OTHER_CA.certPem, /UnknownIssuer.*certificate-authority-data/],
    [
      testCertificate("old", { issuer: CA, ips: ["127.0.0.1"], notAfterMs: Date.now() - 60_000 }),
      CA.certPem,
      /certificate expired.*this machine's clock/,
    ],
    [
      testCertificate("other", { issuer: CA, dnsNames: ["kube.example"] }),
      CA.certPem,
      /not valid for name "127\.0\.0\.1".*kube\.example.*use one of the names/,
    ],
    [
      testCertificate("v1", { issuer: CA, version1: true }),
      CA.certPem,
      /the server's certificate is X\.509 version 1; issue it again as version 3/,
    ],
  ];
  for (const [identity, caPem, words] of table) {
    await using server = await startTls(identity);
    const error = await failure({ server: server.url, caPem });
    assert.equal(error.kind, "certificate");
    assert.match(error.message, words);
  }
});

Deno.test("ApiClient explains a server that wants a client certificate", async () => {
  await using server = await startTls(SERVER, { clientCertificate: true });
  const error = await failure({ server: server.url, caPem: CA.certPem });
  assert.equal(error.kind, "certificate");
  assert.match(error.message, /the server wants a client certificate/);
});

Deno.test("ApiClient guesses http and https that were mixed up", async () => {
  await using server = await startTls(SERVER);
  const error = await failure({ server: server.url.replace("https", "http") });
  assert.match(error.message, /the server may speak https, not http/);
});

Deno.test("ApiClient refuses an access that it cannot use, and says what to do", () => {
  const v1 = testCertificate("v1", { issuer: CA, version1: true });
  const server = "https://10.0.0.1:6443";
  const table: [ClusterAccess, RegExp][] = [
    [{ server: "10.0.0.1:6443" }, /must begin with https:\/\//],
    [{ server: "ftp://10.0.0.1" }, /must begin with https:\/\//],
    [{ server, insecureSkipVerify: true }, /put the authority into certificate-authority-data/],
    [
      { server, tlsServerName: "kube" },
      /Use https:\/\/kube:6443 as server .* resolve to 10\.0\.0\.1/,
    ],
    [{ server, caPem: "not PEM" }, /holds no PEM certificate/],
    [{ server, certPem: CLIENT.certPem }, /its key is missing/],
    [{ server, keyPem: CLIENT.keyPem }, /its certificate is missing/],
    [{ server, certPem: "x", keyPem: "y" }, /No certificates found/],
    [
      { server, certPem: CLIENT.certPem, keyPem: SERVER.keyPem },
      /the key does not belong to the certificate/,
    ],
    [{ server, certPem: v1.certPem, keyPem: v1.keyPem }, /client certificate is X\.509 version 1/],
    [
      { server: "http://10.0.0.1", token: () => Promise.resolve("t") },
      /in plain text\. Use an https:\/\/ address/,
    ],
  ];
  for (const [access, words] of table) assert.throws(() => new ApiClient(access), words);
  new ApiClient({ server, tlsServerName: "10.0.0.1" }).close();
  new ApiClient({ server: "http://[::1]:80", token: () => Promise.resolve("t") }).close();
});
