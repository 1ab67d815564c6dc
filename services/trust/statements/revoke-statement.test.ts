import { randomUUID } from 'node:crypto'
import type { EdgeKind } from '@auth4agent/core/trust/statement'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { operatorPrincipal } from '../../../test/support/principals.ts'
import {
  draftBetween,
  startTrustWorld,
  type TrustOperator,
  type TrustWorld,
} from '../../../test/support/trust/put-statements.ts'
import type { Call } from '../../calls/call.ts'
import { ApiError } from '../../platform/errors/api-error.ts'
import { revokeStatement } from './revoke-statement.ts'

let world: TrustWorld
let cargo: TrustOperator
let acme: TrustOperator
let number = 0

beforeAll(async () => {
  world = await startTrustWorld()
})
afterAll(() => world.drop())
beforeEach(async () => {
  number += 1
  cargo = await world.operator(`cargo${number}.test`)
  acme = await world.operator(`acme${number}.test`)
})

async function put(kind: Exclude<EdgeKind, 'chains-to'>): Promise<string> {
  const statement = await world.sign(cargo, draftBetween(cargo, acme, kind))
  const answer = await world.as(cargo.id).putTrustStatement({ id: cargo.id, statement })
  return answer.statement?.jti ?? ''
}

const approval = (jti: string) => ({ kid: cargo.kid, jti, expiresAt: world.clock.now / 1_000 + 60 })

/** A call of cargo. `asRoot` is what the chain demands of it. */
function callOf(asRoot: Call['asRoot']): Call {
  const assertion = { jti: randomUUID(), expiresAt: world.clock.now / 1_000 + 60 }
  return { requestId: 'request-1', principal: operatorPrincipal(cargo.id, assertion), ...(asRoot && { asRoot }) }
}

const byRoots = (manifestSeq = 0, jti: string = randomUUID()) => {
  const call = callOf(undefined)
  const { principal } = call
  if (principal.kind !== 'operator') throw new TypeError('The caller must be an operator')
  return { ...call, asRoot: () => ({ ...principal, root: { manifestSeq, approvals: [approval(jti)] } }) }
}
const refusing = (asked: string[] = []) =>
  callOf((purpose) => {
    asked.push(purpose)
    throw new ApiError('ROLE_REQUIRED')
  })
const revoke = (jti: string, call: Call, deps = world.deps) =>
  revokeStatement(deps, { id: cargo.id, jti, reason: '' }, call)
const endOf = async (jti: string) => (await world.db.prisma.trustStatement.findFirstOrThrow({ where: { jti } })).end

describe('RevokeTrustStatement', () => {
  it.each(['lets-call', 'accepts-members-of', 'member'] as const)(
    'ends a statement of the kind %s by a key with the role trust',
    async (kind) => {
      const asked: string[] = []
      const jti = await put(kind)
      await revoke(jti, refusing(asked))
      expect({ asked, end: await endOf(jti) }).toEqual({ asked: [], end: 'revoked' })
    },
  )

  it('demands a root operation to end a block, also again after it has ended', async () => {
    const asked: string[] = []
    const jti = await put('blocks')
    await expect(revoke(jti, refusing(asked))).rejects.toMatchObject({ reason: 'ROLE_REQUIRED' })
    expect({ asked, end: await endOf(jti) }).toEqual({ asked: ['to end a statement of the kind blocks'], end: null })
    await revoke(jti, byRoots())
    expect(await endOf(jti)).toBe('revoked')
    await expect(revoke(jti, refusing())).rejects.toMatchObject({ reason: 'ROLE_REQUIRED' })
  })

  it('demands it for every version of a block', async () => {
    const first = await put('blocks')
    const again = await world.sign(cargo, draftBetween(cargo, acme, 'blocks'), { version: 2 })
    await world.as(cargo.id).putTrustStatement({ id: cargo.id, statement: again })
    await expect(revoke(first, refusing())).rejects.toMatchObject({ reason: 'ROLE_REQUIRED' })
    expect(await world.db.prisma.trustStatement.count({ where: { signerId: cargo.id, endedAt: null } })).toBe(2)
  })

  it('uses up the approvals for the end of a block', async () => {
    const jti = await put('blocks')
    await revoke(jti, byRoots(0, 'approval-1'))
    await expect(revoke(jti, byRoots(0, 'approval-1'))).rejects.toMatchObject({ reason: 'INVALID_APPROVAL' })
  })

  it('ends no block of a caller without root keys, such as an agent', async () => {
    const jti = await put('blocks')
    await expect(revoke(jti, callOf(undefined))).rejects.toThrow('must have an operator as its author')
    expect(await endOf(jti)).toBe(null)
  })

  it.each(['lapsed', 'suspended'] as const)('ends no block of an operator that is %s', async (status) => {
    const jti = await put('blocks')
    await world.db.prisma.operator.update({ where: { id: cargo.id }, data: { status, version: { increment: 1 } } })
    await expect(revoke(jti, byRoots())).rejects.toMatchObject({ reason: 'OPERATOR_NOT_ACTIVE' })
    expect(await endOf(jti)).toBe(null)
  })

  it('ends no block by root keys of another manifest than the one in force', async () => {
    const jti = await put('blocks')
    await expect(revoke(jti, byRoots(1))).rejects.toMatchObject({ reason: 'UNAVAILABLE' })
    expect(await endOf(jti)).toBe(null)
  })

  it('ends no block if the operator changes after its keys were read', async () => {
    const jti = await put('blocks')
    const { operators } = world.deps
    const lookupOperator: typeof operators.lookupOperator = async (request) => {
      const answer = await operators.lookupOperator(request)
      await world.db.pool.query('UPDATE operators SET version = version + 1 WHERE id = $1', [cargo.id])
      return answer
    }
    const deps = { ...world.deps, operators: { ...operators, lookupOperator } }
    await expect(revoke(jti, byRoots(), deps)).rejects.toMatchObject({ reason: 'UNAVAILABLE' })
    expect(await endOf(jti)).toBe(null)
  })
})
