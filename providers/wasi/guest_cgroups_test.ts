/**
 * What is written into a tree of control groups. The tree is made of plain files: what the kernel makes of
 * them it does on machines whose CPU controller is one of version 2.
 */
import assert from "node:assert/strict";
import type { BoundProcess } from "./cpu_keeper.ts";
import { GuestCgroups } from "./guest_cgroups.ts";

const ignore = Deno.build.os !== "linux";
const AGENT = 4_242;
const ID = "ab".repeat(32);

interface Tree extends AsyncDisposable {
  readonly root: string;
  readonly own: string;
  open(): GuestCgroups | undefined;
  read(path: string): string;
  exists(path: string): boolean;
  /** What the kernel does when a group is made. */
  populate(path: string): void;
}

/** A tree with the agent in the group `/system.slice/krustlet.service`, or in the root. */
async function tree(
  { group = "/system.slice/krustlet.service", controllers = "cpu memory pids", procs = [AGENT] } =
    {},
): Promise<Tree> {
  const root = await Deno.makeTempDir({ prefix: "krustlet-cgroup-" });
  const own = group === "/" ? root : `${root}${group}`;
  const populate = (path: string): void => makeGroup(path, controllers);
  populate(own);
  if (group !== "/") await Deno.writeTextFile(`${own}/cgroup.type`, "domain\n");
  await Deno.writeTextFile(`${own}/cgroup.procs`, procs.map((pid) => `${pid}\n`).join(""));
  return {
    root,
    own,
    populate,
    open: () => GuestCgroups.open({ root, membership: `12:cpu:/x\n0::${group}\n`, pid: AGENT }),
    read: (path) => Deno.readTextFileSync(`${own}/${path}`),
    exists: (path) => isFolder(`${own}/${path}`),
    [Symbol.asyncDispose]: () => Deno.remove(root, { recursive: true }),
  };
}

function makeGroup(path: string, controllers: string): void {
  Deno.mkdirSync(path, { recursive: true });
  for (const file of ["cgroup.procs", "cgroup.subtree_control", "cpu.max", "memory.max"]) {
    Deno.writeTextFileSync(`${path}/${file}`, "");
  }
  Deno.writeTextFileSync(`${path}/cgroup.controllers`, `${controllers}\n`);
}

function isFolder(path: string): boolean {
  try {
    return Deno.statSync(path).isDirectory;
  } catch {
    return false;
  }
}

function processOf(pid: number): BoundProcess {
  return { pid, pause: assert.fail, resume: assert.fail };
}

Deno.test({
  name:
    "GuestCgroups.open() moves the agent aside and hands controllers down, in a group of its own",
  ignore,
  async fn(): Promise<void> {
    await using fake = await tree();
    fake.populate(`${fake.own}/agent`);
    fake.populate(`${fake.own}/guests`);
    assert.ok(fake.open() !== undefined);
    assert.equal(fake.read("agent/cgroup.procs"), String(AGENT));
    assert.equal(fake.read("cgroup.subtree_control"), "+cpu +memory");
    assert.equal(fake.read("guests/cgroup.subtree_control"), "+cpu +memory");
  },
});

Deno.test({
  name:
    "GuestCgroups.open() leaves the machine's own group as it is, and clears up after dead agents",
  ignore,
  async fn(): Promise<void> {
    await using fake = await tree({ group: "/", procs: [1, AGENT] });
    fake.populate(`${fake.own}/krustlet-${AGENT}`);
    await Deno.mkdir(`${fake.own}/krustlet-999999999/${ID}`, { recursive: true });
    await Deno.mkdir(`${fake.own}/krustlet-${Deno.pid}/${ID}`, { recursive: true });
    assert.ok(fake.open() !== undefined);
    assert.equal(fake.read("cgroup.procs"), `1\n${AGENT}\n`);
    assert.equal(fake.read(`krustlet-${AGENT}/cgroup.subtree_control`), "+cpu +memory");
    assert.equal(fake.exists("krustlet-999999999"), false);
    assert.equal(fake.exists(`krustlet-${Deno.pid}/${ID}`), true, "that agent is alive");
  },
});

Deno.test({
  name:
    "GuestCgroups.open() touches no group that others live in, and none without a CPU controller",
  ignore,
  async fn(): Promise<void> {
    await using shared = await tree({ procs: [AGENT, 1] });
    assert.equal(shared.open(), undefined);
    assert.equal(shared.exists("agent"), false);
    await using bare = await tree({ controllers: "memory pids" });
    assert.equal(bare.open(), undefined);
    assert.equal(bare.exists("agent"), false);
    await using none = await tree();
    assert.equal(
      GuestCgroups.open({ root: none.root, membership: "3:cpu:/\n", pid: AGENT }),
      undefined,
    );
  },
});

Deno.test({
  name: "GuestCgroups.open() puts everything back if the kernel refuses a step",
  ignore,
  async fn(): Promise<void> {
    await using fake = await tree();
    // The agent's folder is made anew, and has none of the kernel's files: it cannot be entered.
    assert.equal(fake.open(), undefined);
    assert.equal(fake.exists("agent"), false);
    assert.equal(fake.read("cgroup.procs"), `${AGENT}\n`);
    assert.equal(fake.read("cgroup.subtree_control"), "");
  },
});

Deno.test({
  name: "GuestCgroups.hold() gives a container a group with its limits; change() writes them anew",
  ignore,
  async fn(): Promise<void> {
    await using fake = await tree({ group: "/" });
    fake.populate(`${fake.own}/krustlet-${AGENT}`);
    const groups = fake.open();
    assert.ok(groups !== undefined);
    const path = `krustlet-${AGENT}/${ID}`;
    // The kernel's files appear with the folder; here they have to be there before.
    const bounds = { cpuMillis: 250, memoryBytes: 1_000_000 };
    await assert.rejects(groups.hold(ID, processOf(7), bounds), /^Error: Cannot put container "ab/);
    assert.equal(fake.exists(path), false, "nothing is left of a group that could not be made");
    const mkdir = Deno.mkdir;
    Deno.mkdir = (folder): Promise<void> => Promise.resolve(fake.populate(String(folder)));
    try {
      const first = await groups.hold(ID, processOf(7), bounds);
      assert.equal(fake.read(`${path}/cpu.max`), "25000 100000");
      assert.equal(fake.read(`${path}/memory.max`), "1000000");
      assert.equal(fake.read(`${path}/cgroup.procs`), "7");
      const beside = await groups.hold(ID, processOf(8), { memoryBytes: 500_000 });
      assert.equal(fake.read(`${path}/cgroup.procs`), "8");
      assert.equal(fake.read(`${path}/memory.max`), "1500000", "each has its own");
      const unbound = await groups.hold(ID, processOf(9), {});
      assert.equal(fake.read(`${path}/memory.max`), "max");
      await unbound[Symbol.asyncDispose]();
      assert.equal(fake.read(`${path}/memory.max`), "1500000");
      assert.equal(groups.change(ID, 1), true);
      assert.equal(fake.read(`${path}/cpu.max`), "1000 100000", "the kernel takes no less");
      assert.equal(groups.change(ID, undefined), true);
      assert.equal(fake.read(`${path}/cpu.max`), "max 100000");
      await first[Symbol.asyncDispose]();
      assert.equal(fake.read(`${path}/memory.max`), "500000");
      assert.equal(groups.change(ID, 250), true, "a program beside it still runs");
      await beside[Symbol.asyncDispose]();
      assert.equal(groups.change(ID, 250), false);
    } finally {
      Deno.mkdir = mkdir;
    }
  },
});
