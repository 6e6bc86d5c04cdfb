/**
 * An API server for tests, which answers as it is told.
 *
 * @module
 */
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

/** One answer. */
export interface Answer {
  /** @default {200} */
  readonly status?: number;
  readonly json: unknown;
  /** The `Date` header. @default {now} */
  readonly date?: string;
}

/** Serves while `use` runs; paths come without their query. */
export async function withServer<T>(
  answer: (path: string, body: string) => Answer,
  use: (url: string) => Promise<T>,
): Promise<T> {
  const server = createServer(async (request, response) => {
    let body = "";
    for await (const bytes of request) body += new TextDecoder().decode(bytes);
    const { status = 200, json, date } = answer((request.url ?? "").split("?")[0]!, body);
    response.writeHead(status, {
      "content-type": "application/json",
      date: date ?? new Date().toUTCString(),
    });
    response.end(JSON.stringify(json));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  try {
    return await use(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  } finally {
    server.closeAllConnections();
    server.close();
    await once(server, "close");
  }
}
