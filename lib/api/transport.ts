/**
 * How the connection to an API server is made, and what went wrong when it was not.
 *
 * @module
 */
import { KubeletError, messageOf } from "../errors.ts";

/** Where an API server is and who we are for it. PEM texts, not paths. */
export interface ClusterAccess {
  /** `https://host[:port][/prefix]`. */
  readonly server: string;
  /** Certificates of the authorities that the server's certificate may come from. */
  readonly caPem?: string;
  /** Our client certificate, with its chain; goes with `keyPem`. */
  readonly certPem?: string;
  /** Key of the client certificate. */
  readonly keyPem?: string;
  /** Asked before every request: keeps its own cache. */
  readonly token?: () => Promise<string>;
  /** Always refused: see {@linkcode openTransport}. */
  readonly insecureSkipVerify?: boolean;
  /** Name in the server's certificate. Refused unless it is the host of `server`. */
  readonly tlsServerName?: string;
  /** `http://`, `https://` or `socks5://` proxy on the way to the server. */
  readonly proxyUrl?: string;
  /** Namespace of the kubeconfig's context. */
  readonly namespace?: string;
}

/** What failed: the network, the trust in a certificate, our own credentials, or time. */
export type ConnectionFailure = "network" | "certificate" | "credentials" | "timeout";

/** The request never reached the API server, or its answer never reached us. */
export class ApiConnectionError extends Error {
  /** Always `ApiConnectionError`. */
  override readonly name = "ApiConnectionError";
  /** What failed, so that the reader knows where to look. */
  readonly kind: ConnectionFailure;

  /** The message names the request and the server, and says what to do. */
  constructor(kind: ConnectionFailure, message: string, options?: ErrorOptions) {
    super(message, options);
    this.kind = kind;
  }
}

/** Kept idle connections: enough for a burst of pods, few enough for a server with many nodes. */
const IDLE_CONNECTIONS_MAX = 8;
/** An idle connection is closed before usual load balancers (60 s) drop it without a word. */
const IDLE_CONNECTION_MS = 50_000;

/**
 * Opens a pool of connections to the server (HTTP/1.1 only: a kube-apiserver allows 100 streams per
 * HTTP/2 connection, and one watch takes one).
 *
 * Deno has no way to switch off verification for one client, nor to expect another name in the
 * certificate than the one in the URL, so both are refused with advice. Authorities in `caPem` are
 * trusted beside those that Deno trusts anyway.
 */
export function openTransport(access: ClusterAccess): Deno.HttpClient {
  const url = parseServer(access.server);
  refuseUnsafe(access, url);
  if (access.caPem !== undefined && !access.caPem.includes("-----BEGIN CERTIFICATE-----")) {
    throw new KubeletError(
      "invalid",
      `Cannot use the certificate authority of "${access.server}": it holds no PEM certificate`,
    );
  }
  const options = {
    http1: true,
    http2: false,
    poolMaxIdlePerHost: IDLE_CONNECTIONS_MAX,
    poolIdleTimeout: IDLE_CONNECTION_MS,
    ...(access.caPem === undefined ? {} : { caCerts: [access.caPem] }),
    ...(access.proxyUrl === undefined ? {} : { proxy: { url: access.proxyUrl } }),
  };
  if (access.certPem === undefined && access.keyPem === undefined) {
    return Deno.createHttpClient(options);
  }
  if (access.certPem === undefined || access.keyPem === undefined) {
    const missing = access.certPem === undefined ? "certificate" : "key";
    throw new KubeletError(
      "invalid",
      `Cannot use the client certificate for "${access.server}": its ${missing} is missing`,
    );
  }
  try {
    return Deno.createHttpClient({ ...options, cert: access.certPem, key: access.keyPem });
  } catch (error) {
    throw new KubeletError(
      "invalid",
      `Cannot use the client certificate for "${access.server}": ${messageOf(error)}${
        hint(messageOf(error), "client")
      }`,
      { cause: error },
    );
  }
}

