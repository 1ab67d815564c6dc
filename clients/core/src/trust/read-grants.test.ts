import { describe, expect, it } from 'vitest'
import { DRAFTS } from '../../../../test/support/trust/statements.ts'
import { draftClaims, parseTrustDraft } from './read-draft.ts'
import type { EdgeKind } from './statement.ts'

const A = 'https://api.cargo.test'
const READ = { read: ['read'] }
const scopes = (count: number) => Array.from({ length: count }, (_, at) => `s${at}`)

const AUDIENCE =
  'grants[0].audience of the statement must be a URL without user and fragment, or a host name, in lower case and without *'
const SCOPES = 'grants[0].scopes of the statement must be an object that names at least one scope'
const GRANTS = 'grants of the statement must be a list of 1 to 8 grants'
const SCOPE = 'must be a scope-token of at most 128 characters, without *'
const FOREIGN = 'grants[1].audience of the statement must be at the domain of the signer or below it'
const COUNT = 'grants of the statement must map to at most 64 scopes in all'
const LIST = 'grants[0].scopes["read"] of the statement must be a list of at least one scope'

function parse(grants: unknown, kind: EdgeKind = 'lets-call') {
  return parseTrustDraft({ ...draftClaims(DRAFTS[kind]), grants })
}

describe('the grants of a statement', () => {
  it.each([
    ['no list', undefined, 'grants', GRANTS],
    ['an object', {}, 'grants', GRANTS],
    ['no grant', [], 'grants', GRANTS],
    ['nine grants', Array.from({ length: 9 }, (_, at) => ({ audience: `${A}/${at}`, scopes: READ })), 'grants', GRANTS],
    ['a grant as text', ['*'], 'grant', 'grants[0] of the statement must be an object with audience and scopes'],
    [
      'an unknown member in a grant',
      [{ audience: A, scopes: READ, note: 1 }],
      'unknown',
      'grants[0]."note" of the statement is not a member of a trust statement',
    ],
    ['a grant without audience', [{ scopes: READ }], 'audience', AUDIENCE],
    ['an empty audience', [{ audience: '', scopes: READ }], 'audience', AUDIENCE],
    ['the audience *', [{ audience: '*', scopes: READ }], 'audience', AUDIENCE],
    ['an audience with * in its path', [{ audience: `${A}/*`, scopes: READ }], 'audience', AUDIENCE],
    ['an audience in upper case', [{ audience: 'https://API.cargo.test', scopes: READ }], 'audience', AUDIENCE],
    ['an audience with a fragment', [{ audience: `${A}#a`, scopes: READ }], 'audience', AUDIENCE],
    ['an audience as a list', [{ audience: [A], scopes: READ }], 'audience', AUDIENCE],
    [
      'an audience twice',
      [
        { audience: A, scopes: READ },
        { audience: A, scopes: READ },
      ],
      'audience-again',
      'grants[].audience of the statement must be different in each grant',
    ],
    [
      'an audience of another domain',
      [
        { audience: A, scopes: READ },
        { audience: 'api.acme.test', scopes: READ },
      ],
      'foreign-audience',
      FOREIGN,
    ],
    [
      'a domain that only ends like the domain of the signer',
      [
        { audience: A, scopes: READ },
        { audience: 'evilcargo.test', scopes: READ },
      ],
      'foreign-audience',
      FOREIGN,
    ],
    [
      'the parent of the domain of the signer',
      [
        { audience: A, scopes: READ },
        { audience: 'https://test', scopes: READ },
      ],
      'foreign-audience',
      FOREIGN,
    ],
    ['no scopes', [{ audience: A }], 'scopes', SCOPES],
    ['an empty map', [{ audience: A, scopes: {} }], 'scopes', SCOPES],
    ['scopes as a list', [{ audience: A, scopes: ['read'] }], 'scopes', SCOPES],
    [
      'the scope * in a map',
      [{ audience: A, scopes: { '*': ['read'] } }],
      'scope',
      `grants[0].scopes["*"] of the statement ${SCOPE}`,
    ],
    [
      'a scope with * in a map',
      [{ audience: A, scopes: { 'a:*': ['read'] } }],
      'scope',
      `grants[0].scopes["a:*"] of the statement ${SCOPE}`,
    ],
    [
      'an empty scope in a map',
      [{ audience: A, scopes: { '': ['read'] } }],
      'scope',
      `grants[0].scopes[""] of the statement ${SCOPE}`,
    ],
    [
      'two scopes in one name',
      [{ audience: A, scopes: { 'a b': ['read'] } }],
      'scope',
      `grants[0].scopes["a b"] of the statement ${SCOPE}`,
    ],
    [
      'a scope of 129 characters',
      [{ audience: A, scopes: { ['a'.repeat(129)]: ['read'] } }],
      'scope',
      `grants[0].scopes["${'a'.repeat(40)}"] of the statement ${SCOPE}`,
    ],
    ['an empty list of scopes', [{ audience: A, scopes: { read: [] } }], 'scope-list', LIST],
    ['a scope as text', [{ audience: A, scopes: { read: 'read' } }], 'scope-list', LIST],
    ['a scope as null', [{ audience: A, scopes: { read: null } }], 'scope-list', LIST],
    [
      '* in a list of scopes',
      [{ audience: A, scopes: { read: ['*'] } }],
      'scope',
      `grants[0].scopes["read"][0] of the statement ${SCOPE}`,
    ],
    [
      'a number in a list of scopes',
      [{ audience: A, scopes: { read: ['read', 1] } }],
      'scope',
      `grants[0].scopes["read"][1] of the statement ${SCOPE}`,
    ],
    [
      'a scope twice in a list',
      [{ audience: A, scopes: { read: ['a', 'a'] } }],
      'scope-again',
      'grants[0].scopes["read"][1] of the statement must be a scope that the list does not have yet',
    ],
    ['65 scopes in one grant', [{ audience: A, scopes: { read: scopes(65) } }], 'scope-count', COUNT],
    [
      '65 scopes in two grants',
      [
        { audience: A, scopes: { read: scopes(33) } },
        { audience: `${A}/b`, scopes: { read: scopes(32) } },
      ],
      'scope-count',
      COUNT,
    ],
  ])('are refused with %s', (_, grants, rule, text) => {
    expect(parse(grants)).toEqual({ ok: false, rule, text })
  })

  it.each([
    [
      '64 scopes in two grants',
      'lets-call',
      [
        { audience: A, scopes: { read: scopes(32) } },
        { audience: `${A}/b`, scopes: { read: scopes(32) } },
      ],
    ],
    [
      'scopes with the names of inherited members',
      'lets-call',
      [{ audience: A, scopes: { toString: ['constructor'] } }],
    ],
    ['the domain itself as audience', 'lets-call', [{ audience: 'https://cargo.test:8443', scopes: READ }]],
    ['an audience of another domain in chains-to', 'chains-to', [{ audience: 'api.acme.test', scopes: READ }]],
    ['a host name as audience', 'accepts-members-of', [{ audience: 'api.cargo.test', scopes: READ }]],
    ['an audience in chains-to', 'chains-to', [{ audience: A, scopes: READ }]],
  ] as const)('are accepted with %s', (_, kind, grants) => {
    expect(parse(grants, kind)).toMatchObject({ ok: true, draft: { grants } })
  })

  it('may leave out the audience in chains-to, and then only once', () => {
    expect(parse([{ scopes: READ }], 'chains-to')).toMatchObject({
      ok: true,
      draft: { grants: [{ audience: '', scopes: READ }] },
    })
    const text = 'grants of the statement must have one grant only if that leaves out audience'
    const two = { ok: false, rule: 'audience-alone', text }
    expect(parse([{ scopes: READ }, { audience: A, scopes: READ }], 'chains-to')).toEqual(two)
    expect(parse([{ scopes: READ }, { scopes: READ }], 'chains-to')).toEqual(two)
  })

  it('refuse an empty audience in chains-to, because it has only one spelling', () => {
    expect(parse([{ audience: '', scopes: READ }], 'chains-to')).toEqual({
      ok: false,
      rule: 'audience',
      text: AUDIENCE,
    })
  })
})
