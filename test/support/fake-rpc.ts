import { create, type DescMethod, type Message, type MessageInitShape, type MessageShape } from '@bufbuild/protobuf'
import { AuthnService } from '../../gen/proto/auth4agent/v1/authn_pb.ts'
import { IdentityService } from '../../gen/proto/auth4agent/v1/identity_pb.ts'
import { KeysService } from '../../gen/proto/auth4agent/v1/keys_pb.ts'
import { OperatorRegistryService } from '../../gen/proto/auth4agent/v1/operator_registry_pb.ts'
import { RevocationService } from '../../gen/proto/auth4agent/v1/revocation_pb.ts'
import type { Meta, Rpc } from '../../services/shared/rpc/rpc.ts'
import { refuseUnstorableText } from '../../services/shared/rpc/unstorable-text.ts'

/** A call as the transport handed it over. */
interface SeenCall {
  readonly method: DescMethod
  readonly request: Message
  readonly meta: Meta
}

/** An Rpc whose answers a test sets, and which keeps what it was asked. Methods without an answer answer an empty message. */
export interface FakeRpc extends Rpc {
  readonly calls: SeenCall[]
  answer<M extends DescMethod>(
    method: M,
    handler: (
      request: MessageShape<M['input']>,
      meta: Meta,
    ) => MessageInitShape<M['output']> | Promise<MessageInitShape<M['output']>>,
  ): void
  /** The latest call. */
  last(): SeenCall
}

/** All public services behind settable answers, with the check of text that the real chain makes. */
export function fakeRpc(): FakeRpc {
  const answers = new Map<DescMethod, (request: Message, meta: Meta) => unknown>()
  const calls: SeenCall[] = []
  return {
    services: [OperatorRegistryService, IdentityService, AuthnService, RevocationService, KeysService],
    calls,
    answer: (method, handler) => answers.set(method, handler as (request: Message, meta: Meta) => unknown),
    last() {
      const call = calls.at(-1)
      if (call === undefined) throw new Error('nothing was called')
      return call
    },
    async invoke(method, request, meta) {
      calls.push({ method, request, meta })
      refuseUnstorableText(method.input, request)
      const output = (await answers.get(method)?.(request, meta)) ?? {}
      return create(method.output, output as MessageInitShape<typeof method.output>)
    },
  }
}
