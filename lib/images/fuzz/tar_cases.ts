/**
 * Archives as no archiver writes them, and some as they do. For tests only.
 *
 * @module
 */
import { mutateBytes } from "../../fuzz/mutate.ts";
import type { Random } from "../../fuzz/random.ts";
import { mendChecksum, paxRecord, type RawHeader, TarWriter } from "./tar_writer.ts";

/** One archive. */
export interface Archive {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** What a reader must find in it, as `type path target-or-content`; absent if it was damaged. */
  readonly expected?: readonly string[];
}

const encoder = new TextEncoder();
const NAMES = [..."abdelabdelabdelabdel", "B", "\u00e9", "e\u0301", "a b", "ı", "con", "x\t"];
const WHITEOUTS = [".wh.a", ".wh.d", ".wh.l", ".wh..wh..opq", ".wh..wh..opq", ".wh..wh.aufs"];
const ODD_NAMES = [
  "..",
  ".",
  "",
  "...",
  ".wh.",
  ".wh..",
  ".wh...",
  ".wh..wh..opq/x",
  "\\..\\x",
  "\u202e",
  "n".repeat(255),
  "n".repeat(256),
  "ü".repeat(128),
  "y/".repeat(101),
  `${"z".repeat(200)}/`.repeat(21),
];
const TARGETS = [
  "a",
  "d/a",
  "../a",
  "/",
  "/d/l",
  ".",
  "..",
  "../../../etc/passwd",
  "/../../x",
  "d/../../..",
  "l/../..",
  "a//b/./c",
];
const ODD_TARGETS = ["", "t".repeat(5_000), "/".repeat(5_000), "../".repeat(400), "\0"];
const BODIES = [
  "",
  "1",
  "22",
  "\0asm\x01\0\0\0",
  "x".repeat(511),
  "y".repeat(513),
  "z".repeat(3_000),
];
const UNWANTED_TYPES = "346SMDAZ\u0001";

/** Makes archives, one at a time: the bytes of one are valid until the next is made. */
export class TarCases {
  readonly #writer = new TarWriter();
  /** Files and links of this case, for hard links to them. */
  #paths: string[] = [];

  /** A new case begins: what came before is forgotten. */
  begin(): void {
    this.#paths = [];
  }

  /** An archive of up to six entries; with `damage`, one that something happened to. */
  make(random: Random, damage: boolean): Archive {
    this.#writer.begin();
    const expected: string[] = [];
    for (let left = random.below(7); left > 0; left--) expected.push(...this.#add(random));
    const { bytes } = this.#writer;
    return damage ? { bytes: damaged(random, bytes) } : { bytes, expected };
  }

  #add(random: Random): string[] {
    const path = makePath(random);
    const body = random.of(BODIES);
    switch (random.below(random.once(8) ? 12 : 9)) {
      case 0:
      case 1:
        return this.#entry(random, { type: "5", path });
      case 2:
      case 3:
        return this.#entry(random, {
          type: "2",
          path,
          target: random.of(random.once(20) ? ODD_TARGETS : TARGETS),
        });
      case 4:
        return this.#entry(random, { type: "1", path, target: this.#target(random) });
      case 9:
        this.#writer.add({ name: path, type: random.of(UNWANTED_TYPES), body });
        return ["refused"];
      case 10:
        this.#writer.add({ name: "title", type: "V" });
        return [];
      case 11:
        this.#writer.add(makeOddHeader(random, body));
        return ["refused"];
      default:
        return this.#entry(random, { type: random.of("00007\0"), path, body });
    }
  }

  #target(random: Random): string {
    return this.#paths.length === 0 || random.once(8) ? makePath(random) : random.of(this.#paths);
  }

  /** In the header if it fits, or in one of the ways in which archivers say more. */
  #entry(
    random: Random,
    { type, path, target = "", body }: {
      readonly type: string;
      readonly path: string;
      readonly target?: string;
      readonly body?: string;
    },
  ): string[] {
    if (type !== "5") this.#paths.push(path);
    const size = body === undefined || random.once(2) ? {} : { size: sizeField(random, body) };
    const content = body === undefined ? {} : { body };
    if (random.once(6) || !fits(path) || !fits(target)) {
      this.#extra(random, { path, target });
      this.#writer.add({
        name: "short",
        type,
        link: target === "" ? "" : "t",
        ...size,
        ...content,
      });
    } else {
      const slash = path.lastIndexOf("/");
      const split = random.once(4) && slash > 0;
      const [prefix, name] = split ? [path.slice(0, slash), path.slice(slash + 1)] : ["", path];
      this.#writer.add({ name, prefix, type, link: target, ...size, ...content });
    }
    const isFile = "07\0".includes(type);
    if (isFile && path.endsWith("/") || type === "5") return [`5 ${path} `];
    return [isFile ? `0 ${path} ${body}` : `${type} ${path} ${target}`];
  }

  #extra(random: Random, { path, target }: { path: string; target: string }): void {
    const target0 = target === "" ? [] : [target];
    if (random.once(2) && !path.includes("\0")) {
      this.#writer.add({ name: "././@LongLink", type: "L", body: `${path}\0` });
      for (const link of target0) this.#writer.add({ name: "K", type: "K", body: `${link}\0` });
    } else {
      const records = [paxRecord("path", path), ...target0.map((t) => paxRecord("linkpath", t))];
      if (random.once(2)) records.unshift(paxRecord("mtime", "1.5"), paxRecord("path", "wrong"));
      this.#writer.add({ name: "pax", type: "x", body: records.join("") });
    }
  }
}

