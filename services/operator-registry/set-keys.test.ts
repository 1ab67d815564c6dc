import { OPERATOR_ROLES } from '@auth4agent/core/identity/operator-roles'
import { verifyManifestChain } from '@auth4agent/core/identity/verify-manifest-chain'
import { timestampFromMs } from '@bufbuild/protobuf/wkt'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { OperatorKeyService } from '../../gen/proto/auth4agent/v1/operator_keys_pb.ts'
import { OperatorRegistryService } from '../../gen/proto/auth4agent/v1/operator_registry_pb.ts'
import { activeOperator, ISSUER, publish, twoInstances } from '../../test/support/operator-instance.ts'
import { ed25519Key, manifestBy, p256Key, signWith } from '../../test/support/operator-team.ts'
import { refusalOf } from '../../test/support/reason-of.ts'
import { ApiError } from '../platform/errors/api-error.ts'
import { MANIFESTS_A_DAY } from './store/set-keys.ts'

const { world, prisma, one, two, drop } = await twoInstances()
let id: string
let domain: string
let count = 0

const alice = ed25519Key('alice')
const bob = ed25519Key('bob')
const carol = ed25519Key('carol')
const pipeline = ed25519Key('pipeline')
const cloud = p256Key('cloud')
const { getOperatorPolicy, setOperatorPolicy, listAuditRecords, releaseDomain } = OperatorRegistryService.method

afterAll(drop)
beforeEach(async () => {
  count += 1
  domain = `acme-${count}.example.com`
  id = await activeOperator(world, one, domain, alice)
})

const row = () => prisma.operator.findUniqueOrThrow({ where: { id } })
const manifests = () => prisma.operatorManifest.findMany({ where: { operatorId: id }, orderBy: { seq: 'asc' } })
const audited = async () =>
  (await prisma.auditLog.findMany({ where: { operatorId: id }, orderBy: { id: 'asc' } })).map(
    ({ action, outcome, reason, kid, keyLabel }) => ({ action, outcome, reason, kid, keyLabel }),
  )

describe('getOperatorKeys', () => {
  it('returns the root key alone for an operator without a manifest', async () => {
    expect(await one.getKeys(id, alice)).toMatchObject({
      id,
      seq: 0,
      manifest: '',
      threshold: 1,
      rootKeys: [{ kid: alice.kid, label: '', roles: [], kty: 'OKP' }],
      keys: [],
    })
  })

  it('returns the manifest and its keys, to every key of the operator', async () => {
    const nbf = one.nowS() - 1
    const members = [{ key: cloud, roles: ['policy', 'keys'], nbf, exp: nbf + 100 }] as const
    await one.setKeys(alice, { operatorId: id, seq: 1, roots: [alice], members })
    const answer = await two.getKeys(id, cloud)
    expect(answer).toMatchObject({
      seq: 1,
      threshold: 1,
      rootKeys: [{ kid: alice.kid, label: 'alice', roles: [] }],
      keys: [
        {
          kid: cloud.kid,
          label: 'cloud',
          kty: 'EC',
          roles: ['policy', 'keys'],
          notBefore: timestampFromMs(nbf * 1000),
          expiresAt: timestampFromMs((nbf + 100) * 1000),
        },
      ],
    })
    expect(answer.manifest).toBe((await manifests())[0]?.manifest)
  })
})

