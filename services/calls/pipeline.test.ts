import { create } from '@bufbuild/protobuf'
import { afterAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { GetAgentRequestSchema, IdentityService } from '../../gen/proto/auth4agent/v1/identity_pb.ts'
import { GetSessionRequestSchema, SignInService } from '../../gen/proto/auth4agent/v1/sign_in_pb.ts'
import { bearer } from '../../test/support/assertions.ts'
import { testDatabase } from '../../test/support/database.ts'
import { PARTIES, pipelineFixture, RPC } from '../../test/support/pipeline.ts'
import { refusalOf } from '../../test/support/reason-of.ts'
import { ApiError } from '../platform/errors/api-error.ts'
import type { Call } from './call.ts'
import type { CallerKind } from './policy.ts'

const database = await testDatabase()
const { db } = database
afterAll(() => database.drop())
// The audit is append-only, so each test reads only the entries since its start.
let seen = 0
const audit = async () => (await db.prisma.auditLog.findMany({ orderBy: { id: 'asc' } })).slice(seen)
beforeEach(async () => {
  seen = await db.prisma.auditLog.count()
})

const { own, foreign, admin } = PARTIES
const tokens = {
  'an anonymous caller': () => undefined,
  'the operator itself': () => bearer(own),
  'another operator': () => bearer(foreign),
  'the administrator': () => bearer(admin),
}

const refuse = async () => {
  throw new ApiError('AGENT_NOT_FOUND')
}
const unread = () => {
  throw new ApiError('INVALID_ARGUMENT', 'The JSON text ends inside an object')
}
const answerNothing = async () => ({})
const readSession = () => create(GetSessionRequestSchema)
const fail = async () => {
  throw new Error('the inner secret')
}

describe('createRpc', () => {
  const U = 'UNAUTHENTICATED'
  const D = 'PERMISSION_DENIED'
  const matrix: [CallerKind[], ...(string | undefined)[]][] = [
    [[], U, U, U, U],
    [['anyone'], undefined, undefined, undefined, undefined],
    [['operator'], U, undefined, D, D],
    [['admin'], U, D, D, undefined],
    [['operator', 'admin'], U, undefined, D, undefined],
    [['anyone', 'operator'], undefined, undefined, D, D],
    [['anyone', 'operator', 'admin'], undefined, undefined, D, undefined],
    [['browser'], U, D, D, D],
  ]
  const cells = matrix.flatMap(([callers, ...reasons]) =>
    (Object.keys(tokens) as (keyof typeof tokens)[]).map((who, index) => ({ callers, who, reason: reasons[index] })),
  )
  it.each(cells)(
    'answers a call by $who with $reason when the policy has the callers $callers',
    async ({ callers, who, reason }) => {
      const handler = vi.fn(async () => ({}))
      const { call } = pipelineFixture(db, { policy: { callers }, handler })
      expect(await refusalOf(call(tokens[who]()))).toBe(reason)
      expect(handler).toHaveBeenCalledTimes(reason === undefined ? 1 : 0)
    },
  )

  it('lets pages make the calls of browsers, and no other calls', async () => {
    const { call } = pipelineFixture(db, { policy: { callers: ['browser'] } })
    expect(await refusalOf(call(undefined, { isPage: true }))).toBeUndefined()
    const { call: callOpen } = pipelineFixture(db, { policy: { callers: ['anyone'] } })
    expect(await refusalOf(callOpen(undefined, { isPage: true }))).toBe(U)
  })

  it('does not offer the methods for browsers to ports, and answers them', async () => {
    const method = SignInService.method.getSession
    const { rpc, send } = pipelineFixture(db, { method, policy: { callers: ['browser'] }, handler: answerNothing })
    expect(rpc.services).toEqual([])
    expect(await refusalOf(send(readSession))).toBe(U)
    expect(await refusalOf(send(readSession, { isPage: true }))).toBeUndefined()
  })

  it('compares the id of the operator exactly', async () => {
    const { call } = pipelineFixture(db)
    for (const operatorId of ['', own.iss.toUpperCase(), `${own.iss} `]) {
      expect(await refusalOf(call(bearer(own), {}, { operatorId }))).toBe('PERMISSION_DENIED')
    }
  })

  it('refuses operators when `own` is missing', async () => {
    const { call } = pipelineFixture(db, { policy: { callers: ['operator'], own: undefined } as never })
    expect(await refusalOf(call(bearer(own), {}, { operatorId: undefined }))).toBe('PERMISSION_DENIED')
  })

  it('admits every operator when `own` is none', async () => {
    const { call } = pipelineFixture(db, { policy: { callers: ['operator'], own: 'none' } })
    expect(await refusalOf(call(bearer(foreign)))).toBeUndefined()
  })

  it('refuses a change whose assertion does not name it in rpc', async () => {
    const { call } = pipelineFixture(db, { policy: { action: 'agent.suspend' } })
    expect(await refusalOf(call(bearer(own)))).toBe('INVALID_ASSERTION')
    expect(await refusalOf(call(bearer(own, { claims: { rpc: 'POST /v1/y' } })))).toBe('INVALID_ASSERTION')
    expect(await refusalOf(call(bearer(own, { claims: { rpc: RPC } })))).toBeUndefined()
  })

  it('throws ROUTE_NOT_FOUND for a method without a route', async () => {
    const { rpc } = pipelineFixture(db)
    const meta = { requestId: '', source: '', authorization: undefined, rpc: '', body: undefined }
    const answer = rpc.invoke(IdentityService.method.getAgent, () => create(GetAgentRequestSchema), meta)
    expect(await refusalOf(answer)).toBe('ROUTE_NOT_FOUND')
    expect(rpc.services).toEqual([IdentityService])
  })

  it('passes the principal to the handler, and fills in default values in the answer', async () => {
    const calls: Call[] = []
    const { call } = pipelineFixture(db, { handler: async (_request, call) => (calls.push(call), { agentDid: 'x' }) })
    expect(await call(bearer(own))).toMatchObject({ $typeName: 'auth4agent.v1.SuspendAgentResponse', agentDid: 'x' })
    expect(calls).toMatchObject([{ requestId: 'request-1', principal: { operatorId: own.iss } }])
  })

  it('refuses text that the database cannot store before the handler runs', async () => {
    const handler = vi.fn(async () => ({}))
    const { call } = pipelineFixture(db, { handler })
    expect(await refusalOf(call(bearer(own), {}, { reason: 'a\0' }))).toBe('INVALID_ARGUMENT')
    expect(handler).not.toHaveBeenCalled()
  })
})

describe('refusals and faults of the pipeline', () => {
  it('audits the refusal of an operator under its id', async () => {
    const { call } = pipelineFixture(db, { policy: { action: 'agent.suspend' }, handler: refuse })
    expect(await refusalOf(call(bearer(own, { claims: { rpc: RPC } })))).toBe('AGENT_NOT_FOUND')
    expect(await audit()).toMatchObject([
      {
        operatorId: own.iss,
        actor: `operator:${own.iss}`,
        action: 'agent.suspend',
        subject: 'a-1',
        outcome: 'refused',
        reason: 'AGENT_NOT_FOUND',
        requestId: 'request-1',
      },
    ])
  })

  it("audits a refused call on another operator's object under the id of the caller, a read by its method", async () => {
    await refusalOf(pipelineFixture(db).call(bearer(foreign)))
    const action = 'IdentityService/SuspendAgent'
    expect(await audit()).toMatchObject([{ operatorId: foreign.iss, action, reason: 'PERMISSION_DENIED' }])
  })

  it('audits the refusal of the administrator without an operator id', async () => {
    await refusalOf(pipelineFixture(db).call(bearer(admin)))
    expect(await audit()).toMatchObject([{ operatorId: null, actor: 'admin', reason: 'PERMISSION_DENIED' }])
  })

  it('truncates the audited subject to 512 characters, also inside a surrogate pair', async () => {
    await refusalOf(pipelineFixture(db, { handler: refuse }).call(bearer(own), {}, { agent: `a${'😀'.repeat(400)}` }))
    const [record] = await audit()
    expect(record?.subject.length).toBe(512)
  })

  it.each([
    ['released', 1],
    ['superseded', 1],
    ['pending', 0],
  ])('writes, for the refusal of an operator that is %s, this number of audit records: %i', async (status, count) => {
    const { call } = pipelineFixture(db, { status })
    expect(await refusalOf(call(bearer(own)))).toBe('OPERATOR_NOT_ACTIVE')
    const records = await audit()
    expect(records).toHaveLength(count)
    for (const record of records) {
      expect(record).toMatchObject({ actor: `operator:${own.iss}`, outcome: 'refused', reason: 'OPERATOR_NOT_ACTIVE' })
    }
  })

  it('audits no refusal of a caller that is not authenticated', async () => {
    const anyone = pipelineFixture(db, { policy: { callers: ['anyone'] }, handler: refuse })
    expect(await refusalOf(anyone.call())).toBe('AGENT_NOT_FOUND')
    const { call } = pipelineFixture(db)
    for (const authorization of [undefined, 'nonsense', bearer({ ...own, pair: foreign.pair })]) {
      await refusalOf(call(authorization))
    }
    expect(await audit()).toEqual([])
  })

  it('logs a fault with its cause and does not show the cause to the caller', async () => {
    const { call, lines, observed } = pipelineFixture(db, { handler: fail })
    const error = await call(bearer(own)).then(
      () => undefined,
      (thrown: unknown) => thrown,
    )
    expect(error).toMatchObject({ reason: 'INTERNAL', message: 'The server failed' })
    expect(observed).toEqual(['INTERNAL'])
    const fault = lines.find(({ msg }) => msg === 'The server failed')
    expect(fault).toMatchObject({ requestId: 'request-1', error: { message: 'the inner secret' } })
    expect(await audit()).toEqual([])
  })

  it('returns a refusal that cannot be audited, and logs the failure', async () => {
    const create = vi.spyOn(db.prisma.auditLog, 'create').mockRejectedValueOnce(new Error('disk full'))
    const { call, lines } = pipelineFixture(db, { handler: refuse })
    expect(await refusalOf(call(bearer(own)))).toBe('AGENT_NOT_FOUND')
    expect(lines.find(({ msg }) => msg === 'a refusal could not be audited')).toMatchObject({
      error: { message: 'disk full' },
    })
    create.mockRestore()
  })

  it('logs every call with its reason and without the assertion', async () => {
    const { call, lines } = pipelineFixture(db)
    const authorization = bearer(own)
    await call(authorization)
    await refusalOf(call(bearer(foreign)))
    expect(lines).toMatchObject([
      { msg: 'call', rpc: 'IdentityService/SuspendAgent', reason: 'OK', source: '192.0.2.1', requestId: 'request-1' },
      { msg: 'call', reason: 'PERMISSION_DENIED' },
    ])
    expect(JSON.stringify(lines)).not.toContain(authorization.slice(-40))
  })
})

describe('a request that is refused before its handler', () => {
  const ONCE = { source: { perMinute: 6, burst: 1 } }

  it('is rate-limited, logged and counted when its message cannot be read', async () => {
    const handler = vi.fn(async () => ({}))
    const { send, lines, observed, labels } = pipelineFixture(db, { handler, rate: ONCE })
    expect(await refusalOf(send(unread))).toBe('INVALID_ARGUMENT')
    expect(await refusalOf(send(unread))).toBe('RATE_LIMITED')
    expect(lines).toMatchObject([
      { msg: 'call', rpc: 'IdentityService/SuspendAgent', reason: 'INVALID_ARGUMENT', source: '192.0.2.1' },
      { msg: 'call', reason: 'RATE_LIMITED' },
    ])
    expect(observed).toEqual(['INVALID_ARGUMENT', 'RATE_LIMITED'])
    expect(labels[0]).toBe('IdentityService/SuspendAgent')
    expect(handler).not.toHaveBeenCalled()
  })

  it('is not read when its source has made too many calls', async () => {
    const { call, send } = pipelineFixture(db, { rate: ONCE })
    await call(bearer(own))
    const read = vi.fn(unread)
    expect(await refusalOf(send(read))).toBe('RATE_LIMITED')
    expect(read).not.toHaveBeenCalled()
  })

  it('is rate-limited, and logged and counted as none/none, when it reaches no method', async () => {
    const { rpc, lines, observed, labels } = pipelineFixture(db, { rate: ONCE })
    const refuse = () => rpc.refuse(new ApiError('ROUTE_NOT_FOUND'), { requestId: 'r', source: '192.0.2.1' })
    expect(await refuse()).toMatchObject({ reason: 'ROUTE_NOT_FOUND' })
    expect(await refuse()).toMatchObject({ reason: 'RATE_LIMITED', retryAfter: 10 })
    expect(lines).toMatchObject([
      { msg: 'call', rpc: 'none/none', reason: 'ROUTE_NOT_FOUND', source: '192.0.2.1', requestId: 'r' },
      { msg: 'call', reason: 'RATE_LIMITED' },
    ])
    expect([observed, labels]).toEqual([
      ['ROUTE_NOT_FOUND', 'RATE_LIMITED'],
      ['none/none', 'none/none'],
    ])
  })

  it('shows a fault of the gateway only in the log', async () => {
    const { rpc, lines } = pipelineFixture(db)
    const fault = new ApiError('INTERNAL', undefined, { cause: new Error('the inner secret') })
    expect(await rpc.refuse(fault, { requestId: 'r', source: '' })).toMatchObject({ message: 'The server failed' })
    expect(lines[0]).toMatchObject({ requestId: 'r', error: { message: 'the inner secret' } })
  })
})
