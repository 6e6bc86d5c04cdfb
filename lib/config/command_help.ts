/**
 * The help of each command.
 *
 * @module
 */
import { BOOTSTRAP_OPTIONS } from "./bootstrap_options.ts";
import { DOCTOR_OPTIONS } from "./doctor_options.ts";
import { helpText } from "./help.ts";
import { KUBELET_OPTIONS } from "./kubelet_options.ts";
import { RUN_OPTIONS } from "./run_options.ts";
import { SMITE_OPTIONS } from "./smite_options.ts";
import { TOOL_HELP } from "./tool_help.ts";

/** The help of the command with this word; without one, that of the program itself. */
export function commandHelp(
  word: string,
  commands: Readonly<Record<string, { readonly about: string }>>,
): string {
  if (word === "run") return runHelp();
  if (word === "bootstrap") return bootstrapHelp();
  if (word === "doctor") return doctorHelp();
  if (word === "smite") return smiteHelp();
  const page = Object.hasOwn(TOOL_HELP, word) ? TOOL_HELP[word] : undefined;
  if (page !== undefined) return helpText(page);
  return helpText({
    usage: "krustlet [COMMAND] [OPTIONS]",
    about: "A Kubernetes node agent that runs WebAssembly modules as ordinary pods: no container \
runtime, no root. With no command it joins a cluster and is a node.",
    commands: Object.fromEntries(
      Object.entries(commands).map(([name, { about }]) => [name, about]),
    ),
    options: KUBELET_OPTIONS,
    examples: [
      { line: "krustlet --node-ip 192.0.2.10", does: "Be a node whose address is 192.0.2.10." },
      { line: "krustlet run pod.yaml", does: "Run a pod here and now, with no cluster." },
      { line: "krustlet run --help", does: "Say more about a command." },
    ],
    notes: [
      "A flag outranks its environment variable, that outranks the config file's key, and \
all of them outrank the default. Lists are separated by commas and replace each other.",
    ],
  });
}

function runHelp(): string {
  return helpText({
    usage: "krustlet run [OPTIONS] FILE… [-- ARGUMENT…]",
    about: 'Runs Pod manifests (YAML or JSON; ConfigMaps and Secrets beside them are used) or a \
WebAssembly module, with no cluster. An image "file:./app.wasm" is looked for beside the manifest. \
Ends when all pods have ended, with the exit code of the first container that failed, or 125 if a \
pod could not start.',
    options: RUN_OPTIONS,
    examples: [
      { line: "krustlet run pod.yaml", does: "Run the pods of a manifest." },
      { line: "krustlet run app.wasm -- --verbose", does: "Run a module with an argument." },
    ],
  });
}

function bootstrapHelp(): string {
  return helpText({
    usage: "krustlet bootstrap [OPTIONS]",
    about: "Makes a bootstrap token in the cluster and writes the kubeconfig with which a new node \
joins by it. Also makes the role bindings that a bootstrap needs, if the cluster has none.",
    options: BOOTSTRAP_OPTIONS,
    examples: [
      {
        line: "krustlet bootstrap --kubeconfig admin.conf --bootstrap-file bootstrap.conf",
        does: "Make a token as an administrator, for a node elsewhere.",
      },
    ],
  });
}

function doctorHelp(): string {
  return helpText({
    usage: "krustlet doctor [OPTIONS]",
    about: "Looks for what stands between this machine and a node that works: kubeconfig, name, \
release and clock of the API server, identity, rights, certificate requests, certificates, port, \
data folder. Changes nothing. Each line says ok, warn or fail, and what to do. Ends with code 0 if \
nothing fails, else 1.",
    options: DOCTOR_OPTIONS,
    examples: [
      { line: "krustlet doctor", does: "Examine the node of this machine." },
      {
        line: "krustlet doctor -o json --data-dir /srv/krustlet",
        does: "Examine it for a script.",
      },
    ],
    notes: [
      "Takes all options of krustlet start as well: give those that the node is started with.",
    ],
  });
}

function smiteHelp(): string {
  return helpText({
    usage: "krustlet smite [OPTIONS] NODE",
    about: "Clears what a node has left in the cluster that has vanished for good: its Node, the \
pods that are bound to it, its certificate requests and its lease. Says what would be deleted, and \
deletes it only with --yes. A node that shows signs of life is refused.",
    options: SMITE_OPTIONS,
    examples: [
      { line: "krustlet smite worker-7", does: "Say what would be deleted." },
      { line: "krustlet smite worker-7 --yes", does: "Delete it." },
    ],
  });
}
