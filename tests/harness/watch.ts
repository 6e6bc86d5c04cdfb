/**
 * Watches objects like every client of a cluster.
 *
 * @module
 */
import { join } from "node:path";
import type { Cluster } from "./cluster.ts";
import type { KubeObject } from "./objects.ts";

/** A watch that calls `see` with every version of every object, until it is disposed of. */
export async function watchObjects<T extends KubeObject>(
  cluster: Cluster,
  path: string,
  see: (object: T, type: string) => void,
): Promise<AsyncDisposable> {
  const read = (file: string): Promise<string> =>
    Deno.readTextFile(join(cluster.dir, "certs", file));
  const client = Deno.createHttpClient({
    caCerts: [await read("ca.crt")],
    cert: await read("admin.crt"),
    key: await read("admin.key"),
  });
  const controller = new AbortController();
  const { signal } = controller;
  const response = await fetch(`${cluster.server}${path}?watch=true`, { client, signal });
  const reading = readLines(response, (line) => {
    const { object, type } = JSON.parse(line);
    see(object, type);
  });
  return {
    [Symbol.asyncDispose]: async () => {
      controller.abort();
      await reading;
      client.close();
    },
  };
}

async function readLines(response: Response, take: (line: string) => void): Promise<void> {
  const decoder = new TextDecoder();
  let rest = "";
  try {
    for await (const bytes of response.body ?? []) {
      const lines = (rest + decoder.decode(bytes, { stream: true })).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) take(line);
    }
  } catch {
    // It ends when it is disposed of, or when the API server does.
  }
}
