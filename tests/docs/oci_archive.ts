/**
 * An OCI image layout in a tar archive, as other tools write one.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { join } from "node:path";
import { tempFolder } from "../harness/temp_folder.ts";
import { runTool } from "../parts/run.ts";

/** The archive of one artifact, which is this module. */
export async function ociArchive(wasm: Uint8Array): Promise<Uint8Array> {
  await using folder = await tempFolder();
  const blobs = join(folder.path, "blobs/sha256");
  await Deno.mkdir(blobs, { recursive: true });
  const put = async (mediaType: string, bytes: Uint8Array): Promise<Descriptor> => {
    const hex = createHash("sha256").update(bytes).digest("hex");
    await Deno.writeFile(join(blobs, hex), bytes);
    return { mediaType, digest: `sha256:${hex}`, size: bytes.length };
  };
  const json = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));
  const manifestType = "application/vnd.oci.image.manifest.v1+json";
  const manifest = await put(
    manifestType,
    json({
      schemaVersion: 2,
      mediaType: manifestType,
      config: await put("application/vnd.wasm.config.v1+json", json({})),
      layers: [await put("application/vnd.wasm.content.layer.v1+wasm", wasm)],
    }),
  );
  await Deno.writeFile(join(folder.path, "oci-layout"), json({ imageLayoutVersion: "1.0.0" }));
  await Deno.writeFile(
    join(folder.path, "index.json"),
    json({ schemaVersion: 2, manifests: [manifest] }),
  );
  await runTool(["tar", "-cf", "app.tar", "oci-layout", "index.json", "blobs"], {
    cwd: folder.path,
  });
  return await Deno.readFile(join(folder.path, "app.tar"));
}

interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}
