/**
 * Image references: what a person writes in `image:`, and what it stands for.
 *
 * The grammar and the defaults are those of the distribution project's `reference` package, which
 * Kubernetes and the container runtimes share.
 *
 * @module
 */

/** A text that is no image reference. The message says which part is wrong. */
export class InvalidReference extends Error {
  /** Always `InvalidReference`. */
  override readonly name = "InvalidReference";
}

/** An image's name, taken apart. At least one of `tag` and `digest` is set. */
export interface Reference {
  /** Host and port as written, as `localhost:5000`, in ASCII; Docker Hub is `docker.io`. */
  readonly registry: string;
  /** Path inside the registry, as `library/hello`. */
  readonly repository: string;
  /** A name by which the content may change. */
  readonly tag?: string;
  /** Algorithm and lower-case hexadecimal digits. It wins over the tag. */
  readonly digest?: string;
}

/** Characters of the repository, as in the distribution project. */
export const REPOSITORY_CHARS_MAX = 255;
/** Characters of a registry: a DNS name and a port. */
const REGISTRY_CHARS_MAX = 253 + 6;
/** Characters of a whole reference: room for all the parts, and an end for the parser. */
const REFERENCE_CHARS_MAX = 1024;
/** Characters of a wrong part that a message shows. */
const SHOWN_CHARS_MAX = 100;

const LABEL = "[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?";
const REGISTRY = new RegExp(`^(?:${LABEL}(?:\\.${LABEL})*|\\[[0-9a-fA-F:]+\\])(?::[0-9]{1,5})?$`);
const PATH_PART = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/;
const TAG = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/;
const DIGEST_DIGITS: Readonly<Record<string, number>> = { sha256: 64, sha512: 128 };

/**
 * Takes a reference apart and fills in what Docker users leave out: `docker.io`, `library/`,
 * `:latest`.
 *
 * A registry's name in another script is turned into its ASCII form (IDNA, as the URL standard has
 * it). Throws an {@linkcode InvalidReference}.
 */
export function parseReference(text: string): Reference {
  const bad = (state: string): never => {
    throw new InvalidReference(`Cannot use image name "${shown(text)}": ${state}`);
  };
  if (text === "") bad("it is empty");
  if (text.length > REFERENCE_CHARS_MAX) bad(`it is longer than ${REFERENCE_CHARS_MAX} characters`);

  const [named, digest, ...rest] = text.split("@");
  if (rest.length > 0) bad(`it has more than one "@"`);
  if (digest !== undefined) checkDigest(digest, bad);
  const { name, tag } = splitTag(named!);
  if (tag !== undefined && !TAG.test(tag)) {
    bad(
      `tag "${
        shown(tag)
      }" must be 1–128 letters, digits, "_", "." or "-", not beginning with "." or "-"`,
    );
  }
  if (name === "") bad("it names no repository");
  if (/^[0-9a-f]{64}$/.test(name)) bad("64 hexadecimal digits are an id, not a name");

  const { registry: host, repository } = splitRegistry(name);
  const registry = toAscii(host);
  const url = URL.parse(`https://${registry}`);
  if (
    url === null || registry.length > REGISTRY_CHARS_MAX || !REGISTRY.test(registry) ||
    /[^.:]{64}/.test(registry)
  ) {
    return bad(`registry "${shown(registry)}" is not a host name with an optional port`);
  }
  if (!isPlain(registry, url)) {
    bad(
      `registry "${
        shown(registry)
      }" is another way to write the address ${url.hostname}; write that`,
    );
  }
  if (repository.length > REPOSITORY_CHARS_MAX) {
    bad(`its repository is longer than ${REPOSITORY_CHARS_MAX} characters`);
  }
  for (const part of repository.split("/")) {
    if (PATH_PART.test(part)) continue;
    bad(
      /[A-Z]/.test(part)
        ? `repository "${shown(repository)}" must be lower case`
        : `repository part "${
          shown(part)
        }" must be lower-case letters and digits, joined by ".", "_", "__" or "-"`,
    );
  }
  return {
    registry,
    repository,
    ...(tag !== undefined ? { tag } : digest === undefined ? { tag: "latest" } : {}),
    ...(digest === undefined ? {} : { digest }),
  };
}

