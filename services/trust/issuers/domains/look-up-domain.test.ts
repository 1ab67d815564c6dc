import { describe, expect, it } from 'vitest'
import { fakeOutbound } from '../../../../test/support/issuers.ts'
import { OutboundError } from '../../../platform/outbound/outbound-error.ts'
import { lookUpDomain } from './look-up-domain.ts'

const issuer = 'http://localhost:8081'
const operatorId = '00000000-0000-8000-8000-000000000001'
const record = 'v=a4a1; iss=x'
const STATUS = `${issuer}/v1/operators/${operatorId}`
const PROOF = `${issuer}/v1/operators/verify/${operatorId}`

/** Looks a domain up, where the issuer says this about the operator. Returns also what was asked. */
async function lookUp(domain: string, testDomains: boolean, answers: Readonly<Record<string, object>> = {}) {
  const outbound = fakeOutbound()
  for (const [url, answer] of Object.entries(answers)) {
    outbound.answers.set(url, answer instanceof OutboundError ? answer : { json: answer })
  }
  const names: string[] = []
  const resolveTxt = async (name: string) => {
    names.push(name)
    return [{ kind: 'absent' as const }]
  }
  const named = { issuerId: operatorId, issuer, domain, operatorId }
  return { answers: await lookUpDomain({ resolveTxt, outbound, testDomains }, named), names, asked: outbound.asked }
}

const active = { domain: 'cargo.test', status: 'active' }
const proof = { txt_record_value: record }

describe('lookUpDomain', () => {
  it.each([
    ['a domain under .test, on a server without test domains', 'cargo.test', false],
    ['any other domain, on a server with test domains', 'cargo.io', true],
  ])('asks DNS for %s', async (_, domain, testDomains) => {
    const { names, asked } = await lookUp(domain, testDomains, { [STATUS]: active, [PROOF]: proof })
    expect({ names, asked }).toEqual({ names: [`_auth4agents.${domain}`], asked: [] })
  })

  it('asks the issuer for a domain under .test, on a server with test domains', async () => {
    const { answers, names } = await lookUp('cargo.test', true, { [STATUS]: active, [PROOF]: proof })
    expect(answers).toEqual([{ kind: 'records', records: [record] }])
    expect(names).toEqual([])
  })

  it.each([
    ['an operator that is not active', { ...active, status: 'pending' }],
    ['an operator of another domain', { ...active, domain: 'dock.test' }],
  ])('finds no record of %s', async (_, status) => {
    const { answers } = await lookUp('cargo.test', true, { [STATUS]: status, [PROOF]: proof })
    expect(answers).toEqual([{ kind: 'absent' }])
  })

  it('counts an issuer without an answer as a resolver that failed', async () => {
    const { answers } = await lookUp('cargo.test', true, { [STATUS]: new OutboundError('TIMEOUT', 'x') })
    expect(answers).toEqual([{ kind: 'failed', why: 'TIMEOUT' }])
  })
})
