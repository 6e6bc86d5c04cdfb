/**
 * A network for the suite alone: its nodes make routes to their pods, and every cluster of tests gives
 * nodes the same ranges.
 *
 * @module
 */
import { fileURLToPath } from "node:url";

/** Tells a process that it is in such a network. */
const INSIDE = "KRUSTLET_CONFORMANCE_NETWORK";
/** An interface with an address for the node (RFC 5737), and the route that an API server asks for. */
const SET_UP = "ip link set lo up && ip link add node0 type bridge && " +
  "ip addr add 192.0.2.1/24 dev node0 && ip link set node0 up && " +
  "ip route add default via 192.0.2.254";

/** True in a process that {@linkcode runInOwnNetwork} has started. */
export function hasOwnNetwork(): boolean {
  return Deno.env.has(INSIDE);
}

/**
 * Runs a script with this process's arguments in a network namespace of its own, and answers its exit
 * code: undefined, with a word on stderr, where this user can have none.
 */
export async function runInOwnNetwork(script: string): Promise<number | undefined> {
  const unshare = ["unshare", Deno.uid() === 0 ? "-n" : "-rn", "sh", "-c"] as const;
  const fault = await faultOf([...unshare, SET_UP]);
  if (fault !== undefined) {
    console.error(`Pods have loopback addresses, which some specs do not take: ${fault}`);
    return undefined;
  }
  const [program, ...args] = [...unshare, `${SET_UP} && exec "$@"`, "sh", Deno.execPath()];
  const child = new Deno.Command(program, {
    args: [...args, "run", "-A", fileURLToPath(script), ...Deno.args],
    env: { [INSIDE]: "1" },
  }).spawn();
  return (await child.status).code;
}

async function faultOf([program, ...args]: readonly [string, ...string[]]): Promise<
  string | undefined
> {
  try {
    const { success, stderr } = await new Deno.Command(program, { args, stdout: "null" }).output();
    return success ? undefined : new TextDecoder().decode(stderr).trim();
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
