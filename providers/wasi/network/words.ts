/**
 * What a guest's process and the agent say to each other about the network: one JSON value per line.
 *
 * The process says its {@linkcode Hello}, then one {@linkcode NetworkRequest} at a time. The agent says
 * {@linkcode News} first and whenever there are some, and a {@linkcode NetworkAnswer} to each question.
 *
 * @module
 */
import type { Endpoint, NetworkAnswer, NetworkRequest } from "../../../lib/mod.ts";
import { NAME_CHARS_MAX } from "../limits.ts";

/** Hosts' names, and whatever a resolver may be asked for; no blanks, no control characters. */
const NAME = /^[\x21-\x7e]+$/;

/** Where the agent listens: at the path of a Unix socket, or at a port of `127.0.0.1`. */
export type DeskAddress = { readonly path: string } | { readonly port: number };

/** What an order says of its run's network. Worthless once a process has shown it. */
export interface NetworkTicket {
  /** Where to ask. */
  readonly at: DeskAddress;
  /** Which run it is for. */
  readonly run: number;
  /** 256 random bits, as hexadecimal digits. */
  readonly token: string;
  /** Where modules find themselves listening that can accept and not bind. */
  readonly listeners: readonly Endpoint[];
  /** What the guest sees as `127.0.0.1`. */
  readonly loopback?: string;
}

/** The first line of a connection: who it is. */
export interface Hello {
  readonly run: number;
  readonly token: string;
}

/** What the agent says unasked. */
export type News =
  /** Whether `accept` is asked for. The first line says it. */
  | { readonly guarded: boolean }
  /** The grace period has begun: what listens is shut down. */
  | { readonly stop: true };

/** Instead of {@linkcode NetworkAnswer}, once the agent cannot be asked any more. */
export interface Lost {
  readonly refused: "netdown";
}

/** The only one. */
export const LOST: Lost = { refused: "netdown" };

/** Tells what the agent says unasked from answers. */
export function isNews(word: News | NetworkAnswer): word is News {
  return "guarded" in word || "stop" in word;
}

/** True for what may be asked for as a name: the agent hangs up on anything else. */
export function isName(name: string): boolean {
  return name.length <= NAME_CHARS_MAX && NAME.test(name);
}

/** A line, its end included. */
export function encodeWord(
  word: Hello | News | NetworkRequest | NetworkAnswer,
): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(`${JSON.stringify(word)}\n`);
}
