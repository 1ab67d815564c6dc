import {
  type ChannelCredentials,
  credentials,
  InterceptingCall,
  type InterceptingListener,
  type Interceptor,
  Metadata,
  status,
} from '@grpc/grpc-js'
import type { Agent } from './agent.ts'
import { clientError } from './errors.ts'
import { isLocalTarget } from './secure-address.ts'
import type { TokenTerms } from './terms.ts'

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
  return (options, nextCall) => {
    const call = nextCall(options)
    return new InterceptingCall(call, {
      async start(metadata, listener, next) {
        // Before it is connected, a call's peer is what its channel was made for, or the proxy in between.
        const answer = isLocalTarget(call.getPeer()) ? await settled(agent.token(terms)) : { error: NOT_LOCAL }
        if ('token' in answer) next(bearer(metadata, answer.token), listener)
        else refuse(listener, answer.error)
      },
    })
  }
}

function refuse(listener: InterceptingListener, { message }: Error): void {
  listener.onReceiveStatus({ code: status.UNAUTHENTICATED, details: message, metadata: new Metadata() })
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
