import assert from "node:assert/strict";
import type { NetworkRequest } from "../../../lib/mod.ts";
import { ANSWER_BYTES_MAX } from "../limits.ts";
import { until } from "../testing.ts";
import { FakeNetwork } from "../testing_network.ts";
import { NetworkDesk } from "./desk.ts";
import { EventLine } from "./event_line.ts";
import { networkOptions } from "./guest_network.ts";
import type { NetworkTicket } from "./words.ts";

const KINDS = Deno.build.os === "windows" ? ["tcp"] as const : ["unix", "tcp"] as const;
const CONNECT: NetworkRequest = {
  want: "connect",
  protocol: "tcp",
  endpoint: { ip: "10.96.0.1", port: 443 },
};
const ANYBODY = '{"guarded":false}\n';
const LOST = { refused: "netdown" };

/** An agent that says what a test wants to whoever comes. */
class Agent implements AsyncDisposable {
  readonly ticket: NetworkTicket;
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #connections: Deno.Conn[] = [];

  constructor() {
    const { port } = this.#listener.addr;
    this.ticket = { at: { port }, run: 7, token: "secret", listeners: [] };
  }

  /** Takes the next who comes, and says this once it has heard something. */
  async take(says: string): Promise<Deno.Conn> {
    const connection = await this.#listener.accept();
    this.#connections.push(connection);
    await connection.read(new Uint8Array(1_024));
    await connection.write(new TextEncoder().encode(says));
    return connection;
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    for (const connection of this.#connections) {
      try {
        connection.close();
      } catch {
        // The test has done it.
      }
    }
    return Promise.resolve();
  }
}

for (const over of KINDS) {
  Deno.test(`EventLine asks at the desk, several at once, and hears news (${over})`, async () => {
    await using desk = await NetworkDesk.open(undefined, { over });
    const network = new FakeNetwork();
    const stop = new AbortController();
    using admission = desk.admit(network, { listens: true, stop: stop.signal });
    using line = await EventLine.open(admission.ticket);
    assert.deepEqual(line.look(), { guarded: false, closing: false });
    const ports = [1, 2, 3, 4, 5];
    const asked = ports.map((port) =>
      line.ask({ ...CONNECT, endpoint: { ip: "10.96.0.1", port } } as NetworkRequest)
    );
    assert.deepEqual(
      await Promise.all(asked),
      ports.map((port) => ({ endpoint: { ip: "10.96.0.1", port } })),
    );
    const told: unknown[] = [];
    using _news = line.onNews(() => told.push(line.look()));
    network.guarded = true;
    stop.abort();
    await until(() => Promise.resolve(told.length === 2));
    assert.deepEqual(told, [{ guarded: true, closing: false }, { guarded: true, closing: true }]);
  });

  Deno.test(`EventLine refuses everything once its run has ended (${over})`, async () => {
    await using desk = await NetworkDesk.open(undefined, { over });
    const network = new FakeNetwork();
    network.decide = () => new Promise(() => {});
    const admission = desk.admit(network, { listens: true });
    using line = await EventLine.open(admission.ticket);
    const asked = [line.ask(CONNECT), line.ask(CONNECT)];
    await until(() => Promise.resolve(network.asked.length === 1));
    admission[Symbol.dispose]();
    assert.deepEqual(await Promise.all(asked), [LOST, LOST]);
    assert.deepEqual(await line.ask(CONNECT), LOST);
    assert.equal(line.look().guarded, true, "nothing may come in");
    await line.hungUp;
  });

  Deno.test(`EventLine.open() says so when nobody is there, or it is sent away (${over})`, async () => {
    const desk = await NetworkDesk.open(undefined, { over });
    const { ticket } = desk.admit(new FakeNetwork(), { listens: true });
    const wrong = { ...ticket, token: "wrong" };
    await assert.rejects(
      EventLine.open(wrong),
      /Cannot reach the pod's network at ".*": the agent/,
    );
    await desk[Symbol.asyncDispose]();
    await assert.rejects(EventLine.open(ticket), /Cannot reach the pod's network at/);
  });
}

Deno.test("EventLine is cut by an agent that says what none would say", async () => {
  for (const strange of ["no JSON\n", "x".repeat(ANSWER_BYTES_MAX + 1)]) {
    await using agent = new Agent();
    const taken = agent.take(ANYBODY);
    using line = await EventLine.open(agent.ticket);
    const connection = await taken;
    const asked = line.ask(CONNECT);
    await connection.write(new TextEncoder().encode(strange));
    assert.deepEqual(await asked, LOST);
    assert.equal(line.look().guarded, true);
  }
});

Deno.test("EventLine takes words apart that come together, and together that come in parts", async () => {
  await using agent = new Agent();
  const taken = agent.take(`${ANYBODY}{"guarded":true}\n{"st`);
  using line = await EventLine.open(agent.ticket);
  const connection = await taken;
  const asked = line.ask(CONNECT);
  await connection.write(new TextEncoder().encode('op":true}\n{"refused":"acc'));
  await until(() => Promise.resolve(line.look().closing));
  await connection.write(new TextEncoder().encode('es"}\n'));
  assert.deepEqual(await asked, { refused: "acces" });
  assert.deepEqual(line.look(), { guarded: true, closing: true });
});

Deno.test("networkOptions() answers later over a line that does", async () => {
  await using desk = await NetworkDesk.open();
  const network = new FakeNetwork();
  network.decide = (request) =>
    request.want === "resolve"
      ? { addresses: ["10.0.0.1"] }
      : { endpoint: { ip: "10.1.1.1", port: 80 }, source: { ip: "127.0.0.5", port: 0 } };
  using admission = desk.admit(network, { listens: true });
  const { ticket } = admission;
  using line = await EventLine.open(ticket);
  const { allowAddress, lookup } = networkOptions(line, { ticket, awaitsListeners: false });
  const address = { hostname: "10.96.0.1", port: 80 };
  assert.deepEqual(await allowAddress!({ purpose: "connect", protocol: "tcp", address }), {
    address: { hostname: "10.1.1.1", port: 80 },
    source: { hostname: "127.0.0.5", port: 0 },
  });
  assert.equal(
    await allowAddress!({ purpose: "accept", protocol: "tcp", address, local: address }),
    true,
  );
  assert.deepEqual(await lookup!("web"), ["10.0.0.1"]);
  assert.deepEqual(await lookup!("no name"), []);
});
