import { grantId } from '@auth4agent/core/delegation/grant-id'
import { parseCapabilities } from '@auth4agent/core/delegation/parse-capabilities'
import { deriveGrant, signHolderStatement, signRootGrant } from '@auth4agent/core/delegation/sign-grant'
import { signDpopProof } from '@auth4agent/core/dpop/sign-dpop-proof'
import { type JwsSigner, signerJwk, signerKid } from '@auth4agent/core/jose/signer-jwk'
import { generateKeyPair, sign } from '@auth4agent/core/keys/ed25519'
import type { KeyPurpose } from '../../gen/prisma/enums.ts'
import type { Db } from '../../services/platform/db/db.ts'
import { ISSUER, type TestHolder } from './authn.ts'
import { details } from './grant-chains.ts'

/** A service that accepts chains. */
export const SHOP = 'https://shop.example'
/** What each grant allows unless a test says otherwise. */
const TOOLS = { [`${SHOP}#read`]: {}, [`${SHOP}#pay`]: { amount: { constraint_type: 'range', max: 500 } } }
/** Where each proof says that the chain was sent. */
const CALL = { httpMethod: 'POST', httpUrl: `${SHOP}/pay` }
/** A request of a service that accepts chains and has checked the proof itself. */
export const ACCEPT = { delegation: 'accept', audience: [SHOP], scope: 'read', proofChecked: true }

/** How a test changes a grant. */
interface GrantWish {
  readonly tools?: object
  /** Seconds from now; may be negative. */
  readonly lifetime?: readonly [from: number, until: number]
  readonly epoch?: readonly [agent: number, operator: number]
  readonly to?: readonly string[]
}

/** Inserts a key of the issuer that signs grants and statements about holders, or a key of another purpose. */
export async function insertGrantKey({ prisma }: Db, purpose: KeyPurpose = 'grant') {
  const { publicKey, privateKey } = generateKeyPair()
  const signer: JwsSigner = { publicKey, sign: async (message) => sign(privateKey, message) }
  const kid = signerKid(signer)
  const externalRef = { kept: 'in the test' }
  const data = {
    kid,
    purpose,
    alg: 'Ed25519',
    state: 'retiring',
    publicJwk: { ...signerJwk(signer) },
    externalRef,
  } as const
  await prisma.jwksKey.create({ data })
  return { kid, signer }
}

/** A key of the issuer that signs grants. */
export type TestGrantKey = Awaited<ReturnType<typeof insertGrantKey>>

/** Signs a root grant for an agent. Agents of every domain in `to` may hold the grants below it. */
export function rootFor({ signer }: TestGrantKey, agent: TestHolder, wish: GrantWish = {}): Promise<string> {
  const { tools = TOOLS, to = [domainOf(agent)] } = wish
  return signRootGrant(signer, { ...about(agent, wish), capabilities: read(tools), maxDepth: 8, allowedDomains: to })
}

/** Hands a chain on from its last holder to another agent. */
export async function handOn(
  { signer }: TestGrantKey,
  chain: string,
  from: TestHolder,
  to: TestHolder,
  wish: GrantWish = {},
): Promise<string> {
  const statement = await signHolderStatement(signer, about(to, { ...wish, lifetime: [0, 3600] }))
  const nowS = Math.floor(Date.now() / 1000)
  const until = wish.lifetime === undefined ? {} : { expires: nowS + wish.lifetime[1] }
  const derivation = { issuer: ISSUER, to: to.publicKey, statement, capabilities: read(wish.tools ?? TOOLS), ...until }
  // A grant that has expired was made in the past.
  return deriveGrant(holderSigner(from), chain, derivation, nowS + Math.min(0, wish.lifetime?.[0] ?? 0))
}

/** Signs a chain in which each agent hands the authority of the first on to the next. */
export async function chainThrough(key: TestGrantKey, agents: readonly TestHolder[]): Promise<string> {
  const [principal, ...others] = agents
  if (principal === undefined) throw new RangeError('A chain must have a holder')
  let chain = await rootFor(key, principal, { to: [...new Set(agents.map(domainOf))] })
  for (const [index, to] of others.entries()) chain = await handOn(key, chain, agents[index] ?? principal, to)
  return chain
}

/** Returns the id of the last grant of a chain. */
export function lastId(chain: string): string {
  const grant = chain.slice(chain.lastIndexOf('~') + 1)
  return grantId(Buffer.from(grant.slice(0, grant.lastIndexOf('.'))))
}

/** Returns the fields of VerifyToken for a chain that was sent with a DPoP proof by an agent's key. */
export async function proofBy(agent: TestHolder, accessToken: string, edits: object = {}) {
  const content = { method: CALL.httpMethod, url: CALL.httpUrl, nowS: Date.now() / 1000, accessToken, ...edits }
  return { ...CALL, dpopProof: await signDpopProof(holderSigner(agent), content) }
}

function holderSigner({ publicKey, key }: TestHolder): JwsSigner {
  return { publicKey, sign: async (message) => sign(key, message) }
}

function about({ did, operatorId, publicKey }: TestHolder, { lifetime = [0, 900], epoch = [1, 1] }: GrantWish) {
  const nowS = Math.floor(Date.now() / 1000)
  return { issuer: ISSUER, did, operatorId, epoch, publicKey, iat: nowS + lifetime[0], exp: nowS + lifetime[1] }
}

function read(tools: object) {
  const capabilities = parseCapabilities(details(tools))
  if (!capabilities.ok) throw new RangeError(capabilities.rule)
  return capabilities.value
}

function domainOf({ did }: TestHolder): string {
  return did.split(':')[2] ?? ''
}
