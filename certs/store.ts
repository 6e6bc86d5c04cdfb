/**
 * A certificate and its key on disk, and the key of the request that is under way.
 *
 * @module
 */
import { join } from "node:path";
import { type KeyPair, publicKeyOf, sameBytes } from "./certificate.ts";
import { type Certificate, isExpired, readCertificate } from "./certificate.ts";
import { generateKey, type PrivateKey, readKey } from "./keys.ts";
import {
  readPrivateFile,
  removePrivateFile,
  setAside,
  writePrivateFile,
  writtenAtMs,
} from "./private_file.ts";

/** Where a pair lives. */
export interface PairFiles {
  /** Path of the chain, in PEM. */
  readonly certificateFile: string;
  /** Path of the key, in PEM. Its folder also holds the key of a request under way. */
  readonly keyFile: string;
}

/** What was found on disk. `why` is a sentence for the log; it names the file. */
export type StoredPair =
  | { readonly kind: "ready"; readonly pair: KeyPair; readonly certificate: Certificate }
  | { readonly kind: "expired"; readonly certificate: Certificate; readonly why: string }
  | { readonly kind: "absent"; readonly why: string }
  /** Torn, or two halves of different pairs: kept under the names in `aside`, now absent. */
  | { readonly kind: "unusable"; readonly why: string; readonly aside: readonly string[] };

/** Krustlet's names for the serving pair: `krustlet.crt` and `krustlet.key` in `$dataDir/config`. */
export function servingFiles(configDir: string): PairFiles {
  return {
    certificateFile: join(configDir, "krustlet.crt"),
    keyFile: join(configDir, "krustlet.key"),
  };
}

/** Beside them the pair that asks the API server: `krustlet-client.crt`, `krustlet-client.key`. */
export function clientFiles(configDir: string): PairFiles {
  return {
    certificateFile: join(configDir, "krustlet-client.crt"),
    keyFile: join(configDir, "krustlet-client.key"),
  };
}

/**
 * One pair of files, and `<key file>.pending` beside them.
 *
 * Two files cannot be renamed as one. So the certificate goes first and the pending key becomes
 * the key after it: whenever that is cut short, the pending key still fits the certificate, and
 * the next {@linkcode CertificateStore.load} ends what was begun.
 */
export class CertificateStore {
  /** Where this pair lives. */
  readonly files: PairFiles;
  readonly #pendingFile: string;

  /** Touches nothing yet. */
  constructor(files: PairFiles) {
    this.files = files;
    this.#pendingFile = `${files.keyFile}.pending`;
  }

  /**
   * Reads the pair. What cannot be used is kept aside, and nothing is lost.
   *
   * @throws {CertificateError} `invalid` if a file is there and cannot be read at all.
   */
  async load(nowMs: number = Date.now()): Promise<StoredPair> {
    const { certificateFile, keyFile } = this.files;
    const certificatePem = await readPrivateFile(certificateFile);
    const keyPem = await readPrivateFile(keyFile);
    if (certificatePem === undefined && keyPem === undefined) {
      return { kind: "absent", why: `There is no certificate "${certificateFile}" yet` };
    }
    const certificate = parsed(() => readCertificate(certificatePem ?? ""));
    if (certificatePem === undefined || certificate === undefined) {
      const state = certificatePem === undefined ? "has no certificate" : "cannot be read";
      const file = certificatePem === undefined ? keyFile : certificateFile;
      return await this.#unusable(`"${file}" ${state}`);
    }
    const fitting = fits(keyPem, certificate) ? keyPem : await this.#takeOverPending(certificate);
    if (fitting === undefined) return await this.#unusable(keyFault(this.files, keyPem));
    if (isExpired(certificate, nowMs)) {
      const since = new Date(certificate.notAfterMs).toISOString();
      const why = `Certificate "${certificateFile}" is expired since ${since}`;
      return { kind: "expired", certificate, why };
    }
    return { kind: "ready", certificate, pair: { certificatePem, keyPem: fitting } };
  }

