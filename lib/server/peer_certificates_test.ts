import assert from "node:assert/strict";
import { Agent, request } from "node:https";
import { API_SERVER, CLUSTER, FOREIGN, start, STRANGER } from "./_test_node.ts";
import { PeerCertificates, type SecureSocket } from "./peer_certificates.ts";

function socketOf(
  { authorized = true, reused = false, raw = [1] }: {
    authorized?: boolean;
    reused?: boolean;
    raw?: number[];
  },
): SecureSocket {
  return {
    authorized,
    isSessionReused: () => reused,
    getPeerCertificate: () => ({ raw: Uint8Array.from(raw) }),
  };
}

Deno.test("PeerCertificates believes a session whose certificate it has seen verified", () => {
  const certificates = new PeerCertificates(CLUSTER.certPem);
  const seen = (socket: SecureSocket): boolean => {
    certificates.add(socket);
    return certificates.has(socket);
  };
  assert.equal(seen(socketOf({ authorized: false })), false);
  assert.equal(seen(socketOf({ reused: true })), false);
  assert.equal(seen(socketOf({})), true);
  assert.equal(seen(socketOf({ reused: true })), true);
  assert.equal(seen(socketOf({ reused: true, raw: [2] })), false);
  assert.equal(seen(socketOf({ reused: true, authorized: false })), false);
  assert.equal(certificates.has(socketOf({})), false);
});

Deno.test("KubeletServer does not believe a session that a stranger takes up again", async () => {
  await using node = await start();
  for (const [{ certPem, keyPem }, status] of [[FOREIGN, 401], [API_SERVER, 200]] as const) {
    // None of its connections is used twice, and each but the first takes up a session.
    using client = Deno.createHttpClient({
      caCerts: [CLUSTER.certPem],
      cert: certPem,
      key: keyPem,
      poolMaxIdlePerHost: 0,
    });
    for (let attempt = 1; attempt <= 3; attempt++) {
      const answer = await fetch(`https://127.0.0.1:${node.port}/healthz`, { client });
      await answer.body?.cancel();
      assert.equal(answer.status, status, `attempt ${attempt}`);
    }
  }
});

Deno.test("KubeletServer believes a session as long as its certificate's authority", async () => {
  await using node = await start();
  const { certPem: cert, keyPem: key } = API_SERVER;
  using client = Deno.createHttpClient({
    caCerts: [CLUSTER.certPem],
    cert,
    key,
    poolMaxIdlePerHost: 0,
  });
  const ask = async (): Promise<number> => {
    const answer = await fetch(`https://127.0.0.1:${node.port}/healthz`, { client });
    await answer.body?.cancel();
    return answer.status;
  };
  assert.equal(await ask(), 200);
  const cases = [[`${STRANGER.certPem}${CLUSTER.certPem}`, 200], [STRANGER.certPem, 401]] as const;
  for (const [clientCaPem, status] of cases) {
    node.server.replaceCertificate({ clientCaPem });
    assert.equal(await ask(), status);
    assert.equal(await ask(), status);
  }
});

Deno.test("KubeletServer believes an open connection as long as its certificate's authority", async () => {
  await using node = await start();
  const { certPem: cert, keyPem: key } = API_SERVER;
  const agent = new Agent({ ca: CLUSTER.certPem, cert, key, keepAlive: true, maxSockets: 1 });
  const ports = new Set<number | undefined>();
  const ask = (): Promise<number | undefined> =>
    new Promise((resolve, reject) => {
      const asked = request(
        { host: "127.0.0.1", port: node.port, path: "/healthz", agent },
        (answer) => {
          ports.add(answer.socket.localPort);
          answer.resume().once("end", () => resolve(answer.statusCode));
        },
      );
      asked.once("error", reject).end();
    });
  assert.equal(await ask(), 200);
  const cases = [[`${STRANGER.certPem}${CLUSTER.certPem}`, 200], [CLUSTER.certPem, 200], [
    STRANGER.certPem,
    401,
  ]] as const;
  for (const [clientCaPem, status] of cases) {
    node.server.replaceCertificate({ clientCaPem });
    assert.equal(await ask(), status);
  }
  assert.equal(ports.size, 1, "all over one connection");
  agent.destroy();
});
