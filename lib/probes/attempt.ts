/**
 * One attempt of a probe or of a hook, whatever it does.
 *
 * @module
 */
import type { Container, Handler, Probe } from "../api/types.ts";
import { messageOf } from "../errors.ts";
import { aborted, sleep } from "../time.ts";
import { grpcCheck } from "./grpc_check.ts";
import { httpGet } from "./http_get.ts";
import { LATE_MS_MAX } from "./limits.ts";
import { failure, type Outcome, SUCCESS } from "./outcome.ts";
import { portNumber } from "./ports.ts";
import { tcpConnect } from "./tcp_connect.ts";

/** The container that is asked. */
export interface ProbeTarget {
  readonly container: Pick<Container, "name" | "ports">;
  /** The pod's address. */
  readonly podIP: string;
  /** What HTTP and gRPC servers see of us. */
  readonly userAgent: string;
  /** True takes any answer to an HTTP request for a success. @default false */
  readonly anyAnswer?: boolean;
  /** Told of a server, as `host:port`, that is asked by HTTPS and answers by HTTP only. @default {a failure} */
  readonly onPlain?: (host: string) => void;
  /**
   * Runs a program in the container. Settles with `killed` soon after the signal is aborted; rejects if it
   * could not be started.
   */
  exec(command: readonly string[], signal: AbortSignal): Promise<ExecOutcome>;
}

/** How a program in the container ended. */
export interface ExecOutcome {
  /** `undefined` if it was killed. */
  readonly exitCode: number | undefined;
  /** The beginning of what it wrote. */
  readonly output: string;
}

/** Asks once. Rejects only if `signal` is aborted, with its reason. */
export async function attempt(
  handler: Probe,
  target: ProbeTarget,
  { timeoutMs, signal }: { readonly timeoutMs: number; readonly signal: AbortSignal },
): Promise<Outcome> {
  signal.throwIfAborted();
  const over = new AbortController();
  const ended = AbortSignal.any([signal, over.signal]);
  const waited = sleep(timeoutMs, ended).then(() => over.abort());
  const settled = new AbortController();
  // What has not heard of its end a moment later never will, and nobody may wait for it.
  const late = aborted(ended).then(async () => {
    await sleep(LATE_MS_MAX, settled.signal);
    return failure(`no answer within ${timeoutMs / 1000}s`);
  });
  try {
    return await Promise.race([act(handler, target, { timeoutMs, signal: ended }), late]);
  } catch (error) {
    return { result: "error", message: messageOf(error) };
  } finally {
    settled.abort();
    over.abort();
    await waited;
    signal.throwIfAborted();
  }
}

async function act(
  handler: Probe & Handler,
  target: ProbeTarget,
  { timeoutMs, signal }: { readonly timeoutMs: number; readonly signal: AbortSignal },
): Promise<Outcome> {
  const { exec, httpGet: get, tcpSocket, grpc } = handler;
  const { podIP, container, userAgent, anyAnswer = false, onPlain } = target;
  if (exec !== undefined) {
    const command = exec.command ?? [];
    const { exitCode, output } = await target.exec(command, signal);
    if (exitCode === undefined) {
      return failure(`command ${JSON.stringify(command)} timed out after ${timeoutMs / 1000}s`);
    }
    return exitCode === 0 ? { ...SUCCESS, message: output } : failure(output);
  }
  if (get !== undefined) {
    const port = portNumber(get.port, container);
    return await httpGet(get, { podIP, port, userAgent, anyAnswer, onPlain, signal });
  }
  if (tcpSocket !== undefined) {
    const port = portNumber(tcpSocket.port, container);
    return await tcpConnect({ host: tcpSocket.host || podIP, port }, signal);
  }
  if (grpc !== undefined) {
    const { port, service } = grpc;
    return await grpcCheck(
      { host: podIP, port, service: service ?? "", userAgent, timeoutMs },
      signal,
    );
  }
  return { result: "error", message: "it names nothing to do: exec, httpGet, tcpSocket or grpc" };
}
