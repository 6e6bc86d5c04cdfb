import { FDFLAG, RIFLAG, RIGHT, ROFLAG_TRUNCATED, SDFLAG } from "../abi.ts";
import type { DescriptorTable } from "../descriptors/table.ts";
import { SocketDescriptor, type SocketDescriptorOptions } from "../descriptors/socket.ts";
import { ERRNO } from "../errno.ts";
import type { Answer, Eventual } from "../host/host.ts";
import type { HostSocket } from "../host/socket.ts";
import type { GuestMemory } from "../memory.ts";
import type { Soon } from "../network/decision.ts";
import { admitsConnection, isGuarded } from "../network/incoming.ts";
import { Refusal } from "../refusal.ts";
import { checkBits } from "./numbers.ts";
import { type Calls, errnoOfAnswer, type GuestState } from "./state.ts";

/** The four `sock_*` of preview 1. */
export function sockCalls(state: GuestState): Calls {
  const { memory, table } = state;
  return {
    /** WasmEdge's first extension has no flags: there `flags` is where the answer goes. */
    sock_accept(fd: number, flags: number, out?: number): Eventual {
      if (out === undefined) return accept(state, { fd, flags: 0, out: flags });
      return accept(state, { fd, flags, out });
    },
    sock_recv(
      fd: number,
      vectors: number,
      count: number,
      flags: number,
      outBytes: number,
      outFlags: number,
    ): Eventual {
      const descriptor = socketOf(table, fd, RIGHT.fdRead);
      const into = memory.vectors(vectors, count);
      memory.getU32(outBytes); // a result that cannot be told must not happen
      memory.getU16(outFlags);
      const transfer = descriptor.transfer();
      receiving(transfer, flags);
      const tell = (bytes: Answer): number => {
        if (bytes < 0) return -bytes;
        memory.setU32(outBytes, bytes);
        memory.setU16(outFlags, transfer.truncated ? ROFLAG_TRUNCATED : 0);
        return 0;
      };
      const answer = descriptor.receive(into, transfer);
      return typeof answer === "number" ? tell(answer) : answer.then(tell);
    },
    sock_send(
      fd: number,
      vectors: number,
      count: number,
      flags: number,
      outBytes: number,
    ): Eventual {
      const descriptor = socketOf(table, fd, RIGHT.fdWrite);
      const from = memory.vectors(vectors, count);
      memory.getU32(outBytes);
      if (flags !== 0) return ERRNO.notsup; // there are none
      return toldBytes(memory, descriptor.socket.send(from, descriptor.transfer()), outBytes);
    },
    sock_shutdown(fd: number, how: number): number {
      const { socket } = socketOf(table, fd, RIGHT.sockShutdown);
      if (how === 0) return ERRNO.inval;
      return errnoOfAnswer(socket.shutdown(checkBits(how, SDFLAG.receive | SDFLAG.send)));
    },
  };
}

/** The socket behind a number, if it has all of these rights. */
export function socketOf(table: DescriptorTable, fd: number, rights: number): SocketDescriptor {
  const descriptor = table.get(fd);
  if (!(descriptor instanceof SocketDescriptor)) throw new Refusal(ERRNO.notsock);
  if ((descriptor.rights & rights) !== rights) throw new Refusal(ERRNO.notcapable);
  return descriptor;
}

/** Takes `riflags` into a transfer. */
export function receiving(transfer: { peek: boolean; waitAll: boolean }, flags: number): void {
  if ((flags & ~(RIFLAG.peek | RIFLAG.waitAll)) !== 0) throw new Refusal(ERRNO.notsup);
  transfer.peek = (flags & RIFLAG.peek) !== 0;
  transfer.waitAll = (flags & RIFLAG.waitAll) !== 0;
}

/** Tells the guest how many bytes went; `out` was checked before any byte did. */
export function toldBytes(memory: GuestMemory, answer: Eventual, out: number): Eventual {
  if (typeof answer !== "number") return answer.then((bytes) => toldBytes(memory, bytes, out));
  if (answer < 0) return -answer;
  memory.setU32(out, answer);
  return 0;
}

function accept(
  { host, memory, network, table }: GuestState,
  { fd, flags, out }: { fd: number; flags: number; out: number },
): Eventual {
  const listener = socketOf(table, fd, RIGHT.sockAccept);
  memory.getU32(out);
  checkBits(flags, FDFLAG.nonblock);
  const { inheriting } = listener;
  /** The guest's errno, or nothing if it was somebody who may not come. */
  const take = (accepted: HostSocket | Answer, known?: boolean): Soon<number | undefined> => {
    if (typeof accepted === "number") return -accepted;
    const admitted = known ??
      (!isGuarded(network, host) || admitsConnection(network, accepted));
    if (admitted instanceof Promise) return admitted.then((yes) => take(accepted, yes));
    if (!admitted) {
      accepted.close();
      return undefined;
    }
    const added = addSocket(table, accepted, { rights: inheriting, inheriting: 0, flags });
    if (added < 0) return -added;
    memory.setU32(out, added);
    return 0;
  };
  const next = (): Eventual => {
    for (;;) { // not deeper and deeper: thousands may knock in vain before a friend does
      const accepted = listener.socket.accept({ nonblock: listener.nonblock });
      const errno = accepted instanceof Promise ? accepted.then((it) => take(it)) : take(accepted);
      if (errno instanceof Promise) return errno.then((it) => it ?? next());
      if (errno !== undefined) return errno;
    }
  };
  return next();
}

/** Gives a socket its number; closes it if there are too many. */
export function addSocket(
  table: DescriptorTable,
  socket: HostSocket,
  options: SocketDescriptorOptions,
): Answer {
  const added = table.add(new SocketDescriptor(socket, options));
  if (added < 0) socket.close();
  return added;
}
