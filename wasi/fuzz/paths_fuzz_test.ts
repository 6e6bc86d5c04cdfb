/**
 * No path leads out: a million of them through links of every kind against the rules, and some
 * thousands on a real file system over every host.
 */
import assert from "node:assert/strict";
import { OFLAG, RIGHT } from "../abi.ts";
import type { System } from "../host/host.ts";
import { type Place, walk } from "../paths.ts";
import { HOSTS, Probe, Scratch } from "../testing/probe.ts";
import { Random } from "./random.ts";
import { PATHS, REAL_PATHS, SEED, tell } from "./settings.ts";
import { follow, kindAt, makePath, makeWorld, type Node, nodeAt } from "./world.ts";

const PATHS_PER_WORLD = 2_000;
const REAL_PATHS_PER_WORLD = 500;

type Walk = (path: string, options: { box: Node; follow: boolean }) => Place | number;

/** How often a walk ended elsewhere than the rules say, and the first time. */
function countWrong(resolve: Walk, paths: number): { wrong: number; first: string } {
  const random = new Random(SEED);
  let [wrong, first] = [0, ""];
  for (let left = paths; left > 0; left -= PATHS_PER_WORLD) {
    const world = makeWorld(random);
    const { box } = world;
    for (let index = 0; index < Math.min(left, PATHS_PER_WORLD); index++) {
      const path = makePath(random);
      const last = random.below(2) === 0;
      const expected = follow(world, path, { last });
      const answer = resolve(path, { box, follow: last });
      if (isSame(expected, answer, box)) continue;
      wrong++;
      first ||= `"${path}" is ${describe(answer)}, not ${
        typeof expected === "number"
          ? expected
          : "node" in expected
          ? expected.node.name
          : `new ${expected.missing}`
      }`;
    }
  }
  return { wrong, first };
}

function isSame(expected: ReturnType<typeof follow>, answer: Place | number, box: Node): boolean {
  if (typeof expected === "number" || typeof answer === "number") return expected === answer;
  const parent = nodeAt(box, answer.parts.slice(0, -1));
  if ("node" in expected) return nodeAt(box, answer.parts) === expected.node;
  return parent === expected.in && answer.parts.at(-1) === expected.missing &&
    answer.kind.is === "missing";
}

function describe(answer: Place | number): string {
  return typeof answer === "number" ? String(answer) : `${answer.parts.join("/")}`;
}

Deno.test(`walk() goes where the rules say and never out, for ${PATHS} paths`, () => {
  const { wrong, first } = countWrong(
    (path, { box, follow }) => walk(path, { follow, look: (parts) => kindAt(box, parts) }),
    PATHS,
  );
  tell(`${PATHS} paths, ${wrong} wrong`);
  assert.equal(wrong, 0, `${first} (FUZZ_SEED=${SEED})`);
});

Deno.test("a walk that goes wrong is found: names taken at their word, links not looked at", () => {
  const lexical: Walk = (path, { box, follow }) => {
    const parts: string[] = [];
    for (const part of path.split("/")) {
      if (part === "..") parts.pop();
      else if (part !== "" && part !== ".") parts.push(part);
    }
    return walk(parts.join("/") || ".", { follow, look: (parts) => kindAt(box, parts) });
  };
  assert.ok(countWrong(lexical, 20_000).wrong > 1_000);
});

/** Makes a world on the disk, with the box where a scratch folder has it. */
function build(node: Node, hostPath: string): void {
  for (const [name, entry] of node.entries ?? []) {
    const path = `${hostPath}/${name}`;
    if (entry.target !== undefined) {
      if (entry.target !== "") Deno.symlinkSync(entry.target, path);
    } else if (entry.entries === undefined) Deno.writeTextFileSync(path, "inside");
    else {
      Deno.mkdirSync(path);
      build(entry, path);
    }
  }
}

/** The inodes of everything in a folder, and of itself. */
function inodesIn(folder: string): Set<number> {
  const inodes = new Set([Deno.statSync(folder).ino!]);
  for (const { name, isDirectory } of Deno.readDirSync(folder)) {
    const path = `${folder}/${name}`;
    if (isDirectory) { for (const inode of inodesIn(path)) inodes.add(inode); }
    else inodes.add(Deno.lstatSync(path).ino!);
  }
  return inodes;
}

/** Somebody who is in a box and follows a path: the inode of what it found, if it found something. */
interface Visitor extends Disposable {
  visit(path: string): number | undefined;
}

/** Asks for random paths in real boxes; how many led anywhere, and how many of them outside. */
function countEscapes(enter: (box: string) => Visitor): { found: number; escapes: number } {
  const random = new Random(SEED);
  let [found, escapes] = [0, 0];
  for (let left = REAL_PATHS; left > 0; left -= REAL_PATHS_PER_WORLD) {
    using scratch = new Scratch();
    build(makeWorld(random).box, scratch.box);
    const inside = inodesIn(scratch.box);
    using visitor = enter(scratch.box);
    for (let index = 0; index < Math.min(left, REAL_PATHS_PER_WORLD); index++) {
      const inode = visitor.visit(makePath(random));
      if (inode === undefined) continue;
      found++;
      if (!inside.has(inode)) escapes++;
    }
  }
  return { found, escapes };
}

/** Looks, opens and, where nothing is, creates; what it creates it removes. */
class Guest implements Visitor {
  readonly #probe: Probe;

  constructor(host: System, box: string) {
    this.#probe = new Probe(host, { preopens: [{ hostPath: box, guestPath: "/" }] });
  }

  visit(path: string): number | undefined {
    const probe = this.#probe;
    const stat = probe.stat(3, path);
    const fd = probe.open(3, path, { rights: RIGHT.fdRead });
    if (typeof fd === "string") {
      assert.equal(typeof stat, "string", `"${path}" can be looked at, but is ${fd}`);
      const made = probe.open(3, path, { oflags: OFLAG.creat | OFLAG.excl });
      if (typeof made === "number") {
        probe.call("fd_close", made);
        assert.equal(probe.unlink(3, path), "success");
      }
      return undefined;
    }
    const opened = probe.stat(fd);
    probe.call("fd_close", fd);
    assert.ok(typeof opened !== "string");
    assert.ok(typeof stat !== "string" && stat.ino === opened.ino, path);
    return Number(opened.ino);
  }

  [Symbol.dispose](): void {
    this.#probe[Symbol.dispose]();
  }
}

for (const [name, host] of HOSTS) {
  Deno.test(`no path of ${REAL_PATHS} leads out of a real folder (${name})`, () => {
    const { found, escapes } = countEscapes((box) => new Guest(host, box));
    tell(`${name}: ${REAL_PATHS} paths, ${found} led anywhere, ${escapes} out`);
    assert.equal(escapes, 0);
    assert.ok(found > REAL_PATHS / 50, `only ${found} paths led anywhere`);
  });
}

Deno.test("an escape is found: a host that leaves the paths to the system", () => {
  const { escapes } = countEscapes((box) => ({
    visit(path): number | undefined {
      try {
        return Deno.statSync(`${box}/${path}`).ino ?? undefined;
      } catch {
        return undefined;
      }
    },
    [Symbol.dispose](): void {},
  }));
  tell(`left to the system: ${REAL_PATHS} paths, ${escapes} led out`);
  assert.ok(escapes > 100, `${escapes} found`);
});
