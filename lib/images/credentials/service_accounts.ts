/**
 * What credential providers are told of service accounts, from the cluster.
 *
 * @module
 */
import type { ObjectSource } from "../../api/object_source.ts";
import type { ServiceAccounts } from "./provider.ts";

/** Undefined if there is no cluster to ask. */
export function serviceAccountsOf(objects: ObjectSource): ServiceAccounts | undefined {
  const { serviceAccount } = objects;
  if (serviceAccount === undefined) return undefined;
  return {
    find: async (namespace, name, signal) => {
      const found = await serviceAccount.call(objects, namespace, name, signal);
      if (found === undefined) throw new Error("it does not exist");
      const { uid = "", annotations = {} } = found.metadata ?? {};
      return { uid, annotations };
    },
    token: async (pod, audience, signal) => {
      const { namespace, name, uid, serviceAccount } = pod;
      const spec = {
        audiences: [audience],
        boundObjectRef: { kind: "Pod", apiVersion: "v1", name, uid },
      };
      return (await objects.token(namespace, serviceAccount, spec, signal)).token;
    },
  };
}
