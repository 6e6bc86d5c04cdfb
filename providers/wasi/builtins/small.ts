/**
 * Builtins of a few lines.
 *
 * @module
 */
import { type BuiltinCall, print, Trouble } from "./call.ts";
import { parseFlags } from "./flags.ts";

/** `true`. */
export const succeed = (): Promise<number> => Promise.resolve(0);

/** `false`. */
export const fail = (): Promise<number> => Promise.resolve(1);

/** `pwd`: the current directory. */
export async function pwd({ cwd, stdout }: BuiltinCall): Promise<number> {
  await print(stdout, `${cwd}\n`);
  return 0;
}

/** `id [-u|-g] [-n]`: WASI has no users; a guest may do whatever its walls allow, as root may. */
export async function id({ args, stdout }: BuiltinCall): Promise<number> {
  const { given } = parseFlags(args, { flags: "ugnG" });
  const short = given.has("u") || given.has("g") || given.has("G");
  const text = short ? (given.has("n") ? "root" : "0") : "uid=0(root) gid=0(root) groups=0(root)";
  await print(stdout, `${text}\n`);
  return 0;
}

/** The longest that a timer waits: 24 days. */
const SLEEP_SECONDS_MAX = 2_147_483;

/** `sleep SECONDS`: waits so long, also for a part of a second; with a unit `s`, `m` or `h`. */
export async function sleep({ args }: BuiltinCall): Promise<number> {
  let seconds = 0;
  for (const arg of args) {
    const [, number, unit = "s"] = /^(\d+(?:\.\d+)?|\.\d+)([smhd]?)$/.exec(arg) ?? [];
    if (number === undefined) throw new Trouble(`"${arg}" is no time`);
    seconds += Number(number) * ({ m: 60, h: 3600, d: 86_400 }[unit] ?? 1);
  }
  if (args.length === 0) throw new Trouble("it needs a number of seconds");
  await new Promise((resolve) => setTimeout(resolve, Math.min(seconds, SLEEP_SECONDS_MAX) * 1000));
  return 0;
}

const DAYS = "Sun Mon Tue Wed Thu Fri Sat".split(" ");
const MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");

/** `date [-u] [+FORMAT]`: the time, which is always UTC's here. */
export async function date({ args, stdout }: BuiltinCall): Promise<number> {
  const { operands: [format = "+%a %b %e %H:%M:%S UTC %Y"] } = parseFlags(args, { flags: "u" });
  if (!format.startsWith("+")) throw new Trouble("the time cannot be set");
  await print(stdout, `${formatDate(new Date(), format.slice(1))}\n`);
  return 0;
}

function formatDate(date: Date, format: string): string {
  const iso = date.toISOString();
  const parts: Record<string, string> = {
    "%": "%",
    a: DAYS[date.getUTCDay()]!,
    b: MONTHS[date.getUTCMonth()]!,
    d: iso.slice(8, 10),
    e: String(date.getUTCDate()).padStart(2),
    F: iso.slice(0, 10),
    H: iso.slice(11, 13),
    M: iso.slice(14, 16),
    m: iso.slice(5, 7),
    N: `${iso.slice(20, 23)}000000`,
    n: "\n",
    S: iso.slice(17, 19),
    s: String(Math.floor(date.getTime() / 1000)),
    T: iso.slice(11, 19),
    Y: iso.slice(0, 4),
    Z: "UTC",
  };
  return format.replace(/%(.)/g, (whole, letter: string) => parts[letter] ?? whole);
}
