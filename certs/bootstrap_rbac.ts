/**
 * The rights that turn a bootstrap token into a node, in clusters that do not grant them yet.
 *
 * @module
 */
import { adminError, BOOTSTRAP_GROUP } from "./bootstrap_token.ts";
import type { BootstrapObjects, KubernetesObject } from "./bootstrap_token.ts";
import { httpStatusOf } from "./errors.ts";

/** What happened to one ClusterRoleBinding. */
export interface BindingReport {
  /** The binding's name. */
  readonly name: string;
  /** `differs`: a binding of this name is there and grants something else; it was left alone. */
  readonly outcome: "created" | "existed" | "differs";
  /** A sentence for the operator. */
  readonly message: string;
}

/**
 * Sees to it that three bindings exist: bootstrappers may ask for node certificates, and requests
 * for client certificates are approved, first ones and renewals.
 *
 * In a cluster that kubeadm made they are there under kubeadm's names, and nothing is created.
 * Serving certificates are never approved by themselves: no cluster does that.
 *
 * @throws {CertificateError} `forbidden` or `refused` if the API server says so.
 */
export async function ensureBootstrapRbac(
  objects: BootstrapObjects,
  options: { readonly signal?: AbortSignal } = {},
): Promise<BindingReport[]> {
  const reports: BindingReport[] = [];
  for (const binding of BINDINGS) {
    reports.push(await ensureBinding(objects, binding, options.signal));
  }
  return reports;
}

/** The bindings that {@linkcode ensureBootstrapRbac} sees to, as they are made. */
export function bootstrapBindings(): KubernetesObject[] {
  return BINDINGS.map(bindingObject);
}

/** A ClusterRoleBinding that gives a role to a group. */
export interface Binding {
  readonly name: string;
  /** The same binding as kubeadm names it. @default {kubeadm has none} */
  readonly kubeadmName?: string;
  readonly role: string;
  readonly group: string;
  /** What it is for, as the second half of a sentence. */
  readonly purpose: string;
}

const BINDINGS: readonly Binding[] = [
  {
    name: "krustlet:node-bootstrapper",
    kubeadmName: "kubeadm:kubelet-bootstrap",
    role: "system:node-bootstrapper",
    group: BOOTSTRAP_GROUP,
    purpose: "bootstrap tokens may ask for node certificates",
  },
  {
    name: "krustlet:node-autoapprove-bootstrap",
    kubeadmName: "kubeadm:node-autoapprove-bootstrap",
    role: "system:certificates.k8s.io:certificatesigningrequests:nodeclient",
    group: BOOTSTRAP_GROUP,
    purpose: "first client certificates of nodes are approved",
  },
  {
    name: "krustlet:node-autoapprove-certificate-rotation",
    kubeadmName: "kubeadm:node-autoapprove-certificate-rotation",
    role: "system:certificates.k8s.io:certificatesigningrequests:selfnodeclient",
    group: "system:nodes",
    purpose: "renewals of nodes' client certificates are approved",
  },
];

const API_VERSION = "rbac.authorization.k8s.io/v1";
const KIND = "ClusterRoleBinding";

/** Makes the binding if it is not there; one that says something else is left alone. */
export async function ensureBinding(
  objects: BootstrapObjects,
  binding: Binding,
  signal: AbortSignal | undefined,
): Promise<BindingReport> {
  const report = (name: string, outcome: BindingReport["outcome"], end: string): BindingReport => ({
    name,
    outcome,
    message: `${KIND} "${name}" ${end}`,
  });
  try {
    for (const name of [binding.kubeadmName, binding.name]) {
      if (name === undefined) continue;
      const found = await objects.get({ apiVersion: API_VERSION, kind: KIND, name }, signal);
      if (found !== undefined && grants(found, binding)) {
        return report(name, "existed", `is there: ${binding.purpose}`);
      }
      if (found !== undefined && name === binding.name) {
        return report(
          name,
          "differs",
          `is there and grants something else, so it was left alone; to let it grant that ` +
            `${binding.purpose}, delete it and run this again`,
        );
      }
    }
    const isNew = await objects.create(bindingObject(binding), signal).then(() => true, isTaken);
    if (!isNew) return await settled(objects, binding, signal);
    return report(binding.name, "created", `was created: ${binding.purpose}`);
  } catch (error) {
    throw adminError(`${KIND} "${binding.name}"`, error);
  }
}

/** Made by another administrator between our two questions: `false`, it is not ours. */
function isTaken(error: unknown): false {
  if (httpStatusOf(error) !== 409) throw error;
  return false;
}

/** Looks at what the other administrator made. */
async function settled(
  objects: BootstrapObjects,
  binding: Binding,
  signal: AbortSignal | undefined,
): Promise<BindingReport> {
  const { name, purpose } = binding;
  const found = await objects.get({ apiVersion: API_VERSION, kind: KIND, name }, signal);
  return found !== undefined && grants(found, binding)
    ? { name, outcome: "existed", message: `${KIND} "${name}" is there: ${purpose}` }
    : {
      name,
      outcome: "differs",
      message: `${KIND} "${name}" is changed by somebody else; run this again`,
    };
}

/** The binding as the API server takes it. */
export function bindingObject({ name, role, group }: Binding): KubernetesObject {
  return {
    apiVersion: API_VERSION,
    kind: KIND,
    metadata: { name },
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: role },
    subjects: [{ apiGroup: "rbac.authorization.k8s.io", kind: "Group", name: group }],
  };
}

/** True if the found binding gives the role to the group, and maybe to others as well. */
function grants(found: KubernetesObject, { role, group }: Binding): boolean {
  const named = (value: unknown, kind: string, name: string): boolean =>
    typeof value === "object" && value !== null && "kind" in value && "name" in value &&
    value.kind === kind && value.name === name;
  const { roleRef, subjects } = found;
  return named(roleRef, "ClusterRole", role) && Array.isArray(subjects) &&
    subjects.some((subject) => named(subject, "Group", group));
}
