import {
  CLOCK,
  EVENT,
  FDFLAG,
  FILETYPE,
  FSTFLAG,
  type Layout,
  OFLAG,
  RIGHT,
  RIGHTS_ALL,
  SUBCLOCK_ABSTIME,
} from "../abi.ts";
import type { GuestMemory } from "../memory.ts";
import { Refusal } from "../refusal.ts";

/** What the values of one call are read from. */
export interface TraceContext {
  readonly memory: GuestMemory;
  readonly layout: Layout;
  /** Pointer and length (or count of vectors) of the buffer that this call fills. */
  vectors: [number, number];
}

/** How one value of a call is told. */
export interface TraceValue {
  /** Parameters that it takes. */
  readonly width: number;
  /** What stands between the parentheses; undefined for nothing. Never throws for the guest's sake. */
  show(context: TraceContext, args: readonly (number | bigint)[]): string | undefined;
  /** What stands behind the `=` when the call succeeded. */
  tell(context: TraceContext, args: readonly (number | bigint)[]): string | undefined;
}

/** Bytes of one text or buffer that are shown: enough to recognise it. */
const SHOWN_BYTES_MAX = 48;
/** Bytes of a path that are shown. */
const SHOWN_PATH_BYTES_MAX = 1_024;
/** Buffers of one transfer, or subscriptions of one poll, that are shown. */
const SHOWN_ITEMS_MAX = 8;

type Read = (context: TraceContext, a: number, b: number, c: number) => string | undefined;

/** The values of preview 1 by their kinds. */
export const VALUES = {
  hidden: value(1, {}),
  fd: value(1, { show: (_, fd) => String(fd >>> 0) }),
  unsigned: {
    width: 1,
    show: (_, [number = 0]) =>
      String(typeof number === "bigint" ? BigInt.asUintN(64, number) : number >>> 0),
    tell: () => undefined,
  },
  signed: ofBigint((number) => String(BigInt.asIntN(64, number))),
  offset: ofBigint((number) => `offset=${BigInt.asUintN(64, number)}`),
  cookie: ofBigint((number) => `cookie=${BigInt.asUintN(64, number)}`),
  atim: ofBigint((number) => `atim=${BigInt.asUintN(64, number)}`),
  mtim: ofBigint((number) => `mtim=${BigInt.asUintN(64, number)}`),
  rights: ofBigint((number) => `rights=${rightNames(number)}`),
  inheriting: ofBigint((number) => `inheriting=${rightNames(number)}`),
  clock: value(1, { show: (_, clock) => nameOf(CLOCK, clock) }),
  advice: value(1, { show: (_, advice) => ADVICE[advice] ?? String(advice) }),
  whence: value(1, { show: ({ layout }, whence) => WHENCES[layout.whence[whence] ?? -1] ?? "?" }),
  oflags: value(1, { show: (_, flags) => `oflags=${flagNames(OFLAG, flags)}` }),
  fdflags: value(1, { show: (_, flags) => `fdflags=${flagNames(FDFLAG, flags)}` }),
  fstflags: value(1, { show: (_, flags) => `fstflags=${flagNames(FSTFLAG, flags)}` }),
  riflags: value(1, { show: (_, flags) => `riflags=${flagNames({ peek: 1, waitall: 2 }, flags)}` }),
  sdflags: value(1, { show: (_, flags) => `how=${flagNames({ rd: 1, wr: 2 }, flags)}` }),
  path: value(2, { show: (context, at, length) => path(context, at, length) }),
  pathByLookup: value(3, {
    show: (context, lookup, at, length) =>
      `${path(context, at, length)}, lookup=${flagNames({ follow: 1 }, lookup)}`,
  }),
  buffer: value(2, {
    show(context, at, length): string {
      context.vectors = [at, length];
      return `[${length >>> 0}]`;
    },
  }),
  from: value(2, { show: (context, at, count) => content(context, [at, count], Infinity) }),
  into: value(2, {
    show(context, at, count): string {
      context.vectors = [at, count];
      const vectors = context.memory.vectors(at, count);
      const lengths = Array.from(
        { length: Math.min(vectors.count, SHOWN_ITEMS_MAX) },
        (_, index) => vectors.view(index).length,
      );
      return `[${lengths.join(", ")}${vectors.count > SHOWN_ITEMS_MAX ? ", …" : ""}]`;
    },
  }),
  subscriptions: value(3, {
    show(context, at, _events, count): string {
      const { bytes } = context.layout.subscription;
      const shown = Math.min(count >>> 0, SHOWN_ITEMS_MAX);
      const items = Array.from(
        { length: shown },
        (_, index) => subscription(context, (at >>> 0) + index * bytes),
      );
      return `[${items.join(", ")}${count >>> 0 > shown ? ", …" : ""}]`;
    },
  }),
  outU16: value(1, { tell: ({ memory }, at) => String(memory.getU16(at)) }),
  outU32: value(1, { tell: ({ memory }, at) => String(memory.getU32(at)) }),
  outU64: value(1, { tell: ({ memory }, at) => String(memory.getU64(at)) }),
  outRead: value(1, {
    tell(context, at): string {
      const count = context.memory.getU32(at);
      return `${count} ${content(context, context.vectors, count)}`;
    },
  }),
  outBuffer: value(1, {
    tell: ({ memory, vectors }, at) => quote(memory.bytes(vectors[0], memory.getU32(at))),
  }),
  outText: value(2, {
    tell: ({ memory }, at, length) => quote(memory.bytes(at, length), SHOWN_PATH_BYTES_MAX),
  }),
  outFdstat: value(1, {
    tell: ({ memory }, at) =>
      `{${nameOf(FILETYPE, memory.getU8(at))}, ` +
      `fdflags=${flagNames(FDFLAG, memory.getU16((at >>> 0) + 2))}, ` +
      `rights=${rightNames(memory.getU64((at >>> 0) + 8))}, ` +
      `inheriting=${rightNames(memory.getU64((at >>> 0) + 16))}}`,
  }),
  outFilestat: value(1, {
    tell: ({ memory, layout: { filestat } }, at) =>
      `{${nameOf(FILETYPE, memory.getU8((at >>> 0) + 16))}, ` +
      `size=${memory.getU64((at >>> 0) + filestat.size)}, ` +
      `mtim=${memory.getU64((at >>> 0) + filestat.size + 16)}}`,
  }),
  outPrestat: value(1, {
    tell: ({ memory }, at) => `{dir, name length ${memory.getU32((at >>> 0) + 4)}}`,
  }),
} as const satisfies Record<string, TraceValue>;

