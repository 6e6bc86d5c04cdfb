import assert from "node:assert/strict";
import { IMAGE_OPTIONS, imageSettings } from "./image_options.ts";
import { readOptions } from "./read_options.ts";

function settings(args: string): ReturnType<typeof imageSettings> {
  const words = args.split(" ").filter((word) => word !== "");
  const { values } = readOptions(IMAGE_OPTIONS, { args: words, env: {}, file: undefined });
  return imageSettings(values, "/home/me");
}

Deno.test("imageSettings() pulls one image after the other, unless told otherwise", () => {
  const parallelMax = (args: string): number | undefined => settings(args).pulls.parallelMax;
  assert.equal(parallelMax(""), 1);
  assert.equal(parallelMax("--serialize-image-pulls false"), undefined);
  assert.equal(parallelMax("--max-parallel-image-pulls 4"), 4);
  assert.equal(parallelMax("--serialize-image-pulls true --max-parallel-image-pulls 1"), 1);
});

const REFUSED: Readonly<Record<string, RegExp>> = {
  "--serialize-image-pulls true --max-parallel-image-pulls 2": /--serialize-image-pulls false/,
  "--image-gc-low-threshold 85": /85 must be less than --image-gc-high-threshold 85/,
  "--image-maximum-gc-age 1m": /must be more than --minimum-image-ttl-duration/,
  "--preloaded-images-verification-allowlist a": /needs .* NeverVerifyAllowlistedImages/,
  "--image-credential-provider-bin-dir /bin": /go together; give both or neither/,
};

for (const [args, message] of Object.entries(REFUSED)) {
  Deno.test(`imageSettings() refuses ${args}`, () => {
    assert.throws(() => settings(args), { name: "KubeletError", code: "invalid", message });
  });
}
