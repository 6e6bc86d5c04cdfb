/**
 * The first question to an API server: is anybody there, of which release, and what time is it?
 *
 * @module
 */
import { ERROR_BYTES_MAX } from "../api/client.ts";
import { readText } from "../api/body.ts";
import { versionPath } from "../api/paths.ts";
import { type ClusterAccess, explainFailure, openTransport } from "../api/transport.ts";
import { messageOf } from "../errors.ts";
import type { ClockReading } from "./judge_server.ts";

/** What came back. */
export type ServerAnswer =
  | {
    readonly kind: "answer";
    /** HTTP status. */
    readonly status: number;
    /** As `v1.36.3`; `undefined` if it did not say. */
    readonly version: string | undefined;
    /** `undefined` if the answer has no date. */
    readonly clock: ClockReading | undefined;
  }
  /** Nothing; the message says why, and what to do. */
  | { readonly kind: "silence"; readonly message: string };

/** Asks for the release, as the user of `access`. */
export async function askServer(
  access: ClusterAccess,
  { signal, timeoutMs }: { readonly signal: AbortSignal; readonly timeoutMs: number },
): Promise<ServerAnswer> {
  const path = versionPath();
  const late = new AbortController();
  const timer = setTimeout(
    () => late.abort(new Error(`no answer within ${timeoutMs / 1_000} s`)),
    timeoutMs,
  );
  try {
    using http = openTransport(access);
    const token = await access.token?.();
    const sentMs = Date.now();
    const response = await fetch(`${access.server.replace(/\/+$/, "")}${path}`, {
      client: http,
      headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
      redirect: "manual",
      signal: AbortSignal.any([signal, late.signal]),
    });
    const cameMs = Date.now();
    const serverMs = Date.parse(response.headers.get("date") ?? "");
    const text = await readText(response.body, ERROR_BYTES_MAX);
    return {
      kind: "answer",
      status: response.status,
      version: versionOf(text),
      clock: Number.isNaN(serverMs) ? undefined : { serverMs, sentMs, cameMs },
    };
  } catch (error) {
    signal.throwIfAborted();
    const request = { method: "GET", path, server: access.server };
    const own = error instanceof Error && error.name === "KubeletError";
    return {
      kind: "silence",
      message: own ? messageOf(error) : explainFailure(error, request).message,
    };
  } finally {
    clearTimeout(timer);
  }
}

function versionOf(text: string): string | undefined {
  try {
    const { gitVersion } = JSON.parse(text);
    return typeof gitVersion === "string" ? gitVersion : undefined;
  } catch {
    return undefined;
  }
}
