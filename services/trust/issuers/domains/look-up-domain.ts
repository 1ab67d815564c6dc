import { parseStrictJson } from '@auth4agent/core/encoding/strict-json'
import { recordName } from '@auth4agent/core/identity/proof-record'
import type { TxtAnswer } from '@auth4agent/core/identity/resolve-txt'
import { isTestDomain } from '../../../operator-registry/index.ts'
import type { ResolveTxt } from '../../../platform/dns/resolve-txt.ts'
import type { Outbound } from '../../../platform/outbound/outbound.ts'
import { OutboundError } from '../../../platform/outbound/outbound-error.ts'
import type { NamedDomain } from './store-domains.ts'

/** Dependencies of lookUpDomain. */
export interface LookUpDeps {
  readonly resolveTxt: ResolveTxt
  readonly outbound: Pick<Outbound, 'get'>
  readonly testDomains: boolean
}

const JSON_TYPE = ['application/json'] as const

/**
 * Asks DNS for the record of a domain. Names under `.test` have no DNS: a server with test domains asks the issuer
 * itself, whose word proves nothing outside of a trial.
 */
export function lookUpDomain(deps: LookUpDeps, named: NamedDomain): Promise<readonly TxtAnswer[]> {
  const { resolveTxt, outbound, testDomains } = deps
  const isTrial = testDomains && isTestDomain(named.domain)
  return isTrial ? askIssuer(outbound, named) : resolveTxt(recordName(named.domain))
}

async function askIssuer(
  outbound: Pick<Outbound, 'get'>,
  { issuer, operatorId, domain }: NamedDomain,
): Promise<readonly TxtAnswer[]> {
  try {
    const operator = await readJson(outbound, `${issuer}/v1/operators/${operatorId}`)
    if (operator['domain'] !== domain || operator['status'] !== 'active') return [{ kind: 'absent' }]
    const { txt_record_value: text } = await readJson(outbound, `${issuer}/v1/operators/verify/${operatorId}`)
    return [typeof text === 'string' ? { kind: 'records', records: [text] } : { kind: 'absent' }]
  } catch (error) {
    if (!(error instanceof OutboundError)) throw error
    return [{ kind: 'failed', why: error.why }]
  }
}

async function readJson(outbound: Pick<Outbound, 'get'>, url: string) {
  const json = parseStrictJson((await outbound.get(url, { accept: JSON_TYPE })).body)
  return json.ok ? json.value : {}
}
