import assert from "node:assert/strict";
import type { GuestNetwork, NetworkAnswer, NetworkRequest } from "../../../lib/mod.ts";
import {
  ANSWER_BYTES_MAX,
  ANSWER_MS_MAX,
  HELLO_MS_MAX,
  NAME_ADDRESSES_MAX,
  QUESTION_BYTES_MAX,
  STRANGERS_MAX,
} from "../limits.ts";
import { until } from "../testing.ts";
import { FakeNetwork } from "../testing_network.ts";
import { type Admission, NetworkDesk } from "./desk.ts";
import { type DeskAddress, encodeWord, type NetworkTicket } from "./words.ts";

const options = { listens: true };
const ignore = Deno.build.os === "windows";

/** Tests a desk, whatever it is reached over. */
function deskTest({ name, fn }: {
  readonly name: string;
  readonly fn: (open: () => Promise<NetworkDesk>) => Promise<void>;
}): void {
  for (const over of ["unix", "tcp"] as const) {
    Deno.test({
      name: `${name} (${over})`,
      ignore: ignore && over === "unix",
      fn: () => fn(() => NetworkDesk.open(undefined, { over })),
    });
  }
}

async function connectTo(at: DeskAddress): Promise<Deno.Conn> {
  return "path" in at
    ? await Deno.connect({ transport: "unix", path: at.path })
    : await Deno.connect({ hostname: "127.0.0.1", port: at.port });
}
const CONNECT: NetworkRequest = {
  want: "connect",
  protocol: "tcp",
  endpoint: { ip: "10.96.0.1", port: 443 },
};

/** A process of a guest, played by the test. */
class Visitor implements Disposable {
  readonly #connection: Deno.Conn;
  #rest = "";

  private constructor(connection: Deno.Conn) {
    this.#connection = connection;
  }

  /** Comes and says this, if anything. */
  static async come({ at }: NetworkTicket, first?: string): Promise<Visitor> {
    const visitor = new Visitor(await connectTo(at));
    if (first !== undefined) await visitor.say(first);
    return visitor;
  }

  /** Comes and shows its ticket. */
  static async with({ ticket }: Admission): Promise<Visitor> {
    return await Visitor.come(ticket, JSON.stringify({ run: ticket.run, token: ticket.token }));
  }

  async say(line: string): Promise<void> {
    const bytes = new TextEncoder().encode(`${line}\n`);
    for (let done = 0; done < bytes.length;) {
      done += await this.#connection.write(bytes.subarray(done));
    }
  }

  /** The next line; `undefined` when it was sent away. */
  async hear(): Promise<unknown> {
    const buffer = new Uint8Array(4_096);
    while (!this.#rest.includes("\n")) {
      const count = await this.#connection.read(buffer).catch(() => null);
      if (count === null) return undefined;
      this.#rest += new TextDecoder().decode(buffer.subarray(0, count));
    }
    const end = this.#rest.indexOf("\n");
    const line = this.#rest.slice(0, end);
    this.#rest = this.#rest.slice(end + 1);
    return JSON.parse(line);
  }

  async ask(question: unknown): Promise<unknown> {
    await this.say(JSON.stringify(question));
    return await this.hear();
  }

  [Symbol.dispose](): void {
    this.#connection.close();
  }
}

deskTest({
  name: "NetworkDesk answers who shows a ticket, and tells what changes",
  async fn(open): Promise<void> {
    await using desk = await open();
    const network = new FakeNetwork();
    const stop = new AbortController();
    using admission = desk.admit(network, { ...options, stop: stop.signal });
    using visitor = await Visitor.with(admission);
    assert.deepEqual(await visitor.hear(), { guarded: false });
    assert.deepEqual(await visitor.ask(CONNECT), { endpoint: CONNECT.endpoint });
    network.decide = () => ({ addresses: ["10.0.0.1"] });
    assert.deepEqual(await visitor.ask({ want: "resolve", name: "web.default.svc" }), {
      addresses: ["10.0.0.1"],
    });
    network.guarded = true;
    assert.deepEqual(await visitor.hear(), { guarded: true });
    stop.abort();
    assert.deepEqual(await visitor.hear(), { stop: true });
    const accept = {
      want: "accept",
      protocol: "udp",
      endpoint: CONNECT.endpoint,
      local: CONNECT.endpoint,
    };
    assert.deepEqual(await visitor.ask(accept), { addresses: ["10.0.0.1"] });
    assert.deepEqual(network.asked.at(-1), accept);
  },
});