describe('setOperatorKeys', () => {
  it('stores every manifest, raises the version and writes an audit record with the key', async () => {
    const before = await row()
    await one.setKeys(alice, { operatorId: id, seq: 1, roots: [alice] })
    await two.setKeys(alice, { operatorId: id, seq: 2, roots: [alice], members: [{ key: cloud, roles: ['keys'] }] })
    expect(await row()).toMatchObject({ manifestSeq: 2, version: before.version + 2, epoch: before.epoch })
    const stored = (await manifests()).map(({ manifest }) => manifest)
    const chain = { issuer: ISSUER, domain, operatorId: id, foundingPublicKey: alice.publicKey, manifests: stored }
    expect(verifyManifestChain(chain)).toMatchObject({ ok: true, inForce: { seq: 2, keys: [{ label: 'cloud' }] } })
    expect((await audited()).slice(-2)).toEqual([
      { action: 'operator.set-keys', outcome: 'done', reason: 'manifest 1', kid: alice.kid, keyLabel: '' },
      { action: 'operator.set-keys', outcome: 'done', reason: 'manifest 2', kid: alice.kid, keyLabel: 'alice' },
    ])
  })

  it('makes a removed key useless on every process when it returns', async () => {
    const members = [
      { key: pipeline, roles: ['policy'] },
      { key: cloud, roles: ['audit.read'] },
    ] as const
    await one.setKeys(alice, { operatorId: id, seq: 1, roots: [alice], members })
    for (const instance of [one, two]) {
      await instance.call(setOperatorPolicy, id, { id, policy: {} }, { by: pipeline })
      await instance.call(listAuditRecords, id, { id }, { by: cloud })
    }
    await two.setKeys(alice, { operatorId: id, seq: 2, roots: [alice], members: members.slice(0, 1) })
    for (const instance of [one, two]) {
      await instance.call(setOperatorPolicy, id, { id, policy: {} }, { by: pipeline })
      expect(await refusalOf(instance.call(listAuditRecords, id, { id }, { by: cloud }))).toBe('INVALID_ASSERTION')
    }
  })

  it('lets exactly one of two manifests with the same number win, on two processes', async () => {
    for (let seq = 1; seq <= 5; seq += 1) {
      const members = [[{ key: pipeline, roles: ['policy'] }] as const, [{ key: cloud, roles: ['keys'] }] as const]
      const [first, second] = members.map((members, at) =>
        refusalOf((at === 0 ? one : two).setKeys(alice, { operatorId: id, seq, roots: [alice], members })),
      )
      expect(new Set([await first, await second])).toEqual(new Set(['MANIFEST_CONFLICT', undefined]))
      expect(await manifests()).toHaveLength(seq)
    }
  })

  it('refuses a manifest that repeats or skips a number, also one that was in force before', async () => {
    const old = await manifestBy(alice, {
      operatorId: id,
      issuer: ISSUER,
      nowS: one.nowS(),
      seq: 1,
      roots: [alice],
      members: [{ key: pipeline, roles: ['policy'] }],
    })
    const set = (manifest: string) =>
      refusalOf(one.call(OperatorKeyService.method.setOperatorKeys, id, { id, manifest }, { by: alice }))
    expect(await set(old)).toBeUndefined()
    expect(await set(old)).toBe('MANIFEST_CONFLICT')
    expect(await refusalOf(one.setKeys(alice, { operatorId: id, seq: 2, roots: [alice] }))).toBeUndefined()
    expect(await set(old)).toBe('MANIFEST_CONFLICT')
    for (const seq of [1, 2, 4, 2_147_483_647]) {
      expect(await refusalOf(one.setKeys(alice, { operatorId: id, seq, roots: [alice] }))).toBe('MANIFEST_CONFLICT')
    }
    expect(await refusalOf(one.call(getOperatorPolicy, id, { id }, { by: pipeline }))).toBe('INVALID_ASSERTION')
  })

  it('refuses a manifest that is not signed by a root key in force, or is from the future, and changes nothing', async () => {
    const members = [{ key: pipeline, roles: OPERATOR_ROLES }] as const
    await one.setKeys(alice, { operatorId: id, seq: 1, roots: [alice], members })
    const team = { operatorId: id, issuer: ISSUER, nowS: one.nowS(), seq: 2, roots: [alice] }
    const good = await manifestBy(alice, team)
    const claims = JSON.parse(Buffer.from(good.split('.')[1] ?? '', 'base64url').toString()) as object
    const typ = 'auth4agent-operator-keys+jwt'
    const texts = [
      await manifestBy(bob, team),
      await manifestBy(pipeline, { ...team, roots: [alice] }),
      signWith(bob, { typ, kid: alice.kid }, claims),
      signWith(alice, { typ, kid: bob.kid }, claims),
      signWith(alice, { typ }, { ...claims, iat: one.nowS() + 3600 }),
      signWith(alice, { typ }, { ...claims, aud: 'https://other.example' }),
      `${good}A`,
      'x',
      '',
    ]
    for (const manifest of texts) {
      const refused = one.call(OperatorKeyService.method.setOperatorKeys, id, { id, manifest }, { by: alice })
      expect(await refusalOf(refused)).toBe('INVALID_MANIFEST')
    }
    expect(await row()).toMatchObject({ manifestSeq: 1 })
  })

  it("refuses another operator's manifest, and a call about another operator", async () => {
    const other = await activeOperator(world, one, `other-${count}.example.com`, bob)
    const manifest = await manifestBy(bob, {
      operatorId: other,
      issuer: ISSUER,
      nowS: one.nowS(),
      seq: 1,
      roots: [bob],
    })
    const { setOperatorKeys } = OperatorKeyService.method
    expect(await refusalOf(one.call(setOperatorKeys, id, { id, manifest }, { by: alice }))).toBe('INVALID_MANIFEST')
    const foreign = one.call(setOperatorKeys, other, { id, manifest }, { by: bob })
    expect(await refusalOf(foreign)).toBe('PERMISSION_DENIED')
    expect(await refusalOf(one.call(setOperatorKeys, other, { id: other, manifest }, { by: alice }))).toBe(
      'INVALID_ASSERTION',
    )
  })

  it("gives an operator no power over another operator's key that its manifest lists", async () => {
    const other = await activeOperator(world, one, `copied-${count}.example.com`, bob)
    await one.setKeys(alice, {
      operatorId: id,
      seq: 1,
      roots: [alice],
      members: [{ key: bob, roles: ['audit.read'] }],
    })
    expect(await refusalOf(one.call(listAuditRecords, other, { id: other }, { by: alice }))).toBe('INVALID_ASSERTION')
    expect(await refusalOf(one.call(listAuditRecords, other, { id: other }, { by: bob }))).toBeUndefined()
    expect(await refusalOf(one.call(listAuditRecords, id, { id }, { by: bob }))).toBeUndefined()
    const edits = { iss: other, sub: other }
    expect(await refusalOf(one.call(listAuditRecords, id, { id }, { by: bob, edits }))).toBe('PERMISSION_DENIED')
  })

  it('refuses an assertion without the digest of the body, also without a threshold', async () => {
    const edits = { body: undefined }
    const bare = one.setKeys(alice, { operatorId: id, seq: 1, roots: [alice] }, { edits })
    expect(await refusalOf(bare)).toBe('BODY_DIGEST_REQUIRED')
  })

  it.each(['pending', 'suspended', 'released', 'superseded'] as const)(
    'refuses an operator that is %s',
    async (status) => {
      await prisma.operator.update({ where: { id }, data: { status } })
      const reason = status === 'suspended' ? 'OPERATOR_SUSPENDED' : 'OPERATOR_NOT_ACTIVE'
      expect(await refusalOf(one.setKeys(alice, { operatorId: id, seq: 1, roots: [alice] }))).toBe(reason)
      expect(await manifests()).toEqual([])
    },
  )
})

