import { describe, expect, it } from 'vitest'
import { ODD_URLS } from '../../../test/support/odd-urls.ts'
import { fetchKeySet } from './fetch-key-set.ts'

const ISSUER = 'https://as.example'
const DISCOVERY = `${ISSUER}/.well-known/openid-configuration`

/** Fetches the keys of an issuer whose discovery document names an address. */
async function fetchFrom(uri: unknown) {
  const asked: string[] = []
  const get = async (url: string) => {
    asked.push(url)
    const answer = url === DISCOVERY ? { issuer: ISSUER, jwks_uri: uri } : { keys: [] }
    const body = Buffer.from(JSON.stringify(answer))
    return { mediaType: 'application/json', body, maxAgeS: undefined, date: undefined }
  }
  const settings = { issuer: ISSUER, jwksUri: undefined, algorithms: ['ES256' as const] }
  const outcome = await fetchKeySet({ get }, settings).then(
    () => 'keys',
    (error: unknown) => String(error),
  )
  return { outcome, asked }
}

describe('fetchKeySet', () => {
  it('fetches from the address that the discovery document names', async () => {
    const uri = 'https://keys.example/a'
    expect(await fetchFrom(uri)).toEqual({ outcome: 'keys', asked: [DISCOVERY, uri] })
  })

  it.each<readonly [string, unknown]>([...ODD_URLS, ['a list', ['https://as.example/a']]])(
    'refuses an address with %s',
    async (_name, uri) => {
      const outcome = 'UnusableAnswer: its discovery document must have a jwks_uri, a URL in its normal form'
      expect(await fetchFrom(uri)).toEqual({ outcome, asked: [DISCOVERY] })
    },
  )
})
