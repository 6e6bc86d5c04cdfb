/**
 * An HTTP server for tests that can misbehave at every byte: it writes its answers itself.
 *
 * @module
 */
import { once } from "node:events";
import net from "node:net";

/** One request, and the ways to answer it. A handler that calls none of them stays silent. */
export class Exchange {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: Headers;
  readonly body: string;
  readonly #socket: net.Socket;

  constructor(head: string, body: string, socket: net.Socket) {
    const [first = "", ...lines] = head.split("\r\n");
    const [method = "", target = ""] = first.split(" ");
    const url = new URL(target, "http://server");
    this.method = method;
    this.path = url.pathname;
    this.query = url.searchParams;
    this.headers = new Headers(
      lines.map((line): [string, string] => {
        const colon = line.indexOf(":");
        return [line.slice(0, colon), line.slice(colon + 1).trim()];
      }),
    );
    this.body = body;
    this.#socket = socket;
  }

  /** Answers with JSON. */
  json(value: unknown, status = 200, headers: Record<string, string> = {}): void {
    this.text(JSON.stringify(value), status, { "content-type": "application/json", ...headers });
  }

  /** Answers with a `metav1.Status`. */
  refuse(code: number, reason: string, message = reason, headers?: Record<string, string>): void {
    this.json({ kind: "Status", status: "Failure", code, reason, message }, code, headers);
  }

  /** Answers with any text. */
  text(body: string, status = 200, headers: Record<string, string> = {}): void {
    const bytes = new TextEncoder().encode(body);
    this.write(head(status, { ...headers, "content-length": String(bytes.length) }));
    this.#socket.write(bytes);
  }

  /** Begins an answer that goes on. */
  open(status = 200): void {
    this.write(head(status, { "transfer-encoding": "chunked" }));
  }

  /** One chunk of an answer that goes on: as it is, or JSON and a line feed. */
  chunk(value: unknown): void {
    const text = typeof value === "string" ? value : `${JSON.stringify(value)}\n`;
    const size = new TextEncoder().encode(text).length.toString(16);
    this.write(`${size}\r\n${text}\r\n`);
  }

  /** Ends an answer that went on. */
  end(): void {
    this.write("0\r\n\r\n");
  }

  /** Any bytes, well-formed or not. */
  write(text: string): void {
    this.#socket.write(text);
  }

  /** Ends the connection with a TCP reset. */
  reset(): void {
    this.#socket.resetAndDestroy();
  }

  /** True once the client has gone. */
  get gone(): boolean {
    return this.#socket.destroyed;
  }

  /** Resolves when the client has gone. */
  async untilGone(): Promise<void> {
    if (!this.gone) await once(this.#socket, "close");
  }
}

/** A server on a free port of the loopback interface. */
export class TestServer implements AsyncDisposable {
  /** Every request so far. */
  readonly requests: Exchange[] = [];
  #handle: (exchange: Exchange) => unknown;
  readonly #sockets = new Set<net.Socket>();
  readonly #server: net.Server;
  #connections = 0;

  private constructor(handle: (exchange: Exchange) => unknown) {
    this.#handle = handle;
    this.#server = net.createServer((socket) => this.#serve(socket));
  }

  /** Starts a server that answers with `handle`. */
  static async start(handle: (exchange: Exchange) => unknown): Promise<TestServer> {
    const server = new TestServer(handle);
    server.#server.listen(0, "127.0.0.1");
    await once(server.#server, "listening");
    return server;
  }

  get url(): string {
    const address = this.#server.address() as net.AddressInfo;
    return `http://127.0.0.1:${address.port}`;
  }

  /** Connections that were ever made. */
  get connections(): number {
    return this.#connections;
  }

  /** Connections that are open now. */
  get openConnections(): number {
    return this.#sockets.size;
  }

  /** Answers with another handler from now on. */
  handle(handle: (exchange: Exchange) => unknown): void {
    this.#handle = handle;
  }

  /** Resets all connections, as a server that is killed does. */
  cut(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  #serve(socket: net.Socket): void {
    this.#connections++;
    this.#sockets.add(socket);
    socket.setNoDelay(true);
    socket.on("close", () => this.#sockets.delete(socket));
    socket.on("error", () => {}); // a client that leaves is what the tests are about
    let seen = "";
    socket.setEncoding("latin1");
    socket.on("data", (text: string) => {
      seen += text;
      for (;;) {
        const end = seen.indexOf("\r\n\r\n");
        if (end < 0) return;
        const head = seen.slice(0, end);
        const length = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0);
        if (seen.length < end + 4 + length) return;
        const body = seen.slice(end + 4, end + 4 + length);
        seen = seen.slice(end + 4 + length);
        const exchange = new Exchange(head, body, socket);
        this.requests.push(exchange);
        this.#handle(exchange);
      }
    });
  }
}

function head(status: number, headers: Record<string, string>): string {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${status} Status\r\n${lines.join("")}\r\n`;
}

/** Waits until the condition holds, or fails after half a minute. */
export async function eventually(what: string, holds: () => boolean): Promise<void> {
  const endMs = performance.now() + 30_000;
  while (!holds()) {
    if (performance.now() > endMs) throw new Error(`Waited 30 s in vain until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
