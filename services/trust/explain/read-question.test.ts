import { describe, expect, it } from 'vitest'
import { type ExplainOptions, explainWorld, linesOf } from '../../../test/support/federation/explain-world.ts'
import { ACME, ALPHA, alpha, GAMMA, gamma, letsCall } from '../../../test/support/federation/foreign-parties.ts'

const BOLT = 'b0000000-0000-8000-8000-000000000001'

describe('a question', () => {
  const atTwo = { issuers: [alpha, { ...gamma, domains: alpha.domains }] }

  it.each<[string, ExplainOptions, object, string, string]>([
    [
      'about a domain in capitals',
      {},
      { from: 'ACME.example' },
      'INVALID_ARGUMENT',
      'from must be a domain in A-labels or an operator id',
    ],
    ['without a caller', {}, { from: '' }, 'INVALID_ARGUMENT', 'from must be a domain in A-labels or an operator id'],
    [
      'with a home that is no issuer',
      {},
      { home: 'alpha' },
      'INVALID_ARGUMENT',
      'home must be an issuer, such as https://auth.example',
    ],
    [
      'with an audience that is none',
      {},
      { to: 'https://A.example' },
      'INVALID_AUDIENCE',
      'to must be a URL or a host name',
    ],
    ['with a wildcard scope', {}, { scope: '*' }, 'INVALID_SCOPE', 'The scope is malformed'],
    [
      'about an unknown operator id',
      {},
      { from: BOLT },
      'OPERATOR_NOT_FOUND',
      'No operator with this id is known here; from may also be its domain',
    ],
    [
      'about a domain of two issuers',
      atTwo,
      {},
      'INVALID_ARGUMENT',
      `home must be one of ${ALPHA}, ${GAMMA}, because acme.example is at each of them`,
    ],
  ])('%s is refused', async (_name, options, changes, reason, message) => {
    await expect(explainWorld(options).explain(changes)).rejects.toMatchObject({ reason, message })
  })

  it('about a domain of two issuers is answered for the one that it names', async () => {
    expect((await explainWorld({ ...atTwo, rows: [letsCall()] }).explain({ home: ALPHA })).allowed).toBe(true)
  })

  it('names the caller also by its operator id', async () => {
    expect((await explainWorld({ rows: [letsCall()] }).explain({ from: ACME })).allowed).toBe(true)
  })

  it('cannot put words of its own into a command', async () => {
    const to = "https://api.cargo.example/v1;touch$IFS'x'"
    const [, cure] = await linesOf('permission', {}, { to, scope: "a'b" })
    expect(cure).toContain(
      String.raw`--audience 'https://api.cargo.example/v1;touch$IFS'\''x'\''' --map-scope 'a'\''b=a'\''b'`,
    )
  })
})
