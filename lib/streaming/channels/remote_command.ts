/**
 * `exec` and `attach` over a WebSocket: a channel for each of stdin, stdout, stderr, the ending and
 * the terminal's sizes.
 *
 * @module
 */
import { getLogger } from "@logtape/logtape";
import { Budget, Inbox } from "../inbox.ts";
import { CLOSE_CODE, type MessageSocket } from "../message_socket.ts";
import { Resizes } from "../resizes.ts";
import {
  ClosedError,
  type CommandEnd,
  type CommandStreams,
  type Output,
  ProtocolError,
  type RemoteCommandSession,
  type TerminalSize,
} from "../session.ts";
import { statusText } from "../status.ts";
import type { ChannelCodec } from "./codec.ts";

/** Numbers of the channels. */
export const CHANNEL = { stdin: 0, stdout: 1, stderr: 2, error: 3, resize: 4 } as const;
/** Of `v5.channel.k8s.io`: the next byte is a channel on which nothing more comes. */
export const CLOSE_SIGNAL = 255;

/** A WebSocket on which a command is to be served. */
export interface ChannelCommandOptions {
  readonly codec: ChannelCodec;
  /** 1 to 5: the version of `v5.channel.k8s.io`. */
  readonly version: number;
  readonly streams: CommandStreams;
}

/** Serves a command on a WebSocket. The peer is told at once that it is there. */
export function commandOverChannels(
  socket: MessageSocket,
  options: ChannelCommandOptions,
): RemoteCommandSession {
  return new ChannelCommand(socket, options);
}

const LOG = getLogger(["krustlet", "streaming"]);
const NOTHING = new Uint8Array(0);

class ChannelCommand implements RemoteCommandSession {
  readonly stdout: Output | undefined;
  readonly stderr: Output | undefined;
  readonly #socket: MessageSocket;
  readonly #options: ChannelCommandOptions;
  readonly #budget = new Budget();
  readonly #stdin: Inbox | undefined;
  readonly #resizes = new Resizes();
  #ending: Promise<void> | undefined;

  constructor(socket: MessageSocket, options: ChannelCommandOptions) {
    this.#socket = socket;
    this.#options = options;
    const { stdin, stdout, stderr } = options.streams;
    if (stdin) this.#stdin = new Inbox(this.#budget);
    if (stdout) this.stdout = this.#output(CHANNEL.stdout);
    if (stderr) this.stderr = this.#output(CHANNEL.stderr);
    const first = stdout ? CHANNEL.stdout : stderr ? CHANNEL.stderr : CHANNEL.error;
    void this.#send(first, NOTHING).catch(() => {});
    void this.#run();
  }

  get stdin(): ReadableStream<Uint8Array> | undefined {
    return this.#stdin?.readable;
  }

  get resizes(): AsyncIterable<TerminalSize> {
    return this.#resizes;
  }

  get closed(): AbortSignal {
    return this.#socket.closed;
  }

  exit(end: CommandEnd): Promise<void> {
    return this.#ending ??= this.#exit(end);
  }

  async #exit(end: CommandEnd): Promise<void> {
    const text = statusText(end, this.#options.version);
    if (text !== "") {
      // A peer that does not read must not keep the session: closing has a limit, and comes after it.
      void this.#send(CHANNEL.error, new TextEncoder().encode(text)).catch(() => {});
    }
    this.#budget.close();
    await this.#socket.close(CLOSE_CODE.normal);
  }

  async #run(): Promise<void> {
    const onClosed = (): void => this.#budget.close();
    this.closed.addEventListener("abort", onClosed, { once: true });
    let code: number = CLOSE_CODE.normal;
    try {
      for await (const message of this.#socket.messages()) await this.#receive(message);
    } catch (error) {
      if (error instanceof ProtocolError) LOG.info("Closing a WebSocket: {error}", { error });
      else LOG.error("Closing a WebSocket: {error}", { error });
      code = CLOSE_CODE.protocolError;
    }
    this.#stdin?.fail(new ClosedError("The connection is closed"));
    this.#resizes.end();
    await this.#socket.close(code);
  }

  async #receive(message: Uint8Array): Promise<void> {
    if (this.#options.version >= 5 && message[0] === CLOSE_SIGNAL) return this.#end(message);
    const read = this.#options.codec.decode(message);
    if (read?.channel === CHANNEL.resize) this.#resizes.push(read.bytes);
    // What belongs to no channel, or to one that is written to, is thrown away, as a kubelet does.
    if (read?.channel !== CHANNEL.stdin || this.#stdin === undefined) return;
    this.#stdin.push(read.bytes);
    await this.#budget.roomFor(this.#stdin);
  }

  #end(message: Uint8Array): void {
    const [, channel] = message;
    if (message.length !== 2 || channel! > CHANNEL.resize) {
      throw new ProtocolError("Cannot close channel: the signal names none");
    }
    if (channel === CHANNEL.stdin) this.#stdin?.end();
    if (channel === CHANNEL.resize) this.#resizes.end();
  }

  #output(channel: number): Output {
    return { write: (bytes) => this.#send(channel, bytes) };
  }

  #send(channel: number, bytes: Uint8Array): Promise<void> {
    return this.#socket.send(this.#options.codec.encode({ channel, bytes }));
  }
}
