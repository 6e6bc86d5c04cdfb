/** Headers that ask for other protocols, and those that carry tokens. */
import assert from "node:assert/strict";
import { mutateText } from "../../fuzz/mutate.ts";
import { assertAllSaid, runCases } from "../../fuzz/run_cases.ts";
import { casesOf } from "../../fuzz/settings.ts";
import { CHANNEL_PORTS_MAX } from "../../streaming/limits.ts";
import {
  type CommandPlan,
  type ForwardPlan,
  planCommand,
  planForward,
  type StreamingRequest,
  UpgradeRefusal,
} from "../../streaming/upgrade.ts";
import { bearerToken } from "../auth.ts";
import { COMMANDS, FORWARDS, makeUpgrade, SPDY_COMMANDS } from "./upgrade_cases.ts";

const CASES = casesOf(10_000);
/** What a client is told of a refusal; names of protocols are most of it. */
const MESSAGE_CHARS_MAX = 1_000;

function listOf(text: string | string[] | undefined): string[] {
  return [text ?? ""].flat().join().split(",").map((part) => part.trim()).filter(Boolean);
}

/** What a request offers, in the words of RFC 9110 and of Kubernetes. */
function offersOf({ headers }: StreamingRequest): { web: boolean; spdy: boolean; list: string[] } {
  const has = (header: string | undefined, token: string): boolean =>
    listOf(header).some((one) => one.toLowerCase() === token);
  const upgrades = has(headers.connection, "upgrade");
  const web = upgrades && has(headers.upgrade, "websocket");
  const name = web ? "sec-websocket-protocol" : "x-stream-protocol-version";
  return { web, spdy: upgrades && has(headers.upgrade, "spdy/3.1"), list: listOf(headers[name]) };
}

/** A refusal that an HTTP client and client-go can show. */
function assertTellable(error: unknown): UpgradeRefusal {
  assert.ok(error instanceof UpgradeRefusal, Deno.inspect(error));
  assert.ok([400, 403, 405].includes(error.status), `${error.status}`);
  assert.ok(error.message.length < MESSAGE_CHARS_MAX, `${error.message.length} characters`);
  assert.doesNotMatch(error.message, /: |[\r\n]/);
  for (const [name, value] of Object.entries(error.headers)) {
    assert.match(`${name}: ${value}`, /^[a-z-]+: [\x20-\x7e]*$/);
  }
  return error;
}

Deno.test(`planCommand() takes the first protocol that it knows, ${CASES} times`, async () => {
  const tally = await runCases("requests for commands", CASES, (random) => {
    const request = makeUpgrade(random);
    const { web, spdy, list } = offersOf(request);
    const wanted = list.find((name) => Object.hasOwn(web ? COMMANDS : SPDY_COMMANDS, name));
    let plan: CommandPlan;
    try {
      plan = planCommand(request);
    } catch (error) {
      const { status } = assertTellable(error);
      if (web && request.method !== "GET") assert.equal(status, 405);
      else if (web || (spdy && list.length > 0)) {
        assert.equal(status, 403);
        assert.equal(wanted, undefined);
      } else assert.equal(status, 400);
      return `${status}`;
    }
    if (!web) {
      assert.ok(spdy);
      assert.deepEqual(plan, { kind: "spdy", protocol: wanted, version: SPDY_COMMANDS[wanted!] });
    } else {
      const chosen = COMMANDS[list.length === 0 ? "channel.k8s.io" : wanted!];
      assert.deepEqual(plan, { kind: "channels", protocol: wanted, ...chosen });
    }
    return plan.kind;
  });
  assertAllSaid(tally, ["spdy", "channels", "400", "403", "405"]);
});

Deno.test(`planForward() takes the first protocol that it knows, and ports that there are, ${CASES} times`, async () => {
  const tally = await runCases("requests for ports", CASES, (random) => {
    const request = makeUpgrade(random);
    const { web, spdy, list } = offersOf(request);
    const wanted = list.find((name) =>
      web ? FORWARDS.includes(name) : name === "portforward.k8s.io"
    );
    let plan: ForwardPlan;
    try {
      plan = planForward(request);
    } catch (error) {
      return `${assertTellable(error).status}`;
    }
    assert.equal(plan.protocol, wanted);
    assert.ok(web ? request.method === "GET" : spdy);
    if (plan.kind === "channels") {
      const texts = request.params.getAll("port").join().split(",");
      assert.deepEqual(plan.ports, texts.map(Number));
      assert.ok(plan.ports.length <= CHANNEL_PORTS_MAX);
      for (const port of plan.ports) assert.ok(port > 0 && port < 65_536 && Number.isInteger(port));
      assert.equal(plan.base64, wanted === "v4.base64.channel.k8s.io");
    } else assert.equal(plan.kind, web ? "tunnel" : "spdy");
    return plan.kind;
  });
  assertAllSaid(tally, ["channels", "400", "403", "405"]);
});

Deno.test(`bearerToken() answers a token of RFC 6750 or nothing, ${CASES} times`, async () => {
  const tally = await runCases("Authorization headers", CASES, (random) => {
    const token = random.word("azAZ09-._~+/=", 1, 40);
    const right = `${random.of(["Bearer", "bearer", "BEARER"])}${
      " ".repeat(1 + random.below(3))
    }${token}`;
    if (random.once(2)) {
      assert.equal(bearerToken(right), token);
      return "token";
    }
    const header = mutateText(random, right, ["Basic YTpi", "Bearer a, Bearer b"]);
    const read = bearerToken(header);
    if (read === undefined) return "nothing";
    assert.match(read, /^[A-Za-z0-9._~+/=-]+$/);
    assert.equal(header.trim().replace(/^bearer */i, ""), read);
    return "changed";
  });
  assertAllSaid(tally, ["token", "nothing", "changed"]);
});
