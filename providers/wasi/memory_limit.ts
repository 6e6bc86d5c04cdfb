/** Bytes of one page of Wasm memory. */
const PAGE_BYTES = 64 * 1024;
/** 4 GiB: what 32-bit memory can have at most, whatever is declared. */
const PAGES_MAX = 65_536;
const MEMORY_SECTION = 5;
/** Bytes of the magic number and the version, before the first section. */
const HEADER_BYTES = 8;

/** A module wants more memory at its start than it may ever have. */
export class MemoryLimitError extends Error {
  override readonly name = "MemoryLimitError";
}

/**
 * A copy of the module whose own memory cannot grow over `bytesMax` bytes: its declared maximum is
 * lowered (Wasm core specification, section "Memory Section"). `memory.grow` then answers -1, as on
 * a machine that has no more.
 *
 * Only a single, unshared, 32-bit memory of the module's own is known here. Any other shape, and bytes
 * that are no module, are returned as they are: the compiler says what is wrong with them.
 *
 * @throws {MemoryLimitError} If the module starts with more than that.
 */
export function limitMemory(module: Uint8Array, bytesMax: number): Uint8Array {
  const section = findMemorySection(module);
  if (section === undefined) return module;
  const cursor = new Cursor(module, section.bodyAt);
  const count = cursor.number();
  const flags = cursor.byte();
  if (count !== 1 || flags > 1) return module;
  const min = cursor.number();
  const declaredMax = flags === 1 ? cursor.number() : PAGES_MAX;
  if (cursor.at !== section.endAt) return module;

  const pagesMax = Math.floor(bytesMax / PAGE_BYTES);
  if (min > pagesMax) {
    throw new MemoryLimitError(
      `Module starts with ${min * PAGE_BYTES} bytes of memory: its limit is ${bytesMax}`,
    );
  }
  if (declaredMax <= pagesMax) return module;
  const body = [1, 1, ...leb128(min), ...leb128(pagesMax)];
  const replaced = Uint8Array.from([MEMORY_SECTION, ...leb128(body.length), ...body]);
  const result = new Uint8Array(
    section.startAt + replaced.length + (module.length - section.endAt),
  );
  result.set(module.subarray(0, section.startAt));
  result.set(replaced, section.startAt);
  result.set(module.subarray(section.endAt), section.startAt + replaced.length);
  return result;
}

/** Where the memory section is; `undefined` if the module has none of its own. */
function findMemorySection(
  module: Uint8Array,
): { startAt: number; bodyAt: number; endAt: number } | undefined {
  let startAt = HEADER_BYTES;
  while (startAt < module.length) {
    const cursor = new Cursor(module, startAt);
    const id = cursor.byte();
    const bodyBytes = cursor.number();
    const bodyAt = cursor.at;
    const endAt = bodyAt + bodyBytes;
    if (endAt > module.length) return undefined;
    if (id === MEMORY_SECTION) return { startAt, bodyAt, endAt };
    startAt = endAt;
  }
  return undefined;
}

/** Reads numbers in unsigned LEB128; beyond the end everything is zero. */
class Cursor {
  at: number;
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array, at: number) {
    this.#bytes = bytes;
    this.at = at;
  }

  byte(): number {
    return this.#bytes[this.at++] ?? 0;
  }

  number(): number {
    let [value, factor] = [0, 1];
    // Five bytes hold the 32 bits that the format allows.
    for (let i = 0; i < 5; i++) {
      const byte = this.byte();
      value += (byte & 0x7f) * factor;
      if ((byte & 0x80) === 0) break;
      factor *= 128;
    }
    return value;
  }
}

function leb128(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  while (rest >= 128) {
    bytes.push((rest % 128) | 0x80);
    rest = Math.floor(rest / 128);
  }
  bytes.push(rest);
  return bytes;
}
