import { sign } from 'node:crypto'
import { bodyDigest } from '@auth4agent/core/identity/body-digest'
import type { TrustDraft } from '@auth4agent/core/trust/statement'
import { signTrustStatement } from '../../../clients/sdk/src/sign-statement.ts'
import type { Keys } from '../parties.ts'
import { expectStatus, type KeyedOperator, provenOperator } from '../story.ts'
import type { FederatedDeployment } from './deployments.ts'

/** An operator, and the deployment at which it is registered. */
export interface Member extends KeyedOperator {
  readonly home: FederatedDeployment
}

/** Creates an operator whose domain is proven by DNS at its deployment. */
export async function member(home: FederatedDeployment, domain: string): Promise<Member> {
  return { home, ...(await provenOperator(home.client, home.zone, domain, home.issuer)) }
}

/** An operator that a statement names. */
export interface Named {
  readonly id: string
  readonly domain: string
  readonly home: Pick<FederatedDeployment, 'issuer'>
}

/** What a statement says, beside its two parties. */
export type Said = Pick<TrustDraft, 'kind' | 'depth' | 'aud'> & Partial<Pick<TrustDraft, 'grants' | 'visibility'>>

let version = 0

/** Signs a statement about another operator with the root key, puts it into force, and returns its `jti`. */
export async function state(signer: Member, subject: Named, said: Said): Promise<string> {
  version += 1
  const statement = await signTrustStatement(signerOf(signer.keys), {
    iss: signer.id,
    home: signer.home.issuer,
    domain: signer.domain,
    sub: subject.id,
    subHome: subject.home.issuer,
    subDomain: subject.domain,
    grants: [],
    visibility: 'parties',
    version,
    nowS: Date.now() / 1_000,
    ...said,
  })
  const path = `/v1/operators/${signer.id}/trust`
  const answer = await call<{ statement: { jti: string } }>(signer, path, { statement })
  return expectStatus(201, answer).statement.jti
}

/** Revokes a statement of the signer. */
export async function takeBack(signer: Member, jti: string): Promise<void> {
  const path = `/v1/operators/${signer.id}/trust/${jti}/revoke`
  expectStatus(200, await call(signer, path, { reason: 'over' }))
}

/** An answer of ExplainTrust. */
interface Explained {
  readonly allowed: boolean
  readonly legs: readonly { readonly leg: string; readonly ok: boolean; readonly missing?: object }[]
}

/** Asks why an operator may call an audience, or why not. */
export async function explain(asker: Member, about: Named, to: string, scope: string): Promise<Explained> {
  const question = { from: about.domain, home: about.home.issuer, to, scope }
  return expectStatus(200, await call<Explained>(asker, '/v1/trust/explain', question))
}

/** Calls with an assertion that contains the digest of the body. */
function call<T>(by: Member, path: string, content: object) {
  const body = JSON.stringify(content)
  return by.home.client.send<T>('POST', path, body, by.assert(`POST ${path}`, { body: bodyDigest(body) }))
}

function signerOf({ publicKey, privateKey }: Keys) {
  return { publicKey, sign: async (message: Uint8Array) => sign(null, message, privateKey) }
}
