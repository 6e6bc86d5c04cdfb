/**
 * The help of the commands that push, pull and look at images.
 *
 * @module
 */
import type { HelpPage } from "./help.ts";
import { INSPECT_OPTIONS, PULL_OPTIONS, PUSH_OPTIONS } from "./tool_options.ts";

/** The pages, by the commands' words. */
export const TOOL_HELP: Readonly<Record<string, HelpPage>> = {
  push: {
    usage: "krustlet push [OPTIONS] FILE.wasm|FOLDER|LAYOUT IMAGE",
    about:
      "Publishes a WebAssembly module as an image that Krustlet, and other runtimes and tools, \
can pull. Of a folder its .wasm file is the module, and all other files are data that the module \
finds in its root. The same files make the same digest. An image layout, as oci:FOLDER[:NAME] or \
oci-archive:FILE[:NAME], is pushed as it is. Prints the image's name by digest.",
    options: PUSH_OPTIONS,
    examples: [
      { line: "krustlet push app.wasm ghcr.io/ada/app:v1", does: "Publish a module." },
      {
        line: "krustlet push site/ ghcr.io/ada/site:v1 --tag latest --annotation version=1.0.0",
        does: "Publish a module with its files, under two tags and with a version.",
      },
    ],
    notes: [
      "Credentials are those of Docker: log in with docker login, or any tool that writes the same \
config.json.",
    ],
  },
  pull: {
    usage: "krustlet pull [OPTIONS] IMAGE",
    about:
      "Pulls an image into this node's image store, with all checks, so that a pod or krustlet \
run finds it there; and copies it to where --output says. Prints the image's name by digest.",
    options: PULL_OPTIONS,
    examples: [
      {
        line: "krustlet pull ghcr.io/ada/app:v1",
        does: "Have the image here before it is needed.",
      },
      { line: "krustlet pull ghcr.io/ada/app:v1 -o app.wasm", does: "Get the module as a file." },
      { line: "krustlet pull ghcr.io/ada/site:v1 -o site/", does: "Get all of its files." },
    ],
  },
  inspect: {
    usage: "krustlet inspect [OPTIONS] IMAGE|FILE|LAYOUT",
    about: "Says what an image, a .wasm file or an image layout (oci:FOLDER[:NAME], \
oci-archive:FILE[:NAME]) is: its layout, sizes, platform, imports, exports and \
annotations, whether this node would run it, and why it would not. Of a large module only the parts \
with these names are fetched. Ends with code 0 also for an image that would not run.",
    options: INSPECT_OPTIONS,
    examples: [
      { line: "krustlet inspect ghcr.io/ada/app:v1", does: "Look at an image." },
      { line: "krustlet inspect app.wasm -o json", does: "Look at a module, for a script." },
    ],
  },
};
