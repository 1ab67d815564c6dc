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
  'this interceptor sends a token to this machine alone: use authorizedCredentials',
)

/**
 * Credentials for a channel of grpc-js that add the agent's token to every call, over those that make it secure. Throws
 * INSECURE_ADDRESS for insecure ones: for a server on this machine there is {@link localInterceptor}.
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
    throw clientError('INSECURE_ADDRESS', 'a token is sent over TLS alone, or to this machine', { cause })
  }
}

/**
 * An interceptor of grpc-js that adds the agent's token to calls of a server on this machine, which needs no TLS. A channel to
 * anywhere else gets no token: its calls end with UNAUTHENTICATED.
 */
export function localInterceptor(agent: Tokens, terms: TokenTerms = {}): Interceptor {
  refuseUnknownNames('option', terms, TERM_NAMES)
  return (options, nextCall) => {
    const call = nextCall(options)
    const end = endBeforeStart(options.deadline)
    return new InterceptingCall(call, {
      async start(metadata, listener, next) {
        // Before it is connected, a call's peer is what its channel was made for, or the proxy in between.
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

/** The longest that a timer of JavaScript can be set to, in milliseconds. */
const MAX_TIMER_MS = 2 ** 31 - 1

/** Whether a call is over before it starts: grpc-js tells nobody of that, and such a call would never end. */
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

/** What became of a token, so that nothing which is told of it is told twice. */
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
