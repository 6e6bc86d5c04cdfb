import assert from "node:assert/strict";
import { eventually, type Exchange, TestServer } from "./_test_server.ts";
import { ApiClient, ApiConnectionError, isForbidden } from "./client.ts";
import { listWatch, type ListWatchEvent, type ListWatchOptions } from "./list_watch.ts";
import type { KubeList, Pod } from "./types.ts";

const PATH = "/api/v1/pods";

function pod(name: string, version: number): Pod {
  return { metadata: { name, resourceVersion: String(version) } };
}

function podList(version: number, names: string[], more?: string): KubeList<Pod> {
  return {
    metadata: {
      resourceVersion: String(version),
      ...(more === undefined ? {} : { continue: more }),
    },
    items: names.map((name) => pod(name, version)),
  };
}

function isWatch(x: Exchange): boolean {
  return x.query.has("watch");
}

/** A running list and watch whose waits take no time but are written down. */
class Run implements AsyncDisposable {
  readonly seen: string[] = [];
  readonly errors: unknown[] = [];
  readonly waitsMs: number[] = [];
  watching = 0;
  readonly #controller = new AbortController();
  readonly #client: ApiClient;
  readonly #done: Promise<void>;

  constructor(server: TestServer, options: Partial<ListWatchOptions<Pod>> = {}) {
    this.#client = new ApiClient({ server: server.url });
    this.#done = this.#read(options);
  }

  async until(event: string): Promise<void> {
    await eventually(`"${event}" is seen, not only ${this.seen}`, () => this.seen.includes(event));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#controller.abort();
    await this.#done; // it ends, and without an error
    this.#client.close();
  }

  /** Gives the client another identity, as when its certificate was renewed. */
  move(server: TestServer): void {
    this.#client.replaceAccess({ server: server.url });
  }

  async #read(options: Partial<ListWatchOptions<Pod>>): Promise<void> {
    const events = listWatch<Pod>(this.#client, {
      path: PATH,
      signal: this.#controller.signal,
      random: () => 0.5,
      sleep: async () => await Promise.resolve(),
      onError: (error, waitMs) => {
        this.errors.push(error);
        this.waitsMs.push(waitMs);
      },
      onWatching: () => this.watching++,
      ...options,
    });
    for await (const event of events) this.seen.push(say(event));
  }
}

function say(event: ListWatchEvent<Pod>): string {
  return event.type === "synced"
    ? `synced ${event.items.map((item) => item.metadata?.name)}`
    : `${event.type} ${event.object.metadata?.name}`;
}

/** The requests as `list` and `watch VERSION`. */
function asked(server: TestServer): string[] {
  return server.requests.map((x) =>
    isWatch(x) ? `watch ${x.query.get("resourceVersion")}` : "list"
  );
}

Deno.test("listWatch() lists, then gives every event", async () => {
  await using server = await TestServer.start((x) => {
    if (!isWatch(x)) return x.json(podList(5, ["a", "b"]));
    x.open();
    x.chunk({ type: "ADDED", object: pod("c", 6) });
    x.chunk({ type: "MODIFIED", object: pod("a", 7) });
    x.chunk({ type: "NEW_IN_1_99", object: {} });
    x.chunk({ type: "DELETED", object: pod("b", 8) });
  });
  await using run = new Run(server, { fieldSelector: "spec.nodeName=n 1", labelSelector: "a=b" });
  await run.until("deleted b");
  assert.deepEqual(run.seen, ["synced a,b", "applied c", "applied a", "deleted b"]);
  assert.deepEqual(run.errors, []);
  const [list, watch] = server.requests.map((x) => Object.fromEntries(x.query));
  assert.deepEqual(list, {
    limit: "500",
    fieldSelector: "spec.nodeName=n 1",
    labelSelector: "a=b",
  });
  assert.deepEqual(watch, {
    watch: "true",
    allowWatchBookmarks: "true",
    timeoutSeconds: "450",
    resourceVersion: "5",
    fieldSelector: "spec.nodeName=n 1",
    labelSelector: "a=b",
  });
});

Deno.test("listWatch() follows the pages of a list", async () => {
  await using server = await TestServer.start((x) => {
    if (isWatch(x)) return x.open();
    const page = x.query.get("continue");
    if (page === null) x.json(podList(5, ["a"], "p2"));
    else if (page === "p2") x.json(podList(5, ["b"], "p3"));
    else x.json(podList(5, ["c"]));
  });
  await using run = new Run(server);
  await run.until("synced a,b,c");
});

