import assert from "node:assert/strict";
import { FILETYPE, RIGHT } from "../abi.ts";
import { FileStat } from "../host/file_stat.ts";
import { HOSTS } from "../testing/probe.ts";
import { openDescriptors } from "./open_descriptors.ts";

for (const [name, host] of HOSTS) {
  Deno.test(`openDescriptors() (${name}) tells of a terminal if there is to be one, else not`, () => {
    for (const terminal of [true, false]) {
      const table = openDescriptors(host, {
        stdin: "inherit",
        stdout: () => {},
        ...(terminal ? { terminal } : {}),
      });
      try {
        for (const fd of terminal ? [0, 1, 2] : [1, 2]) {
          const expected = terminal ? FILETYPE.characterDevice : FILETYPE.unknown;
          const descriptor = table.get(fd);
          const out = new FileStat();
          assert.equal(descriptor.stat(out), 0);
          assert.equal(descriptor.filetype, expected, `${fd}`);
          assert.equal(Number(out.fields[2]), expected, `${fd}`);
          // What `isatty` of a C library asks as well.
          assert.equal(descriptor.rights & (RIGHT.fdSeek | RIGHT.fdTell), 0);
        }
      } finally {
        table.closeAll();
      }
    }
  });
}
