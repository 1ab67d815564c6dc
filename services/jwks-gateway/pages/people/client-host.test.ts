import { describe, expect, it } from 'vitest'
import { agentLine, clientHost } from './client-host.ts'

const DID = 'did:agent:acme.example:21fe31dfa154a261626bf854046fd227'

describe('a client on a page', () => {
  it('is the host of a URL client, and nothing else of it', () => {
    const url = 'https://client.example:8443/oauth/client.json'
    expect([clientHost(url), agentLine(url)]).toEqual(['client.example:8443', ''])
  })

  it('is the domain of an agent, and its DID', () => {
    expect(clientHost(DID)).toBe('acme.example')
    expect(agentLine(DID)).toContain(`<code>${DID}</code>`)
  })
})
