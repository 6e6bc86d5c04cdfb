import { type BuiltinCall, print } from "./call.ts";

/** `env`: all variables. It runs no programs. */
export async function env({ args, env, stdout, stderr, name }: BuiltinCall): Promise<number> {
  if (args.length > 0) {
    await print(stderr, `${name}: it takes no arguments here: only variables are listed\n`);
    return 125;
  }
  await print(stdout, [...env].map(([key, value]) => `${key}=${value}\n`).join(""));
  return 0;
}

/** `printenv [NAME...]`: variables, or the values of those that are named. */
export async function printenv(call: BuiltinCall): Promise<number> {
  const { args, stdout } = call;
  if (args.length === 0) return await env(call);
  const values = args.map((name) => call.env.get(name));
  for (const value of values) if (value !== undefined) await print(stdout, `${value}\n`);
  return values.includes(undefined) ? 1 : 0;
}
