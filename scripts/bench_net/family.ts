/** What a process and its descendants use. NaN where the system does not tell. */
export interface Family {
  /** CPU time of those that live, in ms. */
  readonly cpuMs: number;
  /** Memory that they share with nobody, in KiB. */
  readonly privateKiB: number;
}

/** Linux tells CPU times in hundredths of a second on every machine that Deno runs on. */
const MS_PER_TICK = 10;

/** Looks at a process and all that it has started. */
export async function familyOf(root: number): Promise<Family> {
  try {
    const members = await membersOf(root);
    const memory = await Promise.all(members.map(({ pid }) => privateKiBOf(pid)));
    return {
      cpuMs: members.reduce((sum, { ticks }) => sum + ticks, 0) * MS_PER_TICK,
      privateKiB: memory.reduce((sum, one) => sum + one, 0),
    };
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return { cpuMs: NaN, privateKiB: NaN };
    throw error;
  }
}

interface Member {
  readonly pid: number;
  readonly parent: number;
  readonly ticks: number;
}

async function membersOf(root: number): Promise<Member[]> {
  const all = new Map<number, Member>();
  for await (const { name } of Deno.readDir("/proc")) {
    const member = /^\d+$/.test(name) ? await memberOf(Number(name)) : undefined;
    if (member !== undefined) all.set(member.pid, member);
  }
  const belongs = (pid: number): boolean => {
    const parent = pid === root ? undefined : all.get(pid)?.parent;
    return pid === root || parent !== undefined && belongs(parent);
  };
  return [...all.values()].filter(({ pid }) => belongs(pid));
}

async function memberOf(pid: number): Promise<Member | undefined> {
  const stat = await readIfThere(`/proc/${pid}/stat`);
  if (stat === undefined) return undefined;
  // The name, in brackets, may hold anything; behind it are the fields of proc(5) from the third on.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ").map(Number);
  return { pid, parent: fields[1] ?? 0, ticks: (fields[11] ?? 0) + (fields[12] ?? 0) };
}

async function privateKiBOf(pid: number): Promise<number> {
  const rollup = await readIfThere(`/proc/${pid}/smaps_rollup`) ?? "";
  const kib = rollup.matchAll(/^Private_(?:Clean|Dirty):\s+(\d+) kB/gm);
  return kib.reduce((sum, [, digits]) => sum + Number(digits), 0);
}

/** Nothing of a process that has ended, or is another user's. */
async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await Deno.readTextFile(path);
  } catch {
    return undefined;
  }
}
