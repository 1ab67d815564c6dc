import type { NewProvider } from './read-new-provider.ts'

/** The metadata of a provider, of which nothing is known yet (OpenID Connect Discovery 1.0 section 3). */
export type Metadata = Readonly<Record<string, unknown>>

/** Names of the endpoints that a sign-in needs. */
const ENDPOINTS = ['authorization_endpoint', 'token_endpoint', 'jwks_uri'] as const

/**
 * Decides whether users can sign in at a provider with this metadata. `isAddress` tells whether the server may send
 * requests to an address.
 *
 * @returns what is wrong, or undefined
 */
export function judgeMetadata(
  metadata: Metadata,
  { issuer, authMethod }: Pick<NewProvider, 'issuer' | 'authMethod'>,
  isAddress: (text: string) => boolean,
): string | undefined {
  const bad = ENDPOINTS.find((name) => !isEndpoint(metadata[name], isAddress))
  const rules: readonly (readonly [isBroken: boolean, what: string])[] = [
    // Byte for byte: no template, and no other spelling.
    [metadata['issuer'] !== issuer, 'must name exactly the same issuer'],
    [bad !== undefined, `must have ${bad}, an https URL that the server may ask`],
    [!lists(metadata['response_types_supported'], 'code', ['code']), 'must offer the response type code'],
    [!lists(metadata['response_modes_supported'], 'query', ['query']), 'must offer the response mode query'],
    // A provider that lists no methods may still know S256.
    [!lists(metadata['code_challenge_methods_supported'], 'S256', ['S256']), 'must offer PKCE with S256'],
    [
      !lists(metadata['token_endpoint_auth_methods_supported'], authMethod, ['client_secret_basic']),
      `must offer ${authMethod} at its token endpoint`,
    ],
  ]
  return rules.find(([isBroken]) => isBroken)?.[1]
}

/** Tells whether a list of the metadata has a value. A list that is absent means `usual`. */
function lists(list: unknown, value: string, usual: readonly string[]): boolean {
  const known: readonly unknown[] | undefined = list === undefined ? usual : Array.isArray(list) ? list : undefined
  return known?.includes(value) === true
}

function isEndpoint(value: unknown, isAddress: (text: string) => boolean): boolean {
  return typeof value === 'string' && isAddress(value)
}
