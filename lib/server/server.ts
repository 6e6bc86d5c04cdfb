/**
 * The kubelet's own HTTPS API, by which the API server reaches this node.
 *
 * @module
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer, type Server } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import { getLogger } from "@logtape/logtape";
import type { Pod } from "../api/types.ts";
import { KubeletError, messageOf } from "../errors.ts";
import { sleep } from "../time.ts";
import { type ConnectionLimits, Connections, peerOf } from "./connections.ts";
import { refuseHead } from "./long_head.ts";
import { type LogSource, serveLogs } from "./logs.ts";
import { Gate, type GateOptions, type Refusal } from "./gate.ts";
import { PeerCertificates } from "./peer_certificates.ts";
import { PageDesk, type Pages } from "./pages.ts";
import { podList, runningPodList } from "./pods.ts";
import { sendJson, sendText } from "./responses.ts";
import { refuseUpgrade, type Upgrade } from "../streaming/accept.ts";
import { UpgradeRefusal } from "../streaming/upgrade.ts";
import { findRoute, type Route } from "./routes.ts";
import type { StreamRoute, StreamSource } from "./stream_source.ts";
import { type StreamLimits, Streams } from "./streams.ts";

/** What the server proves itself with, and whom it believes; all in PEM. */
export interface ServerCertificates {
  readonly certPem: string;
  readonly keyPem: string;
  /** Authorities of client certificates. */
  readonly clientCaPem: string;
}

/** What bounds the work of the server. */
export interface ServerLimits extends ConnectionLimits, StreamLimits {
  /** Logs that are sent at once. */
  readonly logStreamsMax: number;
  /** Time in which the reader of a page has to take something. */
  readonly pageStalledMs: number;
}

/** What the server is made of. */
export interface KubeletServerOptions extends ServerCertificates, GateOptions {
  readonly address: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly logs: LogSource;
  readonly streams: StreamSource;
  pods(): readonly Pod[];
  /** @default {none: they are answered 501} */
  readonly pages?: Pages;
  /** Hears of each request; what it answers is called when the request is over. @default {nobody} */
  onRequest?(method: string, path: string): () => void;
  /** @default {SERVER_LIMITS} */
  readonly limits?: Partial<ServerLimits>;
}

/**
 * Generous for an API server, a monitor and some people; bounded for everybody else. One API server
 * may follow as many logs as there can be, and ask other things; it leaves room for the others.
 */
export const SERVER_LIMITS: ServerLimits = {
  connectionsMax: 1_000,
  connectionsPerPeerMax: 600,
  headMs: 10_000,
  idleMs: 90_000,
  logStreamsMax: 250,
  pageStalledMs: 30_000,
  streamsMax: 250,
  forwardedMax: 2_000,
};

/** Time for the peers of sessions to close when this side goes away; then they are cut off. */
const LEAVE_MS_MAX = 2_000;

/**
 * A request's head: the longest that the API server sends is well below. The target, and the names and
 * values of headers are counted; with so many bytes, the answer is 431, and the connection is closed.
 */
export const HEAD_BYTES_MAX = 16 * 1024;

/**
 * Serves the node's API over TLS. Every path needs a client certificate that the cluster's authority
 * signed or a bearer token that the API server knows, and the cluster's permission.
 */
export class KubeletServer {
  readonly #options: KubeletServerOptions;
  readonly #limits: ServerLimits;
  readonly #peers: PeerCertificates;
  readonly #gate: Gate;
  readonly #connections: Connections;
  readonly #desk: PageDesk;
  readonly #server: Server;
  #certificates: ServerCertificates;
  readonly #stop = new AbortController();
  readonly #log = getLogger(["krustlet", "server"]);
  readonly #logStreams = new Set<Promise<void>>();
  readonly #streams: Streams;

