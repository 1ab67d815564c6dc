import { randomUUID } from 'node:crypto'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { signOperatorManifest } from '../../clients/sdk/src/sign-operator-manifest.ts'
import { OperatorKeyService } from '../../gen/proto/auth4agent/v1/operator_keys_pb.ts'
import { activeOperator, ISSUER, publish, twoInstances } from '../../test/support/operator-instance.ts'
import { ed25519Key, p256Key, type RootTeamKey, signWith } from '../../test/support/operator-team.ts'
import { type SoftPasskey, softPasskey } from '../../test/support/passkeys.ts'
import { refusalOf } from '../../test/support/reason-of.ts'

const { world, prisma, one, two, drop } = await twoInstances()
const { submitKeyRequest, listKeyRequests, dropKeyRequest, setOperatorKeys } = OperatorKeyService.method
const DAY_MS = 86_400_000
const TERMS = { label: 'laptop', roles: ['audit.read'], person: 'Alice' }

const alice = ed25519Key('alice')
const carol = ed25519Key('carol')
const clerk = p256Key('clerk')
let id: string
let domain: string
let count = 0

afterAll(drop)
beforeEach(async () => {
  count += 1
  domain = `passkeys-${count}.example.com`
  id = await activeOperator(world, one, domain, alice)
})

interface Invited {
  readonly invitation: string
  /** Returns the request of a passkey that answers the invitation. */
  answer(passkey: SoftPasskey): string
}

function invite(by: RootTeamKey = alice): Invited {
  const iat = one.nowS()
  const jti = randomUUID()
  const party = { iss: id, sub: id, aud: ISSUER, iat }
  return {
    invitation: signWith(by, { typ: 'auth4agent-key-invitation+jwt' }, { ...party, exp: iat + 3_600, jti, ...TERMS }),
    answer(passkey) {
      const { jwk, webauthn } = passkey
      const binding = { rp_id: webauthn.rpId, credential_id: webauthn.credentialId }
      const claims = { ...party, ...TERMS, root: false, jwk, webauthn: binding, nonce: jti }
      return passkey.signJws('auth4agent-key-request+jwt', claims)
    },
  }
}

const submit = (instance: typeof one, { invitation }: Invited, request: string) =>
  instance.call(submitKeyRequest, id, { invitation, request })
const waiting = async (instance = one) =>
  (await instance.call(listKeyRequests, id, { id }, { by: alice })).requests.map(({ kid }) => kid)
const audited = async () =>
  (await prisma.auditLog.findMany({ where: { operatorId: id, action: { startsWith: 'key-request.' } } }))
    .toSorted((a, b) => (a.id < b.id ? -1 : 1))
    .map(({ action, subject, actor, outcome }) => ({ action, subject, actor, outcome }))

