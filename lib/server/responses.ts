/**
 * Short answers in plain text.
 *
 * @module
 */
import type { ServerResponse } from "node:http";

/** Sends a text and a line break. Does nothing if an answer is already under way. */
export function sendText(
  response: ServerResponse,
  { status, text, headers = {} }: {
    readonly status: number;
    readonly text: string;
    readonly headers?: Readonly<Record<string, string>>;
  },
): void {
  if (response.headersSent) return;
  response.writeHead(status, {
    ...headers,
    "content-type": "text/plain; charset=utf-8",
    "x-content-type-options": "nosniff",
  });
  response.end(text.endsWith("\n") || text === "ok" ? text : `${text}\n`);
}

/** Sends an object as JSON. */
export function sendJson(response: ServerResponse, value: unknown): void {
  response.writeHead(200, { "content-type": "application/json" });
  response.end(JSON.stringify(value));
}