  /** Throws if certificate and key do not fit. */
  constructor(options: KubeletServerOptions) {
    this.#options = options;
    const { certPem, keyPem, clientCaPem } = options;
    this.#certificates = { certPem, keyPem, clientCaPem };
    this.#limits = { ...SERVER_LIMITS, ...options.limits };
    this.#peers = new PeerCertificates(clientCaPem);
    this.#gate = new Gate(options, this.#peers);
    this.#connections = new Connections(this.#limits);
    this.#desk = new PageDesk(options.pages ?? {}, { stalledMs: this.#limits.pageStalledMs });
    this.#streams = new Streams(options.streams, {
      limits: this.#limits,
      signal: this.#stop.signal,
    });
    this.#server = createServer({
      ...contextOf(options),
      requestCert: true,
      // Decided per request: a caller may have a token instead.
      rejectUnauthorized: false,
      maxHeaderSize: HEAD_BYTES_MAX,
      // Elsewhere the wish for another protocol is not heard, as Go's server does not hear it.
      shouldUpgradeCallback: (request) => {
        const { method, path } = askedOf(request);
        return isStreamed(findRoute(method, path));
      },
    });
    this.#server.on("connection", (socket) => this.#connections.add(socket as Socket));
    this.#server.on("secureConnection", (socket) => this.#peers.add(socket));
    this.#server.on("request", (request, response) => void this.#handle(request, response));
    this.#server.on("clientError", (error, socket) => {
      refuseHead(error, { socket, busy: this.#connections.isBusy(peerOf(socket as Socket)) });
    });
    this.#server.on("upgrade", (request, socket, head) => {
      void this.#upgrade({ request, socket, head });
    });
  }

  /**
   * Starts to listen.
   *
   * @returns The port, which matters if 0 was asked for.
   * @throws {KubeletError} `invalid`, if address or port cannot be had.
   */
  listen(): Promise<{ port: number }> {
    const { address, port } = this.#options;
    return new Promise((resolve, reject) => {
      const failed = (error: Error): void => reject(explainListen(error, { address, port }));
      this.#server.once("error", failed);
      this.#server.listen({ host: address, port }, () => {
        this.#server.off("error", failed);
        this.#server.on("error", (error) => this.#log.error("Server: {error}", { error }));
        resolve({ port: (this.#server.address() as AddressInfo).port });
      });
    });
  }

  /** Uses other certificates for new connections; those that are open go on. */
  replaceCertificate(changes: Partial<ServerCertificates>): void {
    const certificates = { ...this.#certificates, ...changes };
    this.#server.setSecureContext(contextOf(certificates));
    if (certificates.clientCaPem !== this.#certificates.clientCaPem) {
      this.#peers.authoritiesAre(certificates.clientCaPem);
    }
    this.#certificates = certificates;
  }

  /** Ends every answer and connection, and stops to listen. The peers of sessions are told that it goes. */
  async close(): Promise<void> {
    this.#stop.abort();
    const { promise, resolve } = Promise.withResolvers<void>();
    // The error says that the server never listened, which is as good.
    this.#server.close(() => resolve());
    const taken = new AbortController();
    await Promise.race([this.#streams.ended(), sleep(LEAVE_MS_MAX, taken.signal)]);
    taken.abort();
    this.#connections.closeAll();
    await promise;
    // They let go of their files first.
    await Promise.allSettled([...this.#logStreams, this.#streams.ended()]);
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const peer = peerOf(request.socket);
    this.#connections.busy(peer);
    const { method, path } = askedOf(request);
    const over = this.#options.onRequest?.(method, path);
    const gone = new AbortController();
    const left = (): void => {
      // A socket that closes ends its answer first, and has this on the list of whom it tells itself.
      if (gone.signal.aborted) return;
      response.off("close", left);
      request.socket.off("close", left);
      this.#connections.idle(peer);
      over?.();
      gone.abort();
    };
    response.once("close", left);
    // An answer that waits behind another one's on its connection does not hear of that one's end.
    request.socket.once("close", left);
    // A body that nobody reads would stall the connection.
    request.resume();
    try {
      await this.#answer({ request, response, gone: gone.signal });
    } catch (error) {
      this.#log.warning("Cannot answer {method} {url}: {error}", {
        method: request.method,
        url: request.url,
        error: messageOf(error),
      });
      if (response.headersSent) response.destroy();
      else sendText(response, { status: 500, text: "Internal server error" });
    }
  }

  /** A request that asks for another protocol on its connection, which is its own from now on. */
  async #upgrade(upgrade: Upgrade): Promise<void> {
    const { request, socket } = upgrade;
    const { method, path } = askedOf(request);
    this.#connections.busy(peerOf(request.socket));
    const over = this.#options.onRequest?.(method, path);
    socket.once("close", () => over?.());
    try {
      const refusal = await this.#serveUpgrade(upgrade);
      if (refusal !== undefined) refuseUpgrade(socket, refusal);
    } catch (error) {
      if (error instanceof UpgradeRefusal) {
        const { status, message: text, headers } = error;
        return refuseUpgrade(socket, { status, text, headers });
      }
      this.#log.debug("Session at {url} failed: {error}", {
        url: request.url,
        error: messageOf(error),
      });
      socket.destroy();
    }
  }

  async #serveUpgrade(upgrade: Upgrade): Promise<Refusal | undefined> {
    const { request } = upgrade;
    const asked = askedOf(request);
    const refusal = await this.#gate.refusal(request, asked);
    if (refusal !== undefined) return refusal;
    const route = findRoute(asked.method, asked.path);
    // No other one comes here.
    if (!isStreamed(route)) throw new UpgradeRefusal(400, "This path has no other protocol");
    await this.#streams.serve(route, { upgrade, params: asked.params });
  }

  async #answer({ request, response, gone }: Asking): Promise<void> {
    const { method, path, params } = askedOf(request);
    const route = findRoute(method, path);
    const refusal = await this.#gate.refusal(request, { method, path });
    if (refusal !== undefined) return leave(response, refusal);
    // Nobody would tell the answer that its reader left before it began.
    if (!gone.aborted) await this.#serve(route, { request, response, params, gone });
  }

  async #serve(
    route: Route,
    given: Asking & { params: URLSearchParams },
  ): Promise<void> {
    const { response } = given;
    switch (route.kind) {
      case "health":
        return sendText(response, { status: 200, text: "ok" });
      case "logs":
        return await this.#serveLogs(route, given);
      case "pods":
        return sendJson(response, podList(this.#options.pods()));
      case "running_pods":
        return sendJson(response, runningPodList(this.#options.pods()));
      case "page":
        return await this.#desk.serve(route, given);
      case "exec":
      case "attach":
      case "port_forward":
        return sendText(response, { status: 400, text: "Upgrade request required" });
      case "run":
        return await this.#serveRun(route, given);
      case "not_implemented":
        return sendText(response, { status: 501, text: "Not implemented by this node" });
      case "method_not_allowed":
        return sendText(response, {
          status: 405,
          text: `Method not allowed; allowed is ${route.allow}`,
          headers: { allow: route.allow },
        });
      default:
        return sendText(response, { status: 404, text: "404 page not found" });
    }
  }

  async #serveRun(
    route: Route & { kind: "run" },
    { response, params, gone }: Asking & { params: URLSearchParams },
  ): Promise<void> {
    try {
      const output = await this.#streams.run(route, { params, signal: gone });
      response.writeHead(200, { "content-type": "application/octet-stream" });
      response.end(output);
    } catch (error) {
      if (!(error instanceof UpgradeRefusal)) throw error;
      const { status, message: text, headers } = error;
      sendText(response, { status, text, headers });
    }
  }

  async #serveLogs(
    { namespace, pod, container }: Route & { kind: "logs" },
    given: Asking & { params: URLSearchParams },
  ): Promise<void> {
    const { logStreamsMax } = this.#limits;
    if (this.#logStreams.size >= logStreamsMax) {
      return sendText(given.response, {
        status: 429,
        text: `Too many logs are read from this node at once: ${logStreamsMax}; try again later`,
        headers: { "retry-after": "5" },
      });
    }
    const stream = serveLogs(this.#options.logs, {
      ...given,
      container: { namespace, pod, container },
      signal: this.#stop.signal,
    });
    this.#logStreams.add(stream);
    try {
      await stream;
    } finally {
      this.#logStreams.delete(stream);
    }
  }
}

