/**
 * The options of every command that speaks to registries.
 *
 * @module
 */
import * as kinds from "./kinds.ts";
import { defineOptions } from "./option.ts";
import { hostValues, mirrorUrl } from "./registry_kinds.ts";

/** Which registries are reached otherwise than by HTTPS and the authorities that everybody trusts. */
export const REGISTRY_OPTIONS = defineOptions({
  insecureRegistries: {
    flag: "insecure-registries",
    env: "KRUSTLET_INSECURE_REGISTRIES",
    key: "insecureRegistries",
    kind: kinds.list,
    default: [],
    help: "Registries, as HOST[:PORT], that are spoken to without TLS.",
    group: "Images",
  },
  registryMirrors: {
    flag: "registry-mirror",
    env: "KRUSTLET_REGISTRY_MIRRORS",
    key: "registryMirrors",
    kind: hostValues("HOST=URL,…", "the mirror's address", mirrorUrl),
    default: {},
    help:
      "Mirrors that are asked before registry HOST itself, in this order. The URL's path stands \
before the repository's name. A mirror gets the node's credentials for its own name.",
    group: "Images",
  },
  registryCas: {
    flag: "registry-ca",
    env: "KRUSTLET_REGISTRY_CAS",
    key: "registryCAs",
    kind: hostValues("HOST=FILE,…", "a file in PEM", (value) => value),
    default: {},
    help: "Certificate authorities, in PEM, that are believed for registry HOST as well.",
    group: "Images",
  },
  registryClientCerts: {
    flag: "registry-client-cert",
    env: "KRUSTLET_REGISTRY_CLIENT_CERTS",
    key: "registryClientCerts",
    kind: hostValues("HOST=FILE,…", "a file in PEM", (value) => value),
    default: {},
    help: "Client certificate and its key, in one file in PEM, that is shown to registry HOST.",
    group: "Images",
  },
});
