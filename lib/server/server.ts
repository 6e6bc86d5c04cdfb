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
import {
  authenticate,
  type AuthenticateToken,
  type Authorize,
  rememberAnswers,
  rememberTokens,
  type User,
} from "./auth.ts";
import { type ConnectionLimits, Connections, peerOf } from "./connections.ts";
import { type LogSource, serveLogs } from "./logs.ts";
import { PageDesk, type Pages } from "./pages.ts";
import { podList, runningPodList } from "./pods.ts";
import { sendJson, sendText } from "./responses.ts";
import { accessFor, findRoute, type Route } from "./routes.ts";

/** What the server proves itself with, and whom it believes; all in PEM. */
export interface ServerCertificates {
  readonly certPem: string;
  readonly keyPem: string;
  /** Authorities of client certificates. */
  readonly clientCaPem: string;
}

/** What bounds the work of the server. */
export interface ServerLimits extends ConnectionLimits {
  /** Logs that are sent at once. */
  readonly logStreamsMax: number;
}

/** What the server is made of. */
export interface KubeletServerOptions extends ServerCertificates {
  readonly nodeName: string;
  readonly address: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** Asks the cluster; its answers are remembered here. */
  readonly authorize: Authorize;
  /** Asks the cluster about bearer tokens; its answers are remembered here. */
  readonly authenticateToken: AuthenticateToken;
  readonly logs: LogSource;
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
  connectionsPerPeerMax: 300,
  headMs: 10_000,
  idleMs: 90_000,
  logStreamsMax: 250,
};

/** A request's head: the longest that the API server sends is well below. */
const HEAD_BYTES_MAX = 16 * 1024;

/**
 * Serves the node's API over TLS. Every path needs a client certificate that the cluster's authority
 * signed or a bearer token that the API server knows, and the cluster's permission.
 */
export class KubeletServer {
  readonly #options: KubeletServerOptions;
  readonly #limits: ServerLimits;
  readonly #authorize: Authorize;
  readonly #authenticateToken: AuthenticateToken;
  readonly #connections: Connections;
  readonly #desk: PageDesk;
  readonly #server: Server;
  #certificates: ServerCertificates;
  readonly #stop = new AbortController();
  readonly #log = getLogger(["krustlet", "server"]);
  readonly #logStreams = new Set<Promise<void>>();

  /** Throws if certificate and key do not fit. */
  constructor(options: KubeletServerOptions) {
    this.#options = options;
    const { certPem, keyPem, clientCaPem } = options;
    this.#certificates = { certPem, keyPem, clientCaPem };
    this.#limits = { ...SERVER_LIMITS, ...options.limits };
    this.#authorize = rememberAnswers(options.authorize);
    this.#authenticateToken = rememberTokens(options.authenticateToken);
    this.#connections = new Connections(this.#limits);
    this.#desk = new PageDesk(options.pages ?? {});
    this.#server = createServer({
      ...contextOf(options),
      requestCert: true,
      // Decided per request: a caller may have a token instead.
      rejectUnauthorized: false,
      maxHeaderSize: HEAD_BYTES_MAX,
    });
    this.#server.on("connection", (socket) => this.#connections.add(socket as Socket));
    this.#server.on("request", (request, response) => void this.#handle(request, response));
    this.#server.on("clientError", (_error, socket) => socket.destroy());
    this.#server.on("upgrade", (_request, socket) => {
      socket.end("HTTP/1.1 501 Not Implemented\r\nconnection: close\r\ncontent-length: 0\r\n\r\n");
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
    this.#certificates = certificates;
  }

  /** Ends every answer and connection, and stops to listen. */
  async close(): Promise<void> {
    this.#stop.abort();
    const { promise, resolve } = Promise.withResolvers<void>();
    // The error says that the server never listened, which is as good.
    this.#server.close(() => resolve());
    this.#connections.closeAll();
    await promise;
    // They let go of their files first.
    await Promise.allSettled(this.#logStreams);
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const peer = peerOf(request.socket);
    this.#connections.busy(peer);
    const [path = "/"] = splitUrl(request.url ?? "/");
    const over = this.#options.onRequest?.(request.method ?? "GET", path);
    response.once("close", () => {
      this.#connections.idle(peer);
      over?.();
    });
    // A body that nobody reads would stall the connection.
    request.resume();
    try {
      await this.#answer(request, response);
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

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const method = request.method ?? "GET";
    const [path = "/", query = ""] = splitUrl(request.url ?? "/");
    const route = findRoute(method, path);
    const user = await this.#userOf(request);
    if (user === undefined) return leave(response, { status: 401, text: "Unauthorized" });
    const refusal = await this.#refusal(user, { method, path });
    if (refusal !== undefined) return leave(response, refusal);
    await this.#serve(route, { request, response, params: new URLSearchParams(query) });
  }

  /** A token that the cluster cannot be asked about is nobody's. */
  async #userOf(request: IncomingMessage): Promise<User | undefined> {
    try {
      return await authenticate(request, this.#authenticateToken);
    } catch (error) {
      this.#log.warning("Cannot ask whose token it is: {error}", { error: messageOf(error) });
      return undefined;
    }
  }

  /** `undefined` if the user may. Closed if the cluster cannot be asked. */
  async #refusal(
    user: User,
    asked: { method: string; path: string },
  ): Promise<{ status: number; text: string } | undefined> {
    const accesses = accessFor(asked, this.#options.nodeName);
    const subresources = accesses.map(({ subresource }) => subresource).join(" ");
    const words = `user=${user.name}, verb=${accesses[0]?.verb}, resource=nodes, ` +
      `subresource(s)=[${subresources}]`;
    try {
      for (const access of accesses) {
        if (await this.#authorize(user, access)) return undefined;
      }
    } catch (error) {
      this.#log.warning("Cannot ask who may reach this node: {error}", { error: messageOf(error) });
      return { status: 500, text: `Authorization error (${words})` };
    }
    return { status: 403, text: `Forbidden (${words})` };
  }

  async #serve(
    route: Route,
    given: { request: IncomingMessage; response: ServerResponse; params: URLSearchParams },
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

  async #serveLogs(
    { namespace, pod, container }: Route & { kind: "logs" },
    given: { request: IncomingMessage; response: ServerResponse; params: URLSearchParams },
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

/** Answers somebody who has no business here, and closes: few connections serve many strangers. */
function leave(response: ServerResponse, answer: { status: number; text: string }): void {
  sendText(response, { ...answer, headers: { connection: "close" } });
}

function contextOf(
  { certPem, keyPem, clientCaPem }: ServerCertificates,
): { cert: string; key: string; ca: string; minVersion: "TLSv1.2" } {
  return { cert: certPem, key: keyPem, ca: clientCaPem, minVersion: "TLSv1.2" };
}

function splitUrl(url: string): string[] {
  const at = url.indexOf("?");
  return at < 0 ? [url] : [url.slice(0, at), url.slice(at + 1)];
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