const change = (roots = [bob]) => one.setKeys(alice, { operatorId: id, seq: 1, roots })

describe('a change of the root keys', () => {
  it('is refused while DNS names no new root key, and changes nothing', async () => {
    const before = await row()
    for (const records of [
      undefined,
      [],
      ['v=spf1 -all'],
      [`v=a4a1; iss=${ISSUER}; op=${id}`],
      [`v=a4a1; iss=${ISSUER}; op=${id}; rk=${alice.kid}`],
      [`v=a4a1; iss=${ISSUER}; op=${id}; rk=${carol.kid}`],
      [`v=a4a1; iss=${ISSUER}; op=aaaaaaaa-1111-8111-8111-111111111111; rk=${bob.kid}`],
      [`v=a4a1; iss=https://other.example; op=${id}; rk=${bob.kid}`],
    ]) {
      const name = `_auth4agents.${domain}`
      if (records === undefined) world.dns.delete(name)
      else world.dns.set(name, records)
      expect(await refusalOf(change())).toBe('ROOT_RECORD_MISMATCH')
    }
    expect(await row()).toEqual(before)
  })

  it('is refused while DNS has two records of this server', async () => {
    const [first, second] = [bob, alice].map(({ kid }) => `v=a4a1; iss=${ISSUER}; op=${id}; rk=${kid}`)
    world.dns.set(`_auth4agents.${domain}`, [first ?? '', second ?? ''])
    expect(await refusalOf(change())).toBe('DOMAIN_CONTESTED')
  })

  it('is done when DNS names a new root key; the old one is then useless, and the id stays', async () => {
    publish(world, domain, id, bob.kid)
    await change([bob, carol])
    expect(await row()).toMatchObject({ rootKeyThumbprint: bob.kid, frozenAt: null })
    const { foundingPublicKey, rootPublicKey } = await row()
    expect(Buffer.from(foundingPublicKey ?? [])).toEqual(Buffer.from(alice.publicKey))
    expect(Buffer.from(rootPublicKey)).toEqual(Buffer.from(bob.publicKey))
    expect(await refusalOf(two.getKeys(id, alice))).toBe('INVALID_ASSERTION')
    expect(await refusalOf(two.getKeys(id, carol))).toBeUndefined()
    publish(world, domain, id, carol.kid)
    await two.setKeys(bob, { operatorId: id, seq: 2, roots: [carol] })
    expect(Buffer.from((await row()).foundingPublicKey ?? [])).toEqual(Buffer.from(alice.publicKey))
    expect(await row()).toMatchObject({ rootKeyThumbprint: carol.kid })
  })

  it('that keeps the key in DNS needs no new record', async () => {
    await change([bob, alice])
    expect(await row()).toMatchObject({ rootKeyThumbprint: alice.kid, foundingPublicKey: null })
    expect(await refusalOf(two.getKeys(id, bob))).toBeUndefined()
  })

  it('with the key in DNS does not help a thief of the root key that does not control DNS', async () => {
    const thief = ed25519Key('thief')
    expect(await refusalOf(change([thief]))).toBe('ROOT_RECORD_MISMATCH')
    expect(await refusalOf(one.call(releaseDomain, id, { id }, { by: thief }))).toBe('INVALID_ASSERTION')
  })
})

