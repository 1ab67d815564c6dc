import { create, toBinary } from '@bufbuild/protobuf'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { OperatorKeyService } from '../../gen/proto/auth4agent/v1/operator_keys_pb.ts'
import {
  OperatorRegistryService,
  ReleaseDomainRequestSchema,
} from '../../gen/proto/auth4agent/v1/operator_registry_pb.ts'
import { activeOperator, ISSUER, publish, type Signing, twoInstances } from '../../test/support/operator-instance.ts'
import { approveBy, type ClaimEdits, ed25519Key, manifestBy, p256Key } from '../../test/support/operator-team.ts'
import { operatorPrincipal } from '../../test/support/principals.ts'
import { refusalOf } from '../../test/support/reason-of.ts'
import type { Author } from '../ledger/ledger.ts'
import { acceptManifest } from './domain/accept-manifest.ts'
import { readKeys } from './store/manifests.ts'
import { storeManifest } from './store/set-keys.ts'
import { releaseOperator } from './store/standing.ts'

const { world, prisma, one, two, drop } = await twoInstances()
let id: string
let count = 0

const alice = ed25519Key('alice')
const bob = ed25519Key('bob')
const carol = ed25519Key('carol')
const roots = [alice, bob, carol]
const stranger = ed25519Key('stranger')
const pipeline = ed25519Key('pipeline')
const cloud = p256Key('cloud')
const members = [
  { key: pipeline, roles: ['agents.manage', 'keys'] },
  { key: cloud, roles: ['policy'] },
] as const
const { releaseDomain } = OperatorRegistryService.method
const { setOperatorKeys } = OperatorKeyService.method

afterAll(drop)
/** An operator that needs two of its three root keys. */
beforeEach(async () => {
  count += 1
  id = await activeOperator(world, one, `team-${count}.example.com`, alice)
  await one.setKeys(alice, { operatorId: id, seq: 1, roots, threshold: 2, members })
})

const row = () => prisma.operator.findUniqueOrThrow({ where: { id } })
const release = (signing: Signing) => refusalOf(one.call(releaseDomain, id, { id, reason: 'sold' }, signing))
const RELEASE = () => one.signedFor(id, releaseDomain, create(ReleaseDomainRequestSchema, { id, reason: 'sold' }))

