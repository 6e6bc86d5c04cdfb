/**
 * A credential provider for the agent: a real program, which notes what it was asked.
 *
 * @module
 */
import { join } from "node:path";
import { tempFolder } from "./temp_folder.ts";

/** What the agent asked, as `credentialprovider.kubelet.k8s.io/v1` has it. */
export interface CredentialRequest {
  readonly image: string;
  readonly serviceAccountToken: string;
  readonly serviceAccountAnnotations: Readonly<Record<string, string>>;
}

/** The annotation that a service account must have for the provider to be asked. */
export const USER_ANNOTATION = "example.com/registry-user";

/** A provider's files. */
export interface CredentialProvider extends AsyncDisposable {
  /** The agent's flags. */
  readonly args: readonly string[];
  /** Everything that it was asked so far. */
  requests(): Promise<readonly CredentialRequest[]>;
}

/**
 * Makes a provider for one registry. Service accounts whose annotation names `user` get that user's
 * password, and those that name another get a wrong one. An answer is good for the whole registry.
 */
export async function makeCredentialProvider(
  { host, user, password, audience }: {
    readonly host: string;
    readonly user: string;
    readonly password: string;
    readonly audience: string;
  },
): Promise<CredentialProvider> {
  const folder = await tempFolder();
  const binDir = join(folder.path, "bin");
  const asked = join(folder.path, "asked.log");
  const config = join(folder.path, "providers.json");
  await Deno.mkdir(binDir);
  await Deno.writeTextFile(asked, "");
  const answer = (password: string): string =>
    JSON.stringify({
      kind: "CredentialProviderResponse",
      apiVersion: "credentialprovider.kubelet.k8s.io/v1",
      cacheKeyType: "Registry",
      auth: { [host]: { username: user, password } },
    });
  await Deno.writeTextFile(
    join(binDir, "account-login"),
    `#!/bin/sh
request=$(cat)
printf '%s\\n' "$request" >> "$ASKED"
case $request in
*'"${USER_ANNOTATION}":"${user}"'*) printf '%s' '${answer(password)}' ;;
*) printf '%s' '${answer("wrong")}' ;;
esac
`,
    { mode: 0o700 },
  );
  const provider = {
    name: "account-login",
    apiVersion: "credentialprovider.kubelet.k8s.io/v1",
    matchImages: [host],
    defaultCacheDuration: "1h",
    env: [{ name: "ASKED", value: asked }],
    tokenAttributes: {
      serviceAccountTokenAudience: audience,
      cacheType: "ServiceAccount",
      requireServiceAccount: true,
      requiredServiceAccountAnnotationKeys: [USER_ANNOTATION],
    },
  };
  await Deno.writeTextFile(
    config,
    JSON.stringify({
      apiVersion: "kubelet.config.k8s.io/v1",
      kind: "CredentialProviderConfig",
      providers: [provider],
    }),
  );
  return {
    args: [
      ...["--image-credential-provider-config", config],
      ...["--image-credential-provider-bin-dir", binDir],
    ],
    requests: async () =>
      (await Deno.readTextFile(asked)).split("\n").filter((line) => line !== "")
        .map((line) => JSON.parse(line)),
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}
