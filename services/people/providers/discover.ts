import {
  allowInsecureRequests,
  type ClientAuth,
  ClientSecretBasic,
  ClientSecretPost,
  type Configuration,
  customFetch,
  discovery,
  enableNonRepudiationChecks,
} from 'openid-client'
import { ApiError } from '../../platform/errors/api-error.ts'
import type { Logger } from '../../platform/log/log.ts'
import type { Outbound } from '../../platform/outbound/outbound.ts'
import { OutboundError } from '../../platform/outbound/outbound-error.ts'
import { parseTarget } from '../../platform/outbound/parse-target.ts'
import { describeFailure } from '../describe-failure.ts'
import { judgeMetadata } from '../domain/judge-metadata.ts'
import type { NewProvider } from '../domain/read-new-provider.ts'
import { fetchThrough } from './fetch-through.ts'

const RETRY_AFTER_S = 5

/** Dependencies of discoverProvider. */
export interface DiscoverDeps {
  readonly outbound: Pick<Outbound, 'get' | 'post'>
  readonly testDomains: boolean
  readonly log: Pick<Logger, 'info'>
}

/** An identity provider, and how the server is its client. */
type Client = Pick<NewProvider, 'issuer' | 'clientId' | 'authMethod' | 'secret'> & { readonly operatorId: string }

/**
 * Reads the metadata of an identity provider (OpenID Connect Discovery 1.0 section 4), and checks that users can sign
 * in there.
 *
 * @returns the configuration of a client of the provider, which sends all its requests through Outbound
 * @throws ApiError INVALID_ISSUER, PROVIDER_UNAVAILABLE
 */
export async function discoverProvider(
  { outbound, testDomains, log }: DiscoverDeps,
  provider: Client,
): Promise<Configuration> {
  const { issuer } = provider
  const configuration = await fetchMetadata(outbound, provider).catch((error: unknown) => {
    log.info({ issuer, error }, 'the metadata of an identity provider could not be read')
    throw toApiError(error)
  })
  const metadata: object = configuration.serverMetadata()
  const problem = judgeMetadata(Object.fromEntries(Object.entries(metadata)), provider, (text) =>
    isTarget(text, testDomains),
  )
  if (problem !== undefined) throw refused(problem)
  return configuration
}

const CLIENT_AUTH: Readonly<Record<NewProvider['authMethod'], (secret?: string) => ClientAuth>> = {
  client_secret_basic: ClientSecretBasic,
  client_secret_post: ClientSecretPost,
}

function fetchMetadata(
  outbound: DiscoverDeps['outbound'],
  { operatorId, issuer, clientId, authMethod, secret }: Client,
): Promise<Configuration> {
  const url = new URL(issuer)
  // The address has been vetted: only a server with test domains accepts http, and only for names of this machine.
  const insecure = url.protocol === 'http:' ? [allowInsecureRequests] : []
  // Without the checks, the library trusts TLS and does not verify the signatures of ID tokens.
  const execute = [enableNonRepudiationChecks, ...insecure]
  const auth = CLIENT_AUTH[authMethod](secret)
  return discovery(url, clientId, undefined, auth, { [customFetch]: fetchThrough(outbound, operatorId), execute })
}

function isTarget(text: string, testDomains: boolean): boolean {
  try {
    parseTarget(text, testDomains)
    return true
  } catch (error) {
    if (error instanceof OutboundError) return false
    throw error
  }
}

/** Callers learn only why, because a message can name an address of the own network. */
function toApiError(error: unknown): ApiError {
  // openid-client wraps what its requests throw.
  const cause = error instanceof Error && !(error instanceof OutboundError) ? error.cause : error
  if (!(cause instanceof OutboundError)) return refused('must be JSON as OpenID Connect Discovery 1.0 describes it')
  const { why, isLasting } = describeFailure(cause)
  if (isLasting) return refused(`cannot be fetched: ${why}`)
  const detail = `The metadata of the issuer cannot be fetched now: ${why}`
  return new ApiError('PROVIDER_UNAVAILABLE', detail, { isFault: false, retryAfter: RETRY_AFTER_S })
}

function refused(problem: string): ApiError {
  return new ApiError('INVALID_ISSUER', `The metadata of the issuer ${problem}`)
}
