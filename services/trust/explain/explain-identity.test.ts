import { describe, expect, it } from 'vitest'
import { DOCK, type ExplainOptions, linesOf } from '../../../test/support/federation/explain-world.ts'
import { ACME, ALPHA, alpha, BETA, letsCall } from '../../../test/support/federation/foreign-parties.ts'

const BOLT = 'b0000000-0000-8000-8000-000000000001'

const otherAcme = {
  ...alpha,
  domains: new Map([...alpha.domains].map(([name, domain]) => [name, { ...domain, operatorId: BOLT }])),
}

describe('the leg identity says', () => {
  it.each<[string, ExplainOptions, { from?: string; home?: string }, string[]]>([
    [
      'that the issuer is not admitted',
      { issuers: [] },
      { home: ALPHA },
      [
        `${BETA} admits ${ALPHA}: absent`,
        `administrator: auth4agent issuer add ${ALPHA} --revocations log --acts-as OPERATOR_ID --secret FILE`,
      ],
    ],
    [
      'that the issuer is disabled',
      { issuers: [{ ...alpha, isEnabled: false }] },
      {},
      [`${BETA} admits ${ALPHA}: disabled`, `administrator: auth4agent issuer enable ${ALPHA}`],
    ],
    [
      'which record a domain without proof has to publish',
      { issuers: [{ ...alpha, domains: new Map() }], rows: [letsCall()] },
      {},
      [
        `acme.example speaks-for ${ALPHA}: unproven`,
        `acme.example: _auth4agents.acme.example TXT "v=a4a1; iss=${ALPHA}; op=${ACME}; rk=ROOT_KEY_THUMBPRINT"`,
      ],
    ],
    [
      'that the record of the domain names another operator',
      { issuers: [otherAcme], rows: [letsCall()] },
      { from: ACME },
      [
        `acme.example speaks-for ${ALPHA}: unproven`,
        `acme.example: _auth4agents.acme.example TXT "v=a4a1; iss=${ALPHA}; op=${ACME}; rk=ROOT_KEY_THUMBPRINT"`,
      ],
    ],
    [
      'that an OAuth server has another domain, which nothing cures',
      { issuers: [{ ...alpha, kind: 'oauth', domains: new Map() }] },
      { home: ALPHA },
      [`acme.example speaks-for ${ALPHA}: unproven`],
    ],
    [
      'that a domain of this deployment has no operator',
      {},
      { from: 'nobody.example' },
      [`nobody.example speaks-for ${BETA}: absent`, 'nobody.example: auth4agent operator register'],
    ],
    [
      'that an operator of this deployment is suspended',
      { dock: 'suspended' },
      { from: 'dock.example' },
      [`dock.example speaks-for ${BETA}: disabled`, `administrator: auth4agent operator reinstate ${DOCK}`],
    ],
    [
      'that the proof of an operator of this deployment has lapsed',
      { dock: 'lapsed' },
      { from: DOCK },
      [
        `dock.example speaks-for ${BETA}: unproven`,
        expect.stringMatching(
          `^dock.example: _auth4agents.dock.example TXT "v=a4a1; iss=${BETA}; op=${DOCK}; rk=[\\w-]{43}"$`,
        ),
      ],
    ],
  ])('%s', async (_name, options, changes, expected) => {
    expect(await linesOf('identity', options, changes)).toEqual(expected)
  })
})
