/**
 * The archives of `tar_fuzz_test.ts` on a real disk: it holds in the end what the one in memory holds,
 * and nothing beside it has changed.
 */
import assert from "node:assert/strict";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { removeTree } from "../../files.ts";
import { layEntry } from "../layout/lay_entry.ts";
import { readTar } from "../layout/tar/reader.ts";
import { TreeDraft } from "../layout/tree_draft.ts";
import { type LayerSource, unpackLayers } from "../layout/unpack.ts";
import { PullFailure } from "../oci/failure.ts";
import { TestDir } from "../oci/_test_registry.ts";
import { FakeDisk } from "./fake_disk.ts";
import { assertTellable } from "./messages.ts";
import { piecesOf } from "./pieces.ts";
import type { Random } from "../../fuzz/random.ts";
import { assertAllSaid, runCases } from "../../fuzz/run_cases.ts";
import { casesOf } from "../../fuzz/settings.ts";
import { TarCases } from "./tar_cases.ts";
import { assertSame, type Thing, thingsIn } from "./things.ts";

/** A case costs some ten files. */
const CASES = casesOf(60, 200);
const LIMITS = { entries: 1_000, links: 1_000, bytes: 1_000_000 };
const { signal } = new AbortController();

/** What lies where the links and paths of the archives would lead to if they were followed. */
const OUTSIDE = ["etc/passwd", "a", "d/a", "x", "1/a", "1/x", "1/2/a", "1/2/d/a", "1/2/x"];
const PACKERS: readonly ((bytes: Uint8Array) => Uint8Array)[] = [
  (bytes) => bytes,
  (bytes) => gzipSync(bytes),
  (bytes) => zstdCompressSync(bytes),
];

/** What a disk in memory holds in the end; undefined if something is refused. */
async function laidInMemory(
  archives: readonly Uint8Array[],
): Promise<ReadonlyMap<string, Thing> | undefined> {
  const draft = new TreeDraft();
  const disk = new FakeDisk(LIMITS);
  try {
    for (const bytes of archives) {
      draft.nextLayer();
      for await (const entry of readTar(piecesOf(bytes, 4_096))) {
        const deed = layEntry(draft, entry);
        const content = await disk.do(deed);
        if (deed.kind !== "file") continue;
        draft.content(deed.path, { size: deed.size, digest: content!, wasm: false });
      }
    }
    return disk.things;
  } catch (error) {
    if (error instanceof PullFailure) return undefined;
    throw error;
  }
}

function layerOf(random: Random, archive: Uint8Array): LayerSource {
  const bytes = random.of(PACKERS)(archive);
  return { kind: "archive", size: bytes.length, open: () => piecesOf(bytes, 4_096) };
}

async function makeOutside(base: string): Promise<void> {
  for (const path of OUTSIDE) {
    await Deno.mkdir(`${base}/${path}`.replace(/\/[^/]*$/, ""), { recursive: true });
    await Deno.writeTextFile(`${base}/${path}`, path);
  }
}

/** All that is beside the tree, with its times and links. */
async function outside(base: string, root: string): Promise<string[]> {
  const seen: string[] = [];
  for (const [path, thing] of await thingsIn(base)) {
    if (path === root || path.startsWith(`${root}/`)) continue;
    const { mtime, nlink, mode } = await Deno.lstat(`${base}/${path}`);
    // A folder's time and links change with the tree's own folder.
    seen.push(
      `${path} ${mode} ${
        thing.kind === "file" ? `${thing.content} ${mtime?.getTime()} ${nlink}` : ""
      }`,
    );
  }
  return seen.sort();
}

const cases = new TarCases();

async function tryOnDisk(random: Random, base: string): Promise<string> {
  cases.begin();
  const archives = random.list(1, 3, () => cases.make(random, random.once(4)).bytes.slice());
  const into = `${base}/1/2/root`;
  const before = await outside(base, "1/2/root");
  await Deno.mkdir(into);
  const expected = await laidInMemory(archives);
  try {
    const layers = archives.map((archive) => layerOf(random, archive));
    const { entries } = await unpackLayers(layers, { into, signal });
    assert.ok(expected !== undefined, "it was unpacked, and in memory it was refused");
    assertSame(await thingsIn(into), expected);
    assert.deepEqual(entries.map(({ path }) => path).sort(), [...expected.keys()].sort());
    return "unpacked";
  } catch (error) {
    if (!(error instanceof PullFailure)) throw error;
    assert.equal(expected, undefined, error.message);
    assertTellable(error.message);
    return "refused";
  } finally {
    assert.deepEqual(await outside(base, "1/2/root"), before);
    await removeTree(into);
  }
}

Deno.test(`layers on a real disk are those in memory, and nothing else is touched, ${CASES} times`, async () => {
  await using dir = new TestDir();
  await makeOutside(dir.path);
  const tally = await runCases("layers on disk", CASES, (random) => tryOnDisk(random, dir.path));
  assertAllSaid(tally, ["unpacked", "refused"]);
});
