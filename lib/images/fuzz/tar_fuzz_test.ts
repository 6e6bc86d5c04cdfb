/**
 * Layers of archives, from their bytes to what is decided for a disk; the disk is one in memory. What
 * the same archives do on a real one is in `disk_fuzz_test.ts`.
 */
import assert from "node:assert/strict";
import { layEntry } from "../layout/lay_entry.ts";
import { readTar } from "../layout/tar/reader.ts";
import { TreeDraft, type TreeLimits } from "../layout/tree_draft.ts";
import { TreeIndex } from "../layout/tree_index.ts";
import { PullFailure } from "../oci/failure.ts";
import { FakeDisk } from "./fake_disk.ts";
import { assertTellable } from "./messages.ts";
import { piecesOf } from "./pieces.ts";
import { overlay, type Taken } from "./overlay_model.ts";
import type { Random } from "../../fuzz/random.ts";
import { assertAllSaid, runCases } from "../../fuzz/run_cases.ts";
import { casesOf } from "../../fuzz/settings.ts";
import { type Archive, TarCases } from "./tar_cases.ts";
import { assertSame, thingsOf } from "./things.ts";

const CASES = casesOf(1_000);
/** Small enough that some cases reach them. */
const LIMITS: TreeLimits = { entries: 20, links: 4, bytes: 5_000 };

type Lay = typeof layEntry;

/** Lays one archive over the draft and the disk; answers what was taken of it. */
async function layArchive(
  { bytes, expected }: Archive,
  { draft, disk, lay, pieceBytes }: {
    readonly draft: TreeDraft;
    readonly disk: FakeDisk;
    readonly lay: Lay;
    readonly pieceBytes: number;
  },
): Promise<Taken[]> {
  const taken: Taken[] = [];
  draft.nextLayer();
  for await (const entry of readTar(piecesOf(bytes, pieceBytes))) {
    const deed = lay(draft, entry);
    const content = await disk.do(deed);
    if (deed.kind === "file") {
      draft.content(deed.path, { size: deed.size, digest: content!, wasm: false });
    }
    const found = entry.kind === "file" ? { ...entry, content: content ?? "" } : entry;
    const wanted = expected?.[taken.length];
    if (wanted !== undefined) assert.ok(wanted.startsWith(describe(found)), wanted);
    taken.push(found);
  }
  if (expected !== undefined) assert.equal(taken.length, expected.length);
  return taken;
}

function describe(taken: Taken): string {
  switch (taken.kind) {
    case "file":
      return `0 ${taken.path} ${taken.content}`;
    case "folder":
      return `5 ${taken.path} `;
    default:
      return `${taken.kind === "hard_link" ? 1 : 2} ${taken.path} ${taken.target}`;
  }
}

const cases = new TarCases();

async function tryLayers(random: Random, lay: Lay): Promise<string> {
  cases.begin();
  const draft = new TreeDraft(LIMITS);
  const disk = new FakeDisk(LIMITS);
  const layers: Taken[][] = [];
  const count = 1 + random.below(3);
  let said = "laid";
  for (let at = 0; at < count && said !== "refused"; at++) {
    const archive = cases.make(random, random.once(3));
    if (archive.expected === undefined) said = "damaged and laid";
    const pieceBytes = random.of([100, 700, 1 << 20, 1 << 20]);
    try {
      layers.push(await layArchive(archive, { draft, disk, lay, pieceBytes }));
    } catch (error) {
      if (!(error instanceof PullFailure)) throw error;
      assertTellable(error.message);
      said = "refused";
    }
  }
  if (said === "refused") return said;
  const entries = [...draft.entries()];
  assertSame(thingsOf(entries), disk.things);
  assertSame(disk.things, overlay(layers));
  const index = new TreeIndex(entries);
  for (const { path } of entries) {
    const found = index.resolve(`${path}/../${path}`);
    assert.ok(found === undefined || found.path === "" || disk.things.has(found.path));
  }
  return said;
}

Deno.test(`layers of any archives stay inside, within limits, as the rules say, ${CASES} times`, async () => {
  const tally = await runCases("layers", CASES, (random) => tryLayers(random, layEntry));
  assertAllSaid(tally, ["laid", "refused", "damaged and laid"]);
});

const CARELESS: Readonly<Record<string, Lay>> = {
  "lets links lead out": (draft, entry) => {
    const deed = layEntry(draft, entry);
    return deed.kind === "symbolic_link" && "target" in entry
      ? { ...deed, target: entry.target }
      : deed;
  },
  "hides what is of the same layer": (draft, entry) => {
    draft.nextLayer();
    return layEntry(draft, entry);
  },
  "removes nothing": (draft, entry) => {
    const deed = layEntry(draft, entry);
    return { ...deed, changes: { ...deed.changes, remove: [] } };
  },
  "takes names at their word": (draft, entry) => {
    const deed = layEntry(draft, entry);
    return deed.kind === "file" ? { ...deed, path: entry.path.split("/") } : deed;
  },
};

for (const [name, lay] of Object.entries(CARELESS)) {
  Deno.test(`an unpacker that ${name} is found`, async () => {
    const trying = runCases(name, 5_000, (random) => tryLayers(random, lay));
    await assert.rejects(trying, /FUZZ_SEED=/);
  });
}