Deno.test("listWatch() trims the objects of a list, and tells those of a watch as they are", async () => {
  await using server = await TestServer.start((x) => {
    if (!isWatch(x)) {
      return x.query.has("continue")
        ? x.json(podList(5, ["b"]))
        : x.json(podList(5, ["a"], "more"));
    }
    x.open();
    x.chunk({ type: "ADDED", object: pod("c", 6) });
  });
  const trim = ({ metadata }: Pod): Pod => ({ metadata: { name: `${metadata?.name}-trimmed` } });
  await using run = new Run(server, { trim });
  await run.until("applied c");
  assert.deepEqual(run.seen, ["synced a-trimmed,b-trimmed", "applied c"]);
});

Deno.test("listWatch() lists all at once when the pages expire", async () => {
  await using server = await TestServer.start((x) => {
    if (isWatch(x)) return x.open();
    if (x.query.has("continue")) return x.refuse(410, "Expired");
    if (x.query.has("limit")) return x.json(podList(5, ["a"], "p2"));
    x.json(podList(6, ["a", "b"]));
  });
  await using run = new Run(server);
  await run.until("synced a,b");
  assert.deepEqual(run.seen, ["synced a,b"]);
  assert.deepEqual(run.errors, []);
});

Deno.test("listWatch() goes on from the last version, bookmarks too, when a watch ends", async () => {
  let n = 0;
  await using server = await TestServer.start((x) => {
    if (!isWatch(x)) return x.json(podList(5, ["a"]));
    x.open();
    n++;
    if (n === 1) {
      x.chunk({ type: "ADDED", object: pod("b", 6) });
      x.end();
    } else if (n === 2) {
      x.chunk({ type: "BOOKMARK", object: { metadata: { resourceVersion: "9" } } });
      x.end();
    } else x.chunk({ type: "ADDED", object: pod("c", 10) });
  });
  await using run = new Run(server);
  await run.until("applied c");
  assert.deepEqual(asked(server), ["list", "watch 5", "watch 6", "watch 9"]);
  assert.deepEqual(run.seen, ["synced a", "applied b", "applied c"]);
  assert.deepEqual(run.errors, []);
});

for (
  const [how, gone] of [
    ["status", (x: Exchange): void => x.refuse(410, "Gone", "too old")],
    ["ERROR event", (x: Exchange): void => {
      x.open();
      x.chunk({ type: "ERROR", object: { kind: "Status", code: 410, reason: "Expired" } });
      x.end();
    }],
  ] as const
) {
  Deno.test(`listWatch() lists again at once after 410 as ${how}`, async () => {
    let lists = 0;
    await using server = await TestServer.start((x) => {
      if (!isWatch(x)) return x.json(++lists === 1 ? podList(5, ["a"]) : podList(9, ["b"]));
      if (x.query.get("resourceVersion") === "5") gone(x);
      else x.open();
    });
    await using run = new Run(server);
    await run.until("synced b");
    assert.deepEqual(run.seen, ["synced a", "synced b"]);
    assert.deepEqual(run.errors, []);
  });
}

Deno.test("listWatch() waits longer and longer for a server that says 410 to everything", async () => {
  await using server = await TestServer.start((x) =>
    isWatch(x) ? x.refuse(410, "Gone") : x.json(podList(5, []))
  );
  await using run = new Run(server);
  await eventually("it has waited four times", () => run.waitsMs.length >= 4);
  assert.deepEqual(run.waitsMs.slice(0, 4), [1_500, 3_000, 6_000, 12_000]);
});

for (
  const [how, breakIt] of [
    ["a reset", (x: Exchange): void => x.reset()],
    ["half a line and a reset", (x: Exchange): void => {
      x.chunk('{"type":"ADDED","obj');
      x.reset();
    }],
    ["half a line and a regular end", (x: Exchange): void => {
      x.chunk('{"type":"ADDED","obj');
      x.end();
    }],
    ["a page in between", (x: Exchange): void => {
      x.chunk("<html>\nBad Gateway\n</html>\n");
      x.end();
    }],
    ["an ERROR event", (x: Exchange): void => {
      x.chunk({ type: "ERROR", object: { kind: "Status", code: 500, message: "etcd is away" } });
      x.end();
    }],
  ] as const
) {
  Deno.test(`listWatch() goes on from where it was after ${how}`, async () => {
    let n = 0;
    await using server = await TestServer.start((x) => {
      if (!isWatch(x)) return x.json(podList(5, []));
      x.open();
      if (++n > 1) return x.chunk({ type: "ADDED", object: pod("after", 7) });
      x.chunk({ type: "ADDED", object: pod("before", 6) });
    });
    await using run = new Run(server);
    await run.until("applied before");
    breakIt(server.requests.at(-1)!);
    await run.until("applied after");
    assert.deepEqual(asked(server), ["list", "watch 5", "watch 6"]);
    assert.equal(run.errors.length, 1);
    assert.deepEqual(run.waitsMs, [500]); // the first wait is short
  });
}

