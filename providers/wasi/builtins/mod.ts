/**
 * Small programs for a look around in containers that have none: they run in the process that would run a
 * guest, behind the same walls, and reach nothing but a {@linkcode View} of the container's files.
 *
 * @module
 */
import { type Builtin, type BuiltinCall, print, Trouble } from "./call.ts";
import { cat } from "./cat.ts";
import { mkdir, rm, rmdir, touch } from "./change.ts";
import { cp, mv } from "./cp.ts";
import { echo } from "./echo.ts";
import { env, printenv } from "./env.ts";
import { find } from "./find.ts";
import { grep } from "./grep.ts";
import { head } from "./head.ts";
import { ls } from "./ls.ts";
import { builtinName } from "./names.ts";
import { sh } from "./sh.ts";
import { LoopJump } from "./shell/jumps.ts";
import { date, fail, id, pwd, sleep, succeed } from "./small.ts";
import { stat } from "./stat.ts";
import { BROKEN_PIPE } from "./shell/shell.ts";
import { BrokenPipe } from "./streams.ts";
import { tail } from "./tail.ts";
import { tar } from "./tar.ts";
import { test } from "./condition.ts";
import { wc } from "./wc.ts";
import { ViewError } from "../../../wasi/mod.ts";
import { look } from "./walk.ts";
import { pathOf } from "./call.ts";
import type { BuiltinName } from "./names.ts";

const PROGRAMS: Readonly<Record<BuiltinName, Builtin>> = {
  "[": test,
  cat,
  cp,
  date,
  echo,
  env,
  false: fail,
  find,
  grep,
  head,
  id,
  ls,
  mkdir,
  mv,
  printenv,
  pwd,
  rm,
  rmdir,
  sh: (call) => sh(call, runByName),
  sleep,
  stat,
  tail,
  tar,
  test,
  touch,
  true: succeed,
  wc,
};

/** As shells report what is no program, and what is not there at all. */
const NOT_EXECUTABLE = 126;
const NOT_FOUND = 127;

/** Runs a builtin; what goes wrong in it is told on its stderr. Rejects only for a defect of its own. */
export async function runBuiltin(name: BuiltinName, call: BuiltinCall): Promise<number> {
  try {
    return await PROGRAMS[name](call);
  } catch (error) {
    if (error instanceof BrokenPipe) return BROKEN_PIPE;
    if (error instanceof LoopJump) return 0; // outside of a loop
    if (!(error instanceof Trouble || error instanceof ViewError)) throw error;
    const about = error instanceof ViewError ? `${error.path}: ` : "";
    await print(call.stderr, `${call.name}: ${about}${error.message}\n`).catch(() => {});
    return error instanceof Trouble ? error.code : 1;
  }
}

/** Runs what a shell was told to: its programs are the builtins. */
async function runByName(call: BuiltinCall): Promise<number> {
  const name = builtinName(call.name);
  if (name !== undefined) return await runBuiltin(name, { ...call, name });
  const there = call.name.includes("/") && look(call.view, pathOf(call, call.name)) !== undefined;
  await print(
    call.stderr,
    there
      ? `${call.name}: this shell runs builtins only\n`
      : `${call.name}: not found (this shell runs builtins only)\n`,
  );
  return there ? NOT_EXECUTABLE : NOT_FOUND;
}
