import { signDpopProof } from '@auth4agent/core/dpop/sign-dpop-proof'
import { type JwsSigner, signerJwk, signerKid } from '@auth4agent/core/jose/signer-jwk'
import { sign } from '@auth4agent/core/keys/ed25519'
import type { KeyPurpose } from '../../gen/prisma/enums.ts'
import type { Db } from '../../services/platform/db/db.ts'
import type { TestHolder } from './authn-agents.ts'
import { type ChainHolder, type ChainSigner, chainSigner, type GrantWish, idsOf, newSigner } from './signed-chains.ts'

/** A service that accepts chains. */
export const SHOP = 'https://shop.example'
/** What each grant allows unless a test says otherwise. */
const TOOLS = { [`${SHOP}#read`]: {}, [`${SHOP}#pay`]: { amount: { constraint_type: 'range', max: 500 } } }
/** Where each proof says that the chain was sent. */
const CALL = { httpMethod: 'POST', httpUrl: `${SHOP}/pay` }
/** A request of a service that accepts chains and has checked the proof itself. */
export const ACCEPT = { delegation: 'accept', audience: [SHOP], scope: 'read', proofChecked: true }

/** A key of the issuer that signs grants. */
export interface TestGrantKey {
  readonly kid: string
  readonly signer: JwsSigner
}

/** Inserts a key of the issuer that signs grants and statements about holders, or a key of another purpose. */
export async function insertGrantKey({ prisma }: Db, purpose: KeyPurpose = 'grant'): Promise<TestGrantKey> {
  const signer = newSigner()
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

/** Signs a root grant for an agent. Agents of every domain in `to` may hold the grants below it. */
export function rootFor(key: TestGrantKey, agent: TestHolder, wish: GrantWish = {}): Promise<string> {
  return chainsBy(key).rootFor(holderOf(agent), wish)
}

/** Hands a chain on from its last holder to another agent. */
export function handOn(
  key: TestGrantKey,
  chain: string,
  from: TestHolder,
  to: TestHolder,
  wish: GrantWish = {},
): Promise<string> {
  return chainsBy(key).handOn(chain, holderOf(from), holderOf(to), wish)
}

/** Signs a chain in which each agent hands the authority of the first on to the next. */
export function chainThrough(key: TestGrantKey, agents: readonly TestHolder[]): Promise<string> {
  return chainsBy(key).chainThrough(agents.map(holderOf))
}

/** Returns the id of the last grant of a chain. */
export function lastId(chain: string): string {
  return idsOf(chain).at(-1) ?? ''
}

/** Returns the fields of VerifyToken for a chain that was sent with a DPoP proof by an agent's key. */
export async function proofBy(agent: TestHolder, accessToken: string, edits: object = {}) {
  const content = { method: CALL.httpMethod, url: CALL.httpUrl, nowS: Date.now() / 1000, accessToken, ...edits }
  return { ...CALL, dpopProof: await signDpopProof(holderOf(agent).signer, content) }
}

function chainsBy({ signer }: TestGrantKey): ChainSigner {
  return chainSigner(signer, { tools: TOOLS, epoch: [1, 1] })
}

function holderOf({ did, operatorId, publicKey, key }: TestHolder): ChainHolder {
  return { did, operatorId, signer: { publicKey, sign: async (message) => sign(key, message) } }
}
