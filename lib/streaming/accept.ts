/**
 * From a request to a session: the answer to the upgrade, and the protocol that was chosen.
 *
 * @module
 */
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { type ByteSocket, UpgradedSocket } from "./byte_socket.ts";
import { BASE64, BINARY } from "./channels/codec.ts";
import { forwardOverChannels } from "./channels/port_forward.ts";
import { commandOverChannels } from "./channels/remote_command.ts";
import { MESSAGE_BYTES_MAX, STREAMING_TIMES, type StreamingTimes } from "./limits.ts";
import { CLOSE_CODE, type MessageSocket, OpenWebSocket } from "./message_socket.ts";
import {
  ClosedError,
  type CommandStreams,
  type PortForwardSession,
  type RemoteCommandSession,
} from "./session.ts";
import { forwardOverSpdy } from "./spdy/port_forward.ts";
import { commandOverSpdy } from "./spdy/remote_command.ts";
import { Tunnel } from "./tunnel.ts";
import { planCommand, planForward, type StreamingRequest, UpgradeRefusal } from "./upgrade.ts";

/** What the `upgrade` event of a HTTP server gives. */
export interface Upgrade {
  readonly request: IncomingMessage;
  readonly socket: Duplex;
  /** What came after the request's head. */
  readonly head: Uint8Array;
}

/** How a session is served. */
export interface AcceptOptions {
  /** Ends the session, whatever goes on in it; the peer is told. */
  readonly signal: AbortSignal;
  /** @default {STREAMING_TIMES} */
  readonly times?: Partial<StreamingTimes>;
}

/**
 * Answers a request for `exec` or `attach`, and waits until its streams are there.
 *
 * @throws {UpgradeRefusal} before anything was answered: tell it with {@linkcode refuseUpgrade}.
 * @throws {ClosedError} or {ProtocolError} after that; the connection is closed then.
 */
export async function acceptRemoteCommand(
  upgrade: Upgrade,
  options: AcceptOptions & { readonly streams: CommandStreams },
): Promise<RemoteCommandSession> {
  const plan = planCommand(requestOf(upgrade));
  const times = { ...STREAMING_TIMES, ...options.times };
  const { streams, signal } = options;
  if (plan.kind === "spdy") {
    const socket = acceptSpdy(upgrade, { protocol: plan.protocol, times });
    return await commandOverSpdy(socket, { version: plan.version, streams, times, signal });
  }
  const socket = await acceptWebSocket(upgrade, { protocol: plan.protocol, times });
  closeOn(signal, socket);
  const codec = plan.base64 ? BASE64 : BINARY;
  return commandOverChannels(socket, { codec, version: plan.version, streams });
}

/**
 * Answers a request for `port-forward`.
 *
 * @throws {UpgradeRefusal} before anything was answered: tell it with {@linkcode refuseUpgrade}.
 * @throws {ClosedError} if the peer has gone.
 */
export async function acceptPortForward(
  upgrade: Upgrade,
  options: AcceptOptions,
): Promise<PortForwardSession> {
  const plan = planForward(requestOf(upgrade));
  const times = { ...STREAMING_TIMES, ...options.times };
  const { signal } = options;
  if (plan.kind === "spdy") {
    const socket = acceptSpdy(upgrade, { protocol: plan.protocol, times });
    return forwardOverSpdy(socket, { times, signal });
  }
  const socket = await acceptWebSocket(upgrade, { protocol: plan.protocol, times });
  if (plan.kind === "tunnel") return forwardOverSpdy(new Tunnel(socket, signal), { times, signal });
  closeOn(signal, socket);
  return forwardOverChannels(socket, { codec: plan.base64 ? BASE64 : BINARY, ports: plan.ports });
}

