/**
 * Which program of this machine has a port, for people.
 *
 * @module
 */
import type { Endpoint } from "../guest_network.ts";
import { formatIp } from "./ip.ts";

/** State of a TCP socket that listens, and of a UDP socket, in the kernel's tables. */
const STATES = { TCP: "0A", UDP: "07" } as const;
/** More processes are not looked at: this is one word of a message. */
const PROCESSES_MAX = 4_096;

/**
 * As `process 123 (nginx)`; undefined if that cannot be told: elsewhere than on Linux, or for a process of
 * another user.
 */
export async function portOwner(
  { ip, port }: Endpoint,
  protocol: "TCP" | "UDP",
): Promise<string | undefined> {
  if (Deno.build.os !== "linux") return undefined;
  try {
    const inodes = new Set<string>();
    for (const version of ["", "6"]) {
      const table = await Deno.readTextFile(`/proc/net/${protocol.toLowerCase()}${version}`);
      for (const found of socketsIn(table)) {
        const here = found.ip === ip || /^(::|0\.0\.0\.0)$/.test(found.ip);
        if (found.port === port && found.state === STATES[protocol] && here) {
          inodes.add(`socket:[${found.inode}]`);
        }
      }
    }
    return inodes.size === 0 ? undefined : await processWith(inodes);
  } catch {
    return undefined;
  }
}

/** The sockets of `/proc/net/tcp` and its kin (proc(5)). */
export function socketsIn(
  table: string,
): {
  readonly ip: string;
  readonly port: number;
  readonly state: string;
  readonly inode: string;
}[] {
  return table.split("\n").slice(1).flatMap((line) => {
    const [, local = "", , state = "", , , , , , inode = ""] = line.trim().split(/\s+/);
    const [hex = "", port = ""] = local.split(":");
    if (!/^([0-9A-F]{8}|[0-9A-F]{32})$/.test(hex)) return [];
    return [{ ip: formatIp(wordsAsBytes(hex)), port: parseInt(port, 16), state, inode }];
  });
}

/** The kernel prints 32 bits at a time as this machine holds numbers: the last byte first. */
function wordsAsBytes(hex: string): Uint8Array {
  const bytes = hex.match(/../g)!.map((pair) => parseInt(pair, 16));
  return Uint8Array.from(bytes, (_, at) => bytes[(at & ~3) + 3 - (at & 3)]!);
}

async function processWith(sockets: ReadonlySet<string>): Promise<string | undefined> {
  let looked = 0;
  for await (const { name: pid } of Deno.readDir("/proc")) {
    if (!/^\d+$/.test(pid)) continue;
    if (++looked > PROCESSES_MAX) return undefined;
    if (!await holdsOne(pid, sockets)) continue;
    const name = await Deno.readTextFile(`/proc/${pid}/comm`).catch(() => "");
    return `process ${pid} (${name.trim()})`;
  }
  return undefined;
}

async function holdsOne(pid: string, sockets: ReadonlySet<string>): Promise<boolean> {
  try {
    for await (const { name } of Deno.readDir(`/proc/${pid}/fd`)) {
      const target = await Deno.readLink(`/proc/${pid}/fd/${name}`).catch(() => "");
      if (sockets.has(target)) return true;
    }
  } catch {
    // It has ended, or is another user's.
  }
  return false;
}
