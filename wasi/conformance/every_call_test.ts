/** What holds for every function: closed descriptors, bad pointers, and rights that are missing. */
import assert from "node:assert/strict";
import { CALL_NAMES, OFLAG, RIGHT } from "../abi.ts";
import { FREE, type Probe, testHosts } from "../testing/probe.ts";

type Arguments = readonly (number | bigint)[];

/** Where a name, `f`, and a vector over it lie. */
const NAME = FREE;
const VECTOR = FREE + 8;
const OUT = FREE + 64;

/** Arguments with which each function succeeds on a file; `#` is its descriptor, `D` a folder's. */
const USES: Readonly<Record<string, readonly ("#" | "D" | number | bigint)[]>> = {
  fd_advise: ["#", 0n, 1n, 0],
  fd_allocate: ["#", 0n, 1n],
  fd_datasync: ["#"],
  fd_fdstat_get: ["#", OUT],
  fd_fdstat_set_flags: ["#", 0],
  fd_fdstat_set_rights: ["#", 0n, 0n],
  fd_filestat_get: ["#", OUT],
  fd_filestat_set_size: ["#", 1n],
  fd_filestat_set_times: ["#", 0n, 0n, 0],
  fd_pread: ["#", VECTOR, 1, 0n, OUT],
  fd_prestat_dir_name: ["D", OUT, 4],
  fd_prestat_get: ["D", OUT],
  fd_pwrite: ["#", VECTOR, 1, 0n, OUT],
  fd_read: ["#", VECTOR, 1, OUT],
  fd_readdir: ["D", OUT, 64, 0n, OUT + 64],
  fd_seek: ["#", 1n, 0, OUT],
  fd_sync: ["#"],
  fd_tell: ["#", OUT],
  fd_write: ["#", VECTOR, 1, OUT],
  path_create_directory: ["D", NAME + 1, 1],
  path_filestat_get: ["D", 0, NAME, 1, OUT],
  path_filestat_set_times: ["D", 0, NAME, 1, 0n, 0n, 0],
  path_link: ["D", 0, NAME, 1, "D", NAME + 2, 1],
  path_open: ["D", 0, NAME, 1, 0, 2n, 0n, 0, OUT],
  path_readlink: ["D", NAME + 3, 1, OUT, 8, OUT + 8],
  path_rename: ["D", NAME, 1, "D", NAME, 1],
  path_symlink: [NAME, 1, "D", NAME + 4, 1],
  path_remove_directory: ["D", NAME + 1, 1],
  path_unlink_file: ["D", NAME + 2, 1],
  fd_close: ["#"],
};

/** A file `f`, a link `l`, and the texts and the vector in the guest's memory. */
function begin(probe: Probe): { file: number; args: (name: string) => Arguments } {
  const file = probe.mustOpen(3, "f", { oflags: OFLAG.creat });
  probe.symlink("f", 3, "l");
  probe.put("fdnls", NAME);
  probe.view.setUint32(VECTOR, OUT + 128, true);
  probe.view.setUint32(VECTOR + 4, 4, true);
  const args = (name: string): Arguments =>
    USES[name]!.map((arg) => arg === "#" ? file : arg === "D" ? 3 : arg);
  return { file, args };
}

testHosts("every function is known here, and succeeds when nothing is wrong", (probe) => {
  // The others have theirs in other_calls_test.ts.
  const about = [...CALL_NAMES].filter((name) => /^(fd|path)_/.test(name));
  assert.deepEqual([...Object.keys(USES), "fd_renumber"].sort(), about.sort());
  const { args } = begin(probe);
  for (const name of Object.keys(USES)) {
    if (name === "fd_fdstat_set_rights") continue;
    assert.equal(probe.call(name, ...args(name)), "success", name);
  }
});

testHosts("every function says badf for a descriptor that is closed", (probe) => {
  const { file, args } = begin(probe);
  for (const name of Object.keys(USES)) {
    for (const closed of [file + 1, -1, 0x7fff_ffff]) {
      const wrong = args(name).map((arg, index) =>
        USES[name]![index] === "#" || USES[name]![index] === "D" ? closed : arg
      );
      assert.equal(probe.call(name, ...wrong), "badf", name);
    }
  }
  for (const [from, to] of [[file, 99], [99, file], [99, 99]] as const) {
    assert.equal(probe.call("fd_renumber", from, to), "badf");
  }
});

