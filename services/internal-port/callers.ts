import type { DescMethod, DescService } from '@bufbuild/protobuf'
import { AgentDirectoryService, OperatorDirectoryService } from '../../gen/proto/auth4agent/internal/v1/directory_pb.ts'
import { methodName } from '../chain/method-name.ts'
import type { CalledService, ServiceName } from '../process/configuration/service-names.ts'

/** One line of the table: who may call an RPC between services, and whether a call may be sent twice. */
interface Line {
  readonly callers: readonly ServiceName[]
  readonly isIdempotent: boolean
}

/** A line for every method of a service; one missing does not compile. */
type Lines<S extends DescService> = { readonly [M in keyof S['method']]: Line }

/** What services ask each other: service, the process that answers it, lines. */
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
  entry(AgentDirectoryService, 'identity', {
    lookupAgent: { callers: ['authn'], isIdempotent: true },
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

/** Public RPCs come from the process that has them on its public ports. */
const FORWARDERS: readonly ServiceName[] = ['jwks-gateway']

/**
 * Who may call a method on the internal listener, by its full name: what the table says, and the gateway alone for the
 * public services.
 */
export function callersOf(name: string, isForwarded: boolean): readonly ServiceName[] {
  return isForwarded ? FORWARDERS : (LINES.get(name)?.callers ?? [])
}

/** The methods of a process that others may call again when it is not known whether they were answered. */
export function idempotentMethodsOf(owner: CalledService): readonly DescMethod[] {
  const services = TABLE.filter((entry) => entry.owner === owner).map(({ service }) => service)
  return services.flatMap(({ methods }) => methods).filter((method) => LINES.get(methodName(method))?.isIdempotent)
}
