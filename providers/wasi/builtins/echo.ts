import { type BuiltinCall, print } from "./call.ts";

/** `echo [-n] [WORD...]`: the words, with a space between them. Nothing in them is an escape. */
export async function echo({ args, stdout }: BuiltinCall): Promise<number> {
  const bare = args[0] === "-n";
  await print(stdout, (bare ? args.slice(1) : args).join(" ") + (bare ? "" : "\n"));
  return 0;
}
