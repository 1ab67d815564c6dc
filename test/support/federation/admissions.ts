import { type Json } from '../protocol-client.ts'
import { expectStatus } from '../story.ts'
import { until } from '../until.ts'
import type { FederatedDeployment } from './deployments.ts'
import type { Member } from './statements.ts'

/** An issuer as the answers of the administrator's calls describe it. */
export interface AdmittedIssuer {
  readonly id: string
  readonly issuer: string
  readonly status: string
  readonly keys: readonly { readonly kid: string; readonly state: string }[]
  readonly domains: readonly { readonly domain: string; readonly operator_id: string }[]
  readonly keys_as_of?: string
  readonly revocations_as_of?: string
  readonly problem?: string
  readonly anchor?: string
  readonly chain_expires_at?: string
}

interface Answered {
  readonly issuer: AdmittedIssuer
}

/** Admits an issuer, and returns its row. */
export async function addIssuer(at: FederatedDeployment, fields: Json): Promise<AdmittedIssuer> {
  return expectStatus(201, await at.client.signed<Answered>('POST', '/v1/issuers', fields, at.admin)).issuer
}

/**
 * Admits another deployment, whose log is followed as the operator `watcher` there. Resolves when its keys are known
 * and its log is followed.
 */
export async function admit(at: FederatedDeployment, watcher: Member, edits: Json = {}): Promise<AdmittedIssuer> {
  const { id } = await addIssuer(at, {
    issuer: watcher.home.issuer,
    kind: 'auth4agent',
    revocation_mode: 'log',
    acts_as: watcher.id,
    secret: JSON.stringify(watcher.keys.privateKey.export({ format: 'jwk' })),
    ...edits,
  })
  return untilIssuer(at, id, (row) => row.keys.length > 0 && row.revocations_as_of !== undefined)
}

/** Reads the row of an issuer. */
export async function readIssuer(at: FederatedDeployment, id: string): Promise<AdmittedIssuer> {
  const { issuers } = expectStatus(200, await at.client.get<{ issuers: AdmittedIssuer[] }>('/v1/issuers', at.admin))
  const row = issuers.find((each) => each.id === id)
  if (row === undefined) throw new Error(`There is no issuer ${id}`)
  return row
}

/** Resolves when the row of an issuer is as awaited. */
export function untilIssuer(
  at: FederatedDeployment,
  id: string,
  isAwaited: (row: AdmittedIssuer) => boolean,
): Promise<AdmittedIssuer> {
  return until(() => readIssuer(at, id), isAwaited)
}

/** Disables or enables an issuer. */
export async function switchIssuer(at: FederatedDeployment, id: string, how: 'disable' | 'enable'): Promise<void> {
  expectStatus(200, await at.client.signed('POST', `/v1/issuers/${id}/${how}`, { reason: 'story' }, at.admin))
}
