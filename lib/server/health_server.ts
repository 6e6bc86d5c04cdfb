/**
 * Says to programs of this machine that the agent is alive.
 *
 * @module
 */
import { createServer, type Server } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { getLogger } from "@logtape/logtape";
import { messageOf } from "../errors.ts";
import { aborted, sleep } from "../time.ts";
import { type ConnectionLimits, Connections, peerOf } from "./connections.ts";
import { refuseHead } from "./long_head.ts";
import { sendText } from "./responses.ts";

/** What a {@linkcode serveHealth} needs. */
export interface HealthServerOptions {
  readonly address: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** Hears on which port it listens, each time that it begins. */
  onListening?(port: number): void;
  /** Hears once why it cannot listen, and what to do. */
  onTrouble(message: string): void;
  /** Ends it. */
  readonly signal: AbortSignal;
  /** Between two attempts to listen. @default {@linkcode LISTEN_RETRY_MS} */
  readonly retryMs?: number;
}

/** As long as a kubelet waits before it tries to listen again. */
const LISTEN_RETRY_MS = 5_000;
/** One question each, from few programs. */
const LIMITS: ConnectionLimits = {
  connectionsMax: 64,
  connectionsPerPeerMax: 64,
  headMs: 5_000,
  idleMs: 30_000,
};
const HEAD_BYTES_MAX = 8 * 1024;

const log = getLogger(["krustlet", "server"]);

/**
 * Answers `/healthz` and `/healthz/ping` with `ok` until the signal aborts. A port that is in use is tried
 * again and again, since a node can do without it. Never rejects.
 */
export async function serveHealth(options: HealthServerOptions): Promise<void> {
  const { address, port, onTrouble, signal, retryMs = LISTEN_RETRY_MS } = options;
  let told = false;
  while (!signal.aborted) {
    try {
      return await serveOnce(options);
    } catch (error) {
      if (!told) onTrouble(explain(error, { address, port }));
      told = true;
      await sleep(retryMs, signal);
    }
  }
}

/** Settles when it was told to end. Rejects if it cannot listen. */
async function serveOnce(
  { address, port, onListening, signal }: HealthServerOptions,
): Promise<void> {
  const connections = new Connections(LIMITS);
  const server = createServer({ maxHeaderSize: HEAD_BYTES_MAX }, (request, response) => {
    const peer = peerOf(request.socket);
    connections.busy(peer);
    response.once("close", () => connections.idle(peer));
    request.resume();
    const [path = ""] = (request.url ?? "").split("?");
    const known = /^\/healthz(\/ping)?\/?$/.test(path);
    const reads = request.method === "GET" || request.method === "HEAD";
    if (!known) sendText(response, { status: 404, text: "404 page not found" });
    else if (!reads) sendText(response, { status: 405, text: "Method not allowed" });
    else sendText(response, { status: 200, text: "ok" });
  });
  server.on("connection", (socket) => connections.add(socket as Socket));
  server.on("clientError", (error, socket) => {
    refuseHead(error, { socket, busy: connections.isBusy(peerOf(socket as Socket)) });
  });
  await listen(server, { address, port });
  onListening?.((server.address() as AddressInfo).port);
  await aborted(signal);
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  connections.closeAll();
  await closed;
}

/** Begins to listen. Rejects if that is not possible; later errors are told to the log. */
export function listen(
  server: Server,
  { address, port }: { readonly address: string; readonly port: number },
): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host: address, port }, () => {
      server.off("error", reject);
      // It goes on to listen: too few descriptors for a connection, say, must not end the agent.
      server.on("error", (error) => log.error("Server of /healthz: {error}", { error }));
      resolve();
    });
  });
}

function explain(error: unknown, { address, port }: { address: string; port: number }): string {
  const inUse = error instanceof Error && "code" in error && error.code === "EADDRINUSE";
  const why = inUse
    ? "the port is in use, perhaps by another node of this machine; give each a --healthz-port of " +
      "its own, or 0 for none"
    : `${messageOf(error)}; give another --healthz-bind-address or --healthz-port`;
  return `Cannot serve /healthz on "${address}" port ${port}, and will try again: ${why}`;
}
