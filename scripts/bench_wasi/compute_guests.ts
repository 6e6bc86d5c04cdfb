import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";

/** Which programs are run, and with what argument they take about so many seconds. */
export const PROGRAMS: Readonly<
  Record<string, { readonly short: string; readonly long: string; readonly longer: string }>
> = {
  c_fib: { short: "30", long: "43", longer: "46" },
  c_mandelbrot: { short: "250", long: "2400", longer: "4800" },
  c_matmul: { short: "250", long: "1250", longer: "2000" },
  c_sha256: { short: "5", long: "150", longer: "600" },
  c_sort: { short: "100000", long: "2500000", longer: "10000000" },
  go_fannkuch: { short: "8", long: "10", longer: "11" },
  go_flate: { short: "1", long: "28", longer: "120" },
  go_json: { short: "15", long: "700", longer: "3000" },
  go_sort: { short: "100000", long: "1500000", longer: "6000000" },
  rust_hash: { short: "200000", long: "10000000", longer: "45000000" },
  rust_json: { short: "20", long: "1400", longer: "6000" },
  rust_sort: { short: "300000", long: "15000000", longer: "60000000" },
};

/** A program of more than 10 MB that ends at once. */
export const LARGE = "go_large";

const SOURCES = fileURLToPath(new URL("./guests", import.meta.url));

/**
 * Builds all guests into a folder, as `<language>_<name>.wasm`. Says on stderr which language is left
 * out, because its compiler is not on this machine.
 */
export async function buildGuests(output: string): Promise<void> {
  await buildEach("c", ".c", async (source, target) => {
    await tool(["clang", "-O2", "--target=wasm32-wasi", source, "-o", target]);
  });
  await buildEach("rust", ".rs", async (source, target) => {
    const command = ["rustc", "--edition=2024", "-Copt-level=3", "-Cstrip=symbols"];
    await tool([...command, "--target=wasm32-wasip1", source, "-o", target]);
  });
  await buildEach("go", "", async (source, target) => {
    const command = ["go", "build", "-trimpath", "-ldflags=-s -w", "-o", target, "."];
    await tool(command, { cwd: source, env: { GOOS: "wasip1", GOARCH: "wasm" } });
  });

  async function buildEach(
    language: string,
    suffix: string,
    build: (source: string, target: string) => Promise<void>,
  ): Promise<void> {
    const folder = join(SOURCES, language);
    try {
      for await (const { name, isDirectory } of Deno.readDir(folder)) {
        if (suffix === "" ? !isDirectory : !name.endsWith(suffix)) continue;
        const target = join(output, `${language}_${basename(name, suffix)}.wasm`);
        await build(join(folder, name), target);
      }
    } catch (error) {
      console.error(`Left out ${language}: ${error instanceof Error ? error.message : error}`);
    }
  }
}

async function tool(
  [command, ...args]: readonly string[],
  options: Deno.CommandOptions = {},
): Promise<void> {
  const { success, stderr } = await new Deno.Command(command!, { ...options, args: [...args] })
    .output();
  if (!success) throw new Error(new TextDecoder().decode(stderr).trim());
}