/** Turns what `fetch` threw into words that name the server and what to do. */
export function explainFailure(
  error: unknown,
  request: { readonly method: string; readonly path: string; readonly server: string },
): ApiConnectionError {
  const words = rootMessage(error);
  const certificate = /certificate|fatal alert|UnknownIssuer|CertVersion|KeyMismatch/i.test(words);
  return new ApiConnectionError(
    certificate ? "certificate" : "network",
    `Cannot ${request.method} "${request.path}": no answer from the API server ` +
      `"${request.server}": ${words}${hint(words, "server")}`,
    { cause: error },
  );
}

function parseServer(server: string): URL {
  const url = URL.parse(server);
  if (url === null || (url.protocol !== "https:" && url.protocol !== "http:")) {
    throw new KubeletError(
      "invalid",
      `Cannot use the server address "${server}": it must begin with https:// or http://`,
    );
  }
  return url;
}

function refuseUnsafe(access: ClusterAccess, url: URL): void {
  if (access.insecureSkipVerify === true && url.protocol === "https:") {
    throw new KubeletError(
      "invalid",
      `Cannot connect to "${access.server}" with insecure-skip-tls-verify: the server's ` +
        `certificate is always verified. Take the setting out and put the authority into ` +
        `certificate-authority-data (kubectl get configmap kube-root-ca.crt shows it)`,
    );
  }
  const hostname = url.hostname.replaceAll(/^\[|\]$/g, "");
  if (access.tlsServerName !== undefined && access.tlsServerName !== hostname) {
    throw new KubeletError(
      "invalid",
      `Cannot connect to "${access.server}" with tls-server-name "${access.tlsServerName}": the ` +
        `name must be the host of the address. Use https://${access.tlsServerName}:` +
        `${url.port || "443"} as server and let the name resolve to ${hostname}`,
    );
  }
  const secret = access.token !== undefined;
  const loopback = hostname === "localhost" || hostname === "::1" || hostname.startsWith("127.");
  if (url.protocol === "http:" && secret && !loopback) {
    throw new KubeletError(
      "invalid",
      `Cannot connect to "${access.server}" with a token: it would cross the network in plain ` +
        `text. Use an https:// address`,
    );
  }
}

/** The innermost message without Deno's own preamble, which repeats the URL and local ports. */
function rootMessage(error: unknown): string {
  let current = error;
  while (current instanceof Error && current.cause !== undefined) current = current.cause;
  const text = current instanceof Error ? current.message : String(current);
  return text.replace(/^error sending request (from \S+ )?for (url )?\S+( \([^)]*\))?:\s*/, "")
    .replace(/^client error \(\w+\):\s*/, "");
}

/** Advice by the words of rustls; the first that matches is given. */
function hint(words: string, side: "client" | "server"): string {
  const whose = side === "client" ? "the client certificate" : "the server's certificate";
  const advice: [pattern: RegExp, text: string][] = [
    [/UnsupportedCertVersion/, `${whose} is X.509 version 1; issue it again as version 3`],
    [
      /UnknownIssuer/,
      "the server's certificate comes from an authority that the kubeconfig does not name; put " +
      "that authority into certificate-authority-data",
    ],
    [/certificate expired/, "renew the certificate, and check this machine's clock"],
    [/not valid (yet|before)/, "check this machine's clock"],
    [
      /not valid for name/,
      "use one of the names in the certificate as server address, or add this one to it",
    ],
    [/CertificateRequired/, "the server wants a client certificate"],
    [
      /fatal alert/,
      "the server refused our certificate: it may have expired or come from another cluster",
    ],
    [/KeyMismatch/, "the key does not belong to the certificate"],
    [/invalid HTTP version parsed/, "the server may speak https, not http"],
    [/received corrupt message|InvalidContentType/, "the server may speak http, not https"],
    [/Connection refused/, "nothing listens there: is the API server up, and the port right?"],
    [/dns error/, "the host name is not known here"],
  ];
  const found = advice.find(([pattern]) => pattern.test(words));
  return found === undefined ? "" : ` (${found[1]})`;
}
