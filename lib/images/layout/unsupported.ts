import { clean, PullFailure } from "../oci/failure.ts";
import { CNCF_LAYER, WASM_TO_OCI_LAYER } from "../oci/media_types.ts";

/** An image that can never run here: no further try will help. */
export class UnsupportedImage extends PullFailure {}

/** What the reader of an error would have to push instead. */
export const WANTED =
  `push a module as a layer of type "${CNCF_LAYER}" or "${WASM_TO_OCI_LAYER}", ` +
  "or an image for the platform wasi/wasm";

/** Why a component is refused. */
export const COMPONENT = "it is a component (WASI 0.2), which this node cannot run; build it for " +
  "WASI preview 1 (wasm32-wasip1)";

/** The error for an image that was made for other platforms. */
export function otherPlatform(platforms: readonly string[]): UnsupportedImage {
  const shown = platforms.slice(0, 8).map(clean).join(", ");
  const systems = new Set(platforms.map((platform) => platform.split("/")[0]));
  const what = systems.has("linux")
    ? "a Linux container image"
    : systems.has("windows")
    ? "a Windows container image"
    : "a container image";
  return new UnsupportedImage(
    `it is ${what} (${shown}): this node runs WebAssembly only; run the pod on another node, or ` +
      WANTED,
  );
}
