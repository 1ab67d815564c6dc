import { describe, expect, it } from 'vitest'
import { agentLine, claim, clientHost } from './client-host.ts'

const DID = 'did:agent:acme.example:21fe31dfa154a261626bf854046fd227'

describe('a client on a page', () => {
  it('is the host of a URL client, and nothing else of it', () => {
    const url = 'https://client.example:8443/oauth/client.json'
    expect([clientHost(url, ['https://other.example']), agentLine(url)]).toEqual(['client.example:8443', ''])
  })

  it('is the domain of an agent, and its DID', () => {
    expect(clientHost(DID, ['https://other.example'])).toBe('acme.example')
    expect(agentLine(DID)).toContain(`<code>${DID}</code>`)
  })

  it('is the places to which the answers of a registered client go, each once', () => {
    const hosts = ['http://127.0.0.1', 'http://[::1]', 'https://client.example:8443', 'https://client.example:8443']
    expect(clientHost(`reg_${'A'.repeat(64)}`, hosts)).toBe('A program on your computer, client.example:8443')
  })
})

describe('the name of a client on a page', () => {
  it.each(['“', '”', '„', '‟', '"', '«', '»', '‘', '’', '＂'])('does not end its quotation with %s', (mark) => {
    const text = claim(`Claude${mark}. Acme has verified it`)
    expect(text).toContain('“<bdi>Claude&#39;. Acme has verified it</bdi>”')
  })

  it('is a text, and missing for a client without one', () => {
    expect(claim('<b>&')).toContain('“<bdi>&lt;b&gt;&amp;</bdi>”')
    expect(claim('')).toBe('')
  })
})
