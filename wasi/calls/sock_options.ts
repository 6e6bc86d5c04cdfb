import { FILETYPE } from "../abi.ts";
import type { SocketDescriptor } from "../descriptors/socket.ts";
import { ERRNO } from "../errno.ts";
import type { SocketOption } from "../host/socket.ts";
import { Refusal } from "../refusal.ts";
import { socketOf } from "./sock.ts";
import { type Calls, errnoOfAnswer, type GuestState } from "./state.ts";

const LEVEL_SOCKET = 0;
const LEVEL_TCP = 6;

/** Options by level and number. What is absent is structures, devices, or has no use here. */
const OPTIONS: Readonly<Record<number, Readonly<Record<number, SocketOption | "type">>>> = {
  [LEVEL_SOCKET]: {
    0: "reuseAddress",
    1: "type",
    2: "error",
    4: "broadcast",
    5: "sendBuffer",
    6: "receiveBuffer",
    7: "keepAlive",
    13: "listening",
  },
  [LEVEL_TCP]: { 15: "noDelay" },
};

/** Every option that we know is an `i32`. */
const VALUE_BYTES = 4;
const TYPE_DATAGRAM = 1;
const TYPE_STREAM = 2;

/** `sock_getsockopt` and `sock_setsockopt` of WasmEdge's extension. */
export function sockOptionCalls({ memory, table }: GuestState): Calls {
  return {
    /** WasmEdge takes a pointer to the value's length; others have it that `size` is the length. */
    sock_getsockopt(fd: number, level: number, name: number, out: number, size: number): number {
      const descriptor = socketOf(table, fd, 0);
      const option = optionOf(level, name);
      memory.check(out, VALUE_BYTES);
      const isPointer = size !== VALUE_BYTES;
      if (isPointer && memory.getU32(size) < VALUE_BYTES) return ERRNO.inval;
      const value = valueOf(descriptor, option);
      if (value < 0) return -value;
      memory.setU32(out, value);
      if (isPointer) memory.setU32(size, VALUE_BYTES);
      return 0;
    },
    sock_setsockopt(fd: number, level: number, name: number, value: number, size: number): number {
      const { socket } = socketOf(table, fd, 0);
      const option = optionOf(level, name);
      if (size >>> 0 < VALUE_BYTES || option === "type") return ERRNO.inval;
      return errnoOfAnswer(socket.setOption(option, memory.getU32(value) | 0));
    },
  };
}

function optionOf(level: number, name: number): SocketOption | "type" {
  const option = OPTIONS[level]?.[name];
  if (option === undefined) throw new Refusal(ERRNO.noprotoopt);
  return option;
}

function valueOf(descriptor: SocketDescriptor, option: SocketOption | "type"): number {
  if (option !== "type") return descriptor.socket.getOption(option);
  return descriptor.filetype === FILETYPE.socketStream ? TYPE_STREAM : TYPE_DATAGRAM;
}
