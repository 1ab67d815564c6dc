import { afterAll, beforeEach, expect, it } from 'vitest'
import { testDatabase } from '../../test/support/database.ts'
import { eventually } from '../../test/support/eventually.ts'
import { refusalOf } from '../../test/support/reason-of.ts'
import { headerOf } from '../../test/support/signing-keys.ts'
import { claimsOf } from '../../test/support/tokens.ts'
import { INTROSPECTION, type KeyKind, tokenKind } from './domain/key-kinds.ts'
import { createJwtSigner } from './jwt-signer.ts'
import { createKeyVault, WrongKeyError } from './key-vault.ts'
import { createSealedKeys } from './sealed-keys.ts'

const database = await testDatabase()
const { prisma } = database.db
const sealed = createSealedKeys(createKeyVault(new Uint8Array(32).fill(7)))
const TOKENS = { purpose: 'access_token', type: 'at+jwt' } as const
const ANSWERS = { purpose: 'introspection', type: 'token-introspection+jwt' } as const
const claims = claimsOf({ did: 'did:agent:a.example:21fe31dfa154a261626bf854046fd227', operatorId: 'o' })

afterAll(() => database.drop())
beforeEach(async () => {
  await prisma.jwksKey.deleteMany()
})

async function insert(state: 'prepared' | 'active' | 'retiring', kind: KeyKind = tokenKind('EdDSA')) {
  const { publicJwk, stored, ...key } = await sealed.generate(kind)
  await prisma.jwksKey.create({ data: { ...key, state, publicJwk: { ...publicJwk }, ...stored } })
  return key.kid
}

/** A signer of tokens that records which keys it opens. When `trouble.error` is set, opening a key fails with it. */
function signer() {
  const opened: string[] = []
  const trouble: { error?: Error } = {}
  const made = createJwtSigner(TOKENS, prisma, {
    async open(row) {
      opened.push(row.kid)
      if (trouble.error !== undefined) throw trouble.error
      return sealed.open(row)
    },
  })
  const sign = (kid: string) => made.sign(kid, claims)
  return { sign, refresh: () => made.refresh(), opened, trouble }
}

it('refresh opens active and prepared keys once, and drops all others', async () => {
  const [prepared, active, retiring] = [await insert('prepared'), await insert('active'), await insert('retiring')]
  const { refresh, sign, opened } = signer()
  await refresh()
  await refresh()
  expect(opened.toSorted()).toEqual([prepared, active].toSorted())
  await sign(active)
  expect(opened).toHaveLength(2)
  // A challenge may have been redeemed while this key was still active, so `sign` still opens the key.
  await sign(retiring)
  expect(opened.at(-1)).toBe(retiring)
  await refresh()
  await sign(retiring)
  expect(opened.filter((kid) => kid === retiring)).toHaveLength(2)
})

it('sign throws UNAVAILABLE when the key cannot be opened, and tries again at the next call', async () => {
  const kid = await insert('active')
  const { sign, trouble } = signer()
  trouble.error = new Error('the token is away')
  expect(await refusalOf(sign(kid))).toBe('UNAVAILABLE')
  delete trouble.error
  expect((await sign(kid)).split('.')).toHaveLength(3)
  expect(await refusalOf(sign('unknown'))).toBe('UNAVAILABLE')
})

it('sign refuses a key of another purpose, and refresh does not open it', async () => {
  const [token, answer] = [await insert('active'), await insert('active', INTROSPECTION)]
  const { sign, refresh, opened } = signer()
  await refresh()
  expect(opened).toEqual([token])
  expect(await refusalOf(sign(answer))).toBe('UNAVAILABLE')
  const answers = createJwtSigner(ANSWERS, prisma, sealed)
  await answers.refresh()
  expect(await refusalOf(answers.sign(token, {}))).toBe('UNAVAILABLE')
})

it('sign names in the typ what the key signs', async () => {
  const [token, answer] = [await insert('active'), await insert('active', INTROSPECTION)]
  expect(headerOf(await signer().sign(token))).toEqual({ alg: 'EdDSA', typ: 'at+jwt', kid: token })
  const answers = createJwtSigner(ANSWERS, prisma, sealed)
  const header = { alg: 'EdDSA', typ: 'token-introspection+jwt', kid: answer }
  expect(headerOf(await answers.sign(answer, {}))).toEqual(header)
})

it('refresh names the key that cannot be opened, after it has tried all others', async () => {
  const [one, other] = [await insert('prepared'), await insert('active')]
  const { refresh, opened, trouble } = signer()
  trouble.error = new Error('the token has no such object')
  await expect(refresh()).rejects.toThrow(/^Signing key \S{43} cannot be used: the token has no such object$/)
  expect(opened.toSorted()).toEqual([one, other].toSorted())
  trouble.error = new WrongKeyError('sealed under another')
  await expect(refresh()).rejects.toThrow(trouble.error)
})

it('sign keeps an open key when an earlier attempt to open it fails later', async () => {
  const kid = await insert('retiring')
  const openings: PromiseWithResolvers<void>[] = []
  const made = createJwtSigner(TOKENS, prisma, {
    async open(row) {
      const opening = Promise.withResolvers<void>()
      openings.push(opening)
      await opening.promise
      return sealed.open(row)
    },
  })
  const before = made.sign(kid, claims)
  await eventually(() => expect(openings).toHaveLength(1))
  await made.refresh()
  const after = made.sign(kid, claims)
  await eventually(() => expect(openings).toHaveLength(2))
  openings[1]?.resolve()
  await after
  openings[0]?.reject(new Error('away'))
  await expect(before).rejects.toThrow()
  await made.sign(kid, claims)
  expect(openings).toHaveLength(2)
})
