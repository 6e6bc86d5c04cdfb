/** The pod's NetworkPolicies let nobody be asked for a name that is not the cluster's. */
export class NameRefused extends Error {
  /** Always `NameRefused`. */
  override readonly name = "NameRefused";
}
