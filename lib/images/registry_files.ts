/**
 * How this node reaches registries: what the options say, with the files that they name.
 *
 * @module
 */
import { KubeletError, messageOf } from "../errors.ts";
import type { ClientCertificate, Trust } from "./oci/clients.ts";
import type { Registries } from "./oci/places.ts";

/** What the options say of registries; files by path. */
export interface RegistrySettings {
  /** Registries, as `HOST[:PORT]`, that are spoken to without TLS. */
  readonly insecureRegistries: readonly string[];
  /** Addresses of mirrors by registry, in the order in which they are asked. */
  readonly registryMirrors: Readonly<Record<string, readonly string[]>>;
  /** Files in PEM with certificate authorities, by registry. */
  readonly registryCas: Readonly<Record<string, readonly string[]>>;
  /** A file in PEM with a client certificate and its key, by registry; the last one counts. */
  readonly registryClientCerts: Readonly<Record<string, readonly string[]>>;
}

/**
 * Reads the files, once.
 *
 * @throws {KubeletError} `invalid`, naming the file that cannot be read or is not what it should be.
 */
export async function loadRegistries(
  settings: RegistrySettings,
): Promise<Registries & { readonly trust: Trust }> {
  const { insecureRegistries, registryMirrors, registryCas, registryClientCerts } = settings;
  const authorities: Record<string, string[]> = {};
  for (const [host, paths] of Object.entries(registryCas)) {
    authorities[host] = await Promise.all(paths.map((path) => readAuthorities(host, path)));
  }
  const clientCertificates: Record<string, ClientCertificate> = {};
  for (const [host, paths] of Object.entries(registryClientCerts)) {
    const path = paths.at(-1);
    if (path !== undefined) clientCertificates[host] = await readClientCertificate(host, path);
  }
  return {
    insecure: insecureRegistries,
    mirrors: registryMirrors,
    trust: { authorities, clientCertificates },
  };
}

async function readAuthorities(host: string, path: string): Promise<string> {
  const text = await read(path, `--registry-ca ${host}`);
  if (blocks(text, "CERTIFICATE").length > 0) return text;
  throw new KubeletError(
    "invalid",
    `Cannot use --registry-ca ${host}="${path}": it holds no certificate in PEM`,
  );
}

async function readClientCertificate(host: string, path: string): Promise<ClientCertificate> {
  const text = await read(path, `--registry-client-cert ${host}`);
  const certificates = blocks(text, "CERTIFICATE");
  const [key, ...more] = blocks(text, "(?:RSA |EC )?PRIVATE KEY");
  if (certificates.length > 0 && key !== undefined && more.length === 0) {
    return { certPem: `${certificates.join("\n")}\n`, keyPem: `${key}\n` };
  }
  throw new KubeletError(
    "invalid",
    `Cannot use --registry-client-cert ${host}="${path}": it must hold a certificate and one key ` +
      `without a passphrase, in PEM`,
  );
}

async function read(path: string, option: string): Promise<string> {
  try {
    return await Deno.readTextFile(path);
  } catch (cause) {
    throw new KubeletError("invalid", `Cannot read ${option}="${path}": ${messageOf(cause)}`, {
      cause,
    });
  }
}

function blocks(text: string, label: string): string[] {
  const pattern = `-----BEGIN (${label})-----[A-Za-z0-9+/=\\s]*-----END \\1-----`;
  return text.match(new RegExp(pattern, "g")) ?? [];
}
