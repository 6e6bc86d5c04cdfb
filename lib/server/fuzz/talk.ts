/**
 * What clients do with a server that listens. For tests only.
 *
 * @module
 */
import assert from "node:assert/strict";
import type { Random } from "../../fuzz/random.ts";
import type { ReadAnswer } from "./answers.ts";
import { FuzzedNode, SECRET } from "./fuzzed_node.ts";
import { RawClient } from "./raw_client.ts";

/** The path of requests that only take time. */
const BESIDE = "/beside";

/** One node, and connections that are kept as long as the server keeps them. */
export class Talk implements AsyncDisposable {
  readonly node: FuzzedNode;
  #client: RawClient | undefined;
  #beside: RawClient | undefined;

  private constructor(node: FuzzedNode) {
    this.node = node;
  }

  /** Starts a node. */
  static async start(): Promise<Talk> {
    return new Talk(await FuzzedNode.start());
  }

  /** A connection on which nothing goes on. The node forgets what it has heard. */
  async client(): Promise<RawClient> {
    this.node.heard.length = 0;
    return this.#client = await this.#open(this.#client);
  }

  /** Goes away; the next one comes on another connection. */
  async leave(): Promise<void> {
    await this.#client?.leave();
  }

  /** Paths of requests that the node has heard of. */
  get heard(): string[] {
    return this.node.heard.map(({ path }) => path).filter((path) => path !== BESIDE);
  }

  /** Takes the time that the node needs for a request, on another connection. */
  async aMoment(): Promise<void> {
    this.#beside = await this.#open(this.#beside);
    this.#beside.write(`GET ${BESIDE} HTTP/1.1\r\nhost: n\r\nauthorization: Bearer good\r\n\r\n`);
    assert.equal((await this.#beside.answer())?.status, 404);
  }

  /** All answers up to the end of the connection, or to the last request that the server takes. */
  async answers(client: RawClient): Promise<ReadAnswer[]> {
    const answers: ReadAnswer[] = [];
    this.node.onChange = () => client.look();
    while (true) {
      // It waits for the rest of a body, which nobody sends.
      await client.until(() =>
        client.rest !== "" || (this.heard.length > 0 && this.node.open === 0)
      );
      const isOver = !client.closed && client.rest === "" && answers.length >= this.heard.length;
      const answer = isOver ? undefined : await client.answer();
      if (answer === undefined) break;
      answers.push(answer);
    }
    this.node.onChange = undefined;
    return answers;
  }

  /** Waits until nothing goes on any more at the node: less than that is something that ended twice. */
  async untilQuiet(): Promise<void> {
    const { node } = this;
    for (let turn = 0; node.open !== 0 || node.sessions !== 0; turn++) {
      assert.ok(turn < TURNS_MAX, `${node.open} requests and ${node.sessions} sessions go on`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client?.leave();
    await this.#beside?.leave();
    await this.node[Symbol.asyncDispose]();
  }

  async #open(client: RawClient | undefined): Promise<RawClient> {
    return client === undefined || client.closed ? await RawClient.open(this.node.port) : client;
  }
}

/** Half a minute. */
const TURNS_MAX = 3_000;

/** Cuts a text at places that mean nothing. */
export function cut(random: Random, text: string): string[] {
  const ends = random.list(0, 3, () => random.below(text.length + 1)).sort((a, b) => a - b);
  return [...ends, text.length].map((end, index) => text.slice(ends[index - 1] ?? 0, end));
}

/** Whatever it answers, it tells nothing of what lies outside of what it may show. */
export function assertHarmless({ text, headers, status }: ReadAnswer): void {
  assert.ok(!text.includes(SECRET), "it tells what it must not");
  if (headers.has("content-type") && !isPage(status)) {
    assert.equal(headers.get("x-content-type-options"), "nosniff");
  }
}

const isPage = (status: number): boolean => status === 200;