describe('a root operation that needs two of three root keys', () => {
  it('works with the assertion of one and the approval of another, whichever they are', async () => {
    for (const [seq, by, other] of [
      [2, alice, bob],
      [3, bob, carol],
      [4, carol, alice],
    ] as const) {
      await one.setKeys(by, { operatorId: id, seq, roots, threshold: 2, members }, { approvedBy: [other] })
    }
    expect(await release({ by: bob, approvedBy: [carol] })).toBeUndefined()
    expect(await row()).toMatchObject({ status: 'released', manifestSeq: 4 })
  })

  it('accepts more approvals than it needs', async () => {
    expect(await release({ by: alice, approvedBy: [bob, carol] })).toBeUndefined()
  })

  it('keeps the approvals with the request in the audit', async () => {
    const approval = approveBy(bob, RELEASE())
    expect(await release({ by: alice, approvals: [approval] })).toBeUndefined()
    const record = await prisma.auditLog.findFirstOrThrow({
      where: { operatorId: id, action: 'operator.release' },
    })
    const signed = await prisma.signedRequest.findUniqueOrThrow({
      where: { id: record.signedRequestId ?? '' },
    })
    expect(signed.signatures).toEqual([expect.stringMatching(/^[\w-]+\.[\w-]+\.[\w-]+$/), approval])
    expect(record).toMatchObject({ kid: alice.kid, keyLabel: 'alice' })
  })

  it('is refused without an approval, and says how many are needed', async () => {
    const alone = one.call(releaseDomain, id, { id, reason: 'sold' }, { by: alice })
    await expect(alone).rejects.toMatchObject({
      reason: 'APPROVALS_REQUIRED',
      message: '2 root keys must sign this request, but only 1 did: send approvals in the header auth4agent-approval',
    })
    expect(await row()).toMatchObject({ status: 'active' })
  })

  it('is refused if the assertion does not cover the body', async () => {
    expect(await release({ by: alice, approvedBy: [bob], edits: { body: undefined } })).toBe('BODY_DIGEST_REQUIRED')
  })

  it('is refused if an operational key signs the call, with any approvals', async () => {
    expect(await release({ by: pipeline, approvedBy: [alice, bob] })).toBe('ROLE_REQUIRED')
    expect(await release({ by: cloud, approvedBy: roots })).toBe('ROLE_REQUIRED')
  })

  it.each<[string, () => Signing]>([
    ['by the key that signs the call', () => ({ approvedBy: [alice] })],
    ['twice by one root key', () => ({ approvedBy: [bob, bob] })],
    ['by a stranger', () => ({ approvedBy: [stranger] })],
    ['by a stranger beside a good one', () => ({ approvedBy: [bob, stranger] })],
    ['by an operational key', () => ({ approvedBy: [pipeline] })],
    ['by an operational P-256 key', () => ({ approvedBy: [cloud] })],
    ['sent twice', () => ({ approvals: Array<string>(2).fill(approveBy(bob, RELEASE())) })],
    ['that is empty', () => ({ approvals: [''] })],
    ['that is empty beside a good one', () => ({ approvedBy: [bob], approvals: [''] })],
    ['that is no JWS', () => ({ approvals: ['x'] })],
    ['of more than 4096 bytes', () => ({ approvals: ['x'.repeat(4097)] })],
    ['among nine', () => ({ approvals: Array<string>(9).fill('x') })],
    [
      'under the kid of another root key',
      () => ({ approvals: [approveBy(stranger, RELEASE(), {}, { kid: bob.kid })] }),
    ],
    [
      'with the typ of an assertion',
      () => ({ approvals: [approveBy(bob, RELEASE(), {}, { typ: 'auth4agent-operator+jwt' })] }),
    ],
    ['with the alg none', () => ({ approvals: [approveBy(bob, RELEASE(), {}, { alg: 'none' })] })],
    ['for another method', () => edited({ rpc: 'auth4agent.v1.OperatorKeyService/SetOperatorKeys' })],
    ['without rpc', () => edited({ rpc: undefined })],
    ['for another body', () => edited({ body: 'ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0' })],
    ['without body', () => edited({ body: undefined })],
    ['for another operator', () => edited({ iss: stranger.kid, sub: stranger.kid })],
    ['with another sub', () => edited({ sub: 'admin' })],
    ['for another server', () => edited({ aud: 'https://other.example' })],
    ['without jti', () => edited({ jti: undefined })],
    ['with a jti of 65 characters', () => edited({ jti: 'x'.repeat(65) })],
    ['with a blank in jti', () => edited({ jti: 'a b' })],
    ['without exp', () => edited({ exp: undefined })],
    ['that has expired', () => edited({ iat: one.nowS() - 100, exp: one.nowS() - 10 })],
    ['from the future', () => edited({ iat: one.nowS() + 11 })],
    ['that is not valid yet', () => edited({ nbf: one.nowS() + 11 })],
    ['with a lifetime of more than 7 days', () => edited({ iat: one.nowS(), exp: one.nowS() + 604_801 })],
    ['with exp equal to iat', () => edited({ iat: one.nowS(), exp: one.nowS() })],
  ])('is refused with an approval %s, and changes nothing', async (_, signing) => {
    const refused = await release({ by: alice, ...signing() })
    expect(refused).toBe('INVALID_APPROVAL')
    expect(await row()).toMatchObject({ status: 'active' })
    // The assertion and the good approvals can still be used.
    expect(await prisma.usedAssertion.count({ where: { issuer: id, jti: { startsWith: 'approval' } } })).toBe(0)
  })

  it.each<[string, () => ClaimEdits]>([
    ['one second before it expires with the allowed skew', () => ({ iat: one.nowS() - 100, exp: one.nowS() - 9 })],
    ['as early as the allowed skew permits', () => ({ iat: one.nowS() + 10 })],
    ['with a lifetime of exactly 7 days', () => ({ iat: one.nowS(), exp: one.nowS() + 604_800 })],
  ])('accepts an approval %s', async (_, edits) => {
    expect(await release({ by: alice, ...edited(edits()) })).toBeUndefined()
  })

  it('accepts an approval for one change only, on every process', async () => {
    const next = await manifestBy(alice, {
      operatorId: id,
      issuer: ISSUER,
      nowS: one.nowS(),
      seq: 2,
      roots,
      threshold: 2,
    })
    const request = { id, manifest: next }
    const signed = one.signedFor(id, setOperatorKeys, create(setOperatorKeys.input, request))
    const approvals = [approveBy(bob, signed)]
    await one.call(setOperatorKeys, id, request, { by: alice, approvals })
    const again = two.call(setOperatorKeys, id, request, { by: alice, approvals })
    expect(await refusalOf(again)).toBe('MANIFEST_CONFLICT')
    const jti = JSON.parse(Buffer.from(approvals[0]?.split('.')[1] ?? '', 'base64url').toString()).jti as string
    expect(await release({ by: alice, ...edited({ jti }) })).toBe('INVALID_APPROVAL')
    expect(await release({ by: alice, ...edited({ jti }, carol) })).toBeUndefined()
  })

  it('lets one of two calls win that use one approval at the same time, on two processes', async () => {
    const approvals = [approveBy(bob, RELEASE())]
    const request = { id, reason: 'sold' }
    const outcomes = await Promise.all(
      [one, two].map((instance) => refusalOf(instance.call(releaseDomain, id, request, { by: alice, approvals }))),
    )
    expect(outcomes.filter((outcome) => outcome === undefined)).toHaveLength(1)
  })

  it('does not take the jti of an approval for that of an assertion, or the reverse', async () => {
    const jti = 'shared-jti'
    expect(await release({ by: alice, ...edited({ jti }), edits: { jti } })).toBeUndefined()
  })
})