/** Which arguments are addresses, by the functions' parameters. */
const POINTERS: Readonly<Record<string, readonly number[]>> = {
  ...{ args_sizes_get: [0, 1], environ_sizes_get: [0, 1], clock_res_get: [1], random_get: [0] },
  ...{ clock_time_get: [2], fd_fdstat_get: [1], fd_filestat_get: [1], fd_pread: [1, 4] },
  ...{ fd_prestat_dir_name: [1], fd_prestat_get: [1], fd_pwrite: [1, 4], fd_read: [1, 3] },
  ...{ fd_readdir: [1, 4], fd_seek: [3], fd_tell: [1], fd_write: [1, 3] },
  ...{ path_create_directory: [1], path_filestat_get: [2, 4], path_filestat_set_times: [2] },
  ...{ path_link: [2, 5], path_open: [2, 8], path_readlink: [1, 3, 5], path_rename: [1, 4] },
  ...{ path_remove_directory: [1], path_symlink: [0, 3], path_unlink_file: [1] },
  poll_oneoff: [0, 1, 3],
};
const WITHOUT_DESCRIPTOR: Readonly<Record<string, Arguments>> = {
  args_sizes_get: [OUT, OUT],
  environ_sizes_get: [OUT, OUT],
  clock_res_get: [0, OUT],
  clock_time_get: [0, 0n, OUT],
  random_get: [OUT, 8],
  poll_oneoff: [OUT + 256, OUT, 1, OUT + 64],
};

testHosts("every function says fault for an address outside of the memory", (probe, { box }) => {
  const { args } = begin(probe);
  const names = (): string[] => [...Deno.readDirSync(box)].map(({ name }) => name).sort();
  const before = names();
  for (const [name, places] of Object.entries(POINTERS)) {
    const right = WITHOUT_DESCRIPTOR[name] ?? args(name);
    for (const place of places) {
      for (const address of [probe.bytes.length, probe.bytes.length - 1, -1]) {
        const length = right[place + 1];
        // One byte is left at the end: enough for a name of one letter.
        if (address === probe.bytes.length - 1 && length === 1) continue;
        const wrong = right.map((arg, index) => index === place ? address : arg);
        assert.equal(probe.call(name, ...wrong), "fault", `${name}, argument ${place}`);
      }
    }
  }
  assert.deepEqual(names(), before);
  assert.equal(Deno.statSync(`${box}/f`).size, 0);
});

/** What each function needs on its descriptor, and says without it. */
const NEEDS: Readonly<Record<string, readonly [right: keyof typeof RIGHT, errno?: string]>> = {
  fd_advise: ["fdAdvise"],
  fd_allocate: ["fdAllocate"],
  fd_datasync: ["fdDatasync"],
  fd_fdstat_set_flags: ["fdFdstatSetFlags"],
  fd_filestat_get: ["fdFilestatGet"],
  fd_filestat_set_size: ["fdFilestatSetSize", "inval"],
  fd_filestat_set_times: ["fdFilestatSetTimes"],
  fd_pread: ["fdSeek"],
  fd_pwrite: ["fdSeek"],
  fd_read: ["fdRead", "badf"],
  fd_readdir: ["fdReaddir"],
  fd_seek: ["fdSeek"],
  fd_sync: ["fdSync"],
  fd_tell: ["fdTell"],
  fd_write: ["fdWrite", "badf"],
  path_create_directory: ["pathCreateDirectory"],
  path_filestat_get: ["pathFilestatGet"],
  path_filestat_set_times: ["pathFilestatSetTimes"],
  path_link: ["pathLinkSource"],
  path_open: ["pathOpen"],
  path_readlink: ["pathReadlink"],
  path_rename: ["pathRenameTarget"],
  path_symlink: ["pathSymlink"],
  path_remove_directory: ["pathRemoveDirectory"],
  path_unlink_file: ["pathUnlinkFile"],
};

testHosts("every function is refused once its right is given up", (probe, { box }) => {
  const { file, args } = begin(probe);
  for (const [name, [right, errno = "notcapable"]] of Object.entries(NEEDS)) {
    const onFolder = USES[name]!.includes("D");
    const fd = onFolder
      ? probe.mustOpen(3, ".", { rights: RIGHT.fdRead })
      : probe.mustOpen(3, "f", { oflags: OFLAG.creat });
    probe.call("fd_fdstat_get", fd, OUT);
    const rights = probe.view.getBigUint64(OUT + 8, true);
    const inheriting = probe.view.getBigUint64(OUT + 16, true);
    assert.notEqual(rights & BigInt(RIGHT[right]), 0n, `${name} has ${right}`);
    const less = rights & ~BigInt(RIGHT[right]);
    assert.equal(probe.call("fd_fdstat_set_rights", fd, less, inheriting), "success");
    const own = args(name).map((arg, index) =>
      USES[name]![index] === "D" || arg === file ? fd : arg
    );
    assert.equal(probe.call(name, ...own), errno, name);
    probe.call("fd_close", fd);
  }
  assert.equal(Deno.statSync(`${box}/f`).size, 0);
});
