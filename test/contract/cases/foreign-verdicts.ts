import { randomUUID } from 'node:crypto'
import { operatorId } from '@auth4agent/core/identity/operator-id'
import { thumbprint } from '@auth4agent/core/jose/thumbprint'
import { generateKeyPair } from '@auth4agent/core/keys/ed25519'
import type { Verdict } from '@auth4agent/core/token/verdicts'
import { ID_JAG_TYPE } from '../../../services/keys/index.ts'
import { accessToken } from '../../support/access-tokens.ts'
import { signCompactJws } from '../../support/jws.ts'
import { seedForeign } from '../support/seed-issuers.ts'
import { seedStatement } from '../support/trust-statements.ts'
import type { World } from '../support/world.ts'
import type { VerdictCase } from './verdict-case.ts'

/** An issuer whose tokens are verified by these cases, with an operator of the domain of the same name. */
function foreign(name: string) {
  const [issuer, domain] = [`https://auth.${name}-issuer.com`, `${name}-caller.com`]
  const pair = generateKeyPair()
  const id = operatorId({ issuer, domain, thumbprint: name })
  return { issuer, domain, id, pair, did: `did:agent:${domain}:${'0'.repeat(32)}` }
}

type Foreign = ReturnType<typeof foreign>

const unknown = foreign('unknown')
const open = foreign('open')
const keyless = foreign('keyless')
const followed = foreign('followed')
const listed = foreign('listed')
/** An audience of the world's operator acme. */
const AUDIENCE = 'https://api.acme-operator.com'

const seeded = new WeakMap<World['db'], Promise<void>>()

/** Inserts the issuers into a world, once. */
function seed({ db, operators }: World): Promise<void> {
  const known = seeded.get(db)
  if (known !== undefined) return known
  const insert = async () => {
    await seedForeign(db, open, { keysAsOf: new Date() })
    await seedForeign(db, keyless, {})
    // The sealed secret is none, so the server never reaches for the log.
    const log = { revocationMode: 'log', actsAs: randomUUID(), wrappedSecret: Buffer.alloc(60), kekId: 'none' } as const
    await seedForeign(db, followed, { keysAsOf: new Date(), ...log })
    await seedStatement(db, operators.acme, followed, followed.issuer)
    await seedForeign(db, listed, { keysAsOf: new Date(), revocationMode: 'status_list' })
    await seedStatement(db, operators.acme, listed, listed.issuer)
  }
  const inserting = insert()
  seeded.set(db, inserting)
  return inserting
}

function tokenOf({ issuer, id, pair, did }: Foreign, claims: object): string {
  const iat = Math.floor(Date.now() / 1_000)
  const named = { iss: issuer, sub: did, client_id: did, operator_id: id, aud: [AUDIENCE], scope: 'read' }
  return accessToken(pair, {}, { ...named, iat, nbf: iat, exp: iat + 300, jti: randomUUID(), ...claims })
}

/** Signs a grant of an admitted issuer for the server, bound to a key, with edits. */
export async function grantAbroad(world: World, jkt: string, edits: object = {}): Promise<string> {
  await seed(world)
  const { issuer, id, pair, did } = followed
  const iat = Math.floor(Date.now() / 1_000)
  const kid = thumbprint(pair.publicKey)
  const named = { iss: issuer, sub: did, aud: world.issuer, client_id: did, operator_id: id, epoch: [1, 1] }
  const asked = { resource: AUDIENCE, scope: 'read', cnf: { jkt }, jti: randomUUID(), iat, exp: iat + 60 }
  const token = { jti: 'at-home', exp: iat + 300, kid }
  const header = { alg: 'EdDSA', typ: ID_JAG_TYPE, kid }
  return signCompactJws(header, { ...named, ...asked, token, edge: randomUUID(), ...edits }, pair.privateKey)
}

const rows: readonly (readonly [name: string, verdict: Verdict, by: Foreign, claims?: () => object])[] = [
  ['an issuer that is not admitted', 'ISSUER_NOT_TRUSTED', unknown],
  ['an issuer whose keys were never fetched', 'ISSUER_KEYS_UNAVAILABLE', keyless],
  ['an agent of a domain of another issuer', 'SUBJECT_OUTSIDE_NAMESPACE', open, () => ({ operator_id: unknown.id })],
  [
    'a lifetime above that of the issuer',
    'LIFETIME_TOO_LONG',
    open,
    () => ({ exp: Math.floor(Date.now() / 1_000) + 400 }),
  ],
  ['an operator that the owner has not named', 'TRUST_NOT_FOUND', open],
  ['a token without a place in a status list of its issuer', 'STATUS_MISSING', listed],
  ['an issuer whose log is not followed', 'ISSUER_REVOCATIONS_STALE', followed],
]

/** Tokens of other issuers. */
export const foreignCases: readonly VerdictCase[] = rows.map(([name, verdict, by, claims = () => ({})]) => ({
  name,
  verdict,
  wanted: { audience: [AUDIENCE], issuers: [by.issuer] },
  async token(world) {
    await seed(world)
    return tokenOf(by, claims())
  },
}))
