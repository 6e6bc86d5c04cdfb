/**
 * Serves `exec`, `attach` and `port-forward`: from the request to the session, and to its end.
 *
 * @module
 */
import { getLogger } from "@logtape/logtape";
import { messageOf } from "../errors.ts";
import { acceptPortForward, acceptRemoteCommand, type Upgrade } from "../streaming/accept.ts";
import type {
  CommandEnd,
  ForwardedConnection,
  RemoteCommandSession,
} from "../streaming/session.ts";
import type {
  FoundCommand,
  FoundForward,
  PodName,
  StreamRoute,
  StreamSource,
} from "./stream_source.ts";
import { UpgradeRefusal } from "../streaming/upgrade.ts";
import { runAndKeep } from "./run.ts";
import { type CommandStreams, parseStreams } from "./stream_query.ts";

/** Sessions at once, and connections in all port-forwards. */
export interface StreamLimits {
  readonly streamsMax: number;
  readonly forwardedMax: number;
}

const BOTH_OUTPUTS: CommandStreams = { stdin: false, stdout: true, stderr: true, tty: false };

const log = getLogger(["krustlet", "server"]);

/** The sessions of one server. */
export class Streams {
  readonly #source: StreamSource;
  readonly #limits: StreamLimits;
  readonly #signal: AbortSignal;
  readonly #sessions = new Set<Promise<unknown>>();
  #forwarded = 0;

  /** `signal` ends all sessions. */
  constructor(
    source: StreamSource,
    { limits, signal }: { readonly limits: StreamLimits; readonly signal: AbortSignal },
  ) {
    this.#source = source;
    this.#limits = limits;
    this.#signal = signal;
  }

  /**
   * Serves one session to its end.
   *
   * @throws {UpgradeRefusal} before anything was answered.
   */
  async serve(
    route: StreamRoute,
    { upgrade, params }: { readonly upgrade: Upgrade; readonly params: URLSearchParams },
  ): Promise<void> {
    await this.#oneMore(() =>
      route.kind === "port_forward"
        ? this.#forward(route, upgrade)
        : this.#command(route, { upgrade, params })
    );
  }

  /**
   * Runs a command without streams: its words are in `cmd`, and what it writes is the answer.
   *
   * @throws {UpgradeRefusal} if there is no answer but an error.
   */
  async run(
    place: PodName & { readonly container: string },
    { params, signal }: { readonly params: URLSearchParams; readonly signal: AbortSignal },
  ): Promise<Uint8Array<ArrayBuffer>> {
    const command = (params.get("cmd") ?? "").split(" ");
    const found = this.#source.command({ ...place, kind: "exec", command, streams: BOTH_OUTPUTS });
    if (typeof found !== "function") throw new UpgradeRefusal(found.status, found.message);
    const until = AbortSignal.any([signal, this.#signal]);
    const { output, end } = await this.#oneMore(() => runAndKeep(found, until));
    if (end.kind === "exited" && end.code === 0) return output;
    const how = end.kind === "exited" ? `exited with ${end.code}` : end.message;
    throw new UpgradeRefusal(500, `command ${JSON.stringify(command.join(" "))}: ${how}`);
  }

  async #oneMore<T>(serve: () => Promise<T>): Promise<T> {
    if (this.#sessions.size >= this.#limits.streamsMax) {
      const text = `Too many sessions with pods of this node at once: ${this.#limits.streamsMax}`;
      throw new UpgradeRefusal(429, `${text}; try again later`, { "retry-after": "5" });
    }
    const session = serve();
    this.#sessions.add(session);
    try {
      return await session;
    } finally {
      this.#sessions.delete(session);
    }
  }

  /** Settles when no session is left. */
  async ended(): Promise<void> {
    await Promise.allSettled(this.#sessions);
  }

  async #command(
    route: StreamRoute & { kind: "exec" | "attach" },
    { upgrade, params }: { upgrade: Upgrade; params: URLSearchParams },
  ): Promise<void> {
    const streams = parseStreams(params);
    const command = route.kind === "exec" ? params.getAll("command") : [];
    const found = this.#source.command({ ...route, command, streams });
    if (typeof found !== "function") throw new UpgradeRefusal(found.status, found.message);
    const session = await acceptRemoteCommand(upgrade, { streams, signal: this.#signal });
    await session.exit(await endOf(found, session));
  }

  async #forward(pod: PodName, upgrade: Upgrade): Promise<void> {
    const found = this.#source.forward(pod);
    if (typeof found !== "function") throw new UpgradeRefusal(found.status, found.message);
    const session = await acceptPortForward(upgrade, { signal: this.#signal });
    const connections = new Set<Promise<void>>();
    for await (const connection of session) {
      const served = this.#connect(found, connection).finally(() => connections.delete(served));
      connections.add(served);
    }
    await Promise.all(connections);
  }

  async #connect(found: FoundForward, connection: ForwardedConnection): Promise<void> {
    const { forwardedMax } = this.#limits;
    if (this.#forwarded >= forwardedMax) {
      return await connection.fail(`this node forwards ${forwardedMax} connections already`);
    }
    this.#forwarded++;
    try {
      await found(connection);
      await connection.end();
    } catch (error) {
      await connection.fail(messageOf(error));
    } finally {
      this.#forwarded--;
    }
  }
}

async function endOf(run: FoundCommand, session: RemoteCommandSession): Promise<CommandEnd> {
  try {
    return await run(session);
  } catch (error) {
    // One who has gone hears nothing of it.
    if (!session.closed.aborted) log.debug("Session failed: {error}", { error: messageOf(error) });
    return { kind: "failed", message: messageOf(error) };
  }
}
