import assert from "node:assert/strict";
import { cpuLimitMillis, memoryLimitBytes, parseCgroupPath, parseOsRelease } from "./proc_files.ts";

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
