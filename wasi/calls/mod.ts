/**
 * What a guest can call: WASI preview 1, one file for each family of functions.
 *
 * @module
 */
import type { Eventual } from "../host/host.ts";
import { Refusal } from "../refusal.ts";
import { argsCalls } from "./args.ts";
import { clockCalls } from "./clock.ts";
import { fdCalls, transferCalls } from "./fd.ts";
import { pathCalls } from "./path.ts";
import { pollCalls } from "./poll.ts";
import { processCalls } from "./process.ts";
import type { Calls, GuestState } from "./state.ts";

/** A function that a guest can import. */
export type ImportedCall = (...args: (number | bigint)[]) => Eventual;

/**
 * The functions of WASI preview 1, by name, ready to be imported by one guest; those on sockets are
 * among them for who gives `socketCalls`, which few guests need.
 */
export function guestCalls(
  state: GuestState,
  socketCalls: (state: GuestState) => Calls = () => ({}),
): Record<string, ImportedCall> {
  const calls = {
    ...argsCalls(state),
    ...clockCalls(state),
    ...fdCalls(state),
    ...transferCalls(state),
    ...pathCalls(state),
    ...pollCalls(state),
    ...processCalls(state),
    ...socketCalls(state),
  };
  return Object.fromEntries(
    Object.entries(calls).map(([name, call]) => [name, answering(call as ImportedCall)]),
  );
}

/** Turns a {@linkcode Refusal} from any depth into the errno that the guest reads. */
function answering(call: ImportedCall): ImportedCall {
  return (...args) => {
    try {
      const answer = call(...args);
      return typeof answer === "number" ? answer : answer.catch(errnoOf);
    } catch (error) {
      return errnoOf(error);
    }
  };
}

function errnoOf(error: unknown): number {
  if (error instanceof Refusal) return error.errno;
  throw error;
}
