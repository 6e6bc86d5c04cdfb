import assert from "node:assert/strict";
import type { NetworkRequest } from "../../../lib/mod.ts";
import { Kernel } from "../kernel.ts";
import { findLibc } from "../libc_path.ts";
import { ANSWER_BYTES_MAX } from "../limits.ts";
import { DeskLine } from "./desk_line.ts";
import { networkOptions } from "./guest_network.ts";
import type { NetworkTicket } from "./words.ts";

const ignore = Deno.build.os !== "linux";
const CONNECT: NetworkRequest = {
  want: "connect",
  protocol: "tcp",
  endpoint: { ip: "10.96.0.1", port: 443 },
};
const NEWS = JSON.stringify({ guarded: false });
const YES = JSON.stringify({ endpoint: { ip: "10.1.1.1", port: 8443 } });

/** Opened here, because a library stays open for good and would look like a leak. */
const libc = ignore ? "" : findLibc()!;
const kernel = ignore ? undefined : Kernel.open(libc);

/** An agent in a thread of its own: to each line that it hears it says the next of these texts, and then it hangs up. */
const AGENT = `
  const { path, replies } = await new Promise((resolve) => { self.onmessage = (e) => resolve(e.data); });
  const listener = Deno.listen({ transport: "unix", path });
  self.postMessage("ready");
  const connection = await listener.accept();
  const buffer = new Uint8Array(4096);
  const heard = [];
  for (const reply of replies) {
    const count = await connection.read(buffer);
    if (count === null) break;
    heard.push(new TextDecoder().decode(buffer.subarray(0, count)));
    for (let bytes = new TextEncoder().encode(reply); bytes.length > 0;) {
      bytes = bytes.subarray(await connection.write(bytes));
    }
  }
  self.postMessage(heard);
  connection.close();
  listener.close();`;

interface Agent extends AsyncDisposable {
  readonly ticket: NetworkTicket;
  /** Everything that it has heard, once it has hung up. */
  readonly heard: Promise<readonly string[]>;
}

async function agentThatSays(...replies: readonly string[]): Promise<Agent> {
  const folder = await Deno.makeTempDir();
  const url = URL.createObjectURL(new Blob([AGENT], { type: "text/javascript" }));
  const worker = new Worker(url, { type: "module" });
  const next = (): Promise<unknown> =>
    new Promise((resolve) => {
      worker.onmessage = ({ data }): void => resolve(data);
    });
  const ready = next();
  worker.postMessage({ path: `${folder}/desk`, replies });
  await ready;
  return {
    ticket: { at: { path: `${folder}/desk` }, run: 7, token: "secret", listeners: [] },
    heard: next() as Promise<readonly string[]>,
    async [Symbol.asyncDispose](): Promise<void> {
      worker.terminate();
      URL.revokeObjectURL(url);
      await Deno.remove(folder, { recursive: true });
    },
  };
}

function lineTo({ ticket }: Agent): DeskLine {
  return DeskLine.open({ libc, socket: kernel!.unixSocket() }, ticket);
}

function lineTest(name: string, fn: () => Promise<void>): void {
  // Each line opens the C library, in a process that lives for it alone.
  Deno.test({ name, ignore, sanitizeResources: false, fn });
}

lineTest("DeskLine shows its ticket, asks, and hears news behind an answer", async () => {
  const stop = JSON.stringify({ stop: true });
  await using agent = await agentThatSays(`${NEWS}\n`, `{"guarded":true}\n${YES}\n${stop}\n`, "");
  const line = lineTo(agent);
  assert.deepEqual(line.look(), { guarded: false, closing: false });
  assert.deepEqual(line.ask(CONNECT), { endpoint: { ip: "10.1.1.1", port: 8443 } });
  assert.equal(line.heard, true, "nobody can be woken for what was read with the answer");
  assert.deepEqual(line.look(), { guarded: true, closing: true });
  assert.equal(line.heard, false);
  assert.deepEqual(line.ask(CONNECT), { refused: "netdown" }, "it hangs up");
  assert.equal(line.descriptor, undefined);
  assert.deepEqual(await agent.heard, [
    '{"run":7,"token":"secret"}\n',
    `${JSON.stringify(CONNECT)}\n`,
    `${JSON.stringify(CONNECT)}\n`,
  ]);
});

for (
  const [what, reply] of [
    ["is cut in mid-answer", YES.slice(0, 20)],
    ["is cut without an answer", ""],
    ["says more than a line can have", "x".repeat(2 * ANSWER_BYTES_MAX)],
    ["says what is no answer", "nonsense\n"],
  ] as const
) {
  lineTest(`DeskLine refuses everything, and guards, once its agent ${what}`, async () => {
    await using agent = await agentThatSays(`${NEWS}\n`, reply);
    const line = lineTo(agent);
    const { allowAddress, lookup } = networkOptions(line, {
      ticket: agent.ticket,
      awaitsListeners: false,
    });
    for (let times = 0; times < 2; times++) {
      const address = { hostname: "10.96.0.1", port: 443 };
      const decision = allowAddress!({ purpose: "connect", protocol: "tcp", address });
      assert.deepEqual(decision, { refused: "netdown" });
      assert.deepEqual(lookup!("web"), { refused: "netdown" });
      assert.deepEqual(line.look(), { guarded: true, closing: false });
      assert.equal(line.descriptor, undefined);
    }
  });
}

lineTest("a name that nobody can have is not asked for, and costs nothing", async () => {
  const addresses = ["10.0.0.1"];
  await using agent = await agentThatSays(`${NEWS}\n`, `${JSON.stringify({ addresses })}\n`);
  const line = lineTo(agent);
  const { lookup } = networkOptions(line, { ticket: agent.ticket, awaitsListeners: false });
  for (const name of ["", "a b", "b\u00fccher.example", "two\nlines", "a".repeat(255)]) {
    assert.deepEqual(lookup!(name), [], name);
  }
  assert.deepEqual(lookup!("web"), addresses, "the agent has not hung up");
  await agent.heard;
});

lineTest("DeskLine.open() says so when nobody is there, or it is sent away", async () => {
  const socket = kernel!.unixSocket();
  const ticket = { at: { path: "/nowhere/desk" }, run: 1, token: "", listeners: [] };
  assert.throws(() => DeskLine.open({ libc, socket }, ticket), /Cannot reach the pod's network/);
  kernel!.close(socket);
  await using agent = await agentThatSays("");
  assert.throws(() => lineTo(agent), /Cannot reach the pod's network/);
});
