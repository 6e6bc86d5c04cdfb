import type { NetworkAnswer, NetworkRequest } from "../../../lib/mod.ts";
import type { NetworkNews } from "../../../wasi/mod.ts";
import { ANSWER_BYTES_MAX, PATIENCE_MS_MAX } from "../limits.ts";
import { LineCalls } from "./line_calls.ts";
import { encodeWord, isNews, LOST, type Lost, type NetworkTicket, type News } from "./words.ts";

const LINE_END = 10;
/** One slice of a wait: a thread that waits in the kernel is ended in between. */
const SLICE_MS = 1_000;

/**
 * A guest's line to the agent. Whoever asks is blocked until the answer has come, and the agent may say things of
 * its own accord at any time. When the line is cut, everything is refused and nothing may come in.
 */
export class DeskLine implements NetworkNews {
  readonly #calls: LineCalls;
  readonly #socket: number;
  readonly #in = new Uint8Array(ANSWER_BYTES_MAX);
  #start = 0;
  #end = 0;
  #state = { guarded: true, closing: false };
  #heard = false;
  #cut = false;

  private constructor(calls: LineCalls, socket: number) {
    this.#calls = calls;
    this.#socket = socket;
  }

  /**
   * Connects a Unix socket that is not yet to the agent's desk, and shows the ticket. Throws if the agent is not
   * there or will not have it.
   */
  static open(
    { libc, socket }: { readonly libc: string; readonly socket: number },
    { run, token, at }: NetworkTicket,
  ): DeskLine {
    if (!("path" in at)) throw new Error("Cannot reach the pod's network: it is at no Unix socket");
    const { path } = at;
    const calls = new LineCalls(libc, socket);
    const line = new DeskLine(calls, socket);
    if (calls.connect(path) && line.#write(encodeWord({ run, token }))) {
      const first = line.#await((word) => "guarded" in word ? word : undefined);
      if (first !== undefined) return line;
    }
    throw new Error(`Cannot reach the pod's network at "${path}": the agent does not answer`);
  }

  get descriptor(): number | undefined {
    return this.#cut ? undefined : this.#socket;
  }

  get heard(): boolean {
    return this.#heard;
  }

  look(): { readonly guarded: boolean; readonly closing: boolean } {
    while (this.#readable(0) && this.#fill()) this.#hear();
    this.#heard = false;
    return this.#state;
  }

  /** Asks, and blocks until there is an answer. */
  ask(request: NetworkRequest): NetworkAnswer | Lost {
    if (this.#cut || !this.#write(encodeWord(request))) return this.#lose();
    const answer = this.#await((word) => isNews(word) ? undefined : word);
    return answer ?? this.#lose();
  }

  /** Waits for a word that is the right one; `undefined` if there will be none. */
  #await<Wanted>(
    find: (word: News | NetworkAnswer) => Wanted | undefined,
  ): Wanted | undefined {
    const endMs = performance.now() + PATIENCE_MS_MAX;
    while (!this.#cut && performance.now() < endMs) {
      const found = this.#hear(find);
      if (found !== undefined) return found;
      if (this.#readable(SLICE_MS)) this.#fill();
    }
    return undefined;
  }

  /**
   * Takes in all that has been read; the word that is the right one. News behind an answer have been read with it, and
   * nobody would be woken for them again.
   */
  #hear<Wanted>(
    find: (word: News | NetworkAnswer) => Wanted | undefined = () => undefined,
  ): Wanted | undefined {
    let found: Wanted | undefined;
    for (let word = this.#next(); word !== undefined; word = this.#next()) {
      if ("guarded" in word) this.#state = { ...this.#state, guarded: word.guarded };
      else if ("stop" in word) this.#state = { ...this.#state, closing: true };
      if (isNews(word)) this.#heard = true;
      found ??= find(word);
    }
    return found;
  }

  #next(): News | NetworkAnswer | undefined {
    const end = this.#in.subarray(0, this.#end).indexOf(LINE_END, this.#start);
    if (end < 0) return undefined;
    const text = new TextDecoder().decode(this.#in.subarray(this.#start, end));
    this.#start = end + 1;
    try {
      return JSON.parse(text) as News | NetworkAnswer;
    } catch {
      this.#lose(); // no agent of ours says such a thing
      return undefined;
    }
  }

  /** Reads what is there; false once there is nothing to come. */
  #fill(): boolean {
    this.#in.copyWithin(0, this.#start, this.#end);
    this.#end -= this.#start;
    this.#start = 0;
    const room = this.#in.subarray(this.#end);
    const count = room.length === 0 ? 0 : this.#calls.read(room);
    if (count > 0) this.#end += count;
    else this.#lose();
    return count > 0;
  }

  #lose(): Lost {
    this.#cut = true;
    this.#state = { ...this.#state, guarded: true };
    return LOST;
  }

  #readable(ms: number): boolean {
    return !this.#cut && this.#calls.readable(ms);
  }

  /** Writes one line; false if that could not be. */
  #write(line: Uint8Array<ArrayBuffer>): boolean {
    for (let done = 0; done < line.length;) {
      const count = this.#calls.write(line.subarray(done));
      if (count <= 0) return false;
      done += count;
    }
    return true;
  }
}
