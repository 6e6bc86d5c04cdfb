/** The global in which a watched module says whether its memory was refused to grow: 1 or 0. */
export const GROWTH_EXPORT = "wasi-host:growth-refused";

/**
 * True if the last `memory.grow` of an instance was refused, by the limit or for want of memory; false
 * for a module that is not watched. (One that exports the name itself can only accuse itself.)
 */
export function isGrowthRefused(exports: WebAssembly.Exports): boolean {
  const global = exports[GROWTH_EXPORT];
  return global instanceof WebAssembly.Global && global.value === 1;
}
