import { describe, expect, it } from 'vitest'
import { agentDigest } from './agent-document.ts'

describe('agentDigest', () => {
  const uris = ['https://a.example/callback', 'http://127.0.0.1/callback']
  const digest = agentDigest({ operatorId: 'one', redirectUris: uris })

  it.each<readonly [name: string, operatorId: string, redirectUris: readonly string[], isSame: boolean]>([
    ['another order', 'one', uris.toReversed(), true],
    ['another path, and twice the same host', 'one', [...uris, 'https://a.example/other'], true],
    ['another operator', 'two', uris, false],
    ['one more host', 'one', [...uris, 'https://b.example/callback'], false],
    ['another port of a host', 'one', ['https://a.example:8443/callback', 'http://127.0.0.1/callback'], false],
    ['one host less', 'one', uris.slice(0, 1), false],
  ])('for %s', (_, operatorId, redirectUris, isSame) => {
    expect(agentDigest({ operatorId, redirectUris }) === digest).toBe(isSame)
  })
})
