/**
 * Looking at this machine: names, ports, disk.
 *
 * @module
 */
import { statfs } from "node:fs/promises";
import { lookup } from "node:dns/promises";
import { networkInterfaces } from "node:os";
import { dirname, join } from "node:path";
import { messageOf } from "../errors.ts";
import type { Finding } from "./finding.ts";

/** Resolvers try for half a minute and more; a person does not wait that long for one line. */
const RESOLVE_MS_MAX = 10_000;
/** The node has DiskPressure below it, unless --eviction-hard says otherwise. */
const DISK_SHARE_MIN = 0.1;
/** Records and certificates cannot be written with less. */
const DISK_BYTES_MIN = 64 * 1024 * 1024;

/** Resolves the host of the API server's address, unless it is an address or a proxy does that. */
export async function examineName(server: string, proxyUrl?: string): Promise<Finding | undefined> {
  const host = URL.parse(server)?.hostname.replaceAll(/^\[|\]$/g, "") ?? "";
  if (proxyUrl !== undefined || host === "" || /^[\d.]+$|:/.test(host)) return undefined;
  const check = "dns";
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => late.reject(new Error(`no answer within ${RESOLVE_MS_MAX / 1_000} s`)),
    RESOLVE_MS_MAX,
  );
  try {
    const found = await Promise.race([lookup(host, { all: true }), late.promise]);
    const addresses = found.map(({ address }) => address).join(", ");
    return { check, state: "ok", message: `"${host}" is ${addresses}` };
  } catch (error) {
    return {
      check,
      state: "fail",
      message: `"${host}" has no address: ${messageOf(error)}`,
      advice: "look at /etc/resolv.conf and /etc/hosts, or name the server by its address",
    };
  } finally {
    clearTimeout(timer);
  }
}

/** Looks whether the node's API can listen; `running` if an agent does so already. */
export function examinePort(
  { address, port }: { readonly address: string; readonly port: number },
  running: boolean,
): Finding {
  const check = "port";
  const where = `"${address}" port ${port}`;
  try {
    using _listener = Deno.listen({ hostname: address, port });
    return { check, state: "ok", message: `${where} is free` };
  } catch (error) {
    if (!(error instanceof Deno.errors.AddrInUse)) {
      const message = `the agent cannot listen on ${where}: ${messageOf(error)}`;
      return { check, state: "fail", message, advice: "give another --addr or --port" };
    }
    if (running) return { check, state: "ok", message: `the agent that runs has ${where}` };
    const advice = "stop the other program, or give another --port";
    return { check, state: "fail", message: `${where} is in use`, advice };
  }
}

/** Looks whether the node's address is one of this machine. */
export function examineAddress(nodeIp: string): Finding {
  const check = "node-ip";
  const own = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  if (own.some(({ address }) => address === nodeIp)) {
    return { check, state: "ok", message: `${nodeIp} is an address of this machine` };
  }
  return {
    check,
    state: "warn",
    message: `${nodeIp} is no address of this machine`,
    advice: "give --node-ip, unless something in between forwards it to here",
  };
}

/** Looks whether the data folder, or the one in which it will be made, can be written and has room. */
export async function examineDisk(dataDir: string): Promise<Finding> {
  const check = "data-dir";
  const folder = await nearestFolder(dataDir);
  const probe = join(folder, `.krustlet-doctor-${crypto.randomUUID()}`);
  try {
    await Deno.writeTextFile(probe, "", { createNew: true, mode: 0o600 });
    await Deno.remove(probe);
  } catch (error) {
    return {
      check,
      state: "fail",
      message: `"${folder}" cannot be written: ${messageOf(error)}`,
      advice: "give another --data-dir, or make this one writable",
    };
  }
  const disk = await statfs(folder);
  const [freeBytes, diskBytes] = [disk.bavail * disk.bsize, disk.blocks * disk.bsize];
  return judgeDisk(folder, { freeBytes, diskBytes });
}

/** Judges the room on the data folder's disk. */
export function judgeDisk(
  folder: string,
  { freeBytes, diskBytes }: { readonly freeBytes: number; readonly diskBytes: number },
): Finding {
  const check = "data-dir";
  const share = diskBytes > 0 ? freeBytes / diskBytes : 0;
  const mib = Math.floor(freeBytes / 1024 / 1024);
  const message = `"${folder}" can be written; ${mib} MiB (${Math.floor(share * 100)} %) are free`;
  if (freeBytes >= DISK_BYTES_MIN && share >= DISK_SHARE_MIN) {
    return { check, state: "ok", message };
  }
  return {
    check,
    state: freeBytes < DISK_BYTES_MIN ? "fail" : "warn",
    message,
    advice: "free some: below 10 % the node has DiskPressure and takes no pods",
  };
}

/** True if an agent has the data folder. */
export async function agentRuns(dataDir: string): Promise<boolean> {
  try {
    using file = await Deno.open(join(dataDir, "agent.lock"), { write: true });
    return !await file.tryLock(true);
  } catch {
    return false; // no lock, or none that we may look at: then it is not ours
  }
}

async function nearestFolder(path: string): Promise<string> {
  for (let folder = path;; folder = dirname(folder)) {
    try {
      if ((await Deno.stat(folder)).isDirectory || folder === dirname(folder)) return folder;
    } catch {
      if (folder === dirname(folder)) return folder;
    }
  }
}