deskTest({
  name: "NetworkDesk says at once what has changed before somebody came",
  async fn(open): Promise<void> {
    await using desk = await open();
    const network = new FakeNetwork();
    network.guarded = true;
    using admission = desk.admit(network, { ...options, stop: AbortSignal.abort() });
    using visitor = await Visitor.with(admission);
    assert.deepEqual(await visitor.hear(), { guarded: true });
    assert.deepEqual(await visitor.hear(), { stop: true });
  },
});

deskTest({
  name: "NetworkDesk takes a ticket once, and none that is wrong, forged or over",
  async fn(open): Promise<void> {
    await using desk = await open();
    const network = new FakeNetwork();
    using admission = desk.admit(network, options);
    using other = desk.admit(new FakeNetwork(), options);
    const { ticket } = admission;
    const strangers = [
      "",
      "garbage",
      "null",
      JSON.stringify(CONNECT),
      JSON.stringify({ run: ticket.run, token: "0".repeat(64) }),
      JSON.stringify({ run: ticket.run, token: "" }),
      JSON.stringify({ run: ticket.run, token: other.ticket.token }),
      JSON.stringify({ run: 77, token: ticket.token }),
      "x".repeat(QUESTION_BYTES_MAX + 1),
    ];
    for (const first of strangers) {
      using visitor = await Visitor.come(ticket, first);
      assert.equal(await visitor.hear(), undefined, first);
    }
    using visitor = await Visitor.with(admission);
    assert.deepEqual(await visitor.hear(), { guarded: false });
    using twin = await Visitor.with(admission);
    assert.equal(await twin.hear(), undefined, "it was used");
    assert.equal(ticket.token.length, 64);
    other[Symbol.dispose]();
    using late = await Visitor.with(other);
    assert.equal(await late.hear(), undefined, "its run has ended");
  },
});

deskTest({
  name: "NetworkDesk sends a visitor away when its run ends, and forgets it",
  async fn(open): Promise<void> {
    await using desk = await open();
    const network = new FakeNetwork();
    const admission = desk.admit(network, options);
    using visitor = await Visitor.with(admission);
    assert.deepEqual(await visitor.hear(), { guarded: false });
    assert.equal(network.listening, 1);
    admission[Symbol.dispose]();
    assert.equal(await visitor.hear(), undefined);
    await until(() => Promise.resolve(network.listening === 0));
  },
});

deskTest({
  name: "NetworkDesk sends away who says what no guest's host would say",
  async fn(open): Promise<void> {
    await using desk = await open();
    const endpoint = CONNECT.endpoint;
    for (
      const line of [
        "{",
        "[]",
        JSON.stringify({ want: "fly" }),
        JSON.stringify({ ...CONNECT, protocol: "sctp" }),
        JSON.stringify({ ...CONNECT, endpoint: { ip: "localhost", port: 80 } }),
        JSON.stringify({ ...CONNECT, endpoint: { ip: "::ffff:10.0.0.1", port: 80 } }),
        JSON.stringify({ ...CONNECT, endpoint: { ip: "FD00::1", port: 80 } }),
        JSON.stringify({ ...CONNECT, endpoint: { ...endpoint, port: 65_536 } }),
        JSON.stringify({ ...CONNECT, endpoint: { ...endpoint, port: "80" } }),
        JSON.stringify({ ...CONNECT, endpoint: null }),
        JSON.stringify({ ...CONNECT, want: "accept" }),
        JSON.stringify({ want: "resolve", name: "a b" }),
        JSON.stringify({ want: "resolve", name: "" }),
        JSON.stringify({ want: "resolve", name: "a".repeat(255) }),
        "x".repeat(QUESTION_BYTES_MAX + 1),
      ]
    ) {
      const network = new FakeNetwork();
      using admission = desk.admit(network, options);
      using visitor = await Visitor.with(admission);
      assert.deepEqual(await visitor.hear(), { guarded: false });
      await visitor.say(line);
      assert.equal(await visitor.hear(), undefined, line);
      assert.deepEqual(network.asked, []);
    }
  },
});

