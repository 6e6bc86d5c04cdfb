import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { serveLogs } from "./logs.ts";

Deno.test("serveLogs() waits for the end of a run only if it is asked to follow", async () => {
  const dir = await Deno.makeTempDir();
  await Deno.writeTextFile(`${dir}/0.log`, "2026-11-21T12:00:00Z stdout F hello\n");
  let waits = 0;
  const ended = (): Promise<void> => {
    waits++;
    return Promise.resolve();
  };
  const server = createServer((request, response) => {
    const { searchParams: params } = new URL(request.url ?? "", "http://node");
    const container = { namespace: "ns", pod: "p", container: "c" };
    const { signal } = new AbortController();
    const logs = { locate: () => ({ dir, attempt: 0, ended }) };
    void serveLogs(logs, { request, response, container, params, signal, gone: signal });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    const { port } = server.address() as AddressInfo;
    for (const [query, expected] of [["", 0], ["?follow=true", 1]] as const) {
      const response = await fetch(`http://127.0.0.1:${port}/${query}`);
      assert.equal(await response.text(), "hello\n");
      assert.equal(waits, expected);
    }
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    await Deno.remove(dir, { recursive: true });
  }
});
