/**
 * Requests for another protocol, mostly with headers that mean something. For tests only.
 *
 * @module
 */
import { mutateText } from "../../fuzz/mutate.ts";
import type { Random } from "../../fuzz/random.ts";
import { CHANNEL_PORTS_MAX } from "../../streaming/limits.ts";
import type { StreamingRequest } from "../../streaming/upgrade.ts";

/** What `exec` and `attach` know over WebSockets. */
export const COMMANDS: Readonly<Record<string, { version: number; base64: boolean }>> = {
  "v5.channel.k8s.io": { version: 5, base64: false },
  "v4.channel.k8s.io": { version: 4, base64: false },
  "v4.base64.channel.k8s.io": { version: 4, base64: true },
  "channel.k8s.io": { version: 1, base64: false },
  "base64.channel.k8s.io": { version: 1, base64: true },
};
/** And over SPDY, with the version of each. */
export const SPDY_COMMANDS: Readonly<Record<string, number>> = {
  "v4.channel.k8s.io": 4,
  "v3.channel.k8s.io": 3,
  "v2.channel.k8s.io": 2,
  "channel.k8s.io": 1,
};
/** What `port-forward` knows over WebSockets. */
export const FORWARDS = [
  "SPDY/3.1+portforward.k8s.io",
  "v4.channel.k8s.io",
  "v4.base64.channel.k8s.io",
];
const PROTOCOLS = [
  ...Object.keys(COMMANDS),
  ...Object.keys(SPDY_COMMANDS),
  ...FORWARDS,
  "portforward.k8s.io",
  "v6.channel.k8s.io",
];

/** A list as a header has it, now and then with a change. */
function makeList(random: Random, choices: readonly string[]): string {
  const list = random.list(1, 3, () => random.of(choices)).join(random.of([",", ", ", " ,, "]));
  return random.once(6) ? mutateText(random, list, choices) : list;
}

/** One request. */
export function makeUpgrade(random: Random): StreamingRequest {
  const maybe = (make: () => string): string | undefined => random.once(8) ? undefined : make();
  const headers = {
    connection: maybe(() => makeList(random, ["Upgrade", "upgrade", "upgrade", "keep-alive"])),
    upgrade: maybe(() =>
      random.once(2) ? "websocket" : makeList(random, ["SPDY/3.1", "WebSocket"])
    ),
    "sec-websocket-protocol": maybe(() => makeList(random, PROTOCOLS)),
    "x-stream-protocol-version": maybe(() => makeList(random, PROTOCOLS)),
  };
  const ports = random.list(
    0,
    3,
    () =>
      random.once(3)
        ? mutateText(random, "8080", ["80,90", ": ", "0", "65536"])
        : random.word("0123456789,", 1, 6),
  );
  const many = Array.from({ length: CHANNEL_PORTS_MAX + random.below(2) }, () => "80").join();
  if (random.once(20)) ports.splice(0, ports.length, many);
  const params = new URLSearchParams(ports.map((port) => ["port", port]));
  const method = random.once(6) ? "POST" : "GET";
  const given = Object.entries(headers).filter(([, value]) => value !== undefined);
  return { method, headers: Object.fromEntries(given), params };
}
