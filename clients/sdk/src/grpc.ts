import { refuseUnknownNames } from '@auth4agent/core/names/unknown-name'
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
import { clientError } from './errors.ts'
import { isLocalTarget } from './secure-address.ts'
import { TERM_NAMES, type TokenTerms } from './terms.ts'

type Tokens = Pick<Agent, 'token'>
type CallMetadataGenerator = Parameters<typeof credentials.createFromMetadataGenerator>[0]

const NOT_LOCAL = clientError(
  'INSECURE_ADDRESS',
  'localInterceptor only sends a token to this machine: use authorizedCredentials for other servers',
)

/**
 * Returns grpc-js channel credentials that add the agent's token to every call, on top of `channel` (TLS by default).
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
  terms: TokenTerms = {},
): ChannelCredentials {
  refuseUnknownNames('option', terms, TERM_NAMES)
  const provide = async (done: Parameters<CallMetadataGenerator>[1]) => {
    const answer = await settled(agent.token(terms))
    if ('error' in answer) done(answer.error)
    else done(null, bearer(new Metadata(), answer.token))
  }
  const call = credentials.createFromMetadataGenerator((_options, done) => void provide(done))
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
 * Returns a grpc-js interceptor that adds the agent's token to calls of a server on this machine, without TLS. Calls
 * to any other server end with UNAUTHENTICATED and get no token.
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
export function localInterceptor(agent: Tokens, terms: TokenTerms = {}): Interceptor {
  refuseUnknownNames('option', terms, TERM_NAMES)
  return (options, nextCall) => {
    const call = nextCall(options)
    const end = endBeforeStart(options.deadline)
    return new InterceptingCall(call, {
      async start(metadata, listener, next) {
        // The call is not connected yet, so its peer is the target of the channel, or the address of a proxy.
        if (!isLocalTarget(call.getPeer())) return refuse(listener, status.UNAUTHENTICATED, NOT_LOCAL)
        const answer = await settled(agent.token({ ...terms, signal: end.signal }))
        const code = end.code()
        if (code !== undefined) refuse(listener, code, new Error(status[code]))
        else if ('token' in answer) next(bearer(metadata, answer.token), listener)
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

/** Resolves with the token or the error, so that the caller reports each outcome only once. */
async function settled(token: Promise<string>): Promise<{ readonly token: string } | { readonly error: Error }> {
  try {
    return { token: await token }
  } catch (error) {
    return { error: error instanceof Error ? error : new Error(String(error)) }
  }
}

function bearer(metadata: Metadata, token: string): Metadata {
  metadata.set('authorization', `Bearer ${token}`)
  return metadata
}
