/**
 * The two ends of streams without a cluster: the node's own code behind a small server, and the
 * packages that kubectl is made of.
 *
 * @module
 */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { goProgram } from "../parts/go_program.ts";
import { runTool } from "../parts/run.ts";
import { tempFolder } from "./temp_folder.ts";

const SERVER = fileURLToPath(new URL("../../lib/streaming/_demo_server.ts", import.meta.url));

/** How the client speaks. */
export type Transport = "spdy" | "websocket";

/** How a client ended, and what it said. */
export interface ClientResult {
  readonly code: number;
  readonly stdout: Uint8Array;
  readonly stderr: string;
}

/** A server of streams that runs. */
export interface StreamServer extends AsyncDisposable {
  /** Starts the client with its command, flags, and path and parameters of the URL. */
  start(args: readonly string[], path: string): Promise<Deno.ChildProcess>;
  /** Runs it to its end, with this input. */
  run(
    args: readonly string[],
    options: { readonly path: string; readonly input?: Uint8Array },
  ): Promise<ClientResult>;
  /** Settles when the server has said this line, or one that it said before and nobody asked for. */
  said(line: string): Promise<void>;
}

/** Makes certificates, in a folder that goes when the tests of this file have ended. */
export async function streamCertificates(): Promise<string> {
  const { path } = await tempFolder();
  await runTool([await goProgram("aide"), "certs", path]);
  return path;
}

/** Starts a server of streams, with certificates of {@linkcode streamCertificates}. */
export async function startStreamServer(certificates: string): Promise<StreamServer> {
  const client = await goProgram("stream_client");
  const file = (name: string): string => join(certificates, name);
  const server = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", SERVER, file("apiserver.crt"), file("apiserver.key")],
    env: { NO_COLOR: "1" },
    // It ends with its stdin, so it cannot stay behind this process.
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const lines = new Lines(server.stdout);
  const url = `https://127.0.0.1:${await lines.rest("listening: ")}`;
  const start = (args: readonly string[], path: string): Promise<Deno.ChildProcess> => {
    const [command = "", ...flags] = args;
    const all = [command, "-ca", file("ca.crt"), ...flags, `${url}${path}`];
    const options = { args: all, stdin: "piped", stdout: "piped", stderr: "piped" } as const;
    return Promise.resolve(new Deno.Command(client, options).spawn());
  };
  return {
    start,
    run: async (args, { path, input = new Uint8Array(0) }) => {
      const child = await start(args, path);
      const writer = child.stdin.getWriter();
      // A client that does not read its input may be gone before it is written.
      const written = writer.write(input).then(() => writer.close()).catch(() => {});
      const { code, stdout, stderr } = await child.output();
      await written;
      return { code, stdout, stderr: new TextDecoder().decode(stderr) };
    },
    said: async (line) => void await lines.rest(line),
    [Symbol.asyncDispose]: async () => {
      await server.stdin.close();
      await lines.end();
      await server.status;
    },
  };
}

/** The lines that a program says, until somebody asks for them. */
class Lines {
  readonly #reader: ReadableStreamDefaultReader<string>;
  readonly #kept: string[] = [];
  #text = "";

  constructor(bytes: ReadableStream<Uint8Array>) {
    // TypeScript knows a decoder's input by another name.
    const decoder = new TextDecoderStream() as unknown as TransformStream<Uint8Array, string>;
    this.#reader = bytes.pipeThrough(decoder).getReader();
  }

  /** What comes after `begin` in a line that begins so. */
  async rest(begin: string): Promise<string> {
    while (true) {
      const at = this.#kept.findIndex((line) => line.startsWith(begin));
      if (at >= 0) return this.#kept.splice(at, 1)[0]!.slice(begin.length);
      const { value, done } = await this.#reader.read();
      if (done) throw new Error(`Cannot find "${begin}": the server has ended`);
      const parts = (this.#text + value).split("\n");
      this.#text = parts.pop()!;
      this.#kept.push(...parts);
    }
  }

  async end(): Promise<void> {
    while (!(await this.#reader.read()).done);
  }
}