deskTest({
  name: "NetworkDesk reads no further than its answers are taken, and serves others meanwhile",
  async fn(open): Promise<void> {
    await using desk = await open();
    const network = new FakeNetwork();
    const gate = Promise.withResolvers<NetworkAnswer>();
    let most = 0;
    let under = 0;
    network.decide = async () => {
      most = Math.max(most, ++under);
      const answer = await gate.promise;
      under--;
      return answer;
    };
    using admission = desk.admit(network, options);
    using flood = await Visitor.with(admission);
    assert.deepEqual(await flood.hear(), { guarded: false });
    for (let count = 0; count < 100; count++) await flood.say(JSON.stringify(CONNECT));
    const quiet = new FakeNetwork();
    using other = desk.admit(quiet, options);
    using visitor = await Visitor.with(other);
    assert.deepEqual(await visitor.hear(), { guarded: false });
    assert.deepEqual(await visitor.ask(CONNECT), { endpoint: CONNECT.endpoint });
    assert.equal(network.asked.length, 1, "the others wait for the first");
    gate.resolve({ refused: "acces" });
    for (let count = 0; count < 100; count++) {
      assert.deepEqual(await flood.hear(), { refused: "acces" });
    }
    assert.equal(most, 1);
  },
});

deskTest({
  name: "NetworkDesk tells no more addresses of a name than a line has room for",
  async fn(open): Promise<void> {
    await using desk = await open();
    const network = new FakeNetwork();
    const many = Array.from({ length: 2_000 }, (_, index) => index);
    const v4 = many.map((index) => `110.100.${100 + index % 100}.${100 + index % 100}`);
    const v6 = many.map((index) =>
      `fd00:1111:2222:3333:4444:5555:6666:${(8_192 + index).toString(16)}`
    );
    network.decide = () => ({ addresses: [...v4, ...v6] });
    using admission = desk.admit(network, options);
    using visitor = await Visitor.with(admission);
    assert.deepEqual(await visitor.hear(), { guarded: false });
    const told = await visitor.ask({ want: "resolve", name: "huge" }) as { addresses: string[] };
    const most = NAME_ADDRESSES_MAX;
    assert.deepEqual(told.addresses, [...v4.slice(0, most), ...v6.slice(0, most)]);
    assert.ok(JSON.stringify(told).length < ANSWER_BYTES_MAX / 2);
  },
});

deskTest({
  name: "NetworkDesk keeps no more than the last news for who does not listen",
  async fn(open): Promise<void> {
    await using desk = await open();
    const network = new FakeNetwork();
    using admission = desk.admit(network, options);
    using visitor = await Visitor.with(admission);
    assert.deepEqual(await visitor.hear(), { guarded: false });
    for (let times = 0; times < 10_001; times++) network.guarded = !network.guarded;
    await visitor.say(JSON.stringify(CONNECT));
    assert.deepEqual(await visitor.hear(), { guarded: true });
    assert.deepEqual(await visitor.hear(), { endpoint: CONNECT.endpoint });
  },
});

deskTest({
  name: "NetworkDesk closes at once, whatever the network is asked at the time",
  async fn(open): Promise<void> {
    const network = new FakeNetwork();
    network.decide = () => new Promise(() => {});
    for (const how of ["the run ends", "the desk closes"]) {
      const desk = await open();
      const admission = desk.admit(network, options);
      using visitor = await Visitor.with(admission);
      assert.deepEqual(await visitor.hear(), { guarded: false });
      network.asked.length = 0;
      await visitor.say(JSON.stringify(CONNECT));
      await until(() => Promise.resolve(network.asked.length === 1));
      const sinceMs = performance.now();
      if (how === "the run ends") {
        admission[Symbol.dispose]();
        await until(() => Promise.resolve(network.listening === 0));
      }
      await desk[Symbol.asyncDispose]();
      assert.ok(performance.now() - sinceMs < ANSWER_MS_MAX / 2, how);
      assert.equal(await visitor.hear(), undefined);
    }
  },
});

Deno.test({
  ignore,
  name: "NetworkDesk goes on after an accept that failed",
  async fn(): Promise<void> {
    const folder = await Deno.makeTempDir();
    const sample = Deno.listen({ transport: "unix", path: `${folder}/sample` });
    const listeners = Object.getPrototypeOf(sample) as { accept: typeof sample.accept };
    sample.close();
    const { accept } = listeners;
    let failures = 0;
    listeners.accept = function (this: Deno.UnixListener): Promise<Deno.UnixConn> {
      if (failures++ < 2) return Promise.reject(new Error("Too many open files (os error 24)"));
      return accept.call(this);
    };
    try {
      await using desk = await NetworkDesk.open(`${folder}/desk`);
      using admission = desk.admit(new FakeNetwork(), options);
      using visitor = await Visitor.with(admission);
      assert.deepEqual(await visitor.hear(), { guarded: false });
      assert.ok(failures > 2);
    } finally {
      listeners.accept = accept;
      await Deno.remove(folder, { recursive: true });
    }
  },
});