const ADVICE = ["normal", "sequential", "random", "willneed", "dontneed", "noreuse"];
const WHENCES = ["set", "cur", "end"];

/** Bad pointers are the guest's affair: the call itself answers for them. */
function value(width: number, { show, tell }: { show?: Read; tell?: Read }): TraceValue {
  const safely = (read: Read | undefined): TraceValue["show"] => (context, args) => {
    try {
      const [a, b, c] = args.map(Number);
      return read?.(context, a ?? 0, b ?? 0, c ?? 0);
    } catch (error) {
      if (error instanceof Refusal) return "?";
      throw error;
    }
  };
  return { width, show: safely(show), tell: safely(tell) };
}

function ofBigint(show: (number: bigint) => string): TraceValue {
  return { width: 1, show: (_, [number]) => show(BigInt(number ?? 0)), tell: () => undefined };
}

function path({ memory }: TraceContext, at: number, length: number): string {
  return quote(memory.bytes(at, length), SHOWN_PATH_BYTES_MAX);
}

/** The first bytes of some vectors, at most `bytes` of them. */
function content(
  { memory }: TraceContext,
  [at, count]: readonly [number, number],
  bytes: number,
): string {
  const vectors = memory.vectors(at, count);
  const wanted = Math.min(bytes, vectors.bytes);
  const shown = new Uint8Array(Math.min(wanted, SHOWN_BYTES_MAX));
  for (let index = 0, used = 0; used < shown.length; index++) {
    const part = vectors.view(index).subarray(0, shown.length - used);
    shown.set(part, used);
    used += part.length;
  }
  return quote(shown) + (wanted > shown.length ? "…" : "");
}

function quote(bytes: Uint8Array, bytesMax = SHOWN_BYTES_MAX): string {
  const text = JSON.stringify(new TextDecoder().decode(bytes.slice(0, bytesMax)));
  return bytes.length > bytesMax ? `${text}…` : text;
}

function subscription({ memory, layout }: TraceContext, at: number): string {
  const type = memory.getU8(at + 8);
  if (type !== EVENT.clock) return `${nameOf(EVENT, type)} ${memory.getU32(at + 16)}`;
  const clock = at + layout.subscription.clock;
  const absolute = (memory.getU16(clock + 24) & SUBCLOCK_ABSTIME) !== 0;
  const name = nameOf(CLOCK, memory.getU32(clock));
  return `${name} ${absolute ? "at" : "in"} ${memory.getU64(clock + 8)} ns`;
}

function nameOf(names: Readonly<Record<string, number>>, wanted: number): string {
  return Object.entries(names).find(([, number]) => number === wanted)?.[0] ?? String(wanted);
}

/** `creat|trunc`; bits without a name as one number; `0` for none. */
function flagNames(names: Readonly<Record<string, number>>, flags: number): string {
  const known = Object.entries(names).filter(([, bit]) => (flags & bit) !== 0);
  const rest = known.reduce((left, [, bit]) => left & ~bit, flags) >>> 0;
  const parts = known.map(([name]) => name);
  if (rest !== 0) parts.push(`0x${rest.toString(16)}`);
  return parts.join("|") || "0";
}

function rightNames(rights: bigint): string {
  const bits = BigInt.asUintN(64, rights);
  if ((bits & BigInt(RIGHTS_ALL)) === BigInt(RIGHTS_ALL)) return "all";
  const rest = bits >> 30n;
  const names = flagNames(RIGHT, Number(bits & BigInt(RIGHTS_ALL)));
  return rest === 0n ? names : `${names}|0x${(rest << 30n).toString(16)}`;
}