  /**
   * The pair as it is on disk, expired or not, and when it was written there (ms since 1970).
   * `undefined` if there is none, or none that fits, as while somebody replaces it: nothing is
   * touched.
   *
   * @throws {CertificateError} `invalid` if a file is there and cannot be read at all.
   */
  async read(): Promise<{ readonly pair: KeyPair; readonly writtenMs: number } | undefined> {
    const { certificateFile, keyFile } = this.files;
    const certificatePem = await readPrivateFile(certificateFile);
    const keyPem = await readPrivateFile(keyFile);
    if (certificatePem === undefined || keyPem === undefined) return undefined;
    const certificate = parsed(() => readCertificate(certificatePem));
    if (certificate === undefined || !fits(keyPem, certificate)) return undefined;
    const writtenMs = await writtenAtMs(certificateFile);
    return { pair: { certificatePem, keyPem }, writtenMs: writtenMs ?? certificate.notBeforeMs };
  }

  /** Forgets the request that is under way, so that the next one has another key and name. */
  async dropPending(): Promise<void> {
    await removePrivateFile(this.#pendingFile);
  }

  /**
   * The key of the request that is under way, made and stored now if there is none. A restart
   * between the request and its approval finds the same key here.
   */
  async pendingKey(): Promise<PrivateKey> {
    const pem = await readPrivateFile(this.#pendingFile);
    if (pem !== undefined) {
      try {
        return await readKey(pem);
      } catch (error) {
        if (!(error instanceof SyntaxError)) throw error;
        await setAside(this.#pendingFile);
      }
    }
    const key = await generateKey();
    await writePrivateFile(this.#pendingFile, key.pem);
    return key;
  }

  /** Makes the pending key and this chain, which must fit it, the pair of the store. */
  async accept(certificatePem: string): Promise<KeyPair> {
    const certificate = readCertificate(certificatePem);
    const pending = await readPrivateFile(this.#pendingFile);
    if (!fits(pending, certificate)) {
      throw new Error(`Cannot accept certificate: it does not fit key "${this.#pendingFile}"`);
    }
    await writePrivateFile(this.files.certificateFile, certificatePem);
    const keyPem = await this.#takeOverPending(certificate);
    if (keyPem === undefined) {
      throw new Error(`Cannot accept certificate: key "${this.#pendingFile}" is gone`);
    }
    return { certificatePem, keyPem };
  }

  async #takeOverPending(certificate: Certificate): Promise<string | undefined> {
    const pending = await readPrivateFile(this.#pendingFile);
    if (pending === undefined || !fits(pending, certificate)) return undefined;
    await Deno.rename(this.#pendingFile, this.files.keyFile);
    return pending;
  }

  async #unusable(fault: string): Promise<StoredPair> {
    const aside: string[] = [];
    for (const file of [this.files.certificateFile, this.files.keyFile]) {
      if (await readPrivateFile(file) !== undefined) aside.push(await setAside(file));
    }
    const kept = aside.map((file) => `"${file}"`).join(" and ");
    return { kind: "unusable", why: `Certificate file ${fault}; kept as ${kept}`, aside };
  }
}

function keyFault({ certificateFile, keyFile }: PairFiles, keyPem: string | undefined): string {
  if (keyPem === undefined) return `"${certificateFile}" has no key "${keyFile}"`;
  if (parsed(() => publicKeyOf(keyPem)) === undefined) return `"${keyFile}" cannot be read`;
  return `"${certificateFile}" does not fit key "${keyFile}"`;
}

function fits(keyPem: string | undefined, certificate: Certificate): boolean {
  if (keyPem === undefined) return false;
  const spki = parsed(() => publicKeyOf(keyPem));
  return spki !== undefined && sameBytes(spki, certificate.publicKeySpki);
}

/** A torn file is an answer here, not an error. */
function parsed<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