deskTest({
  name: "NetworkDesk serves who has a ticket, however many keep silent",
  async fn(open): Promise<void> {
    await using desk = await open();
    using admission = desk.admit(new FakeNetwork(), options);
    using silent = new DisposableStack();
    const come = async (): Promise<Visitor> => silent.use(await Visitor.come(admission.ticket));
    const sinceMs = performance.now();
    const first = await come();
    for (let count = 0; count < STRANGERS_MAX; count++) await come();
    assert.equal(await first.hear(), undefined, "it made room");
    using visitor = await Visitor.with(admission);
    assert.deepEqual(await visitor.hear(), { guarded: false });
    assert.deepEqual(await visitor.ask(CONNECT), { endpoint: CONNECT.endpoint });
    assert.ok(performance.now() - sinceMs < HELLO_MS_MAX, "nobody's time is up yet");
  },
});

Deno.test({
  ignore,
  name: "NetworkDesk lies in a folder of its own, for nobody else, also after a crash",
  async fn(): Promise<void> {
    const parent = await Deno.makeTempDir();
    const folder = `${parent}/desk`;
    await Deno.mkdir(folder);
    await Deno.writeTextFile(`${folder}/desk`, "of an agent that was killed");
    {
      await using desk = await NetworkDesk.open(folder);
      assert.equal((await Deno.stat(folder)).mode! & 0o777, 0o700);
      using admission = desk.admit(new FakeNetwork(), options);
      assert.deepEqual(admission.ticket.at, { path: `${folder}/desk` });
      using visitor = await Visitor.with(admission);
      assert.deepEqual(await visitor.hear(), { guarded: false });
    }
    await assert.rejects(Deno.stat(folder), Deno.errors.NotFound);
    {
      await using desk = await NetworkDesk.open(`${parent}/${"long".repeat(40)}`);
      using admission = desk.admit(new FakeNetwork(), options);
      assert.ok(
        "path" in admission.ticket.at && admission.ticket.at.path.length < 108,
        "a shorter one was found",
      );
      using visitor = await Visitor.with(admission);
      assert.deepEqual(await visitor.hear(), { guarded: false });
    }
    await Deno.remove(parent, { recursive: true });
  },
});

Deno.test("encodeWord() is one line", () => {
  const line = new TextDecoder().decode(encodeWord({ refused: "again" }));
  assert.equal(line, '{"refused":"again"}\n');
});

Deno.test({
  name:
    "NetworkDesk takes turns: who asks once waits for one question of each who asks without end",
  ignore,
  async fn(): Promise<void> {
    const [rate, crowd, more] = [50, 4, 50];
    await using desk = await NetworkDesk.open(undefined, { questionsPerSecond: rate });
    const network = new FakeNetwork();
    let answered = 0;
    const counting: GuestNetwork = {
      listeners: [],
      guarded: false,
      onGuardChanged: () => ({ [Symbol.dispose]: () => {} }),
      ask: (request) => {
        answered++;
        return network.ask(request);
      },
    };
    using rest = new DisposableStack();
    const line = `${JSON.stringify(CONNECT)}\n`;
    const beganMs = performance.now();
    for (let index = 0; index < crowd; index++) {
      const flood = rest.use(await Visitor.with(rest.use(desk.admit(counting, options))));
      await flood.say(line.repeat(200).trimEnd());
    }
    await until(() => Promise.resolve(answered > rate));
    using polite = await Visitor.with(rest.use(desk.admit(network, options)));
    await polite.hear();
    const before = answered;
    assert.deepEqual(await polite.ask(CONNECT), await network.ask(CONNECT));
    // Some of the crowd's turns may have come while the question was on its way.
    assert.ok(answered - before <= 5 * crowd, `${answered - before} went before`);
    await until(() => Promise.resolve(answered >= rate + more));
    const tookMs = performance.now() - beganMs;
    assert.ok(tookMs >= (more - 2 * crowd) * 1_000 / rate, `${tookMs} ms`);
  },
});
