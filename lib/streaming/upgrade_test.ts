import assert from "node:assert/strict";
import type { IncomingHttpHeaders } from "node:http";
import { CHANNEL_PORTS_MAX } from "./limits.ts";
import { planCommand, planForward, type StreamingRequest, UpgradeRefusal } from "./upgrade.ts";

function spdy(protocols: string | undefined, method = "POST"): StreamingRequest {
  const headers: IncomingHttpHeaders = { connection: "Upgrade", upgrade: "SPDY/3.1" };
  if (protocols !== undefined) headers["x-stream-protocol-version"] = protocols;
  return { method, headers, params: new URLSearchParams() };
}

function web(protocols: string | undefined, query = ""): StreamingRequest {
  const headers: IncomingHttpHeaders = { connection: "keep-alive, Upgrade", upgrade: "websocket" };
  if (protocols !== undefined) headers["sec-websocket-protocol"] = protocols;
  return { method: "GET", headers, params: new URLSearchParams(query) };
}

function refusal(plan: () => unknown): UpgradeRefusal {
  try {
    plan();
  } catch (error) {
    assert.ok(error instanceof UpgradeRefusal, String(error));
    assert.doesNotMatch(error.message, /: /, "client-go takes it for YAML");
    return error;
  }
  throw new Error("Cannot see a refusal: the request was taken");
}

Deno.test("planCommand() takes the first protocol of SPDY that a client names and this node knows", () => {
  for (const [index, name] of ["", "v2.", "v3.", "v4."].entries()) {
    const protocol = `${name}channel.k8s.io`;
    const wanted = { kind: "spdy", protocol, version: index + 1 };
    assert.deepEqual(planCommand(spdy(protocol)), wanted);
    assert.deepEqual(
      planCommand(spdy(`v9.channel.k8s.io, ${protocol}, v4.channel.k8s.io`)),
      wanted,
    );
  }
});

Deno.test("planCommand() takes the first sub-protocol of a WebSocket that it knows", () => {
  const plans: readonly [string | undefined, number, boolean][] = [
    ["v5.channel.k8s.io", 5, false],
    ["v4.channel.k8s.io", 4, false],
    ["v4.base64.channel.k8s.io", 4, true],
    ["channel.k8s.io", 1, false],
    ["base64.channel.k8s.io", 1, true],
    [undefined, 1, false],
  ];
  for (const [protocol, version, base64] of plans) {
    const wanted = { kind: "channels", protocol, version, base64 };
    assert.deepEqual(planCommand(web(protocol)), wanted);
  }
  assert.deepEqual(planCommand(web("v9.channel.k8s.io,v4.channel.k8s.io, v5.channel.k8s.io")), {
    ...{ kind: "channels", protocol: "v4.channel.k8s.io", version: 4, base64: false },
  });
});

Deno.test("planForward() takes SPDY, SPDY in a WebSocket, and channels", () => {
  const protocol = "portforward.k8s.io";
  assert.deepEqual(planForward(spdy(protocol)), { kind: "spdy", protocol });
  const tunnel = "SPDY/3.1+portforward.k8s.io";
  assert.deepEqual(planForward(web(tunnel)), { kind: "tunnel", protocol: tunnel });
  assert.deepEqual(planForward(web("v4.base64.channel.k8s.io", "port=80,81&port=65535")), {
    ...{ kind: "channels", protocol: "v4.base64.channel.k8s.io", base64: true },
    ports: [80, 81, 65_535],
  });
  assert.deepEqual(planForward(web(undefined, "port=1")), {
    ...{ kind: "channels", protocol: undefined, base64: false, ports: [1] },
  });
});

Deno.test("plans refuse what is no upgrade", () => {
  for (const plan of [planCommand, planForward]) {
    const params = new URLSearchParams();
    assert.equal(refusal(() => plan({ method: "GET", headers: {}, params })).status, 400);
    assert.equal(refusal(() => plan(spdy(undefined))).status, 400);
    assert.equal(refusal(() => plan({ ...web(undefined), method: "POST" })).status, 405);
    const http2 = { connection: "Upgrade", upgrade: "h2c" };
    assert.equal(refusal(() => plan({ method: "GET", headers: http2, params })).status, 400);
  }
});

Deno.test("plans refuse protocols that are not known, and tell those that are", () => {
  const command = refusal(() => planCommand(spdy("v9.channel.k8s.io")));
  assert.equal(command.status, 403);
  assert.deepEqual(command.headers, {
    "x-accepted-stream-protocol-versions":
      "v4.channel.k8s.io, v3.channel.k8s.io, v2.channel.k8s.io, channel.k8s.io",
  });
  assert.equal(refusal(() => planForward(spdy("v4.channel.k8s.io"))).status, 403);
  assert.equal(refusal(() => planCommand(web("SPDY/3.1+portforward.k8s.io"))).status, 403);
  assert.equal(refusal(() => planForward(web("v5.channel.k8s.io"))).status, 403);
});

for (const query of ["", "port=", "port=0", "port=65536", "port=80,", "port=-1", "port=8a"]) {
  Deno.test(`planForward() refuses the ports "${query}"`, () => {
    assert.equal(refusal(() => planForward(web("v4.channel.k8s.io", query))).status, 400);
  });
}

Deno.test("planForward() tells of a port that is none in words that client-go shows", () => {
  const query = `port=${encodeURIComponent(`a: :  b${"c".repeat(100)}`)}`;
  const { message } = refusal(() => planForward(web("v4.channel.k8s.io", query)));
  assert.equal(message, 'unable to parse "a::b' + "c".repeat(13) + '" as a port');
});

Deno.test("planForward() refuses more ports than there are channels", () => {
  const ports = (count: number): string => `port=${Array(count).fill(80).join(",")}`;
  planForward(web("v4.channel.k8s.io", ports(CHANNEL_PORTS_MAX)));
  const { status } = refusal(() =>
    planForward(web("v4.channel.k8s.io", ports(CHANNEL_PORTS_MAX + 1)))
  );
  assert.equal(status, 400);
});
