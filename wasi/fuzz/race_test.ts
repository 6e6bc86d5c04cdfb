/** Nobody is led out by a directory that another process swaps for a link at the same time. */
import assert from "node:assert/strict";
import { LibcHost } from "../host/libc/libc_host.ts";
import { HOSTS } from "../testing/probe.ts";
import { race, UNTOUCHED } from "./race.ts";
import { RACE_SECONDS, tell } from "./settings.ts";

/** How long the careless one may take to be led out once. */
const CARELESS_SECONDS_MAX = 60;

const linux = Deno.build.os === "linux";

/** Leaves the paths to the system: what the tests must notice. Opened before any test. */
const careless = linux
  ? LibcHost.open({
    resolver: (library) => ({ directory, path, flags }) =>
      library.answer(library.calls.openat(directory, path, { flags, mode: 0o666 })),
  })
  : undefined;

for (const [name, host] of HOSTS) {
  if (name === "portable by paths") continue; // it says of itself that this can happen
  Deno.test({
    name: `no race leads out in ${RACE_SECONDS} s (${name})`,
    ignore: !linux,
    async fn(): Promise<void> {
      const { through, escapes, damage } = await race(host, { seconds: RACE_SECONDS });
      tell(`${name}: ${RACE_SECONDS} s, ${through} calls got through, ${escapes} out`);
      assert.equal(escapes, 0, `${escapes} escapes in ${through} calls`);
      assert.deepEqual(damage, UNTOUCHED);
      assert.ok(through > 100, `only ${through} calls got through`);
    },
  });
}

Deno.test({
  name: "a host that is led out is found, reading and writing",
  ignore: careless === undefined,
  async fn(): Promise<void> {
    const found = await race(careless!, { seconds: CARELESS_SECONDS_MAX, untilOut: true });
    tell(`left to the system: ${found.through} calls until it was led out`);
    assert.ok(found.escapes > 0, "it read nothing outside");
    assert.notDeepEqual(found.damage, UNTOUCHED);
  },
});
