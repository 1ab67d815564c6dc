import { describe, expect, it } from 'vitest'
import { createAdministrator } from './administrator.ts'
import { generateKey } from './keys/signers.ts'

const ANCHOR = 'https://id.gamma.org/federation'
const ISSUER = 'https://beta.io/auth'
const JWKS = '{"keys":[]}'
const anchor = {
  entity_id: ANCHOR,
  position: 0,
  auto_admit: false,
  permitted_names: [],
  kids: ['a'],
  unpinned_kids: ['b'],
}
const candidate = { issuer: ISSUER, anchor: ANCHOR, path: [ISSUER, ANCHOR], keys_from: 'jwks' }
const subordinate = { entity_id: ISSUER, entity_types: ['oauth_authorization_server'], kids: ['a'] }

/** Creates the calls to a server that gives this answer to every call, and the list of these calls. */
async function federationOf(answer: unknown) {
  const calls: string[] = []
  const fetch: typeof globalThis.fetch = async (input, init) => {
    const request = new Request(input, init)
    calls.push(`${request.method} ${new URL(request.url).pathname} ${await request.text()}`)
    return Response.json(answer)
  }
  const { federation } = createAdministrator({ server: 'https://auth.alpha.net', key: await generateKey(), fetch })
  return { federation, calls }
}

describe('federation', () => {
  it('pins, lists and removes anchors', async () => {
    const pinned = await federationOf({ anchor, disabled_issuers: [ISSUER] })
    expect(await pinned.federation.putAnchor({ entity_id: ANCHOR, jwks: JWKS })).toEqual({
      anchor,
      disabled_issuers: [ISSUER],
    })
    expect(await pinned.federation.removeAnchor(ANCHOR, 'over')).toMatchObject({ disabled_issuers: [ISSUER] })
    const listed = await federationOf({ anchors: [anchor] })
    expect(await listed.federation.listAnchors()).toEqual([anchor])
    expect([...pinned.calls, ...listed.calls]).toEqual([
      `POST /v1/federation/anchors ${JSON.stringify({ entity_id: ANCHOR, jwks: JWKS })}`,
      `POST /v1/federation/anchors/remove ${JSON.stringify({ entity_id: ANCHOR, reason: 'over' })}`,
      'GET /v1/federation/anchors ',
    ])
  })

  it('discovers an issuer, and lists those that wait', async () => {
    const found = await federationOf({ candidate, issuer: null })
    expect(await found.federation.discover(ISSUER)).toEqual({ candidate, issuer: undefined })
    const listed = await federationOf({ candidates: [candidate] })
    expect(await listed.federation.listCandidates()).toEqual([candidate])
    expect([...found.calls, ...listed.calls]).toEqual([
      `POST /v1/federation/discover ${JSON.stringify({ issuer: ISSUER })}`,
      'GET /v1/federation/candidates ',
    ])
  })

  it('adds, lists and removes subordinates', async () => {
    const { federation, calls } = await federationOf({ subordinate, subordinates: [subordinate] })
    expect(await federation.putSubordinate({ entity_id: ISSUER, jwks: JWKS })).toEqual(subordinate)
    expect(await federation.listSubordinates()).toEqual([subordinate])
    await federation.removeSubordinate(ISSUER)
    expect(calls).toEqual([
      `POST /v1/federation/subordinates ${JSON.stringify({ entity_id: ISSUER, jwks: JWKS })}`,
      'GET /v1/federation/subordinates ',
      `POST /v1/federation/subordinates/remove ${JSON.stringify({ entity_id: ISSUER })}`,
    ])
  })

  it('refuses an answer of another form', async () => {
    const { federation } = await federationOf({ candidate: { issuer: ISSUER }, issuer: null })
    await expect(federation.discover(ISSUER)).rejects.toMatchObject({ reason: 'UNEXPECTED_ANSWER' })
  })
})
