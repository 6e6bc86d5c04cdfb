import { CLOCK, FILETYPE } from "../../abi.ts";
import { ERRNO } from "../../errno.ts";
import { SLEEP_SLICE_MS_MAX } from "../../limits.ts";
import type {
  Answer,
  Eventual,
  HostDirectory,
  HostFile,
  OpenRootOptions,
  System,
  Wait,
} from "../host.ts";
import type { NetworkNews } from "../../network/news.ts";
import { Refusal } from "../../refusal.ts";
import type { Family, HostSocket, Protocol } from "../socket.ts";
import { standardFiletype } from "../standard.ts";
import { canReachByDescriptor, DescriptorGround } from "./descriptor_ground.ts";
import { PathGround } from "./ground.ts";
import { isSamePath } from "./look.ts";
import { node } from "./node.ts";
import { refusalOf } from "./node_error.ts";
import { PortableDirectory } from "./portable_directory.ts";
import { PortableFile } from "./portable_file.ts";
import type { Ready } from "./portable_socket.ts";
import { PortableDatagram } from "./portable_socket_datagram.ts";
import { Doors } from "./portable_socket_doors.ts";
import { Lingering } from "./portable_socket_lingering.ts";
import { PortableStream } from "./portable_socket_stream.ts";
import { Waiting } from "./portable_socket_wait.ts";

const NS_PER_MS = 1_000_000;
/** Of `Date.now()`. */
const REALTIME_RESOLUTION_NS = 1_000_000n;
/** Of `process.cpuUsage()`. */
const CPUTIME_RESOLUTION_NS = 1_000n;

/** Any system that Deno runs on, through `node:fs`: slower, and contained by walking. */
export class PortableHost implements System {
  readonly kind = "portable";
  readonly #lingering = new Lingering();
  readonly #doors = new Doors();
  readonly #never = new Int32Array(new SharedArrayBuffer(4));
  readonly #byDescriptor: boolean;
  /** Of a host that never blocks. */
  readonly #waiting: Waiting | undefined;
  #heeded: Disposable | undefined;

  /**
   * Loads what it needs of Node's library, so that an early `openHost` is worth it. Names are reached
   * by descriptors where that is possible, unless told otherwise. With `suspends` it never blocks the
   * thread, and whoever asks must be able to wait for promises; without, sockets are of no use.
   */
  constructor(options: { readonly byDescriptor?: boolean; readonly suspends?: boolean } = {}) {
    node.load();
    if (options.suspends) this.#waiting = new Waiting(look);
    this.#byDescriptor = (options.byDescriptor ?? true) && canReachByDescriptor();
  }

  openRoot(hostPath: string, { exact = false }: OpenRootOptions = {}): HostDirectory | Answer {
    try {
      if (exact && !node.path.isAbsolute(hostPath)) return -ERRNO.inval;
      if (this.#byDescriptor) {
        return new PortableDirectory(DescriptorGround.open(hostPath, { exact }));
      }
      const root = node.fs.realpathSync(hostPath);
      if (exact && !isSamePath(root, hostPath)) return -ERRNO.loop;
      if (!node.fs.statSync(root).isDirectory()) return -ERRNO.notdir;
      const ground = new PathGround(root, { exact });
      if (exact) confirmExact(ground, root);
      return new PortableDirectory(ground);
    } catch (error) {
      return refusalOf(error);
    }
  }

  openFile(hostPath: string): HostFile | Answer {
    try {
      const fd = node.fs.openSync(hostPath, node.fs.constants.O_RDONLY);
      if (!node.fs.fstatSync(fd).isDirectory()) return new PortableFile(fd, { flags: 0 });
      node.fs.closeSync(fd);
      return -ERRNO.isdir;
    } catch (error) {
      return refusalOf(error);
    }
  }

  standard(number: 0 | 1 | 2, { terminal = false } = {}): HostFile {
    return new PortableFile(number, {
      flags: 0,
      borrowed: true,
      tellFiletype: (found) =>
        terminal ? FILETYPE.characterDevice : standardFiletype(number, found),
    });
  }

  /** They are loaded with the host. */
  loadSockets(): Promise<void> {
    return Promise.resolve();
  }

  openSocket(family: Family, protocol: Protocol): HostSocket | Answer {
    if (protocol === "udp") return new PortableDatagram(family);
    return new PortableStream({ family, lingering: this.#lingering, doors: this.#doors });
  }

  heed(news: NetworkNews | undefined): void {
    this.#heeded?.[Symbol.dispose]();
    const look = (): void => {
      if (news?.look().closing) this.stopListening();
    };
    this.#heeded = news?.onNews?.(look);
    if (this.#heeded !== undefined) look(); // what was said before
  }

  stopListening(): void {
    this.#doors.shut();
  }

  clockNs(clock: number): bigint {
    switch (clock) {
      case CLOCK.realtime:
        return BigInt(Date.now()) * REALTIME_RESOLUTION_NS;
      case CLOCK.monotonic:
        return node.process.hrtime.bigint();
      default: {
        const { user, system } = node.process.cpuUsage();
        return BigInt(Math.round(user + system)) * CPUTIME_RESOLUTION_NS;
      }
    }
  }

  resolutionNs(clock: number): bigint {
    switch (clock) {
      case CLOCK.realtime:
        return REALTIME_RESOLUTION_NS;
      case CLOCK.monotonic:
        return 1n;
      default:
        return CPUTIME_RESOLUTION_NS;
    }
  }

  /** Nobody can be asked whether a stream has something to read: each file is ready at once. */
  wait(waits: readonly Wait[], timeoutNs: bigint | undefined): Eventual {
    if (this.#waiting !== undefined) return this.#waiting.wait(waits, timeoutNs);
    for (const wait of waits) wait.ready = look(wait);
    if (waits.length > 0) return waits.length;
    const timeoutMs = timeoutNs === undefined ? Infinity : Number(timeoutNs) / NS_PER_MS;
    Atomics.wait(this.#never, 0, 0, Math.min(timeoutMs, SLEEP_SLICE_MS_MAX));
    return 0;
  }

  yield(): void {}

  /** Settles when what was sent through sockets is with the system, all of them being closed. */
  async finish(): Promise<void> {
    await this.#lingering.done();
    this.end();
  }

  /** Loses what is not sent yet, and keeps nobody waiting any more. */
  end(): void {
    this.heed(undefined);
    this.#lingering.cut();
    this.#waiting?.end();
  }
}

/** Looks again, since what lies at the root may have been swapped before the ground knew it. */
function confirmExact(ground: PathGround, root: string): void {
  if (!isSamePath(node.fs.realpathSync(root), root)) throw new Refusal(ERRNO.loop);
  ground.reach()[Symbol.dispose]();
}

function look({ file, interest }: Wait): Ready {
  if (file.type === "socket") return { errno: ERRNO.notsup, bytes: 0n, hangup: false };
  if (!(file instanceof PortableFile)) throw new TypeError("Cannot wait for another host's file");
  const bytes = interest === "read" ? file.bytesLeft ?? 1 : 0;
  return { errno: ERRNO.success, bytes: BigInt(bytes), hangup: false };
}
