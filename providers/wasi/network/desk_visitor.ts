import type { GuestNetwork, NetworkAnswer, NetworkRequest } from "../../../lib/mod.ts";
import {
  ANSWER_MS_MAX,
  NAME_ADDRESSES_MAX,
  QUESTIONS_BURST,
  QUESTIONS_PER_S_MAX,
} from "../limits.ts";
import type { Lines } from "./lines.ts";
import { Pace } from "./pace.ts";
import { parseQuestion } from "./question.ts";
import { encodeWord, type News } from "./words.ts";

/** What a visitor of the desk is about. */
export interface Errand {
  readonly network: GuestNetwork;
  /** Aborted when the guest is to take no connections any more. @default {never} */
  readonly stop?: AbortSignal;
}

/**
 * Serves one guest's process until it goes, or says what no guest's host would say. One question at a time: the next
 * one is not even read before this one's answer has been taken. Never rejects.
 */
export async function serveVisitor(
  errand: Errand,
  { connection, lines, pace: common, gone }: {
    readonly connection: Deno.Conn;
    readonly lines: Lines;
    /** That of all visitors together. */
    readonly pace: Pace;
    /** Aborted when nobody waits for an answer any more, and the connection is closed. */
    readonly gone: AbortSignal;
  },
): Promise<void> {
  const { network, stop } = errand;
  let sending: Promise<unknown> = Promise.resolve();
  const sendThen = (word: () => News | NetworkAnswer): Promise<unknown> => {
    sending = sending.then(() => writeAll(connection, encodeWord(word())));
    sending.catch(() => {}); // it has gone; who reads finds that out
    return sending;
  };
  const send = (word: News | NetworkAnswer): Promise<unknown> => sendThen(() => word);
  const onStop = (): void => void send({ stop: true });
  let guardToTell = false;
  using _guard = network.onGuardChanged(() => {
    if (guardToTell) return; // who does not listen is told once, however often it changes
    guardToTell = true;
    void sendThen(() => {
      guardToTell = false;
      return { guarded: network.guarded };
    });
  });
  stop?.addEventListener("abort", onStop);
  try {
    await send({ guarded: network.guarded });
    if (stop?.aborted) onStop();
    const pace = new Pace({
      perSecond: QUESTIONS_PER_S_MAX,
      burst: QUESTIONS_BURST,
      nowMs: performance.now(),
    });
    for (let line = await lines.next(); line !== undefined; line = await lines.next()) {
      const question = parseQuestion(line);
      if (question === undefined) return;
      const nowMs = performance.now();
      const waitMs = Math.max(pace.take(nowMs), common.take(nowMs));
      if (waitMs >= 1) await sleep(waitMs);
      await send(await answer(network, { question, gone }));
    }
  } catch {
    // It has gone in the middle of a word.
  } finally {
    stop?.removeEventListener("abort", onStop);
  }
}

/** The network's answer; `again` if that takes too long, or is none. */
async function answer(
  network: GuestNetwork,
  { question, gone }: { readonly question: NetworkRequest; readonly gone: AbortSignal },
): Promise<NetworkAnswer> {
  const late = Promise.withResolvers<NetworkAnswer>();
  const giveUp = (): void => late.resolve(NO_ANSWER);
  const timer = setTimeout(giveUp, ANSWER_MS_MAX);
  gone.addEventListener("abort", giveUp);
  try {
    return shortened(await Promise.race([network.ask(question), late.promise]));
  } catch {
    return NO_ANSWER; // a defect of the network's; the guest cannot help it
  } finally {
    clearTimeout(timer);
    gone.removeEventListener("abort", giveUp);
  }
}

/** As much of an answer as its line has room for: a Service may have thousands of addresses, or a name server say so. */
function shortened(answer: NetworkAnswer): NetworkAnswer {
  if (!("addresses" in answer)) return answer;
  const left = { ipv4: NAME_ADDRESSES_MAX, ipv6: NAME_ADDRESSES_MAX };
  return {
    addresses: answer.addresses.filter((ip) => left[ip.includes(":") ? "ipv6" : "ipv4"]-- > 0),
  };
}

const NO_ANSWER: NetworkAnswer = { refused: "again" };

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

async function writeAll(connection: Deno.Conn, bytes: Uint8Array): Promise<void> {
  for (let done = 0; done < bytes.length;) done += await connection.write(bytes.subarray(done));
}
