/**
 * Container images whose layers must not, or cannot, be unpacked.
 *
 * @module
 */
import { gzipSync, zstdCompressSync } from "node:zlib";
import { type BadImage, type BadImages, tree } from "./bad_image.ts";
import { concat, type RawEntry, rawTar } from "./tar.ts";

/** An image with one layer of these entries, behind a module that is fine. */
function holds(...entries: readonly RawEntry[]): Pick<BadImage, "image"> {
  return {
    image: (world, repo) =>
      tree(world, {
        repo,
        layers: [{ bytes: rawTar({ name: "app.wasm", body: world.hello }, ...entries) }],
      }),
  };
}

/** An image with this layer, of `unpacked` if it is packed. */
function layer(make: () => { bytes: Uint8Array; unpacked?: Uint8Array }): Pick<BadImage, "image"> {
  return { image: (world, repo) => tree(world, { repo, layers: [make()] }) };
}

function bomb(
  name: string,
  pack: (bytes: Uint8Array) => Uint8Array,
): Pick<BadImage, "image"> {
  return layer(() => {
    const unpacked = rawTar({ name, body: new Uint8Array(100 << 20) });
    return { bytes: pack(unpacked), unpacked };
  });
}

function isA(kind: string): RegExp {
  return new RegExp(`its file "dev/odd" is ${kind}, which no guest can use; leave it out`);
}

/** What a zstd frame begins with that asks for a window of 2 GiB. */
const GREEDY_ZSTD = Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 0, 0xa8, 1, 0, 0);

/** Rows that fail while they are unpacked. */
export const TREES: BadImages = {
  "climbs": {
    ...holds({ name: "../../evil", body: "x" }),
    says: /its file "\.\.\/\.\.\/evil" cannot be unpacked: .*could lead out of the image; pack it/,
  },
  "climbs-inside": {
    ...holds({ name: "a/../../../evil", body: "x" }),
    says: /its path holds "\.\.", which could lead out of the image; pack it elsewhere/,
  },
  "hides-above": {
    ...holds({ name: ".wh..." }),
    says: /its path holds "\.\.", which could lead out of the image; pack it elsewhere/,
  },
  "below-a-link": {
    ...holds({ name: "out", type: "2", target: "/etc" }, { name: "out/evil", body: "x" }),
    says: /"out" is a symbolic link, and not a folder; pack it by its real path/,
  },
  "below-a-far-link": {
    ...holds(
      { name: "out", type: "2", target: "../../../../../../tmp" },
      { name: "out/evil", body: "x" },
    ),
    says: /"out" is a symbolic link, and not a folder; pack it by its real path/,
  },
  "hard-link-out": {
    ...holds({ name: "passwd", type: "1", target: "/etc/passwd" }),
    says: /it is a hard link to "etc\/passwd", which is no file of the image; pack that too/,
  },
  "hard-link-above": {
    ...holds({ name: "passwd", type: "1", target: "../../etc/passwd" }),
    says: /its path holds "\.\.", which could lead out of the image; pack it elsewhere/,
  },
  "link-to-nothing": {
    ...holds({ name: "l", type: "2", target: "" }),
    says: /it is a link to nothing; leave it out/,
  },
  "in-place-of-root": {
    ...holds({ name: "./", type: "2", target: "/etc" }),
    says: /it takes the place of the root; leave it out/,
  },
  "character-device": { ...holds({ name: "dev/odd", type: "3" }), says: isA("a character device") },
  "block-device": { ...holds({ name: "dev/odd", type: "4" }), says: isA("a block device") },
  "named-pipe": { ...holds({ name: "dev/odd", type: "6" }), says: isA("a named pipe") },
  "unknown-kind": { ...holds({ name: "dev/odd", type: "Z" }), says: isA("of an unknown kind") },
  "one-name-twice": {
    ...holds({ name: "APP.wasm", body: "x" }),
    says: /differs from that of "app\.wasm" in case only.*; rename one of them/,
  },
  "deep": {
    ...holds(
      { name: "d/".repeat(49), type: "5" },
      { name: "x", type: "L", body: "d/".repeat(200) },
      {
        name: "x",
        body: "x",
      },
    ),
    says: /it lies in more than 100 folders; pack it elsewhere/,
  },
  "broken-header": {
    ...holds({ name: "x", isBroken: true }),
    says: /no sound tar archive: a header's checksum is wrong; build it again/,
  },
  "endless-file": {
    ...holds({ name: "x", size: "77777777777\0" }),
    says: /cannot be unpacked: it has 8589934591 bytes, more than \d+; make it smaller/,
  },
  "extra-headers": {
    ...holds({ name: "x", type: "x", body: "99999 path=short\n" }),
    says: /no sound tar archive: an extended header is malformed; build it again/,
  },
  "cut-tar": {
    ...layer(() => ({
      bytes: rawTar({ name: "x", body: new Uint8Array(5_000) }).subarray(0, 2_000),
    })),
    says: /its tar archive ends in the middle; build it again/,
  },
  "no-tar": {
    ...layer(() => ({ bytes: new TextEncoder().encode("PK\x03\x04 is a zip".repeat(100)) })),
    says: /one of its layers is no sound tar archive: .*; build it again/,
  },
  "other-content": {
    image: (world, repo) => {
      const layers = [{ bytes: rawTar({ name: "app.wasm", body: world.hello }) }];
      return tree(world, { repo, layers, diffIds: [`sha256:${"0".repeat(64)}`] });
    },
    says: /digest mismatch: a layer unpacks to content with digest .*; build it again/,
  },
  "torn-gzip": {
    ...layer(() => {
      const unpacked = rawTar({ name: "x", body: crypto.getRandomValues(new Uint8Array(9_000)) });
      return { bytes: gzipSync(unpacked).subarray(0, 5_000), unpacked };
    }),
    says: /one of its layers cannot be unpacked: .*; build it again/,
  },
  "torn-zstd": {
    ...layer(() => {
      const unpacked = rawTar({ name: "x", body: crypto.getRandomValues(new Uint8Array(9_000)) });
      return { bytes: zstdCompressSync(unpacked).subarray(0, 5_000), unpacked };
    }),
    says: /one of its layers is no sound zstd stream: it is cut off; build it again/,
  },
  "greedy-zstd": {
    ...layer(() => ({ bytes: concat(GREEDY_ZSTD) })),
    says: /needs \d+ bytes of memory to be unpacked, .*; compress it with zstd -19 or less/,
  },
  "gzip-bomb": {
    ...bomb("of-gzip", (bytes) => gzipSync(bytes)),
    says: /looks like a decompression bomb; leave out of the image what grows so much/,
  },
  "zstd-bomb": {
    ...bomb("of-zstd", (bytes) => zstdCompressSync(bytes)),
    says: /looks like a decompression bomb; leave out of the image what grows so much/,
  },
};
