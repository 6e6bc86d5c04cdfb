/** The wasmtime that others are measured beside: `$WASMTIME`, or the one of the path; undefined if there is none. */
export async function findWasmtime(): Promise<string | undefined> {
  const command = Deno.env.get("WASMTIME") ?? "wasmtime";
  try {
    const { success } = await new Deno.Command(command, { args: ["--version"] }).output();
    return success ? command : undefined;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
