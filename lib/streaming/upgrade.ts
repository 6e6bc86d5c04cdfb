/**
 * Which protocol a request for streams is served by: what a kubelet would choose, or why it refuses.
 *
 * @module
 */
import type { IncomingHttpHeaders } from "node:http";
import { CHANNEL_PORTS_MAX } from "./limits.ts";
import { parsePort } from "./ports.ts";

/** What matters of a request: its method, its headers, and the parameters of its URL. */
export interface StreamingRequest {
  readonly method: string;
  readonly headers: IncomingHttpHeaders;
  readonly params: URLSearchParams;
}

/**
 * A request that cannot be served, and how it is answered. No message has a colon and a space: client-go
 * would take it for YAML, and show nothing.
 */
export class UpgradeRefusal extends Error {
  /** Stays the same in a minified program. */
  override readonly name = "UpgradeRefusal";
  /** HTTP's status code. */
  readonly status: number;
  /** Headers of the answer, besides those that every answer has. */
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, message: string, headers: Readonly<Record<string, string>> = {}) {
    super(message);
    this.status = status;
    this.headers = headers;
  }
}

/** How a command is served. */
export type CommandPlan =
  | { readonly kind: "spdy"; readonly protocol: string; readonly version: number }
  | {
    readonly kind: "channels";
    /** The sub-protocol that is answered; absent if none was offered. */
    readonly protocol: string | undefined;
    readonly version: number;
    readonly base64: boolean;
  };

/** How ports are forwarded. */
export type ForwardPlan =
  | { readonly kind: "spdy"; readonly protocol: string }
  /** SPDY in the messages of a WebSocket. */
  | { readonly kind: "tunnel"; readonly protocol: string }
  | {
    readonly kind: "channels";
    readonly protocol: string | undefined;
    readonly base64: boolean;
    readonly ports: readonly number[];
  };

/** Sub-protocols of a WebSocket for commands. */
const COMMAND_CHANNELS = new Map([
  ["v5.channel.k8s.io", { version: 5, base64: false }],
  ["v4.channel.k8s.io", { version: 4, base64: false }],
  ["v4.base64.channel.k8s.io", { version: 4, base64: true }],
  ["channel.k8s.io", { version: 1, base64: false }],
  ["base64.channel.k8s.io", { version: 1, base64: true }],
]);

/** Sub-protocols of SPDY for commands. */
const COMMAND_SPDY = new Map([
  ["v4.channel.k8s.io", 4],
  ["v3.channel.k8s.io", 3],
  ["v2.channel.k8s.io", 2],
  ["channel.k8s.io", 1],
]);

const FORWARD_CHANNELS = new Map([
  ["v4.channel.k8s.io", { base64: false }],
  ["v4.base64.channel.k8s.io", { base64: true }],
]);

/** As much of a port that is none is told to the client. */
const PORT_CHARS_MAX = 20;

const FORWARD_SPDY = "portforward.k8s.io";
const FORWARD_TUNNEL = `SPDY/3.1+${FORWARD_SPDY}`;

/**
 * Chooses how a command is served.
 *
 * @throws {UpgradeRefusal}
 */
export function planCommand(request: StreamingRequest): CommandPlan {
  if (isWebSocket(request)) {
    const protocol = chooseWebSocket(request, [...COMMAND_CHANNELS.keys()]);
    // Without a sub-protocol it is the oldest one.
    const chosen = COMMAND_CHANNELS.get(protocol ?? "channel.k8s.io")!;
    return { kind: "channels", protocol, ...chosen };
  }
  const protocol = chooseSpdy(request, [...COMMAND_SPDY.keys()]);
  return { kind: "spdy", protocol, version: COMMAND_SPDY.get(protocol)! };
}

/**
 * Chooses how ports are forwarded.
 *
 * @throws {UpgradeRefusal}
 */
export function planForward(request: StreamingRequest): ForwardPlan {
  if (!isWebSocket(request)) {
    return { kind: "spdy", protocol: chooseSpdy(request, [FORWARD_SPDY]) };
  }
  const offered = [FORWARD_TUNNEL, ...FORWARD_CHANNELS.keys()];
  const protocol = chooseWebSocket(request, offered);
  if (protocol === FORWARD_TUNNEL) return { kind: "tunnel", protocol };
  const { base64 } = FORWARD_CHANNELS.get(protocol ?? "v4.channel.k8s.io")!;
  return { kind: "channels", protocol, base64, ports: portsOf(request.params) };
}

function isWebSocket({ headers }: StreamingRequest): boolean {
  return hasToken(headers.connection, "upgrade") && hasToken(headers.upgrade, "websocket");
}

function chooseWebSocket(
  { method, headers }: StreamingRequest,
  known: readonly string[],
): string | undefined {
  if (method !== "GET") {
    throw new UpgradeRefusal(405, "A WebSocket is opened by GET", { allow: "GET" });
  }
  const offered = listOf(headers["sec-websocket-protocol"]);
  if (offered.length === 0) return undefined;
  const chosen = offered.find((protocol) => known.includes(protocol));
  if (chosen !== undefined) return chosen;
  throw new UpgradeRefusal(
    403,
    `unable to upgrade, as none of the sub-protocols is known; this node accepts ${
      known.join(", ")
    }`,
  );
}

function chooseSpdy({ headers }: StreamingRequest, known: readonly string[]): string {
  if (!hasToken(headers.connection, "upgrade") || !hasToken(headers.upgrade, "spdy/3.1")) {
    throw new UpgradeRefusal(400, "Upgrade request required");
  }
  const header = headers["x-stream-protocol-version"];
  const offered = listOf(Array.isArray(header) ? header.join(",") : header);
  if (offered.length === 0) {
    throw new UpgradeRefusal(
      400,
      "unable to upgrade, as header X-Stream-Protocol-Version is missing",
    );
  }
  const chosen = offered.find((protocol) => known.includes(protocol));
  if (chosen !== undefined) return chosen;
  throw new UpgradeRefusal(
    403,
    `unable to upgrade, as none of the protocols is known; this node accepts ${known.join(", ")}`,
    { "x-accepted-stream-protocol-versions": known.join(", ") },
  );
}

function portsOf(params: URLSearchParams): number[] {
  const texts = params.getAll("port").flatMap((text) => text.split(","));
  if (texts.length === 0) throw new UpgradeRefusal(400, 'query parameter "port" is required');
  if (texts.length > CHANNEL_PORTS_MAX) {
    throw new UpgradeRefusal(400, `at most ${CHANNEL_PORTS_MAX} ports can be forwarded at once`);
  }
  return texts.map((text) => {
    const port = parsePort(text);
    if (port === undefined) {
      const told = JSON.stringify(text.slice(0, PORT_CHARS_MAX).replace(/: +/g, ":"));
      throw new UpgradeRefusal(400, `unable to parse ${told} as a port`);
    }
    return port;
  });
}

function hasToken(header: string | undefined, token: string): boolean {
  return listOf(header?.toLowerCase()).includes(token);
}

function listOf(header: string | undefined): string[] {
  return (header ?? "").split(",").map((text) => text.trim()).filter((text) => text !== "");
}
