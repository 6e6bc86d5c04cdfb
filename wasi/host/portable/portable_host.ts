import { CLOCK } from "../../abi.ts";
import { ERRNO } from "../../errno.ts";
import { SLEEP_SLICE_MS_MAX } from "../../limits.ts";
import type { Answer, HostDirectory, HostFile, System, Wait } from "../host.ts";
import { node } from "./node.ts";
import { refusalOf } from "./node_error.ts";
import { PortableDirectory } from "./portable_directory.ts";
import { PortableFile } from "./portable_file.ts";

const NS_PER_MS = 1_000_000;
/** Of `Date.now()`. */
const REALTIME_RESOLUTION_NS = 1_000_000n;
/** Of `process.cpuUsage()`. */
const CPUTIME_RESOLUTION_NS = 1_000n;

/** Any system that Deno runs on, through `node:fs`: slower, and contained by walking. */
export class PortableHost implements System {
  readonly kind = "portable";
  readonly #never = new Int32Array(new SharedArrayBuffer(4));

  /** Loads what it needs of Node's library, so that an early `openHost` is worth it. */
  constructor() {
    node.load();
  }

  openRoot(hostPath: string): HostDirectory | Answer {
    try {
      const root = node.fs.realpathSync(hostPath);
      return node.fs.statSync(root).isDirectory() ? new PortableDirectory(root) : -ERRNO.notdir;
    } catch (error) {
      return refusalOf(error);
    }
  }

  standard(number: 0 | 1 | 2): HostFile {
    return new PortableFile(number, { flags: 0, borrowed: true });
  }

  clockNs(clock: number): bigint | undefined {
    switch (clock) {
      case CLOCK.realtime:
        return BigInt(Date.now()) * REALTIME_RESOLUTION_NS;
      case CLOCK.monotonic:
        return node.process.hrtime.bigint();
      case CLOCK.processCputime:
      case CLOCK.threadCputime: {
        const { user, system } = node.process.cpuUsage();
        return BigInt(Math.round(user + system)) * CPUTIME_RESOLUTION_NS;
      }
      default:
        return undefined;
    }
  }

  resolutionNs(clock: number): bigint | undefined {
    switch (clock) {
      case CLOCK.realtime:
        return REALTIME_RESOLUTION_NS;
      case CLOCK.monotonic:
        return 1n;
      case CLOCK.processCputime:
      case CLOCK.threadCputime:
        return CPUTIME_RESOLUTION_NS;
      default:
        return undefined;
    }
  }

  /** Nobody can be asked whether a stream has something to read: each file is ready at once. */
  wait(waits: readonly Wait[], timeoutNs: bigint | undefined): Answer {
    for (const wait of waits) {
      if (!(wait.file instanceof PortableFile)) {
        throw new TypeError("Cannot wait for another host's file");
      }
      const bytes = wait.interest === "read" ? wait.file.bytesLeft ?? 1 : 0;
      wait.ready = { errno: ERRNO.success, bytes: BigInt(bytes), hangup: false };
    }
    if (waits.length > 0) return waits.length;
    const timeoutMs = timeoutNs === undefined ? Infinity : Number(timeoutNs) / NS_PER_MS;
    Atomics.wait(this.#never, 0, 0, Math.min(timeoutMs, SLEEP_SLICE_MS_MAX));
    return 0;
  }

  yield(): void {}
}
