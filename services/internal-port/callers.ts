import type { DescMethod, DescService } from '@bufbuild/protobuf'
import {
  AgentDirectoryService,
  KeyHistoryService,
  OperatorDirectoryService,
} from '../../gen/proto/auth4agent/internal/v1/directory_pb.ts'
import { methodName } from '../calls/method-name.ts'
import type { CalledService, ServiceName } from '../configuration/service-names.ts'

/** One line of the table: which processes may call an RPC, and whether a call may be sent again. */
interface Line {
  readonly callers: readonly ServiceName[]
  readonly isIdempotent: boolean
}

/** A line for every method of a service. A missing line is a compile error. */
type Lines<S extends DescService> = { readonly [M in keyof S['method']]: Line }

/** An internal service, the process that serves it, and its lines. */
interface Entry<S extends DescService = DescService> {
  readonly service: S
  readonly owner: CalledService
  readonly lines: Lines<S>
}

const entry = <S extends DescService>(service: S, owner: CalledService, lines: Lines<S>): Entry<S> => ({
  service,
  owner,
  lines,
})

const TABLE: readonly Entry[] = [
  entry(OperatorDirectoryService, 'operator-registry', {
    lookupOperator: { callers: ['identity', 'authn', 'revocation'], isIdempotent: true },
    lookupAudienceOwner: { callers: ['authn'], isIdempotent: true },
  }),
  entry(KeyHistoryService, 'operator-registry', {
    getKeyHistory: { callers: ['identity'], isIdempotent: true },
  }),
  entry(AgentDirectoryService, 'identity', {
    lookupAgent: { callers: ['authn'], isIdempotent: true },
    attestAgent: { callers: ['authn'], isIdempotent: false },
  }),
]

const LINES = new Map(
  TABLE.flatMap(({ service, lines }) =>
    service.methods.map((method) => {
      const line: Line | undefined = lines[method.localName]
      return [methodName(method), line] as const
    }),
  ),
)

/** The processes that may forward public RPCs: those with the public ports. */
const FORWARDERS: readonly ServiceName[] = ['jwks-gateway']

/**
 * Returns the processes that may call a method on the internal listener. `name` is the full name of the method. A
 * forwarded method of a public service may only be called by the gateway, any other method by those in the table.
 */
export function callersOf(name: string, isForwarded: boolean): readonly ServiceName[] {
  return isForwarded ? FORWARDERS : (LINES.get(name)?.callers ?? [])
}

/** Returns the methods of a process that a caller may call again if it got no answer to the first call. */
export function idempotentMethodsOf(owner: CalledService): readonly DescMethod[] {
  const services = TABLE.filter((entry) => entry.owner === owner).map(({ service }) => service)
  return services.flatMap(({ methods }) => methods).filter((method) => LINES.get(methodName(method))?.isIdempotent)
}
