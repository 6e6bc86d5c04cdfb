/**
 * A server that listens, and clients that say anything: whatever comes is answered in its turn by what
 * it deserves, or its connection is closed, and nothing stays behind.
 */
import assert from "node:assert/strict";
import { mutateText } from "../../fuzz/mutate.ts";
import type { Random } from "../../fuzz/random.ts";
import { assertAllSaid, runCases } from "../../fuzz/run_cases.ts";
import { casesOf } from "../../fuzz/settings.ts";
import { makeDoubtful, makeRequest, SMUGGLED } from "./raw_requests.ts";
import { assertHarmless, cut, Talk } from "./talk.ts";

const CASES = casesOf(2_000, 10);
/** No request can go on with it, neither in its head nor in a chunk's. */
const STOP = "\0".repeat(64);
/** What somebody deserves who may come in; 500 is for what the node could not know. */
const STATUSES = new Set([200, 400, 401, 403, 404, 405, 417, 501]);
const OUR_OWN_500 = /^(Authorization error|command ")/;

/** Several requests at once, each of which is answered in its turn. */
async function converse(random: Random, talk: Talk): Promise<string> {
  const requests = random.list(1, random.once(3) ? 4 : 1, () => makeRequest(random));
  const client = await talk.client();
  client.write(...cut(random, requests.map(({ text }) => text).join("")));
  for (const { method, expected, text } of requests) {
    const answer = await client.answer({ toHead: method === "HEAD" });
    assert.ok(answer !== undefined, `no answer to ${JSON.stringify(text)}`);
    assert.equal(answer.status, expected.status, `${JSON.stringify(text)}: ${answer.text}`);
    if (expected.text !== undefined && method !== "HEAD") assert.equal(answer.text, expected.text);
    assertHarmless(answer);
    if (!answer.last) {
      assert.ok(answer.status !== 401 && answer.status !== 403, "a stranger keeps the connection");
      continue;
    }
    await client.until(() => false);
    assert.ok([401, 403, 500].includes(answer.status), `closed after ${answer.status}`);
    return "closed";
  }
  assert.equal(client.rest, "", "there is more than was asked for");
  return "answered";
}

/** A request that was right until somebody changed it. */
async function damage(random: Random, talk: Talk): Promise<string> {
  const { text } = makeRequest(random);
  const changed = mutateText(random, text, [makeRequest(random).text])
    .replaceAll("HEAD", "GET").replaceAll(/upgrade|expect/gi, "");
  const client = await talk.client();
  client.write(...cut(random, changed));
  if (random.once(2)) await talk.aMoment();
  client.write(STOP);
  const answers = await talk.answers(client);
  for (const answer of answers) {
    const { status, text } = answer;
    assert.ok(
      STATUSES.has(status) || (status === 500 && OUR_OWN_500.test(text)),
      `${status} ${text} to ${JSON.stringify(changed)}`,
    );
    assertHarmless(answer);
  }
  await talk.leave();
  return answers.length === 0 ? "cut off" : "damaged and answered";
}

/** A request whose end is not sure: nobody must hear of what may or may not be its body. */
async function doubt(random: Random, talk: Talk): Promise<string> {
  const text = makeDoubtful(random);
  const client = await talk.client();
  client.write(...cut(random, text));
  if (random.once(2)) await talk.aMoment();
  client.write(STOP);
  await talk.answers(client);
  assert.ok(!talk.heard.includes(SMUGGLED), `heard of it: ${JSON.stringify(text.slice(0, 2_000))}`);
  await talk.leave();
  return "doubtful";
}

Deno.test(`KubeletServer answers requests as they deserve it, ${CASES} times`, async () => {
  await using talk = await Talk.start();
  const tally = await runCases("requests to a server", CASES, async (random) => {
    const kind = random.below(20);
    if (kind > 4) return await converse(random, talk);
    return kind === 0 ? await doubt(random, talk) : await damage(random, talk);
  });
  await talk.leave();
  // Whether a damaged request is answered before its connection is closed depends on the machine.
  assertAllSaid(tally, ["answered", "doubtful"]);
  await talk.untilQuiet();
});
