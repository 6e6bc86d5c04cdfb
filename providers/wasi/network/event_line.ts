import type { NetworkAnswer, NetworkRequest } from "../../../lib/mod.ts";
import { ANSWER_BYTES_MAX, PATIENCE_MS_MAX } from "../limits.ts";
import type { Line } from "./guest_network.ts";
import { Lines } from "./lines.ts";
import {
  type DeskAddress,
  encodeWord,
  isNews,
  LOST,
  type Lost,
  type NetworkTicket,
  type News,
} from "./words.ts";

/**
 * A guest's line to the agent on the portable host: who asks waits for a promise, and threads may ask at once. When
 * the line is cut, all questions are answered with a refusal and nothing may come in.
 */
export class EventLine implements Line, Disposable {
  readonly descriptor = undefined;
  /** Settles when the agent has hung up, or says what none would say; never when this side has. */
  readonly hungUp: Promise<void>;
  readonly #hungUp = Promise.withResolvers<void>();
  readonly #connection: Deno.Conn;
  readonly #lines: Lines;
  /** Who waits for an answer, in the order in which they have asked: the agent keeps to it. */
  readonly #asked: ((answer: NetworkAnswer | Lost) => void)[] = [];
  readonly #listeners = new Set<() => void>();
  #sending: Promise<void> = Promise.resolve();
  #state = { guarded: true, closing: false };
  #cut = false;

  private constructor(connection: Deno.Conn) {
    this.#connection = connection;
    this.hungUp = this.#hungUp.promise;
    this.#lines = new Lines(connection, { bytesMax: ANSWER_BYTES_MAX });
  }

  /** Connects to the agent's desk and shows the ticket. Rejects if the agent is not there or will not have it. */
  static async open({ at, run, token }: NetworkTicket): Promise<EventLine> {
    let line: EventLine | undefined;
    try {
      line = new EventLine(await connect(at));
      line.#send(encodeWord({ run, token }));
      await line.#hearFirst();
    } catch (error) {
      line?.[Symbol.dispose]();
      const state = error instanceof Error ? error.message : String(error);
      throw new Error(`Cannot reach the pod's network at "${placeOf(at)}": ${state}`, {
        cause: error,
      });
    }
    void line.#listen();
    return line;
  }

  look(): { readonly guarded: boolean; readonly closing: boolean } {
    return this.#state;
  }

  onNews(listener: () => void): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) };
  }

  /** Asks. The answer comes within {@linkcode PATIENCE_MS_MAX}, or there is none: then the line is cut. */
  ask(request: NetworkRequest): Promise<NetworkAnswer | Lost> {
    if (this.#cut) return Promise.resolve(LOST);
    const late = setTimeout(() => this.#lose(), PATIENCE_MS_MAX);
    const { promise, resolve } = Promise.withResolvers<NetworkAnswer | Lost>();
    this.#asked.push((answer) => {
      clearTimeout(late);
      resolve(answer);
    });
    this.#send(encodeWord(request));
    return promise;
  }

  /** Cuts the line. */
  [Symbol.dispose](): void {
    this.#lose();
  }

  /** Waits for the agent's first word, which says that it takes the ticket. */
  async #hearFirst(): Promise<void> {
    const late = setTimeout(() => this.#lose(), PATIENCE_MS_MAX);
    const first = await this.#next().finally(() => clearTimeout(late));
    if (first === undefined || !("guarded" in first)) throw new Error("the agent does not answer");
    this.#take(first);
  }

  async #listen(): Promise<void> {
    for (let word = await this.#next(); word !== undefined; word = await this.#next()) {
      if (isNews(word)) this.#take(word);
      else this.#asked.shift()?.(word);
    }
    if (!this.#cut) this.#hungUp.resolve();
    this.#lose();
  }

  /** The next word; `undefined` once there is none, or none of the agent's. */
  async #next(): Promise<News | NetworkAnswer | undefined> {
    try {
      const line = await this.#lines.next();
      return line === undefined ? undefined : JSON.parse(line) as News | NetworkAnswer;
    } catch {
      return undefined;
    }
  }

  #take(news: News): void {
    this.#state = "guarded" in news
      ? { ...this.#state, guarded: news.guarded }
      : { ...this.#state, closing: true };
    for (const tell of this.#listeners) tell();
  }

  #send(bytes: Uint8Array): void {
    this.#sending = this.#sending.then(() => writeAll(this.#connection, bytes)).catch(() =>
      this.#lose()
    );
  }

  #lose(): void {
    if (this.#cut) return;
    this.#cut = true;
    this.#state = { ...this.#state, guarded: true };
    this.#connection.close();
    for (const answer of this.#asked.splice(0)) answer(LOST);
  }
}

async function connect(at: DeskAddress): Promise<Deno.Conn> {
  if ("path" in at) return await Deno.connect({ transport: "unix", path: at.path });
  const connection = await Deno.connect({ hostname: "127.0.0.1", port: at.port });
  connection.setNoDelay();
  return connection;
}

function placeOf(at: DeskAddress): string {
  return "path" in at ? at.path : `127.0.0.1:${at.port}`;
}

async function writeAll(connection: Deno.Conn, bytes: Uint8Array): Promise<void> {
  for (let done = 0; done < bytes.length;) done += await connection.write(bytes.subarray(done));
}
