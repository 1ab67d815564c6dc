import { signAssertion } from '@auth4agent/core/identity/assertion'
import { bodyDigest } from '@auth4agent/core/identity/body-digest'
import type { KnownIssuer } from './known-issuer.ts'
import type { OwnSecrets } from './own-secrets.ts'

/**
 * Makes the Authorization header of one GET request at another deployment, as the operator that this deployment is
 * there.
 */
export type Authorize = (issuer: KnownIssuer, url: string) => Promise<string>

/** Creates the function that signs for this deployment. Each call gets an assertion of its own. */
export function createAuthorize(secrets: Pick<OwnSecrets, 'signer'>, now: () => number): Authorize {
  return async ({ id, issuer, actsAs }, url) => {
    const rpc = `GET ${new URL(url).pathname}`
    const content = { party: actsAs, issuer, nowS: now() / 1_000, rpc, body: bodyDigest('') }
    return `Bearer ${await signAssertion(await secrets.signer(id), content)}`
  }
}
