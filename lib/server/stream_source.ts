/**
 * What the server needs of those who know the containers and pods that streams lead to.
 *
 * @module
 */
import type {
  CommandEnd,
  ForwardedConnection,
  RemoteCommandSession,
} from "../streaming/session.ts";
import type { CommandStreams } from "./stream_query.ts";

/** A pod as the API server names it. */
export interface PodName {
  readonly namespace: string;
  readonly pod: string;
  /** Another pod of the same name is not meant. @default {any} */
  readonly uid?: string;
}

/** One `exec` or `attach`. */
export interface CommandRequest extends PodName {
  readonly kind: "exec" | "attach";
  readonly container: string;
  /** argv. Empty for `attach`. */
  readonly command: readonly string[];
  readonly streams: CommandStreams;
}

/** Runs what was asked for; settles when it has ended. Never sees a session twice. */
export type FoundCommand = (session: RemoteCommandSession) => Promise<CommandEnd>;
/** Leads one connection to the pod; settles when it is over. A rejection is told to the peer. */
export type FoundForward = (connection: ForwardedConnection) => Promise<void>;

/** Why something cannot be served, as HTTP tells it. */
export interface StreamRefusal {
  readonly status: number;
  readonly message: string;
}

/** Knows the containers and pods that streams lead to. */
export interface StreamSource {
  command(request: CommandRequest): FoundCommand | StreamRefusal;
  forward(pod: PodName): FoundForward | StreamRefusal;
}

/** What a request with an upgrade may be about. */
export type StreamRoute =
  | ({ readonly kind: "exec" | "attach"; readonly container: string } & PodName)
  | ({ readonly kind: "port_forward" } & PodName);
