import { create } from '@bufbuild/protobuf'
import { expect } from 'vitest'
import {
  AudienceRuleSchema,
  OperatorDirectoryService,
  OperatorSnapshotSchema,
} from '../../../gen/proto/auth4agent/internal/v1/directory_pb.ts'
import { ExplainTrustRequestSchema, ExplainTrustResponseSchema } from '../../../gen/proto/auth4agent/v1/trust_pb.ts'
import type { Principal } from '../../../services/calls/call.ts'
import { localClient } from '../../../services/platform/rpc/local-client.ts'
import { explainTrust } from '../../../services/trust/explain/explain-trust.ts'
import type { EndedRow, ExplainRows } from '../../../services/trust/explain/rows.ts'
import { CAUSE } from '../cause.ts'
import { adminPrincipal, operatorPrincipal } from '../principals.ts'
import { AUDIENCE, alpha, BETA, CARGO, gamma } from './foreign-parties.ts'
import { foreignWorld, type WorldOptions } from './foreign-world.ts'

/** An operator of this deployment besides cargo, which owns the audience. */
export const DOCK = 'c0000000-0000-8000-8000-000000000002'

/** What can differ in a question. */
export interface ExplainOptions extends WorldOptions {
  /** Ids of the public statements. */
  readonly public?: readonly string[]
  readonly ended?: readonly EndedRow[]
  /** Status of dock. */
  readonly dock?: string
  /** Callers in cargo's policy for the audience. Without it, the policy has no rule. */
  readonly callers?: readonly string[]
}

const ASSERTION = { jti: 'assertion-1', expiresAt: 2_000_000_000 }

/** Asks questions in a {@link foreignWorld}, without statements at first. */
export function explainWorld(given: ExplainOptions = {}) {
  const options = { rows: [], ...given }
  const world = foreignWorld(options)
  const deps = { ...world.deps, issuer: BETA, operators: operatorsOf(options), rows: rowsOf(options) }
  return {
    ...world,
    /** Asks whether acme may call cargo with the scope `read`, with changes; without `asker` as the administrator. */
    async explain(changes: Partial<Record<'from' | 'home' | 'to' | 'scope', string>> = {}, asker?: string) {
      const request = create(ExplainTrustRequestSchema, {
        from: 'acme.example',
        to: AUDIENCE,
        scope: 'read',
        ...changes,
      })
      return create(
        ExplainTrustResponseSchema,
        await explainTrust(deps, request, { ...CAUSE, principal: principalOf(asker) }),
      )
    },
  }
}

/** Explains one leg as lines: what is missing, then each cure. */
export async function linesOf(
  leg: string,
  options: ExplainOptions,
  changes: Parameters<ReturnType<typeof explainWorld>['explain']>[0] = {},
  asker?: string,
): Promise<string[]> {
  const answer = await explainWorld(options).explain(changes, asker)
  const { missing, cures } = answer.legs.find((each) => each.leg === leg) ?? expect.fail(`no leg ${leg}`)
  if (missing === undefined) return ['ok']
  const { kind, from, to, state } = missing
  return [`${from} ${kind} ${to}: ${state}`, ...cures.map(({ who, command }) => `${who}: ${command}`)]
}

function principalOf(asker: string | undefined): Principal {
  return asker === undefined ? adminPrincipal(ASSERTION) : operatorPrincipal(asker, ASSERTION)
}

function operatorsOf({ dock = 'active', callers }: ExplainOptions) {
  const rootPublicKey = new Uint8Array(32).fill(7)
  const operators = [
    create(OperatorSnapshotSchema, { id: CARGO, domain: 'cargo.example', status: 'active', rootPublicKey }),
    create(OperatorSnapshotSchema, { id: DOCK, domain: 'dock.example', status: dock, rootPublicKey }),
  ]
  const rules =
    callers === undefined
      ? []
      : [
          create(AudienceRuleSchema, {
            audience: AUDIENCE,
            callers: [...callers],
            callerEdges: callers.map((caller) => `edge of ${caller}`),
          }),
        ]
  return localClient(OperatorDirectoryService, {
    async lookupOperator({ by }) {
      const operator = operators.find(({ id, domain }) => (by.case === 'id' ? id : domain) === by.value)
      return operator === undefined ? {} : { operator }
    },
    async lookupAudienceOwner({ host }) {
      return host === 'api.cargo.example' ? { operatorId: CARGO, rules } : {}
    },
  })
}

function rowsOf({
  issuers = [alpha, gamma],
  rows = [],
  public: publicIds = [],
  ended = [],
}: ExplainOptions): ExplainRows {
  const all = issuers.flatMap(({ issuer, domains }) =>
    [...domains.values()].map(({ domain, operatorId }) => ({ home: issuer, domain, operatorId })),
  )
  return {
    position: async () => '3-8812',
    thumbprintOf: async () => 'k'.repeat(43),
    statements: async (ids, path) =>
      ids.map((id) => {
        const proof = path.includes(id) ? `JWS of ${id}` : ''
        return { id, jti: `jti of ${id}`, isPublic: publicIds.includes(id), proof }
      }),
    ended: async () => ended,
    places: async (text) => all.filter(({ domain, operatorId }) => domain === text || operatorId === text),
    async named(owner, text) {
      const about = rows.filter(
        ({ signerId, subject: { domain, operatorId } }) =>
          signerId === owner && (domain === text || operatorId === text),
      )
      return [...new Map(about.map(({ subject }) => [subject.home, subject])).values()]
    },
  }
}