describe('submitKeyRequest', () => {
  it('keeps the request until a root key adds the passkey, and audits it', async () => {
    const passkey = softPasskey(ISSUER)
    const invited = invite()
    const answer = await submit(one, invited, invited.answer(passkey))
    expect(answer).toMatchObject({ id, kid: passkey.kid })
    expect(await waiting(two)).toEqual([passkey.kid])
    expect(await audited()).toEqual([
      { action: 'key-request.put', subject: passkey.kid, actor: 'anonymous', outcome: 'done' },
    ])
    const nowS = one.nowS()
    const key = { jwk: passkey.jwk, label: 'laptop', roles: ['audit.read'] as const, webauthn: passkey.webauthn }
    const manifest = await signedManifest([{ ...key, nbf: nowS - 1, exp: nowS + 60 }])
    await one.call(setOperatorKeys, id, { id, manifest }, { by: alice })
    expect(await waiting()).toEqual([])
  })

  it('lets one of 20 passkeys use an invitation, sent to two processes at once', async () => {
    const invited = invite()
    const passkeys = Array.from({ length: 20 }, () => softPasskey(ISSUER))
    const outcomes = await Promise.allSettled(
      passkeys.map((passkey, at) => submit(at % 2 === 0 ? one : two, invited, invited.answer(passkey))),
    )
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    const refusals = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason.reason] : []))
    expect(new Set(refusals)).toEqual(new Set(['INVALID_INVITATION']))
    expect(await waiting()).toHaveLength(1)
    expect(await audited()).toHaveLength(1)
  })

  it('gives the same answer to the same request again, and no second audit record', async () => {
    const invited = invite()
    const request = invited.answer(softPasskey(ISSUER))
    const first = await submit(one, invited, request)
    world.clock.now += 5_000
    expect(await submit(two, invited, request)).toEqual(first)
    expect(await audited()).toHaveLength(1)
  })

  it('refuses an invitation after its root key was removed, although the request fits', async () => {
    const both = [alice, carol]
    await one.setKeys(alice, { operatorId: id, seq: 1, roots: both })
    const invited = invite(carol)
    await submit(one, invited, invited.answer(softPasskey(ISSUER)))
    const later = invite(carol)
    publish(world, domain, id, alice.kid)
    await one.setKeys(alice, { operatorId: id, seq: 2, roots: [alice] })
    expect(await refusalOf(submit(two, later, later.answer(softPasskey(ISSUER))))).toBe('INVALID_INVITATION')
  })

  it('refuses an invitation by an operational key', async () => {
    const bob = ed25519Key('bob')
    await one.setKeys(alice, { operatorId: id, seq: 1, roots: [alice], members: [{ key: bob, roles: ['people'] }] })
    const invited = invite(bob)
    expect(await refusalOf(submit(one, invited, invited.answer(softPasskey(ISSUER))))).toBe('INVALID_INVITATION')
  })

  it('refuses an invitation from the second in which it expires', async () => {
    const invited = invite()
    const request = invited.answer(softPasskey(ISSUER))
    world.clock.now = (Math.floor(world.clock.now / 1000) + 3_600) * 1000
    expect(await refusalOf(submit(one, invited, request))).toBe('INVALID_INVITATION')
  })

  it('keeps 32 requests, refuses the next one without using its invitation, and takes it after one is dropped', async () => {
    for (let at = 0; at < 32; at += 1) {
      const invited = invite()
      await submit(one, invited, invited.answer(softPasskey(ISSUER)))
    }
    const last = invite()
    const request = last.answer(softPasskey(ISSUER))
    expect(await refusalOf(submit(one, last, request))).toBe('RATE_LIMITED')
    const [kid = ''] = await waiting()
    await one.call(dropKeyRequest, id, { id, kid }, { by: alice })
    await submit(two, last, request)
    expect(await waiting()).toHaveLength(32)
  })

  it('shows a request for 24 hours, and the schedule then removes its row', async () => {
    const invited = invite()
    await submit(one, invited, invited.answer(softPasskey(ISSUER)))
    world.clock.now += DAY_MS - 1
    expect(await waiting()).toHaveLength(1)
    world.clock.now += 1
    expect(await waiting()).toEqual([])
    expect(await prisma.keyRequest.count({ where: { operatorId: id } })).toBe(1)
    await one.registry.runSchedule()
    expect(await prisma.keyRequest.count({ where: { operatorId: id } })).toBe(0)
  })
})

describe('dropKeyRequest', () => {
  it('removes the request, and its invitation stays used', async () => {
    const passkey = softPasskey(ISSUER)
    const invited = invite()
    const request = invited.answer(passkey)
    await submit(one, invited, request)
    await two.call(dropKeyRequest, id, { id, kid: passkey.kid }, { by: alice })
    expect(await waiting()).toEqual([])
    expect(await refusalOf(submit(one, invited, request))).toBe('INVALID_INVITATION')
    expect((await audited()).map(({ action }) => action)).toEqual(['key-request.put', 'key-request.drop'])
  })

  it('needs the role people', async () => {
    const members = [{ key: clerk, roles: ['policy', 'keys', 'agents.manage'] }] as const
    await one.setKeys(alice, { operatorId: id, seq: 1, roots: [alice], members })
    const call = one.call(dropKeyRequest, id, { id, kid: 'x' }, { by: clerk })
    expect(await refusalOf(call)).toBe('ROLE_REQUIRED')
  })
})

async function signedManifest(keys: Parameters<typeof signOperatorManifest>[1]['keys']): Promise<string> {
  return signOperatorManifest(
    { publicKey: alice.publicKey, sign: async (message) => alice.sign(message) },
    {
      operatorId: id,
      issuer: ISSUER,
      nowS: one.nowS(),
      seq: 1,
      threshold: 1,
      rootKeys: [{ jwk: alice.jwk, label: 'alice' }],
      keys,
    },
  )
}