/** An approval of the release by Bob, with other claims. */
function edited(edits: ClaimEdits, by = bob): Signing {
  return { approvals: [approveBy(by, RELEASE(), edits)] }
}

describe('the threshold', () => {
  it('of the manifest in force counts, not that of the new manifest', async () => {
    const lower = { operatorId: id, seq: 2, roots, threshold: 1 }
    expect(await refusalOf(one.setKeys(alice, lower))).toBe('APPROVALS_REQUIRED')
    expect(await refusalOf(one.setKeys(alice, lower, { approvedBy: [carol] }))).toBeUndefined()
    expect(await release({ by: alice })).toBeUndefined()
  })

  it('is not met by the signature of the manifest', async () => {
    const next = { operatorId: id, seq: 2, roots, threshold: 1 }
    expect(await refusalOf(one.setKeys(bob, next, { by: alice }))).toBe('APPROVALS_REQUIRED')
  })

  it('is not needed for other methods, which ignore approvals', async () => {
    const { endAllTokens } = OperatorRegistryService.method
    expect(await refusalOf(one.call(endAllTokens, id, { id }, { by: alice, approvals: ['x'] }))).toBeUndefined()
  })

  it('counts only keys that are still root keys', async () => {
    publish(world, `team-${count}.example.com`, id, alice.kid)
    const next = { operatorId: id, seq: 2, roots: [alice, bob], threshold: 2 }
    await one.setKeys(alice, next, { approvedBy: [carol] })
    expect(await release({ by: alice, approvedBy: [carol] })).toBe('INVALID_APPROVAL')
    expect(await release({ by: alice, approvedBy: [bob] })).toBeUndefined()
  })
})

/** Alice alone, as the pipeline has admitted her before the threshold became 2. */
const author = (): Author => ({
  requestId: 'request-1',
  principal: {
    ...operatorPrincipal(id, { jti: `late-${count}`, expiresAt: one.nowS() + 60 }),
    root: { manifestSeq: 0, approvals: [] },
  },
})
const context = () => ({ prisma: prisma, now: () => world.clock.now }) as never

describe('a root operation whose keys change while it is under way', () => {
  it('is refused, if it sets a manifest that follows the new one', async () => {
    const text = await manifestBy(alice, { operatorId: id, issuer: ISSUER, nowS: one.nowS(), seq: 2, roots: [alice] })
    const current = await readKeys(prisma, ISSUER, await row())
    const manifest = acceptManifest({ text, operatorId: id, issuer: ISSUER, current, nowS: one.nowS() })
    const stored = storeManifest(context(), author(), {
      text,
      manifest,
      changesRoot: true,
      onlyRemoves: false,
      named: undefined,
    })
    expect(await refusalOf(stored)).toBe('MANIFEST_CONFLICT')
  })

  it('is refused, if it releases the domain', async () => {
    expect(await refusalOf(releaseOperator(context(), author(), id, ''))).toBe('MANIFEST_CONFLICT')
    expect(await row()).toMatchObject({ status: 'active' })
  })
})

describe('an approval over another transport', () => {
  it('is for the bytes of that transport', async () => {
    const json = Buffer.from(JSON.stringify({ id, reason: 'sold' }))
    expect(
      toBinary(ReleaseDomainRequestSchema, create(ReleaseDomainRequestSchema, { id, reason: 'sold' })),
    ).not.toEqual(json)
    const approval = approveBy(bob, { ...RELEASE(), body: json })
    expect(await release({ by: alice, approvals: [approval] })).toBe('INVALID_APPROVAL')
  })
})
