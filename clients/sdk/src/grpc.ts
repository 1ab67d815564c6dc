import { type Names, refuseUnknownNames } from '@auth4agent/core/names/unknown-name'
import {
  type ChannelCredentials,
  credentials,
  type Deadline,
  InterceptingCall,
  type InterceptingListener,
  type Interceptor,
  Metadata,
  status,
} from '@grpc/grpc-js'
import type { Agent } from './agent.ts'
import type { AuthorizationHeaders } from './dpop.ts'
import { clientError } from './errors.ts'
import { isLocalTarget } from './secure-address.ts'
import { TERM_NAMES, type TokenTerms } from './terms.ts'

/** The terms of the token, and the address that a DPoP proof names. */
export interface GrpcOptions extends TokenTerms {
  /**
   * The public address of the API, as the API itself knows it. Only the proofs of a bound token contain it. By default
   * it is the address of the channel; for channels with TLS without the port, because grpc-js does not tell it.
   */
  readonly publicUrl?: string | undefined
}

const OPTION_NAMES: Names<GrpcOptions> = { ...TERM_NAMES, publicUrl: true }

type Tokens = Pick<Agent, 'authorization'>
type CallMetadataGenerator = Parameters<typeof credentials.createFromMetadataGenerator>[0]
type ServiceCall = Parameters<CallMetadataGenerator>[0]

const NOT_LOCAL = clientError(
  'INSECURE_ADDRESS',
  'localInterceptor only sends a token to this machine: use authorizedCredentials for other servers',
)

/**
 * Returns grpc-js channel credentials that add the agent's token to every call, on top of `channel` (TLS by default).
 * If the token is bound to a key, each call also has a new DPoP proof in the metadata `dpop`.
 *
 * Throws INSECURE_ADDRESS for insecure channel credentials. For a server on this machine, use
 * {@link localInterceptor}.
 *
 * @example
 *
 * ```ts
 * import { authorizedCredentials } from '@auth4agent/sdk/grpc'
 *
 * const client = new OrdersClient('api.example.com:443', authorizedCredentials(agent))
 * ```
 */
export function authorizedCredentials(
  agent: Tokens,
  channel: ChannelCredentials = credentials.createSsl(),
  options: GrpcOptions = {},
): ChannelCredentials {
  const { publicUrl, ...terms } = checked(options)
  const provide = async ({ service_url, method_name }: ServiceCall, done: Parameters<CallMetadataGenerator>[1]) => {
    const { origin, pathname } = new URL(service_url)
    const url = `${publicUrl ?? origin}${pathname}/${method_name.slice(method_name.lastIndexOf('/') + 1)}`
    const answer = await settled(agent.authorization('POST', url, terms))
    if ('error' in answer) done(answer.error)
    else done(null, withHeaders(new Metadata(), answer.headers))
  }
  const call = credentials.createFromMetadataGenerator((options_, done) => void provide(options_, done))
  try {
    return credentials.combineChannelCredentials(channel, call)
  } catch (cause) {
    throw clientError(
      'INSECURE_ADDRESS',
      'A token is only sent over TLS: use localInterceptor for a server on this machine',
      { cause },
    )
  }
}

/**
 * Returns a grpc-js interceptor that adds the agent's token to calls of a server on this machine, without TLS, and a
 * DPoP proof as {@link authorizedCredentials} does. Calls to any other server end with UNAUTHENTICATED and get no
 * token.
 *
 * @example
 *
 * ```ts
 * import { localInterceptor } from '@auth4agent/sdk/grpc'
 * import { credentials } from '@grpc/grpc-js'
 *
 * const interceptors = [localInterceptor(agent)]
 * const client = new OrdersClient('localhost:9000', credentials.createInsecure(), { interceptors })
 * ```
 */
export function localInterceptor(agent: Tokens, given: GrpcOptions = {}): Interceptor {
  const { publicUrl, ...terms } = checked(given)
  return (options, nextCall) => {
    const call = nextCall(options)
    const end = endBeforeStart(options.deadline)
    return new InterceptingCall(call, {
      async start(metadata, listener, next) {
        // The call is not connected yet, so its peer is the target of the channel, or the address of a proxy.
        const peer = call.getPeer()
        if (!isLocalTarget(peer)) return refuse(listener, status.UNAUTHENTICATED, NOT_LOCAL)
        const url = (publicUrl ?? localUrl(peer)) + options.method_definition.path
        const answer = await settled(agent.authorization('POST', url, { ...terms, signal: end.signal }))
        const code = end.code()
        if (code !== undefined) refuse(listener, code, new Error(status[code]))
        else if ('headers' in answer) next(withHeaders(metadata, answer.headers), listener)
        else refuse(listener, status.UNAUTHENTICATED, answer.error)
      },
      cancel(next) {
        end.cancel()
        next()
      },
    })
  }
}

/** The longest delay of a JavaScript timer, in milliseconds. */
const MAX_TIMER_MS = 2 ** 31 - 1

/**
 * Watches for a call that is cancelled, or whose deadline passes, before it has a token. grpc-js would report nothing,
 * and the call would never end.
 */
function endBeforeStart(deadline: Deadline = Number.POSITIVE_INFINITY) {
  const untilMs = Number(deadline)
  const cancelled = new AbortController()
  const leftMs = Math.max(0, untilMs - Date.now())
  const late = leftMs <= MAX_TIMER_MS ? [AbortSignal.timeout(leftMs)] : []
  return {
    signal: AbortSignal.any([cancelled.signal, ...late]),
    cancel: () => cancelled.abort(),
    code() {
      if (cancelled.signal.aborted) return status.CANCELLED
      return Date.now() >= untilMs || late.some(({ aborted }) => aborted) ? status.DEADLINE_EXCEEDED : undefined
    },
  }
}

function refuse(listener: InterceptingListener, code: status, { message }: Error): void {
  listener.onReceiveStatus({ code, details: message, metadata: new Metadata() })
}

/** Resolves with the headers or the error, so that the caller reports each outcome only once. */
async function settled(
  headers: Promise<AuthorizationHeaders>,
): Promise<{ readonly headers: AuthorizationHeaders } | { readonly error: Error }> {
  try {
    return { headers: await headers }
  } catch (error) {
    return { error: error instanceof Error ? error : new Error(String(error)) }
  }
}

function withHeaders(metadata: Metadata, headers: AuthorizationHeaders): Metadata {
  for (const [name, value] of Object.entries(headers)) metadata.set(name, value)
  return metadata
}

/** Throws TypeError for an unknown option, and for a base URL that is not a URL. */
function checked(options: GrpcOptions): GrpcOptions {
  refuseUnknownNames('option', options, OPTION_NAMES)
  const { publicUrl } = options
  if (publicUrl === undefined) return options
  if (!URL.canParse(publicUrl)) throw new TypeError(`publicUrl must be a URL, not ${JSON.stringify(publicUrl)}`)
  return { ...options, publicUrl: publicUrl.replace(/\/+$/, '') }
}

/** Returns the URL of a channel's target on this machine. */
function localUrl(peer: string): string {
  if (peer.startsWith('unix:')) return 'http://localhost'
  const [first = ''] = peer.replace(/^(?:dns|ipv4|ipv6):/, '').split(',')
  return `http://${first}`
}
