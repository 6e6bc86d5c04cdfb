/**
 * Where `exec`, `attach` and `port-forward` lead to.
 *
 * @module
 */
import { attachAndStream } from "../container/attach.ts";
import { execAndStream } from "../container/exec_session.ts";
import { RunningContainers } from "../container/running.ts";
import type { Session, SessionEnd } from "../container/session.ts";
import { messageOf } from "../errors.ts";
import type { PodContext } from "./context.ts";
import type { PodManager } from "./manager.ts";
import { joinStreams } from "./join_streams.ts";
import type { PodServices } from "./services.ts";

/** A pod as the API server names it. */
export interface StreamedPod {
  readonly namespace: string;
  readonly pod: string;
  /** Another pod of the same name is not meant. @default {any} */
  readonly uid?: string;
}

/** A program to be run in a container, or the container's own. */
export interface StreamedCommand extends StreamedPod {
  readonly kind: "exec" | "attach";
  readonly container: string;
  /** argv; of no matter for `attach`. */
  readonly command: readonly string[];
  readonly streams: { readonly tty: boolean };
}

/** Why there is nothing, as HTTP tells it, in a kubelet's words. */
export interface NoStream {
  readonly status: number;
  readonly message: string;
}

/** A connection of a peer's client. */
export interface ForwardedData {
  /** 1–65535. */
  readonly port: number;
  readonly data: ReadableWritablePair<Uint8Array, Uint8Array>;
  /** Aborted when nothing can be sent or received any more. */
  readonly closed: AbortSignal;
}

/** What is needed of the node. */
type StreamServices = Pick<PodServices, "provider" | "running" | "observer" | "networks">;

/** Finds the other end of streams for the server. */
export class PodStreams {
  readonly #pods: Pick<PodManager, "find">;
  readonly #services: StreamServices;

  constructor(pods: Pick<PodManager, "find">, services: StreamServices) {
    this.#pods = pods;
    this.#services = services;
  }

  /** What runs the command between the streams of a session; or why nothing does. */
  command(request: StreamedCommand): ((session: Session) => Promise<SessionEnd>) | NoStream {
    const pod = this.#find(request);
    if (!("record" in pod)) return pod;
    const { provider, running = new RunningContainers() } = this.#services;
    const place = { podUid: pod.key.uid, container: request.container };
    try {
      running.get(place);
    } catch (error) {
      return { status: 500, message: messageOf(error) };
    }
    if (request.kind === "attach") return (session) => attachAndStream(running, place, session);
    const { command, streams: { tty } } = request;
    if (command.length === 0) return { status: 400, message: "you must specify a command" };
    return (session) =>
      this.#counted(() =>
        execAndStream({ provider, running }, { ...place, command, tty }, session)
      );
  }

  /** What leads connections to what listens in the pod. */
  forward(request: StreamedPod): ((connection: ForwardedData) => Promise<void>) | NoStream {
    const pod = this.#find(request);
    if (!("record" in pod)) return pod;
    const { networks } = this.#services;
    return async ({ port, data, closed }) => {
      const { uid, namespace, name } = pod.key;
      if (networks === undefined) {
        throw new Error(`nothing listens on port ${port} of pod "${namespace}/${name}": \
it has no network`);
      }
      using there = await networks.dial(uid, port, closed);
      await joinStreams(data, { pod: there, closed });
    };
  }

  #find({ namespace, pod: name, uid }: StreamedPod): PodContext | NoStream {
    const pod = this.#pods.find(namespace, name);
    if (pod === undefined) return { status: 404, message: "pod does not exist" };
    const isOther = uid !== undefined && uid !== "" && uid !== pod.key.uid;
    return isOther ? { status: 404, message: "pod not found" } : pod;
  }

  async #counted(run: () => Promise<SessionEnd>): Promise<SessionEnd> {
    const beganMs = performance.now();
    const end = await run();
    const failed = end.kind === "failed";
    this.#services.observer?.programRan(performance.now() - beganMs, { failed });
    return end;
  }
}
