/**
 * The config of a Wasm artifact (CNCF TAG Runtime, "Wasm OCI artifact"), which tells what the module
 * needs before the module itself is fetched.
 *
 * @module
 */
import type { ModuleTerms } from "../../provider.ts";
import { clean } from "../oci/failure.ts";
import { isObject, parseJson, texts } from "./json.ts";
import { COMPONENT, UnsupportedImage } from "./unsupported.ts";

/** What such a config says. */
export interface WasmConfig {
  /** `wasm`. */
  readonly architecture: string;
  /** `wasip1` or `wasip2`. */
  readonly os: string;
  /** True if the artifact is a component, with a world of its own. */
  readonly component: boolean;
  /** What it imports: interfaces of a component, or names of a module. */
  readonly imports: readonly string[];
}

/** Names that are told in a message; the first few say what kind of program it is. */
const NAMES_TOLD_MAX = 5;

/** Reads an artifact's config. Throws a `PullFailure` for what is no JSON object. */
export function parseWasmConfig(bytes: Uint8Array): WasmConfig {
  const body = parseJson(bytes);
  const { architecture, os, component, module } = body;
  const core = isObject(module) ? module : undefined;
  const world = isObject(component) ? component : undefined;
  return {
    architecture: typeof architecture === "string" ? architecture : "wasm",
    os: typeof os === "string" ? os : "wasip1",
    component: world !== undefined,
    imports: [
      ...texts(body["imports"]),
      ...texts(core?.["imports"]),
      ...texts(world?.["imports"]),
    ],
  };
}

/** Throws an {@linkcode UnsupportedImage} that names what the artifact needs and this node lacks. */
export function checkWasmConfig(config: WasmConfig, terms: ModuleTerms): void {
  const { architecture, os, component, imports } = config;
  if (!/^wasm(32|64)?$/i.test(architecture)) {
    throw new UnsupportedImage(
      `its config names the architecture "${
        clean(architecture)
      }", and this node runs WebAssembly ` +
        "only; precompiled code is not accepted: push the .wasm file",
    );
  }
  const offers = terms.imports;
  const missing = offers === undefined ? [] : imports.filter((name) => !isOffered(name, offers));
  const names = missing.slice(0, NAMES_TOLD_MAX).map((name) => `"${clean(name)}"`).join(", ") +
    (missing.length > NAMES_TOLD_MAX ? ` and ${missing.length - NAMES_TOLD_MAX} more` : "");
  if ((component || os === "wasip2") && !terms.components) {
    throw new UnsupportedImage(
      `${COMPONENT}${missing.length === 0 ? "" : `; it imports ${names}`}`,
    );
  }
  if (offers !== undefined && missing.length > 0 && !component) {
    throw new UnsupportedImage(
      `it imports ${names}, which this node does not offer: it has ${offers.join(", ")}`,
    );
  }
}

/** `wanted` may name a module alone, or one thing of it. */
function isOffered(wanted: string, offers: readonly string[]): boolean {
  const name = wanted.replace(/[\/:#]/g, ".");
  return offers.some((offer) =>
    name === offer || name.startsWith(`${offer}.`) || offer.startsWith(`${name}.`)
  );
}
