import { once } from 'node:events'
import { createServer } from 'node:http'
import { grantId } from '@auth4agent/core/delegation/grant-id'
import { signJwt } from '@auth4agent/core/identity/sign-jwt'
import { createAgent, createOperator, type GrantCapabilities, type Operator } from '@auth4agent/sdk'
import { generatePrivateKey } from '@auth4agent/sdk/node'

export const PAY = 'https://pay.acme.test#pay'
export const upTo = (max: number): GrantCapabilities => ({ [PAY]: { amount: { constraint_type: 'range', max } } })

type Key = ReturnType<typeof generatePrivateKey>['signer']

/** An agent with its key. */
export interface Party {
  readonly did: string
  readonly key: Key
}

/** How a test changes a grant or a statement, and who signs it. */
export interface Forgery {
  readonly claims?: object
  readonly header?: object
  readonly signer?: Key
}

/** Two operators with agents at a server, and a chain of three grants of the agents A, B and C. D is the partner's. */
export async function sdkChain(server: string) {
  const [acme, partner] = [await operatorOf(server, 'acme.test'), await operatorOf(server, 'partner.test')]
  const [a, b, c, d] = [await partyOf(acme), await partyOf(acme), await partyOf(acme), await partyOf(partner)]
  await acme.agents.setScopes(a.did, ['pay'])
  await acme.agents.update(a.did, { maxDelegationDepth: 3 })
  const agentOf = ({ did, key }: Party, grant?: string) => createAgent({ server, did, key, grant })
  const chain = await agentOf(a).delegate({ to: b.did, capabilities: upTo(500), expires: '20m', depth: 2 })
  const longer = await agentOf(b, chain).delegate({ to: c.did, capabilities: upTo(100), expires: '10m', depth: 1 })
  const [root = '', second = '', third = ''] = longer.split('~')
  return {
    a,
    b,
    c,
    d,
    root,
    second,
    third,
    /** Gets another root grant with the same terms. */
    async anotherRoot(): Promise<string> {
      return (await agentOf(a).requestGrant({ capabilities: upTo(500), expires: '20m', depth: 3 })).grant
    },
    /** Gets the statement of the server about an agent. */
    async statementOn({ did }: Party): Promise<string> {
      const { statement } = Object(await (await fetch(`${server}/v1/agent/${did}/holder-statement`)).json())
      return String(statement)
    },
  }
}

export type SdkChain = Awaited<ReturnType<typeof sdkChain>>

async function operatorOf(server: string, domain: string): Promise<Operator> {
  const operator = createOperator({ server, domain, key: generatePrivateKey().signer })
  await operator.register()
  await operator.verification.confirm()
  return operator
}

async function partyOf({ agents }: Operator): Promise<Party> {
  const key = generatePrivateKey().signer
  const { did } = await agents.register({ publicKey: key.publicKey })
  return { did, key }
}

/** Returns the public JWK of an agent. */
export function jwkOf({ key }: Pick<Party, 'key'>) {
  return { kty: 'OKP', crv: 'Ed25519', x: Buffer.from(key.publicKey).toString('base64url') }
}

/** Returns the header and the claims of a JWT. */
export function readJwt(text: string) {
  const [header, claims] = text.split('.')
  return { header: readPart(header), claims: readPart(claims) }
}

function readPart(part = '') {
  return JSON.parse(Buffer.from(part, 'base64url').toString())
}

/** Signs a JWT again, with changes. */
export function signAgain(text: string, { claims, header, signer }: Required<Pick<Forgery, 'signer'>> & Forgery) {
  const was = readJwt(text)
  return signJwt(signer, { ...was.header, ...header }, { ...was.claims, ...claims })
}

/** How a test changes what the issuer of its own signs. */
export interface IssuerForgery {
  readonly root?: object
  readonly statement?: object
}

/** Starts an issuer of the test, which signs everything. Only its JWKS can be fetched. */
export async function startIssuer() {
  const { signer } = generatePrivateKey()
  const kid = 'of the test'
  const keys = [{ ...jwkOf({ key: signer }), kid, alg: 'Ed25519' }]
  const server = createServer((_, response) => response.end(JSON.stringify({ keys }))).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const iss = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`
  return {
    url: iss,
    /** Signs the first two grants of a chain as this issuer would, with changes. */
    async chain(made: SdkChain, changed: IssuerForgery = {}): Promise<string> {
      const signed = (text: string, claims: object | undefined) =>
        signAgain(text, { signer, header: { kid }, claims: { iss, ...claims } })
      const first = await signed(made.root, changed.root)
      const claims = {
        par_hash: grantId(Buffer.from(first.slice(0, first.lastIndexOf('.')))),
        a4a_holder: await signed(await made.statementOn(made.b), changed.statement),
        del_depth: readJwt(first).claims.del_depth + 1,
      }
      return [first, await signAgain(made.second, { signer: made.a.key, claims })].join('~')
    },
    stop: () => void server.close(),
  }
}