Deno.test("listWatch() never gives up: 500, pages, 401, 403, silence, resets, nonsense", async () => {
  const refusals: ((x: Exchange) => void)[] = [
    (x): void => x.refuse(500, "InternalError"),
    (x): void => x.text("<html>Bad Gateway</html>", 502),
    (x): void => x.text("<html>Welcome</html>", 200),
    (x): void => x.refuse(401, "Unauthorized"),
    (x): void => x.refuse(403, "Forbidden"),
    (x): void => {
      x.write("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{"); // else fetch asks again unseen
      x.reset();
    },
    (x): void => x.json({ no: "list" }),
    (x): void => x.json(null),
    (x): void => x.write("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzzz\r\n"),
  ];
  let n = 0;
  await using server = await TestServer.start((x) => {
    if (isWatch(x)) return x.open();
    const refuse = refusals[n++];
    if (refuse === undefined) x.json(podList(5, ["a"]));
    else refuse(x);
  });
  await using run = new Run(server);
  await run.until("synced a");
  assert.equal(run.errors.length, refusals.length);
  assert.equal(run.errors.filter(isForbidden).length, 1);
  assert(run.errors.some((error) => error instanceof ApiConnectionError));
  assert.deepEqual(
    run.waitsMs,
    [500, 1_500, 3_000, 6_000, 12_000, 22_500, 22_500, 22_500, 22_500],
  );
});

Deno.test("listWatch() begins with a short wait again after a watch that worked", async () => {
  let n = 0;
  await using server = await TestServer.start((x) => {
    n++;
    if (n <= 3) return x.refuse(500, "InternalError");
    if (!isWatch(x)) return x.json(podList(5, []));
    if (n > 6) return x.open();
    x.open();
    x.chunk({ type: "ADDED", object: pod("a", 6) });
    x.reset();
  });
  await using run = new Run(server);
  await eventually("five failures", () => run.waitsMs.length === 5);
  assert.deepEqual(run.waitsMs, [500, 1_500, 3_000, 500, 500]);
});

Deno.test("listWatch() does not spin when each watch ends at once, and lists in the end", async () => {
  await using server = await TestServer.start((x) => {
    if (!isWatch(x)) return x.json(podList(5, []));
    x.open();
    x.end();
  });
  await using run = new Run(server);
  await eventually("three failures", () => run.waitsMs.length >= 3 && asked(server).length >= 5);
  assert.deepEqual(run.waitsMs.slice(0, 3), [500, 1_500, 3_000]);
  assert.match(String(run.errors[0]), /the server ended the watch at once/);
  assert.deepEqual(asked(server).slice(0, 5), ["list", "watch 5", "watch 5", "watch 5", "list"]);
});

Deno.test("listWatch() opens a silent watch again, from its version, without complaint", async () => {
  let n = 0;
  await using server = await TestServer.start((x) => {
    if (!isWatch(x)) return x.json(podList(5, []));
    x.open();
    if (++n >= 2) x.chunk({ type: "ADDED", object: pod("a", 6) });
  });
  const clock = { ms: 0 };
  await using run = new Run(server, { silenceMs: 30, now: () => clock.ms += 2_000 });
  await run.until("applied a");
  assert.deepEqual(asked(server).slice(0, 3), ["list", "watch 5", "watch 5"]);
  await server.requests[1]?.untilGone();
  assert.deepEqual(run.errors, []);
});

Deno.test("listWatch() keeps an idle watch that sends bookmarks", async () => {
  await using server = await TestServer.start((x) => {
    if (!isWatch(x)) return x.json(podList(5, []));
    x.open();
    let version = 5;
    const timer = setInterval(() => {
      if (++version > 20) {
        clearInterval(timer);
        return x.chunk({ type: "ADDED", object: pod("late", version) });
      }
      x.chunk({ type: "BOOKMARK", object: { metadata: { resourceVersion: `${version}` } } });
    }, 150);
  });
  await using run = new Run(server, { silenceMs: 1_500 });
  await run.until("applied late"); // 16 bookmarks, longer than the silence that is allowed
  assert.deepEqual(asked(server), ["list", "watch 5"]);
});

Deno.test("listWatch() does not count its reader's time as silence", async () => {
  await using server = await TestServer.start((x) => {
    if (!isWatch(x)) return x.json(podList(5, []));
    x.open();
    x.chunk({ type: "ADDED", object: pod("a", 6) });
    x.chunk({ type: "ADDED", object: pod("b", 7) });
  });
  using client = new ApiClient({ server: server.url });
  const controller = new AbortController();
  const events = listWatch<Pod>(client, { path: PATH, signal: controller.signal, silenceMs: 800 });
  const seen: string[] = [];
  for await (const event of events) {
    seen.push(say(event));
    if (seen.length === 3) break;
    if (seen.length === 2) await new Promise((resolve) => setTimeout(resolve, 1_200));
  }
  assert.deepEqual(seen, ["synced ", "applied a", "applied b"]);
  assert.deepEqual(asked(server), ["list", "watch 5"]);
});

