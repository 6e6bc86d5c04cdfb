/** What a registry must not be able to do to us: each ends soon, and says what to do. */
import assert from "node:assert/strict";
import type { IncomingMessage, ServerResponse } from "node:http";
import { gzipSync } from "node:zlib";
import { MANIFEST_BYTES_MAX } from "./limits.ts";
import { OciClient, type OciClientOptions, PullFailure } from "./mod.ts";
import { digestOf, makeCertificates, moduleOf, TestServer } from "./_test_registry.ts";

const { signal } = new AbortController();
const BLOB = moduleOf(50_000);
const DIGEST = digestOf(BLOB);
const ANN = { username: "ann", password: "sesame", source: "a test" };
/** Milliseconds within which each peer must have been given up: its limits are set to a tenth. */
const GIVE_UP_MS = 20_000;

interface BadPeer {
  readonly answer: (request: IncomingMessage, response: ServerResponse) => void;
  readonly message: RegExp;
  /** The failure says that the registry is away, and nothing of the image. @default {false} */
  readonly unavailable?: boolean;
  /** What is asked for. @default {"manifest"} */
  readonly wanted?: "manifest" | "by digest" | "blob" | "tags";
  readonly credential?: typeof ANN;
  /** Requests that it may cost. @default {4} */
  readonly requestsMax?: number;
  readonly options?: OciClientOptions;
}

function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}

function bearer(request: IncomingMessage, response: ServerResponse): boolean {
  if (request.url!.startsWith("/token")) return false;
  const realm = `http://${request.headers.host}/token`;
  response.writeHead(401, { "www-authenticate": `Bearer realm="${realm}",service="s"` }).end();
  return true;
}

