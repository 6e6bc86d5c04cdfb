import { ADDRESSES_MAX } from "../limits.ts";
import { networkOf } from "../network/decision.ts";
import type { WasiOptions } from "../options.ts";
import { type Question, type QuestionLine, type Reply, TOPIC } from "./questions.ts";
import type { ThreadSetup } from "./thread_setup.ts";

/** What the supervisor does for threads; one for each kind of host. */
export interface Service {
  /** What a Worker must know of it. */
  readonly setup: ThreadSetup["system"];
  /** Answers a thread. */
  answer(line: QuestionLine, question: Question): Reply | Promise<Reply>;
  /** A thread's line has come to its end. */
  forget(line: QuestionLine): void;
  /** Hands on what threads have written. */
  flush(): void;
  /** Threads need it no more: what they write is lost, and nobody waits. */
  close(): void;
  /** Closes what the guest has open, and lets what it has sent last go its way. */
  finish(): Promise<void>;
  /** Closes what the guest has open. */
  dispose(): void;
}

/** Answers what is asked about the network. */
export function answerNetwork(options: WasiOptions, { topic, text }: Question): Reply {
  const network = networkOf(options);
  const answer = topic === TOPIC.allow ? network.allow(JSON.parse(text)) : network.lookup(text);
  // More addresses have no room in the answer.
  const short = Array.isArray(answer) ? answer.slice(0, ADDRESSES_MAX) : answer;
  return { value: 0, text: JSON.stringify(short) };
}
