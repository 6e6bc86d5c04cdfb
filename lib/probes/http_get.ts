/**
 * A GET as a kubelet makes it: no proxy, no check of certificates, no connection kept.
 *
 * @module
 */
import { type IncomingMessage, request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import { isIPv6 } from "node:net";
import type { HttpGetAction } from "../api/types.ts";
import { OUTPUT_BYTES_MAX, REDIRECTS_MAX } from "./limits.ts";
import { networkMessage } from "./network_error.ts";
import { failure, type Outcome, SUCCESS } from "./outcome.ts";

/** Where and how long. */
export interface HttpGetOptions {
  /** The pod's address, for an action that names no host. */
  readonly podIP: string;
  readonly port: number;
  /** What a server sees as `User-Agent` unless the action says another. */
  readonly userAgent: string;
  /** True takes whatever comes for a success: a hook only delivers a message. @default false */
  readonly anyAnswer?: boolean;
  /**
   * Told of a server, as `host:port`, that was asked by HTTPS, speaks plain HTTP, and has answered so.
   * @default {such a server is a failure}
   */
  readonly onPlain?: ((host: string) => void) | undefined;
  /** Aborted when the time is over. */
  readonly signal: AbortSignal;
}

/** An answer, as much of it as counts. */
interface Reply {
  readonly status: number;
  readonly location: string | undefined;
  readonly body: string;
}

/**
 * Success for 200 to 399. Redirects are followed on the same host; one to another host is a success with
 * a warning. Never rejects: whatever goes wrong is a failure.
 */
export async function httpGet(action: HttpGetAction, options: HttpGetOptions): Promise<Outcome> {
  const { port, podIP, onPlain } = options;
  const headers = headersOf(action, options);
  const first = await follow(urlOf(action, options), { ...options, headers });
  if (onPlain === undefined || !first.speaksPlain) return first.outcome;
  // What proves who asks is for encrypted connections only.
  const { authorization: _, ...open } = headers;
  const plain = urlOf({ ...action, scheme: "HTTP" }, options);
  const { outcome } = await follow(plain, { ...options, headers: open });
  if (outcome.result === "failure") return first.outcome;
  onPlain(`${bracketed(action.host || podIP)}:${port}`);
  return outcome;
}

async function follow(
  first: URL,
  { headers, signal, anyAnswer }: HttpGetOptions & { readonly headers: Record<string, string[]> },
): Promise<{ readonly outcome: Outcome; readonly speaksPlain: boolean }> {
  let url = first;
  const ended = (outcome: Outcome, speaksPlain = false): Awaited<ReturnType<typeof follow>> => {
    return { outcome, speaksPlain };
  };
  try {
    for (let hops = 0;; hops++) {
      const { status, body, location } = await send(url, { headers, signal });
      if (status >= 300 && status < 400 && location !== undefined) {
        const next = URL.parse(location, url);
        if (next === null) {
          return ended(failure(`HTTP probe was redirected to "${location}", no web address`));
        }
        if (next.hostname !== first.hostname) {
          const message = `Probe terminated redirects, Response body: ${body}`;
          return ended({ result: "warning", message });
        }
        if (hops === REDIRECTS_MAX) {
          return ended(failure(`stopped after ${REDIRECTS_MAX} redirects`));
        }
        url = next;
        continue;
      }
      if (anyAnswer || (status >= 200 && status < 400)) return ended({ ...SUCCESS, message: body });
      return ended(failure(`HTTP probe failed with statuscode: ${status}`));
    }
  } catch (error) {
    const why = signal.aborted ? "no answer within timeoutSeconds" : networkMessage(error);
    return ended(failure(`Get "${url.href}": ${why}`), isNoTls(error));
  }
}

/** True if the server has answered, but not with TLS. */
function isNoTls(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ERR_SSL_WRONG_VERSION_NUMBER";
}

function urlOf(action: HttpGetAction, { podIP, port }: HttpGetOptions): URL {
  const host = action.host || podIP;
  const scheme = action.scheme === "HTTPS" ? "https" : "http";
  const path = (action.path ?? "/").replace(/^(?!\/)/, "/");
  return new URL(`${scheme}://${bracketed(host)}:${port}${path}`);
}

function bracketed(host: string): string {
  return isIPv6(host) ? `[${host}]` : host;
}

/** What the action says, and a kubelet's own for what it does not say. An empty value takes one away. */
function headersOf(action: HttpGetAction, { userAgent }: HttpGetOptions): Record<string, string[]> {
  const headers: Record<string, string[]> = {};
  for (const { name, value } of action.httpHeaders ?? []) {
    (headers[name.toLowerCase()] ??= []).push(value);
  }
  headers["user-agent"] ??= [userAgent];
  headers["accept"] ??= ["*/*"];
  for (const name of ["user-agent", "accept"]) {
    if (headers[name]?.every((value) => value === "")) delete headers[name];
  }
  return headers;
}

function send(
  url: URL,
  { headers, signal }: { headers: Record<string, string[]>; signal: AbortSignal },
): Promise<Reply> {
  const request = url.protocol === "https:" ? requestHttps : requestHttp;
  // The host of the request line is a text of its own: there may be only one.
  const host = headers["host"]?.at(-1);
  const all = { ...headers, connection: "close", ...(host === undefined ? {} : { host }) };
  return new Promise((resolve, reject) => {
    const sent = request(url, {
      method: "GET",
      headers: all,
      agent: false,
      rejectUnauthorized: false,
      signal,
    }, (response) => {
      read(response).then(resolve, reject).finally(() => sent.destroy());
    });
    sent.once("error", reject);
    // An answer that wants to go on in another protocol is an answer without a body.
    sent.once("upgrade", (response, socket) => {
      socket.destroy();
      resolve({ status: response.statusCode ?? 101, location: undefined, body: "" });
    });
    sent.end();
  });
}

async function read(response: IncomingMessage): Promise<Reply> {
  const parts: Uint8Array[] = [];
  let left = OUTPUT_BYTES_MAX;
  for await (const part of response as AsyncIterable<Uint8Array>) {
    parts.push(part.subarray(0, left));
    left -= part.length;
    if (left <= 0) break;
  }
  return {
    status: response.statusCode ?? 0,
    location: response.headers.location,
    body: new TextDecoder().decode(Uint8Array.from(parts.flatMap((part) => [...part]))),
  };
}