/** True if `text` is `sha256:` or `sha512:` and the right number of lower-case digits. */
export function isDigest(text: string): boolean {
  const [algorithm = "", digits = "", ...rest] = text.split(":");
  return rest.length === 0 && Object.hasOwn(DIGEST_DIGITS, algorithm) &&
    digits.length === DIGEST_DIGITS[algorithm] && /^[0-9a-f]+$/.test(digits);
}

/** The one way to write this reference; `parseReference` gives the same parts back. */
export function formatReference(reference: Reference): string {
  const tag = reference.tag === undefined ? "" : `:${reference.tag}`;
  const digest = reference.digest === undefined ? "" : `@${reference.digest}`;
  return `${reference.registry}/${reference.repository}${tag}${digest}`;
}

/** What to ask the registry for: the digest, or else the tag. */
export function target(reference: Reference): string {
  return reference.digest ?? reference.tag ?? "latest";
}

function checkDigest(digest: string, bad: (state: string) => never): void {
  if (isDigest(digest)) return;
  const [algorithm = "", digits] = digest.split(":");
  if (digits === undefined || !Object.hasOwn(DIGEST_DIGITS, algorithm)) {
    bad(`digest "${shown(digest)}" must begin with sha256: or sha512:`);
  }
  bad(
    `digest "${shown(digest)}" must have ${DIGEST_DIGITS[algorithm]} lower-case hexadecimal digits`,
  );
}

/** The tag follows the last colon, unless a slash follows: then the colon belongs to a port. */
function splitTag(named: string): { name: string; tag?: string } {
  const colon = named.lastIndexOf(":");
  if (colon < 0 || named.indexOf("/", colon) >= 0) return { name: named };
  return { name: named.slice(0, colon), tag: named.slice(colon + 1) };
}

/** The first part is a registry only if it looks like a host: a dot, a port, or `localhost`. */
function splitRegistry(name: string): { registry: string; repository: string } {
  const slash = name.indexOf("/");
  const first = name.slice(0, Math.max(slash, 0));
  const isHost = slash >= 0 &&
    (/[.:]/.test(first) || first === "localhost" || /^[\x21-\x7e]*[A-Z][\x21-\x7e]*$/.test(first));
  const registry = isHost ? first : "docker.io";
  const repository = isHost ? name.slice(slash + 1) : name;
  if (registry !== "docker.io" && registry !== "index.docker.io") return { registry, repository };
  return {
    registry: "docker.io",
    repository: repository.includes("/") ? repository : `library/${repository}`,
  };
}

/** True if a URL leads to the host that is written: `0x7f.1` and `1.2` are addresses there, not names. */
function isPlain(registry: string, { hostname }: URL): boolean {
  // The forms of an IPv6 address are all to be seen as such.
  return registry.startsWith("[") || registry.replace(/:[0-9]+$/, "").toLowerCase() === hostname;
}

/** The beginning of it. What nobody can see is shown by its number, as the "\n" of a line's end. */
function shown(text: string): string {
  const start = text.length > SHOWN_CHARS_MAX ? `${text.slice(0, SHOWN_CHARS_MAX)}…` : text;
  return start.replace(
    /[^\p{L}\p{M}\p{N}\p{P}\p{S} ]/gu,
    (char) => `\\u{${char.codePointAt(0)!.toString(16)}}`,
  );
}

/** The form of a host name that DNS and certificates know. What is no name stays as it is. */
function toAscii(registry: string): string {
  if (!/^[\p{L}\p{M}\p{N}.-]+(?::[0-9]+)?$/u.test(registry) || /^[\x20-\x7e]*$/.test(registry)) {
    return registry;
  }
  const [, name = "", port = ""] = /^(.*?)(:[0-9]+)?$/.exec(registry)!;
  const ascii = URL.parse(`https://${name}`)?.hostname ?? registry;
  // Full-width digits would make an address out of what reads as a name.
  return /^[0-9.]*$/.test(ascii) ? registry : `${ascii}${port}`;
}