function makePath(random: Random): string {
  const names = random.list(1, 4, () => random.of(NAMES));
  if (random.once(3)) names.push(random.of(WHITEOUTS));
  if (random.once(40)) names.splice(random.below(names.length + 1), 0, random.of(ODD_NAMES));
  const path = names.join(random.once(10) ? "//" : "/");
  return `${random.once(10) ? random.of(["/", "./", "//"]) : ""}${path}${
    random.once(10) ? "/" : ""
  }`;
}

function fits(text: string): boolean {
  return encoder.encode(text).length <= 100;
}

/** A right size: octal digits in several forms, or GNU's binary one. */
function sizeField(random: Random, body: string): string | Uint8Array {
  const size = encoder.encode(body).length;
  if (random.once(3)) {
    return Uint8Array.of(0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, size >> 8, size & 0xff);
  }
  return random.of([
    `${size.toString(8)} `,
    ` ${size.toString(8)}\0`,
    size.toString(8).padStart(12, "0"),
  ]);
}

/** A header that must be refused. */
function makeOddHeader(random: Random, body: string): RawHeader {
  switch (random.below(6)) {
    case 0:
      return { name: "big", type: "0", size: random.of(HUGE) };
    case 1:
      return { name: "x", type: "x", body: random.of(WRONG_PAX) };
    case 2:
      return { name: "x", type: random.of("xgLK"), size: random.of(HUGE), body };
    case 3:
      return { name: "hole", type: "x", body: paxRecord("GNU.sparse.major", "1") };
    case 4:
      return { name: "x", type: "x", body: paxRecord("size", "9".repeat(16)) };
    default:
      return { name: "x", type: "x", body: paxRecord("path", "a\0b") };
  }
}

const HUGE: readonly (string | Uint8Array)[] = [
  "77777777777",
  "-1",
  "9",
  "0x10",
  Uint8Array.of(0x80, 0, 0, 0, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff),
  Uint8Array.of(0x80, 0, 0, 0, 0, 0, 0, 0, 0x40, 0, 0, 1),
  new Uint8Array(12).fill(0xff),
  Uint8Array.of(0xbf, 0xff, 0xff),
];
const WRONG_PAX = [
  "path=a\n",
  "99999999999 path=a\n",
  "9 path=ab",
  "3 \n",
  "1 a=\n",
  "0 path=a\n",
  "-9 path=a\n",
  "5 =a\n",
  "\0",
];

/** The archive with changed bytes, mostly under a right checksum; cut off; with blocks that moved. */
function damaged(random: Random, bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const kind = random.below(8);
  if (kind === 0) return bytes.subarray(0, random.below(bytes.length + 1));
  const blocks = bytes.length / 512;
  if (kind === 1) {
    const [to, from] = [random.below(blocks) * 512, random.below(blocks) * 512];
    bytes.copyWithin(to, from, from + 512 * (1 + random.below(3)));
    return bytes;
  }
  const end = Math.max(bytes.length - 1024, 1);
  for (const at of mutateBytes(random, bytes.subarray(0, end))) {
    const block = at - at % 512;
    if (kind < 7 && block + 512 <= bytes.length) mendChecksum(bytes.subarray(block, block + 512));
  }
  return bytes;
}