const BAD: Readonly<Record<string, BadPeer>> = {
  "redirects in a circle": {
    answer: (_, response) => response.writeHead(302, { location: "/v2/again" }).end(),
    message: /redirects more than 5 times; last to "127\S+; is this a registry\?$/,
    requestsMax: 6,
  },
  "redirects to a file": {
    answer: (_, response) => response.writeHead(302, { location: "file:///etc/passwd" }).end(),
    message: /redirects to something that is not a web address/,
    requestsMax: 1,
  },
  "redirects to nowhere": {
    answer: (_, response) => response.writeHead(302).end(),
    message: /answered 302 when asked for manifest "v1" of "app"; is it a registry\?/,
    requestsMax: 1,
  },
  "wants a new token for ever": {
    answer: (request, response) =>
      bearer(request, response) || json(response, 200, { token: "t", expires_in: 300 }),
    message: /refuses the user and password of a test \(401\); correct the credentials/,
    credential: ANN,
    requestsMax: 3,
  },
  "has a token server that wants a token": {
    answer: (request, response) => {
      const realm = `http://${request.headers.host}/token`;
      response.writeHead(401, { "www-authenticate": `Bearer realm="${realm}"` }).end();
    },
    message: /token server "127\S+ asks for credentials \(401\); give credentials for "127/,
    requestsMax: 2,
  },
  "has a token server that redirects in a circle": {
    answer: (request, response) =>
      bearer(request, response) || response.writeHead(307, { location: "/token" }).end(),
    message: /redirects more than 5 times/,
    requestsMax: 7,
  },
  "sends a token of 1 MiB": {
    answer: (request, response) =>
      bearer(request, response) || json(response, 200, { token: "t".repeat(1 << 20) }),
    message: /sent more than 262144 bytes/,
    requestsMax: 2,
  },
  "sends no head": {
    answer: () => {},
    message: /was silent for 0\.6 s/,
    unavailable: true,
  },
  "sends its head a byte at a time": {
    answer: (request) => {
      const { socket } = request;
      const timer = setInterval(() => socket.write("H"), 20);
      socket.on("close", () => clearInterval(timer)).on("error", () => {});
    },
    message: /was silent for 0\.6 s|broke/,
    unavailable: true,
  },
  "stops in the middle of a blob": {
    answer: (_, response) => {
      response.writeHead(200, { "content-length": BLOB.length }).write(BLOB.subarray(0, 100));
    },
    message: /was silent for 0\.6 s/,
    unavailable: true,
    wanted: "blob",
  },
  "sends a blob a byte at a time": {
    answer: (_, response) => {
      response.writeHead(200, { "content-length": BLOB.length });
      const timer = setInterval(() => response.write("x"), 20);
      response.on("close", () => clearInterval(timer));
    },
    message: /trickles: \d+ bytes in 1 s/,
    unavailable: true,
    wanted: "blob",
  },
  "cuts a blob short": {
    answer: (_, response) => {
      response.writeHead(200, { "content-length": BLOB.length });
      response.write(BLOB.subarray(0, 100), () => response.destroy());
    },
    message: /the connection to host "127\S+ broke/,
    unavailable: true,
    wanted: "blob",
  },
  "sends less of a blob than its size": {
    answer: (_, response) => response.end(BLOB.subarray(0, 100)),
    message: /sent 100 of 50000 bytes: the rest is missing/,
    wanted: "blob",
  },
  "sends more of a blob than its size": {
    answer: (_, response) => response.end(moduleOf(60_000)),
    message: /more than 50000 bytes/,
    wanted: "blob",
    requestsMax: 1,
  },
  "sends another manifest than was asked for": {
    answer: (_, response) => json(response, 200, {}),
    message: /digest mismatch: .*with digest sha256:44136f.* push it again/,
    wanted: "by digest",
    requestsMax: 1,
  },
  "sends a manifest that is not what its header says": {
    answer: (_, response) => {
      response.setHeader("docker-content-digest", DIGEST);
      json(response, 200, {});
    },
    message: /digest mismatch/,
    requestsMax: 1,
  },
  "announces a manifest of a terabyte": {
    answer: (_, response) => {
      response.writeHead(200, { "content-length": 2 ** 40 }).write(new Uint8Array(1 << 20));
      response.on("drain", () => response.write(new Uint8Array(1 << 20)));
    },
    message: new RegExp(`sent more than ${MANIFEST_BYTES_MAX} bytes`),
    requestsMax: 1,
  },
  "sends a manifest without an end": {
    answer: (_, response) => {
      response.on("drain", () => response.write(new Uint8Array(1 << 20)));
      response.write(new Uint8Array(1 << 20));
    },
    message: new RegExp(`sent more than ${MANIFEST_BYTES_MAX} bytes`),
    requestsMax: 1,
  },
  "sends a web page": {
    answer: (_, response) =>
      response.writeHead(200, { "content-type": "text/html; charset=utf-8" }).end("<html>"),
    message: /sent a web page instead of manifest .*log-in page/,
    requestsMax: 1,
  },
  "sends a packed bomb": {
    answer: (_, response) =>
      response.writeHead(200, { "content-encoding": "gzip" }).end(
        gzipSync(new Uint8Array(1 << 24)),
      ),
    message: /packs its answer \(Content-Encoding\).*must send content as it is/,
    requestsMax: 1,
  },
  "sends 4,000 headers": {
    answer: (_, response) => {
      for (let i = 0; i < 4_000; i++) response.setHeader(`x-${i}`, "y");
      response.end();
    },
    message: /sent more headers than any registry needs/,
    requestsMax: 1,
  },
  "sends a header of 8 MiB": {
    answer: (_, response) => response.setHeader("x-much", "y".repeat(8 << 20)).end(),
    message: /sent more headers than any registry needs/,
    requestsMax: 1,
  },
  "sends a challenge of 64 KiB": {
    answer: (_, response) =>
      response.writeHead(401, { "www-authenticate": `Bearer ${"a=b,".repeat(16_000)}` }).end(),
    message: /asks for credentials \(401\)/,
    requestsMax: 1,
  },
  "sends a message full of control characters": {
    answer: (_, response) =>
      json(response, 403, {
        errors: [{ code: "DENIED", message: `\u001b[2J\n${"x".repeat(9999)}` }],
      }),
    message: /it says "DENIED: +\[2J x{200,256}…"; give credentials for "127[^\n]*$/,
    requestsMax: 1,
  },
  "asks for credentials that there are not": {
    answer: (_, response) => response.writeHead(401, { "www-authenticate": "Basic" }).end(),
    message: /asks for credentials \(401\); give credentials for "127/,
    requestsMax: 1,
  },
  "refuses the credentials": {
    answer: (_, response) => response.writeHead(401, { "www-authenticate": "Basic" }).end(),
    message: /refuses the user and password of a test \(401\); correct the credentials in a test/,
    credential: ANN,
    requestsMax: 2,
  },
  "forbids": {
    answer: (_, response) => response.writeHead(403).end(),
    message: /forbids manifest "v1" of "app" to the user of a test \(403\); grant that user read/,
    credential: ANN,
    requestsMax: 1,
  },
  "has no such manifest": {
    answer: (_, response) => json(response, 404, { errors: [{ code: "MANIFEST_UNKNOWN" }] }),
    message: /has no manifest "v1" of "app" \(404\): it says "MANIFEST_UNKNOWN"; check the name/,
    requestsMax: 1,
  },
  "allows no more": {
    answer: (_, response) => response.writeHead(429, { "retry-after": "3600" }).end(),
    message: /allows no more requests for now \(429\); try again later/,
    requestsMax: 1,
  },
  "allows no more until a date": {
    answer: (_, response) => {
      const date = new Date(Date.now() + 3_600_000).toUTCString();
      response.writeHead(503, { "retry-after": date }).end();
    },
    message: /is in trouble \(503\); try again later/,
    unavailable: true,
    requestsMax: 1,
  },
  "is in trouble": {
    answer: (_, response) => response.writeHead(500).end("<html>"),
    message: /is in trouble \(500\); try again later/,
    unavailable: true,
  },
  "hangs up": {
    answer: (request) => request.socket.destroy(),
    message: /the connection to host "127\S+ broke/,
    unavailable: true,
    requestsMax: 8,
  },
  "speaks no HTTP": {
    answer: (request) => request.socket.end("220 mail.example ESMTP\r\n"),
    message: /does not speak plain HTTP; if it speaks HTTPS/,
  },
  "lists its tags in a circle": {
    answer: (request, response) => {
      response.setHeader("link", `<${request.url}>; rel=next`);
      json(response, 200, { tags: ["a"] });
    },
    message: /sends tags of "app" without an end/,
    wanted: "tags",
    requestsMax: 2,
  },
};