const member = (n: number) => ({ key: ed25519Key(`member ${n}`), roles: ['policy'] as const })

/** Lets the operator have this many manifests that were put this many hours ago, all with the text of the last one. */
async function fill(count: number, hours = 0): Promise<void> {
  await prisma.$executeRaw`
    INSERT INTO operator_manifests
    SELECT operator_id, seq - n, manifest, false, now() - ${hours} * interval '1 hour'
    FROM operator_manifests, generate_series(1, ${count}) n WHERE operator_id = ${id}::uuid`
}

const setMembers = (seq: number, members: readonly ReturnType<typeof member>[], roots = [alice]) =>
  one.setKeys(alice, { operatorId: id, seq, roots, members })

/** Puts a manifest with two members, whose number leaves room for earlier ones. */
async function begin(): Promise<readonly ReturnType<typeof member>[]> {
  const members = [member(1), member(2)]
  await setMembers(1, members)
  return members
}

describe('the manifests of a day', () => {
  it('are at most 32: one more is refused with the time to wait, and stores nothing', async () => {
    const members = await begin()
    await fill(MANIFESTS_A_DAY.usual - 2)
    await setMembers(2, [...members, member(3)])
    const refused = setMembers(3, [...members, member(4)])
    await expect(refused).rejects.toMatchObject({
      reason: 'RATE_LIMITED',
      message: 'An operator may put 32 manifests into force in a day',
    })
    const error: unknown = await refused.catch((thrown: unknown) => thrown)
    const retryAfter = error instanceof ApiError ? error.retryAfter : undefined
    expect(retryAfter).toBeGreaterThan(86_000)
    expect(retryAfter).toBeLessThanOrEqual(86_400)
    expect((await row()).manifestSeq).toBe(2)
  })

  it('do not count those of the day before', async () => {
    const members = await begin()
    await fill(MANIFESTS_A_DAY.usual, 24)
    await setMembers(2, [...members, member(3)])
    expect((await row()).manifestSeq).toBe(2)
  })

  it('may always be followed by one that only removes keys, and by none that replaces a key', async () => {
    const [first, second] = await begin()
    if (first === undefined || second === undefined) throw new TypeError('There are two members')
    await fill(MANIFESTS_A_DAY.usual)
    expect(await refusalOf(setMembers(2, [first, member(3)]))).toBe('RATE_LIMITED')
    expect(await refusalOf(setMembers(2, [{ key: first.key, roles: ['keys'] as never }]))).toBe('RATE_LIMITED')
    await setMembers(2, [first])
    await setMembers(3, [])
    expect(await refusalOf(setMembers(4, []))).toBe('RATE_LIMITED')
    expect((await row()).manifestSeq).toBe(3)
  })

  it('are at most 64 for a frozen operator, so that a thief cannot use up those of the owner of the domain', async () => {
    const members = await begin()
    await fill(MANIFESTS_A_DAY.usual)
    await prisma.operator.update({ where: { id }, data: { frozenAt: new Date(one.nowS() * 1_000) } })
    await setMembers(2, [...members, member(3)])
    await prisma.operator.update({ where: { id }, data: { frozenAt: new Date(one.nowS() * 1_000) } })
    await prisma.$executeRaw`
      INSERT INTO operator_manifests SELECT operator_id, seq - n - 100, manifest, false, now()
      FROM operator_manifests, generate_series(1, ${MANIFESTS_A_DAY.frozen - MANIFESTS_A_DAY.usual}) n
      WHERE operator_id = ${id}::uuid AND seq = 2`
    expect(await refusalOf(setMembers(3, [...members, member(4)]))).toBe('RATE_LIMITED')
  })
})
