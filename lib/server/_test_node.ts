/**
 * A node's server for the tests of this folder, and a client that asks it.
 *
 * @module
 */
import { request as httpsRequest } from "node:https";
import { Authority, type Certificate } from "./_test_certificates.ts";
import { KubeletServer, type KubeletServerOptions } from "./server.ts";

// Keys of RSA are slow to make, so the tests share them.
export const CLUSTER = new Authority("cluster");
export const STRANGER = new Authority("cluster");
export const SERVER = CLUSTER.server();
export const API_SERVER = CLUSTER.client("kube-apiserver", { groups: ["system:masters", "two"] });
export const EXPIRED = CLUSTER.client("kube-apiserver", {
  groups: ["system:masters"],
  expired: true,
});
export const FOREIGN = STRANGER.client("kube-apiserver", { groups: ["system:masters"] });

/** A server that listens. */
export interface Running extends AsyncDisposable {
  readonly port: number;
  readonly server: KubeletServer;
}

/** Starts one that believes every certificate of its cluster, and no token. */
export async function start(options: Partial<KubeletServerOptions> = {}): Promise<Running> {
  const server = new KubeletServer({
    ...SERVER,
    clientCaPem: CLUSTER.certPem,
    nodeName: "n",
    address: "127.0.0.1",
    port: 0,
    authorize: () => Promise.resolve(true),
    authenticateToken: () => Promise.resolve(undefined),
    logs: { locate: () => ({ error: "pod", message: 'pod "p" does not exist' }) },
    pods: () => [],
    streams: {
      command: () => ({ status: 404, message: "pod does not exist" }),
      forward: () => ({ status: 404, message: "pod does not exist" }),
    },
    ...options,
  });
  const { port } = await server.listen();
  return { port, server, [Symbol.asyncDispose]: () => server.close() };
}

/** What came back. */
export interface Answer {
  readonly status: number;
  readonly text: string;
  readonly headers: Record<string, unknown>;
}

/** Asks on a connection of its own; `onText` sees the answer as it comes. */
export function ask(
  port: number,
  path: string,
  options: {
    client?: Certificate;
    ca?: string;
    method?: string;
    token?: string;
    /** Asks for this protocol on the connection. */
    upgrade?: string;
    body?: string;
    signal?: AbortSignal;
    onText?: (text: string) => void;
  } = {},
): Promise<Answer> {
  const { client, ca = CLUSTER.certPem, method = "GET", token, upgrade, body, signal, onText } =
    options;
  return new Promise((resolve, reject) => {
    const request = httpsRequest({
      host: "127.0.0.1",
      port,
      path,
      method,
      ca,
      agent: false,
      headers: {
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(upgrade === undefined ? {} : { connection: "Upgrade", upgrade }),
      },
      ...(client === undefined ? {} : { cert: client.certPem, key: client.keyPem }),
    }, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (piece: string) => {
        text += piece;
        onText?.(text);
      });
      response.on(
        "end",
        () => resolve({ status: response.statusCode ?? 0, text, headers: response.headers }),
      );
      response.on("error", reject);
      response.on("aborted", () => reject(new Error("the answer was cut off")));
    });
    request.on("error", reject);
    signal?.addEventListener("abort", () => request.destroy(new Error("left")), { once: true });
    request.end(body);
  });
}
