import assert from "node:assert/strict";
import { ERRNO } from "../../errno.ts";
import { leavesNothingOpen } from "../../testing/leaks.ts";
import { GuestPath } from "../guest_path.ts";
import type { HostDirectory, HostFile } from "../host.ts";
import { LibcHost } from "./libc_host.ts";
import { LibcSockets } from "./libc_sockets.ts";
import { OwnedDescriptors } from "./owned.ts";

const ignore = Deno.build.os !== "linux";
const NUMBERS = 4_096;
const SHARE = { numbers: NUMBERS, sure: NUMBERS, most: NUMBERS, common: 0 };
const FILE = "/proc/self/status";

/** A host whose thread has this share. A library that is open stays open. */
function hostWith(share: Partial<typeof SHARE> = {}): { host: LibcHost; owned: OwnedDescriptors } {
  const owned = OwnedDescriptors.none({ ...SHARE, ...share });
  return { host: LibcHost.open({ sockets: LibcSockets, owned }), owned };
}

const plenty = ignore ? undefined : hostWith();
const three = ignore ? undefined : hostWith({ sure: 2, most: 3, common: NUMBERS });
const late = ignore ? undefined : hostWith({ sure: 2, most: NUMBERS, common: 0 });

/** What is open, by its descriptors. */
function opened<T>(answer: T | number): T {
  assert.ok(typeof answer !== "number", String(answer));
  return answer;
}

Deno.test("OwnedDescriptors are told from another thread", () => {
  const mine = OwnedDescriptors.none(SHARE);
  for (const fd of [0, 31, 32, 33, 63, 64, 4_095]) mine.take(fd);
  for (const fd of [33, 4_000]) mine.leave(fd);
  assert.deepEqual([...OwnedDescriptors.of(mine.shared)], [0, 31, 32, 63, 64, 4_095]);
});

Deno.test({
  name: "LibcHost keeps account of what it opens",
  ignore,
  fn(): void {
    const { host, owned } = plenty!;
    assert.deepEqual([...owned], []); // what it looked at to choose how to open is closed
    const file: HostFile = opened(host.openFile(FILE));
    const root: HostDirectory = opened(host.openRoot("/proc/self"));
    const exact: HostDirectory = opened(host.openRoot("/proc", { exact: true }));
    const socket = opened(host.openSocket("ipv4", "udp"));
    const path = new GuestPath();
    const name = new TextEncoder().encode("status");
    path.read(name, 0, name.length);
    const options = { read: true, write: false, create: false, exclusive: false, truncate: false };
    const inside = opened(
      root.open(path, { ...options, directory: false, follow: true, flags: 0 }),
    );
    const open = [...Deno.readDirSync("/proc/self/fd")].map(({ name }) => Number(name));
    assert.equal([...owned].length, 5);
    for (const fd of owned) assert.ok(open.includes(fd), String(fd));
    for (const one of [file, root, exact, socket, inside]) assert.equal(one.close(), 0);
    assert.deepEqual([...owned], []);
  },
});

for (const [how, hosts] of [["than it may have", three], ["while few are left", late]] as const) {
  Deno.test({
    name: `LibcHost opens no more descriptors ${how}`,
    ignore,
    async fn(): Promise<void> {
      const { host, owned } = hosts!;
      const files = Array.from({ length: hosts === three ? 3 : 2 }, () => {
        return opened(host.openFile(FILE));
      });
      await leavesNothingOpen(() => {
        assert.equal(host.openFile(FILE), -ERRNO.mfile);
        assert.equal(host.openSocket("ipv4", "tcp"), -ERRNO.mfile);
        assert.equal(host.openFile("/nowhere"), -ERRNO.noent);
      });
      assert.equal([...owned].length, files.length);
      files.pop()!.close();
      files.push(opened(host.openFile(FILE)));
      for (const file of files) file.close();
    },
  });
}