Deno.test("listWatch() survives a server that is killed and comes back", async () => {
  const answer = (x: Exchange): void => isWatch(x) ? x.open() : x.json(podList(5, ["a"]));
  await using server = await TestServer.start(answer);
  await using run = new Run(server);
  await eventually("the watch is open", () => run.watching === 1);
  server.handle((x) => x.reset());
  server.cut();
  await eventually("it has failed a few times", () => run.errors.length >= 4);
  server.handle(answer);
  await eventually("the watch is open again", () => run.watching >= 2);
  assert.equal(run.seen.at(-1), "synced a");
});

Deno.test("listWatch() waits as long as the server asks", async () => {
  let n = 0;
  await using server = await TestServer.start((x) => {
    if (isWatch(x)) return x.open();
    if (++n > 1) return x.json(podList(5, ["a"]));
    x.refuse(503, "ServiceUnavailable", "starting", { "retry-after": "8" });
  });
  await using run = new Run(server);
  await run.until("synced a");
  assert.deepEqual(run.waitsMs, [8_000]);
});

Deno.test("listWatch() ends with the signal while it waits to try again", async () => {
  await using server = await TestServer.start((x) => x.refuse(500, "InternalError"));
  using client = new ApiClient({ server: server.url });
  const controller = new AbortController();
  const onError = (): void => controller.abort(); // the wait that follows is a real one
  const events = listWatch<Pod>(client, {
    path: PATH,
    signal: controller.signal,
    random: () => 0.99,
    onError,
  });
  assert.deepEqual(await events.next(), { value: undefined, done: true });
});

Deno.test("listWatch() closes its watch when the reader leaves", async () => {
  await using server = await TestServer.start((x) => {
    if (!isWatch(x)) return x.json(podList(5, []));
    x.open();
    x.chunk({ type: "ADDED", object: pod("a", 6) });
  });
  using client = new ApiClient({ server: server.url });
  const events = listWatch<Pod>(client, { path: PATH, signal: new AbortController().signal });
  for await (const event of events) if (event.type === "applied") break;
  await server.requests[1]?.untilGone();
});

Deno.test("listWatch() lists 5,000 pods within the memory of a small node", async () => {
  const pages = Array.from({ length: 10 }, (_, page) =>
    JSON.stringify({
      metadata: { resourceVersion: "5", ...(page === 9 ? {} : { continue: String(page + 1) }) },
      items: Array.from({ length: 500 }, (_, i) => ({
        metadata: { name: `pod-${page}-${i}`, uid: crypto.randomUUID(), resourceVersion: "5" },
        spec: { containers: [{ name: "c", image: "r/x:1", env: env() }] },
        status: { phase: "Running" },
      })),
    }));
  await using server = await TestServer.start((x) =>
    isWatch(x) ? x.open() : x.text(pages[Number(x.query.get("continue") ?? 0)]!)
  );
  const startedMs = performance.now();
  const heapBefore = Deno.memoryUsage().heapUsed;
  using client = new ApiClient({ server: server.url });
  const events = listWatch<Pod>(client, { path: PATH, signal: new AbortController().signal });
  const first = await events.next();
  assert(first.value?.type === "synced");
  assert.equal(new Set(first.value.items.map((item) => item.metadata?.name)).size, 5_000);
  await events.return();
  // Generous bounds, against something quadratic or a second copy of everything.
  assert(performance.now() - startedMs < 40_000);
  assert(Deno.memoryUsage().heapUsed - heapBefore < 256 * 1024 * 1024);
});

function env(): { name: string; value: string }[] {
  return Array.from({ length: 20 }, (_, i) => ({ name: `NAME_${i}`, value: "value ".repeat(8) }));
}

Deno.test("listWatch() goes on at once where it was when the client gets another identity", async () => {
  await using server = await TestServer.start((x) => {
    if (!isWatch(x)) return x.json(podList(5, ["a"]));
    x.open();
    if (x.query.get("resourceVersion") === "5") return;
    x.chunk({ type: "ADDED", object: pod("b", 7) });
  });
  await using run = new Run(server, { now: () => 0 });
  await eventually("the watch is open", () => run.watching === 1);
  run.move(server);
  await eventually("it is open again", () => run.watching === 2);
  run.move(server);
  await eventually("and again", () => run.watching === 3);
  assert.deepEqual(asked(server), ["list", "watch 5", "watch 5", "watch 5"]);
  assert.deepEqual(run.errors, []);
});
