import assert from "node:assert/strict";
import {
  cpuLimitMillis,
  fewestPids,
  memoryLimitBytes,
  parseCgroupPath,
  parseOsRelease,
} from "./proc_files.ts";

Deno.test("parseOsRelease() takes the pretty name out of its quotes", () => {
  assert.equal(
    parseOsRelease('ID=x\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n'),
    "Debian GNU/Linux 12 (bookworm)",
  );
  assert.equal(parseOsRelease("PRETTY_NAME=Alpine"), "Alpine");
  assert.equal(parseOsRelease("ID=x"), undefined);
});

Deno.test("parseCgroupPath() finds the version 2 group", () => {
  assert.equal(parseCgroupPath("0::/user.slice/a.service\n"), "/user.slice/a.service");
  assert.equal(parseCgroupPath("12:cpu:/x\n0::/\n"), "");
  assert.equal(parseCgroupPath("12:cpu:/x\n"), undefined);
});

Deno.test("memoryLimitBytes() and cpuLimitMillis() know what no limit looks like", () => {
  assert.equal(memoryLimitBytes("1073741824\n"), 1_073_741_824);
  assert.equal(memoryLimitBytes("max\n"), undefined);
  assert.equal(memoryLimitBytes(""), undefined);
  assert.equal(cpuLimitMillis("150000 100000\n"), 1_500);
  assert.equal(cpuLimitMillis("max 100000\n"), undefined);
  assert.equal(cpuLimitMillis(""), undefined);
});

Deno.test("fewestPids() takes the machine or the group, whichever has less left", () => {
  const machine = { load: "0.1 0.2 0.3 2/150 999\n", limits: ["32768\n", "1000\n", ""] };
  const free = { current: "5\n", max: "max\n" };
  assert.deepEqual(fewestPids({ ...machine, group: free }), { running: 150, max: 1000 });
  const full = { current: "95\n", max: "100\n" };
  assert.deepEqual(fewestPids({ ...machine, group: full }), { running: 95, max: 100 });
  const none = { current: "", max: "" };
  assert.deepEqual(fewestPids({ load: "", limits: [], group: full }), { running: 95, max: 100 });
  assert.equal(fewestPids({ load: "", limits: [""], group: none }), undefined);
});
