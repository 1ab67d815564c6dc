import { grantId } from '@auth4agent/core/delegation/grant-id'
import { parseCapabilities } from '@auth4agent/core/delegation/parse-capabilities'
import { deriveGrant, signHolderStatement, signRootGrant } from '@auth4agent/core/delegation/sign-grant'
import { fingerprint, formatDid } from '@auth4agent/core/identity/did'
import type { JwsSigner } from '@auth4agent/core/jose/signer-jwk'
import { generateKeyPair, sign } from '@auth4agent/core/keys/ed25519'
import { ISSUER } from './assertions.ts'
import { details } from './grant-chains.ts'

/** An agent that can hold a grant. */
export interface ChainHolder {
  readonly did: string
  readonly operatorId: string
  readonly signer: JwsSigner
}

/** How a test changes a grant. */
export interface GrantWish {
  readonly tools?: object
  /** Seconds from now; may be negative. */
  readonly lifetime?: readonly [from: number, until: number]
  readonly epoch?: Epochs
  /** The domains whose agents may hold the grants below the root. */
  readonly to?: readonly string[]
}

type Epochs = readonly [agent: number, operator: number]

/** What each grant has unless a test says otherwise. */
interface Usual {
  readonly tools: object
  readonly epoch: Epochs
  readonly issuer?: string
}

/** Signs roots and statements as the issuer, and derived grants as their holders. */
export interface ChainSigner {
  /** Signs a root grant for an agent. */
  readonly rootFor: (agent: ChainHolder, wish?: GrantWish) => Promise<string>
  /** Hands a chain on from its last holder to another agent. */
  readonly handOn: (chain: string, from: ChainHolder, to: ChainHolder, wish?: GrantWish) => Promise<string>
  /** Signs a chain in which each agent hands the authority of the first on to the next. */
  readonly chainThrough: (agents: readonly ChainHolder[]) => Promise<string>
}

/** Creates the signer of chains whose issuer signs with this key. */
export function chainSigner(issuerKey: JwsSigner, usual: Usual): ChainSigner {
  const { issuer = ISSUER } = usual
  const about = ({ did, operatorId, signer }: ChainHolder, { lifetime = [0, 900], epoch = usual.epoch }: GrantWish) => {
    const nowS = Math.floor(Date.now() / 1000)
    const times = { iat: nowS + lifetime[0], exp: nowS + lifetime[1] }
    return { issuer, did, operatorId, epoch, publicKey: signer.publicKey, ...times }
  }
  const rootFor: ChainSigner['rootFor'] = (agent, wish = {}) => {
    const { tools = usual.tools, to = [domainOf(agent)] } = wish
    const terms = { capabilities: read(tools), maxDepth: 8, allowedDomains: to }
    return signRootGrant(issuerKey, { ...about(agent, wish), ...terms })
  }
  const handOn: ChainSigner['handOn'] = async (chain, from, to, wish = {}) => {
    const statement = await signHolderStatement(issuerKey, about(to, { ...wish, lifetime: [0, 3600] }))
    const nowS = Math.floor(Date.now() / 1000)
    // The next second may have begun since the parent was signed.
    const until = wish.lifetime && { expires: Math.min(nowS + wish.lifetime[1], expiryOf(chain)) }
    const capabilities = read(wish.tools ?? usual.tools)
    const derivation = { issuer, to: to.signer.publicKey, statement, capabilities, ...until }
    // A grant that has expired was made in the past.
    return deriveGrant(from.signer, chain, derivation, nowS + Math.min(0, wish.lifetime?.[0] ?? 0))
  }
  return {
    rootFor,
    handOn,
    async chainThrough(agents) {
      const [principal, ...others] = agents
      if (principal === undefined) throw new RangeError('A chain must have a holder')
      let chain = await rootFor(principal, { to: [...new Set(agents.map(domainOf))] })
      for (const [index, to] of others.entries()) chain = await handOn(chain, agents[index] ?? principal, to)
      return chain
    },
  }
}

/** Creates an agent with a new key. */
export function newChainHolder(domain = 'acme.test'): ChainHolder {
  const signer = newSigner()
  return { did: formatDid(domain, fingerprint(signer.publicKey)), operatorId: crypto.randomUUID(), signer }
}

/** Creates a signer with a new key. */
export function newSigner(): JwsSigner {
  const { publicKey, privateKey } = generateKeyPair()
  return { publicKey, sign: async (message) => sign(privateKey, message) }
}

/** Returns the ids of the grants of a chain, root first. */
export function idsOf(chain: string): readonly string[] {
  return chain.split('~').map((grant) => grantId(Buffer.from(grant.slice(0, grant.lastIndexOf('.')))))
}

function read(tools: object) {
  const capabilities = parseCapabilities(details(tools))
  if (!capabilities.ok) throw new RangeError(capabilities.rule)
  return capabilities.value
}

function expiryOf(chain: string): number {
  const [, payload = ''] = chain.slice(chain.lastIndexOf('~') + 1).split('.')
  const { exp }: { exp: number } = JSON.parse(Buffer.from(payload, 'base64url').toString())
  return exp
}

function domainOf({ did }: ChainHolder): string {
  return did.split(':')[2] ?? ''
}
