/**
 * Loaded before the program under test: its clock of the wall is ahead by as many milliseconds as the file
 * `$KRUSTLET_TEST_CLOCK` says, or behind. Timers and other processes are not touched.
 *
 * @module
 */

/** How soon a change is noticed, in ms. */
const LOOK_EVERY_MS = 20;

const path = Deno.env.get("KRUSTLET_TEST_CLOCK") ?? "";
const RealDate = Date;
let aheadMs = look();
Deno.unrefTimer(setInterval(() => aheadMs = look(), LOOK_EVERY_MS));

globalThis.Date = new Proxy(RealDate, {
  construct: (target, args, newTarget) =>
    Reflect.construct(target, args.length === 0 ? [now()] : args, newTarget),
  get: (target, key, receiver) => key === "now" ? now : Reflect.get(target, key, receiver),
});

function now(): number {
  return RealDate.now() + aheadMs;
}

function look(): number {
  return Number(Deno.readTextFileSync(path));
}
