import { type Executable, textAt } from "./file.ts";

/** Numbers of the System V ABI and of GNU's symbol versions (LSB Core, 10.7). */
const MACHINES: Readonly<Record<number, Executable["arch"]>> = { 62: "amd64", 183: "arm64" };
const SEGMENT = { load: 1, dynamic: 2 } as const;
const TAG = {
  end: 0,
  needed: 1,
  strings: 5,
  versionNeeds: 0x6ffffffe,
  versionNeedsCount: 0x6fffffff,
} as const;

/** Reads a Linux program (ELF, 64 bits, little-endian); `needs` is the newest glibc version it names. */
export function readElf(view: DataView): Executable {
  const arch = MACHINES[view.getUint16(18, true)];
  if (view.getUint8(4) !== 2 || view.getUint8(5) !== 1 || arch === undefined) {
    throw new Error("Cannot read ELF program: it is not for amd64 or arm64");
  }
  const segments = segmentsOf(view);
  const dynamic = dynamicOf(view, segments);
  const place = (tag: number): number | undefined => {
    const address = dynamic.find((entry) => entry.tag === tag)?.value;
    return address === undefined ? undefined : fileOffset(segments, address);
  };
  const strings = place(TAG.strings) ?? 0;
  const libraries = dynamic.filter(({ tag }) => tag === TAG.needed)
    .map(({ value }) => textAt(view, strings + value));
  const needs = newestGlibc(versionsOf(view, {
    at: place(TAG.versionNeeds),
    count: dynamic.find(({ tag }) => tag === TAG.versionNeedsCount)?.value ?? 0,
    strings,
  }));
  return { os: "linux", arch, libraries, ...(needs === undefined ? {} : { needs }) };
}

/** Of names such as `GLIBC_2.2.5`, the newest, as `glibc 2.2.5`. */
export function newestGlibc(versions: readonly string[]): string | undefined {
  const numbers = versions.flatMap((name) => /^GLIBC_([\d.]+)$/.exec(name)?.[1] ?? []);
  const newest = numbers.sort((a, b) => a.localeCompare(b, "en", { numeric: true })).at(-1);
  return newest === undefined ? undefined : `glibc ${newest}`;
}

interface Segment {
  readonly type: number;
  readonly offset: number;
  readonly address: number;
  readonly size: number;
}

function segmentsOf(view: DataView): Segment[] {
  const [start, size] = [wide(view, 32), view.getUint16(54, true)];
  return Array.from({ length: view.getUint16(56, true) }, (_, index) => {
    const at = start + index * size;
    return {
      type: view.getUint32(at, true),
      offset: wide(view, at + 8),
      address: wide(view, at + 16),
      size: wide(view, at + 32),
    };
  });
}

function dynamicOf(
  view: DataView,
  segments: readonly Segment[],
): { readonly tag: number; readonly value: number }[] {
  const segment = segments.find(({ type }) => type === SEGMENT.dynamic);
  const entries = [];
  for (let at = segment?.offset ?? 0; segment && at < segment.offset + segment.size; at += 16) {
    const entry = { tag: wide(view, at), value: wide(view, at + 8) };
    if (entry.tag === TAG.end) break;
    entries.push(entry);
  }
  return entries;
}

/** `Verneed` for each library, each with a chain of `Vernaux`. */
function versionsOf(
  view: DataView,
  { at, count, strings }: { at: number | undefined; count: number; strings: number },
): string[] {
  const names: string[] = [];
  let need = at ?? 0;
  for (let left = at === undefined ? 0 : count; left > 0; left--) {
    let version = need + view.getUint32(need + 8, true);
    for (let more = view.getUint16(need + 2, true); more > 0; more--) {
      names.push(textAt(view, strings + view.getUint32(version + 8, true)));
      version += view.getUint32(version + 12, true);
    }
    need += view.getUint32(need + 12, true);
  }
  return names;
}

function fileOffset(segments: readonly Segment[], address: number): number {
  const segment = segments.find((one) =>
    one.type === SEGMENT.load && address >= one.address && address < one.address + one.size
  );
  if (segment === undefined) throw new RangeError(`Address ${address} is in no segment`);
  return address - segment.address + segment.offset;
}

/** A number of 64 bits; those of files are exact. */
function wide(view: DataView, at: number): number {
  return Number(view.getBigUint64(at, true));
}
