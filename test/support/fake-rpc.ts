import { create, type DescMethod, type Message, type MessageInitShape, type MessageShape } from '@bufbuild/protobuf'
import { AgentKeyService } from '../../gen/proto/auth4agent/v1/agent_keys_pb.ts'
import { AgentMoveService } from '../../gen/proto/auth4agent/v1/agent_moves_pb.ts'
import { AuthnService } from '../../gen/proto/auth4agent/v1/authn_pb.ts'
import { DelegationService } from '../../gen/proto/auth4agent/v1/delegation_pb.ts'
import { IdentityService } from '../../gen/proto/auth4agent/v1/identity_pb.ts'
import { KeysService } from '../../gen/proto/auth4agent/v1/keys_pb.ts'
import { OAuthService } from '../../gen/proto/auth4agent/v1/oauth_pb.ts'
import { OperatorRegistryService } from '../../gen/proto/auth4agent/v1/operator_registry_pb.ts'
import { RevocationService } from '../../gen/proto/auth4agent/v1/revocation_pb.ts'
import { SignalService } from '../../gen/proto/auth4agent/v1/signals_pb.ts'
import type { Meta, Rpc } from '../../services/calls/rpc.ts'
import { refuseUnstorableText } from '../../services/calls/unstorable-text.ts'
import { toApiError } from '../../services/platform/errors/api-error.ts'

/** A call in the form in which the transport passed it to the Rpc. */
interface SeenCall {
  readonly method: DescMethod
  readonly request: Message
  readonly meta: Meta
}

/**
 * An Rpc whose answers a test sets. It records its calls. A method without an answer returns an empty message.
 */
export interface FakeRpc extends Rpc {
  readonly calls: SeenCall[]
  /** Requests that could not be read, and requests that name no method. */
  readonly refused: { readonly reason: string; readonly rpc: string; readonly source: string }[]
  answer<M extends DescMethod>(
    method: M,
    handler: (
      request: MessageShape<M['input']>,
      meta: Meta,
    ) => MessageInitShape<M['output']> | Promise<MessageInitShape<M['output']>>,
  ): void
  /** Sets the answer of a stream. A stream without an answer ends at once. */
  answerStream<M extends DescMethod>(
    method: M,
    handler: (request: MessageShape<M['input']>, signal: AbortSignal) => AsyncIterable<MessageInitShape<M['output']>>,
  ): void
  /** Returns the latest call. */
  last(): SeenCall
}

/** Creates an Rpc with all public methods. It checks the texts in requests as the real chain does. */
export function fakeRpc(): FakeRpc {
  const answers = new Map<DescMethod, (request: Message, meta: Meta) => unknown>()
  const streams = new Map<DescMethod, (request: Message, signal: AbortSignal) => AsyncIterable<unknown>>()
  const calls: SeenCall[] = []
  const refused: FakeRpc['refused'] = []
  const see = (method: DescMethod, read: () => Message, meta: Meta): Message => {
    const request = readWith(read, (reason) => refused.push({ reason, rpc: meta.rpc, source: meta.source }))
    calls.push({ method, request, meta })
    refuseUnstorableText(method.input, request)
    return request
  }
  return {
    services: [
      OperatorRegistryService,
      IdentityService,
      AgentKeyService,
      AgentMoveService,
      AuthnService,
      DelegationService,
      OAuthService,
      RevocationService,
      KeysService,
      SignalService,
    ],
    calls,
    refused,
    answer: (method, handler) => answers.set(method, handler as (request: Message, meta: Meta) => unknown),
    answerStream: (method, handler) =>
      streams.set(method, handler as (request: Message, signal: AbortSignal) => AsyncIterable<unknown>),
    last() {
      const call = calls.at(-1)
      if (call === undefined) throw new Error('A test must call a method before it reads the last call')
      return call
    },
    async invoke(method, read, meta) {
      const request = see(method, read, meta)
      const output = (await answers.get(method)?.(request, meta)) ?? {}
      return create(method.output, output as MessageInitShape<typeof method.output>)
    },
    async *subscribe(method, read, meta, signal) {
      const request = see(method, read, meta)
      for await (const output of streams.get(method)?.(request, signal) ?? []) {
        if (signal.aborted) return
        yield create(method.output, output as MessageInitShape<typeof method.output>)
      }
    },
    async refuse(error, { source }) {
      refused.push({ reason: error.reason, rpc: 'none', source })
      return error
    },
  }
}

function readWith(read: () => Message, onRefusal: (reason: string) => void): Message {
  try {
    return read()
  } catch (thrown) {
    onRefusal(toApiError(thrown).reason)
    throw thrown
  }
}
