import { RunningServer, ServerError } from "./running_server.ts";
import type { Server } from "./servers.ts";

/** What a load tells. */
interface Load {
  readonly requests: number;
  readonly errors: number;
  readonly perSecond: number;
  readonly p50Us: number;
  readonly p99Us: number;
}

/** Requests in one round, and what they have cost the server. */
export interface Requests extends Load {
  /** CPU time of a request, in µs: it says more than the rate where the machine is busy. */
  readonly cpuUs: number;
}

/** Connections that say nothing, in one round. */
export interface Idle {
  readonly held: number;
  /** How many of them got an answer when they asked in the end. */
  readonly answered: number;
  /** Memory of the server for each, in KiB. */
  readonly kib: number;
  /** CPU time of a request on other connections beside them, in µs. */
  readonly cpuUs: number;
}

/** How a server is asked. */
export interface AskOptions {
  /** The program that asks. */
  readonly load: string;
  readonly connections: number;
  readonly seconds: number;
}

/** Until compilers have seen what is hot. */
const WARM_UP_SECONDS = 3;

/** Starts a server and asks it for some seconds, once it is warm. */
export async function measureRequests(server: Server, options: AskOptions): Promise<Requests> {
  await using running = await RunningServer.start(server);
  await ask(running, { ...options, seconds: WARM_UP_SECONDS });
  return await askAndWeigh(running, options);
}

/** Starts a server, holds so many connections to it, and asks beside them for some seconds. */
export async function measureIdle(
  server: Server,
  { idle, ...options }: AskOptions & { readonly idle: number },
): Promise<Idle> {
  await using running = await RunningServer.start(server);
  await ask(running, { ...options, seconds: WARM_UP_SECONDS });
  const beforeKib = await running.privateKiB();
  await using child = new Deno.Command(options.load, {
    args: ["hold", running.address, String(idle)],
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const results = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  const { requests: held } = await nextResult(results);
  const kib = (await running.privateKiB() - beforeKib) / held;
  const { cpuUs } = await askAndWeigh(running, options);
  await child.stdin.close();
  const { requests: answered } = await nextResult(results);
  await results.cancel();
  return { held, answered, kib, cpuUs };
}

async function askAndWeigh(running: RunningServer, options: AskOptions): Promise<Requests> {
  const beforeMs = await running.cpuMs();
  const load = await ask(running, options);
  const cpuMs = await running.cpuMs() - beforeMs;
  return { ...load, cpuUs: cpuMs * 1_000 / load.requests };
}

async function ask(
  { address, title }: RunningServer,
  { load, connections, seconds }: AskOptions,
): Promise<Load> {
  const { stdout, stderr, success } = await new Deno.Command(load, {
    args: ["ask", address, String(connections), String(seconds)],
    stdin: "null",
  }).output();
  if (!success) {
    throw new ServerError(`Cannot measure "${title}": ${new TextDecoder().decode(stderr).trim()}`);
  }
  return JSON.parse(new TextDecoder().decode(stdout)) as Load;
}

/** It writes each result at once. */
async function nextResult(results: ReadableStreamDefaultReader<string>): Promise<Load> {
  const { done, value } = await results.read();
  if (done) throw new Error("Cannot hold connections: the load has failed");
  return JSON.parse(value) as Load;
}
