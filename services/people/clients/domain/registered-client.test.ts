import { encodeBase64url } from '@auth4agent/core/encoding/base64'
import { isRegisteredClient } from '@auth4agent/core/identity/client-id'
import { describe, expect, it } from 'vitest'
import { oneChallengeKey } from '../../../../test/support/people.ts'
import { reasonOf } from '../../../../test/support/reason-of.ts'
import { sealText } from '../../../keys/index.ts'
import { deriveHmacKey, hmacSha256, importHmacKey } from '../../../platform/crypto/hmac.ts'
import { describeClientId, openClientId, sealClientId } from './registered-client.ts'

const KEY = importHmacKey(Buffer.alloc(32, 1))
const OTHER = deriveHmacKey(KEY, 'another purpose')
const CALLBACK = 'https://client.example/callback'
const client = { name: 'Exämple', redirectUris: ['http://127.0.0.1/callback', CALLBACK] }
const id = sealClientId(KEY, client)
/** Writes a client id with a good MAC and any content. */
const withContent = (content: string, key = KEY) =>
  `reg_${encodeBase64url(Buffer.concat([hmacSha256(key, Buffer.from(content)), Buffer.from(content)]))}`

/** Returns metadata whose JSON has so many bytes. */
const bytes = (count: number) => ({ name: '', redirectUris: [`https://a.example/${'p'.repeat(count - 35)}`] })

describe('a client id of a registered client', () => {
  it('opens to what was registered', () => {
    expect(isRegisteredClient(id)).toBe(true)
    expect(openClientId(KEY, id)).toEqual(client)
    expect(describeClientId(id)).toEqual(client)
  })

  it('is the same for the same metadata in another order, and with other ports of this computer', () => {
    const redirectUris = [CALLBACK, 'http://127.0.0.1:1/callback', CALLBACK, 'http://127.0.0.1:2/callback']
    expect(sealClientId(KEY, { ...client, redirectUris })).toBe(id)
  })

  it.each<readonly [name: string, change: object]>([
    ['name', { name: 'Other' }],
    ['path', { redirectUris: ['http://127.0.0.1/other', CALLBACK] }],
    ['port of a host', { redirectUris: ['http://127.0.0.1/callback', 'https://client.example:8443/callback'] }],
    ['number of redirect URIs', { redirectUris: [CALLBACK] }],
  ])('is another one for another %s', (_, change) => {
    expect(sealClientId(KEY, { ...client, ...change })).not.toBe(id)
  })

  it.each<readonly [name: string, text: string]>([
    ['another byte of the MAC', `reg_${id[4] === 'A' ? 'B' : 'A'}${id.slice(5)}`],
    ['another byte of the content', withContent('{"n":"","r":[]}').replace(/.$/, (last) => (last === 'A' ? 'Q' : 'A'))],
    ['one byte less', id.slice(0, -4)],
    ['one byte more', `${id}AAAA`],
    ['padding', `${id}=`],
    ['no MAC', `reg_${encodeBase64url(Buffer.from('{"n":"","r":[]}'))}`],
    ['the key of another purpose', sealClientId(OTHER, client)],
    ['no prefix', id.slice(4)],
    ['another prefix', id.replace('reg_', 'REG_')],
    ['nothing', ''],
  ])('does not open with %s', (_, text) => {
    expect(openClientId(KEY, text)).toBeUndefined()
  })

  it('is no sealed text of another purpose, even under the same key', async () => {
    const sealed = await sealText({ challengeKeys: oneChallengeKey() }, 'code', 'a.b.c')
    for (const text of [sealed, `reg_${sealed}`, `reg_${sealed.replaceAll('.', '_')}`]) {
      expect(openClientId(KEY, text)).toBeUndefined()
    }
  })

  it.each(['', '{}', '[]', '{"n":1,"r":[]}', '{"n":"","r":"x"}', '{"n":"","r":[1]}', '{"n":"","n":"","r":[]}'])(
    'does not open to the content %s of another version',
    (content) => {
      expect(openClientId(KEY, withContent(content))).toBeUndefined()
      expect(describeClientId(withContent(content))).toBeUndefined()
    },
  )

  it('has at most 512 characters: metadata that need more are refused', () => {
    const longest = sealClientId(KEY, bytes(349))
    expect([longest.length, isRegisteredClient(longest)]).toEqual([512, true])
    expect(reasonOf(() => sealClientId(KEY, bytes(350)))).toBe('INVALID_CLIENT_METADATA')
  })

  it('says nothing about other clients', () => {
    for (const text of ['https://client.example/client.json', 'did:agent:acme.example:21fe', 'reg_']) {
      expect(describeClientId(text)).toBeUndefined()
    }
  })
})