for (const [what, peer] of Object.entries(BAD)) {
  Deno.test(`OciClient gives up on a registry that ${what}`, async () => {
    await using server = await TestServer.answering(peer.answer);
    const { credential, requestsMax = 4 } = peer;
    using client = new OciClient({
      insecure: [server.host],
      retryMs: 1,
      headersMs: 600,
      idleMs: 600,
      slowMs: 1_200,
    });
    const access = { registry: server.host, repository: "app", credential };
    const fromMs = performance.now();
    const error = await ask(client, access, peer.wanted).then(
      () => assert.fail("it worked"),
      (error: unknown) => error,
    );
    assert.ok(error instanceof PullFailure, Deno.inspect(error));
    assert.match(error.message, peer.message);
    assert.equal(error.unavailable, peer.unavailable ?? false);
    assert.equal(error.message.includes("sesame"), false);
    assert.ok(error.message.length < 600, `${error.message.length} characters`);
    assert.ok(performance.now() - fromMs < GIVE_UP_MS, "in time");
    assert.ok(server.seen.length <= requestsMax, `${server.seen.length} requests`);
  });
}

async function ask(
  client: OciClient,
  access: { registry: string; repository: string; credential: typeof ANN | undefined },
  wanted: BadPeer["wanted"] = "manifest",
): Promise<unknown> {
  if (wanted === "manifest") return await client.manifest(access, "v1", { signal });
  if (wanted === "by digest") return await client.manifest(access, DIGEST, { signal });
  if (wanted === "tags") return await Array.fromAsync(client.tags(access, { signal }));
  let size = 0;
  const sink = {
    get size() {
      return size;
    },
    write(bytes: Uint8Array): Promise<void> {
      size += bytes.length;
      if (size <= BLOB.length) return Promise.resolve();
      return Promise.reject(new PullFailure(`the registry sent more than ${BLOB.length} bytes`));
    },
    restart: () => Promise.resolve(void (size = 0)),
  };
  return await client.download(access, { digest: DIGEST, size: BLOB.length }, { sink, signal });
}

Deno.test("OciClient gives up on a host whose certificate is not to be believed", async () => {
  const good = makeCertificates();
  const cases: readonly (readonly [ReturnType<typeof makeCertificates>, string[], RegExp])[] = [
    [good, [], /signed by an unknown authority; trust the authority's certificate for "127/],
    [makeCertificates({ days: -1 }), ["own"], /has expired: renew it, or is this machine's clock/],
    [makeCertificates({ name: "elsewhere.example" }), ["own"], /for another name: .*elsewhere/],
  ];
  for (const [certificates, trusted, message] of cases) {
    await using server = await TestServer.answering((_, response) => response.end(), certificates);
    const authorities = { [server.host]: trusted.map(() => certificates.ca) };
    using client = new OciClient({ trust: { authorities }, retryMs: 1 });
    const access = { registry: server.host, repository: "app", credential: undefined };
    await assert.rejects(client.manifest(access, "v1", { signal }), (error: unknown) => {
      assert.ok(error instanceof PullFailure && !error.retry, String(error));
      assert.match(error.message, message);
      return true;
    });
    assert.equal(server.seen.length, 0);
  }
});
