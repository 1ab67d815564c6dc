import { describe, expect, it } from 'vitest'
import { createAdministrator } from './administrator.ts'
import { generateKey } from './keys/signers.ts'

const ID = '0f7e9f3c-62d1-4a55-9b60-5f3d2c1b0a99'
const issuer = {
  id: ID,
  issuer: 'https://beta.io/auth',
  kind: 'auth4agent',
  status: 'enabled',
  algorithms: ['EdDSA'],
  token_type: 'at+jwt',
  jwks_uri: 'https://beta.io/auth/.well-known/jwks.json',
  revocation_mode: 'none',
  max_token_ttl: 300,
  max_staleness_ms: 5000,
  generation: 1,
  domains: [],
  keys: [{ kid: 'a', alg: 'EdDSA', state: 'published' }],
}

/** Creates an administrator of a server that gives this answer to every call, and the list of its calls. */
async function administrator(answer: unknown) {
  const calls: string[] = []
  const fetch: typeof globalThis.fetch = async (input, init) => {
    const request = new Request(input, init)
    calls.push(`${request.method} ${new URL(request.url).pathname} ${await request.text()}`)
    return Response.json(answer)
  }
  const { issuers } = createAdministrator({ server: 'https://auth.alpha.net', key: await generateKey(), fetch })
  return { issuers, calls }
}

describe('issuers', () => {
  it('lists issuers with their keys', async () => {
    const { issuers, calls } = await administrator({ issuers: [issuer] })
    expect(await issuers.list()).toEqual([issuer])
    expect(calls).toEqual(['GET /v1/issuers '])
  })

  it('sends each change, and returns the issuer', async () => {
    const { issuers, calls } = await administrator({ issuer })
    const wanted = { issuer: issuer.issuer, kind: 'auth4agent', revocation_mode: 'none' } as const
    expect(await issuers.add(wanted)).toEqual(issuer)
    expect(await issuers.disable(ID, 'leaked')).toEqual(issuer)
    expect(await issuers.enable(ID)).toEqual(issuer)
    expect(await issuers.readmitKey(ID, 'a/b')).toEqual(issuer)
    expect(calls).toEqual([
      `POST /v1/issuers ${JSON.stringify(wanted)}`,
      `POST /v1/issuers/${ID}/disable {"reason":"leaked"}`,
      `POST /v1/issuers/${ID}/enable {}`,
      `POST /v1/issuers/${ID}/keys/a%2Fb/readmit {}`,
    ])
  })

  it('rejects an id that is no UUID, and sends nothing', async () => {
    const { issuers, calls } = await administrator({ issuer })
    await expect(issuers.disable('../keys')).rejects.toThrow(TypeError)
    expect(calls).toEqual([])
  })

  it('rejects an answer whose keys have another form', async () => {
    const { issuers } = await administrator({ issuer: { ...issuer, keys: [{ kid: 7 }] } })
    await expect(issuers.disable(ID)).rejects.toMatchObject({ reason: 'UNEXPECTED_ANSWER' })
  })
})

describe('issuers.subjects', () => {
  const RULE = '0f7e9f3c-62d1-4a55-9b60-5f3d2c1b0a98'
  const wanted = { sub: 'U1', user: 'user:alice', operator_id: ID, audience: ['https://api.test'], scope: ['read'] }
  const subject = { rule: RULE, ...wanted }

  it('puts, lists and removes rules', async () => {
    const { issuers, calls } = await administrator({ subject, subjects: [subject] })
    expect(await issuers.subjects.put(ID, wanted)).toEqual(subject)
    const listed: unknown[] = []
    for await (const each of issuers.subjects.list(ID)) listed.push(each)
    expect(listed).toEqual([subject])
    expect(await issuers.subjects.remove(ID, RULE, 'left')).toEqual(subject)
    expect(calls).toEqual([
      `POST /v1/issuers/${ID}/subjects ${JSON.stringify(wanted)}`,
      `GET /v1/issuers/${ID}/subjects `,
      `POST /v1/issuers/${ID}/subjects/${RULE}/remove {"reason":"left"}`,
    ])
  })

  it('rejects ids that are no UUIDs, and sends nothing', async () => {
    const { issuers, calls } = await administrator({ subject })
    await expect(issuers.subjects.put('../x', wanted)).rejects.toThrow(TypeError)
    await expect(issuers.subjects.remove(ID, '../x')).rejects.toThrow(TypeError)
    expect(calls).toEqual([])
  })
})
