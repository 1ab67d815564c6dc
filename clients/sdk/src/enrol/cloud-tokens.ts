import type { EvidenceSource } from '../attestation/evidence-source.ts'
import { memberOf } from './ci-tokens.ts'
import { fetchToken } from './fetch-token.ts'
import { textEvidence } from './text-evidence.ts'

/** Options of {@link gcp}. */
export interface GcpOptions {
  /** The name of the attestor, by default `gcp`. */
  readonly attestor?: string | undefined
}

/** Options of {@link azure}. */
export interface AzureOptions {
  /** The application for which the token is: its id or URI. The attestor must expect it as the audience. */
  readonly resource: string
  /** The client id of the managed identity, if the machine has several. */
  readonly clientId?: string | undefined
  /** The name of the attestor, by default `azure`. */
  readonly attestor?: string | undefined
}

const GCP_IDENTITY = 'http://metadata.google.internal/computeMetadata/v1/instance/service-accounts/default/identity'
const AZURE_TOKEN = 'http://169.254.169.254/metadata/identity/oauth2/token'
const AZURE_VERSION = '2018-02-01'

/**
 * Gets the identity token of a machine of Google Cloud from its metadata server, with the claims about the machine.
 *
 * @example
 *
 * ```ts
 * import { gcp } from '@auth4agent/sdk/enrol'
 *
 * const agent = await createAgent({ server, operator, enrol: gcp() })
 * ```
 */
export function gcp({ attestor = 'gcp' }: GcpOptions = {}): EvidenceSource {
  return {
    attestor,
    async evidence({ audience, fetch, signal }) {
      const url = new URL(GCP_IDENTITY)
      url.searchParams.set('audience', audience)
      url.searchParams.set('format', 'full')
      return textEvidence(await fetchToken(fetch, url, { 'metadata-flavor': 'Google' }, signal), 'The identity token')
    },
  }
}

/**
 * Gets a token of the managed identity of an Azure machine. Azure gives tokens only for applications of its directory,
 * so the audience is fixed, and the level of the result is `bearer`.
 *
 * @example
 *
 * ```ts
 * import { azure } from '@auth4agent/sdk/enrol'
 *
 * const agent = await createAgent({ server, operator, enrol: azure({ resource: 'api://auth4agent' }) })
 * ```
 */
export function azure({ resource, clientId, attestor = 'azure' }: AzureOptions): EvidenceSource {
  return {
    attestor,
    async evidence({ fetch, signal }) {
      const url = new URL(AZURE_TOKEN)
      url.searchParams.set('api-version', AZURE_VERSION)
      url.searchParams.set('resource', resource)
      if (clientId !== undefined) url.searchParams.set('client_id', clientId)
      const answer = await fetchToken(fetch, url, { metadata: 'true' }, signal)
      return textEvidence(memberOf(answer, 'access_token'), 'The token')
    },
  }
}