/** A request, and whoever waits for its answer. */
interface Asking {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** Aborted when nobody waits any more. */
  readonly gone: AbortSignal;
}

/** Answers somebody who has no business here, and closes: few connections serve many strangers. */
function leave(response: ServerResponse, answer: Refusal): void {
  sendText(response, { ...answer, headers: { connection: "close" } });
}

function isStreamed(route: Route): route is StreamRoute {
  return route.kind === "exec" || route.kind === "attach" || route.kind === "port_forward";
}

function contextOf(
  { certPem, keyPem, clientCaPem }: ServerCertificates,
): { cert: string; key: string; ca: string; minVersion: "TLSv1.2" } {
  return { cert: certPem, key: keyPem, ca: clientCaPem, minVersion: "TLSv1.2" };
}

/** What a request asks for. The path is still percent-encoded. */
function askedOf(
  { method = "GET", url = "/" }: IncomingMessage,
): { method: string; path: string; params: URLSearchParams } {
  const at = url.indexOf("?");
  const [path, query] = at < 0 ? [url, ""] : [url.slice(0, at), url.slice(at + 1)];
  return { method, path, params: new URLSearchParams(query) };
}

function explainListen(
  error: Error,
  { address, port }: { address: string; port: number },
): KubeletError {
  const code = "code" in error ? error.code : undefined;
  const advice = new Map<unknown, string>([
    ["EADDRINUSE", "the port is in use; stop the other program, or give another --port"],
    ["EACCES", "the system does not allow it; give a --port above 1023"],
    ["EADDRNOTAVAIL", "this machine does not have the address; give another --addr"],
  ]).get(code) ?? messageOf(error);
  return new KubeletError("invalid", `Cannot listen on "${address}" port ${port}: ${advice}`, {
    cause: error,
  });
}