/** Answers a request for an upgrade with an error instead, and closes, though the peer does not. */
export function refuseUpgrade(
  socket: Duplex,
  { status, text, headers = {}, lingerMs = STREAMING_TIMES.lingerMs }: {
    readonly status: number;
    readonly text: string;
    readonly headers?: Readonly<Record<string, string>>;
    /** @default {that of STREAMING_TIMES} */
    readonly lingerMs?: number;
  },
): void {
  socket.on("error", () => socket.destroy());
  const timer = setTimeout(() => socket.destroy(), lingerMs);
  socket.once("close", () => clearTimeout(timer));
  // What nobody reads would keep the peer's end from being seen.
  socket.resume();
  const body = new TextEncoder().encode(`${text}\n`);
  const lines = [
    // A client reads the number; words are not asked for by RFC 9112, section 4.
    `HTTP/1.1 ${status} `,
    "content-type: text/plain; charset=utf-8",
    "x-content-type-options: nosniff",
    `content-length: ${body.length}`,
    "connection: close",
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
  ];
  socket.write(`${lines.join("\r\n")}\r\n\r\n`);
  socket.end(body);
}

function requestOf({ request }: Upgrade): StreamingRequest {
  const { method = "GET", headers, url = "/" } = request;
  return { method, headers, params: new URLSearchParams(url.split("?").slice(1).join("?")) };
}

function acceptSpdy(
  { socket, head }: Upgrade,
  { protocol, times }: { protocol: string; times: StreamingTimes },
): ByteSocket {
  const bytes = new UpgradedSocket(socket, { head, lingerMs: times.lingerMs });
  const answer = [
    "HTTP/1.1 101 Switching Protocols",
    "connection: Upgrade",
    "upgrade: SPDY/3.1",
    `x-stream-protocol-version: ${protocol}`,
  ];
  socket.write(`${answer.join("\r\n")}\r\n\r\n`);
  return bytes;
}

async function acceptWebSocket(
  { request, socket, head }: Upgrade,
  { protocol, times }: { protocol: string | undefined; times: StreamingTimes },
): Promise<MessageSocket> {
  socket.on("error", () => socket.destroy());
  // @ts-types="@types/ws"
  const { WebSocketServer } = await import("ws");
  const server = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    // Its own answers wait for nobody: a peer could make it keep any number of them.
    autoPong: false,
    maxPayload: MESSAGE_BYTES_MAX,
    // It would cost memory for each connection, and let a peer send little that becomes much.
    perMessageDeflate: false,
    // Bytes are bytes; whether text is text matters to nobody here.
    skipUTF8Validation: true,
  });
  server.on("headers", (lines) => {
    if (protocol !== undefined) lines.push(`Sec-WebSocket-Protocol: ${protocol}`);
  });
  const { promise, resolve, reject } = Promise.withResolvers<MessageSocket>();
  server.once("wsClientError", (error) => reject(new UpgradeRefusal(400, error.message)));
  socket.once("close", () => reject(new ClosedError("The peer has gone")));
  if (socket.destroyed) reject(new ClosedError("The peer has gone"));
  else {
    server.handleUpgrade(withoutProtocols(request), socket, toBuffer(head), (web) => {
      resolve(new OpenWebSocket(web, { socket, times }));
    });
  }
  return await promise;
}

/**
 * What the library looks at. `SPDY/3.1+portforward.k8s.io` is no token as RFC 6455 wants it, and it
 * would refuse the name.
 */
function withoutProtocols({ method, url, headers }: IncomingMessage): IncomingMessage {
  const { "sec-websocket-protocol": _, ...rest } = headers;
  return { method, url, headers: rest } as IncomingMessage;
}

function toBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}

function closeOn(signal: AbortSignal, socket: MessageSocket): void {
  const stop = (): void => void socket.close(CLOSE_CODE.goingAway);
  if (signal.aborted) return stop();
  signal.addEventListener("abort", stop, { once: true });
  socket.closed.addEventListener("abort", () => signal.removeEventListener("abort", stop), {
    once: true,
  });
}
