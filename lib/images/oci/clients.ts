/**
 * The HTTP clients of the registries: connections, authorities, client certificates and proxies.
 *
 * @module
 */
import { CLIENTS_MAX } from "./limits.ts";
import { PullFailure } from "./failure.ts";
import { ownValue } from "./own_value.ts";

/** Whom to believe besides the runtime's own authorities, and as whom to come; by registry. */
export interface Trust {
  /** Certificates of authorities in PEM, for all requests that are made for this registry. */
  readonly authorities?: Readonly<Record<string, readonly string[]>>;
  /** Shown to the registry itself only: not to its token server, and not along a redirect. */
  readonly clientCertificates?: Readonly<Record<string, ClientCertificate>>;
}

/** A client certificate, with what leads to its authority, and its key; in PEM. */
export interface ClientCertificate {
  /** The certificate, then those that lead from it to its authority. */
  readonly certPem: string;
  /** The key, without a passphrase. */
  readonly keyPem: string;
}

/**
 * Keeps one client for each registry that was used lately.
 *
 * HTTP/1 only, because a stalled stream of a shared HTTP/2 connection stalls the others. Proxies are
 * the runtime's: it reads `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY`, in either case.
 */
export class Clients {
  readonly #trust: Trust;
  readonly #kept = new Map<string, Deno.HttpClient>();
  #closed = false;

  constructor(trust: Trust = {}) {
    this.#trust = trust;
  }

  /** The client for a request to `url` that is made for `registry`. */
  of(url: URL, registry: string): Deno.HttpClient {
    if (this.#closed) throw new PullFailure("the registry client is closed");
    const direct = isPlainLoopback(url) && isProxied();
    const known = url.host === registry && url.protocol === "https:";
    const key = direct ? `direct ${url.host}` : known ? `known ${registry}` : registry;
    const client = this.#kept.get(key) ?? this.#create(registry, {
      certificate: known ? ownValue(this.#trust.clientCertificates, registry) : undefined,
      direct: direct ? url : undefined,
    });
    // Put at the end again: the first of the map is the one that was unused for longest.
    this.#kept.delete(key);
    const [oldest] = this.#kept.keys();
    if (this.#kept.size >= CLIENTS_MAX && oldest !== undefined) {
      this.#kept.get(oldest)?.close();
      this.#kept.delete(oldest);
    }
    this.#kept.set(key, client);
    return client;
  }

  /** Closes all; requests that are under way end on their own. */
  close(): void {
    this.#closed = true;
    for (const client of this.#kept.values()) client.close();
    this.#kept.clear();
  }

  #create(registry: string, options: {
    readonly certificate: ClientCertificate | undefined;
    readonly direct: URL | undefined;
  }): Deno.HttpClient {
    const { certificate, direct } = options;
    const caCerts = ownValue(this.#trust.authorities, registry);
    return Deno.createHttpClient({
      http1: true,
      http2: false,
      ...(caCerts === undefined ? {} : { caCerts: [...caCerts] }),
      ...(certificate === undefined ? {} : { cert: certificate.certPem, key: certificate.keyPem }),
      ...(direct === undefined ? {} : { proxy: socketOf(direct) }),
    });
  }
}

/** A registry on this very machine, as a developer has it. */
function isPlainLoopback({ protocol, hostname }: URL): boolean {
  return protocol === "http:" && /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(hostname);
}

/**
 * True if the runtime would send plain HTTP through a proxy. It makes no exception for this machine
 * itself, as other tools do; and no proxy knows the way to our loopback.
 */
function isProxied(): boolean {
  return ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"].some((name) => Deno.env.has(name));
}

function socketOf({ hostname, port }: URL): Deno.Proxy {
  return {
    transport: "tcp",
    hostname: hostname.replace(/^\[|\]$/g, ""),
    port: port === "" ? 80 : Number(port),
  };
}
