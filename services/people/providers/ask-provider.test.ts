import { randomUUID } from 'node:crypto'
import type { RequestListener } from 'node:http'
import { text } from 'node:stream/consumers'
import { describe, expect, it } from 'vitest'
import type { IdentityProvider } from '../../../gen/prisma/client.ts'
import { silentLog } from '../../../test/support/database.ts'
import { json, openOutbound, startOutside } from '../../../test/support/outside-server.ts'
import { metadataOf, peopleVault, providerRow } from '../../../test/support/people.ts'
import { refusalOf } from '../../../test/support/reason-of.ts'
import { askAgain } from './ask-provider.ts'
import { createProviderClients } from './provider-clients.ts'

const VOUCHED = { access_token: 'a', token_type: 'Bearer', refresh_token: 'next' }

/**
 * Starts a provider that has had enough of one client, and answers others with `status` and `body`. `open` returns how
 * an operator asks there.
 */
async function startProvider(tired: string, body: object = VOUCHED, status = 200) {
  const asked: string[] = []
  const answer = async (...[request, response]: Parameters<RequestListener>) => {
    if (request.url !== '/token') return json(metadataOf(`http://${request.headers.host}`))(request, response)
    const form = new URLSearchParams(await text(request))
    const client =
      Buffer.from(request.headers.authorization?.slice(6) ?? '', 'base64')
        .toString()
        .split(':')[0] ?? ''
    asked.push(`${client} ${form.get('grant_type')} ${form.get('refresh_token')}`)
    if (client === tired) return response.writeHead(429).end()
    return response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
  }
  const server = await startOutside((request, response) => void answer(request, response))
  const { outbound } = openOutbound()
  const clients = createProviderClients({
    outbound,
    testDomains: true,
    log: silentLog,
    vault: peopleVault,
    now: Date.now,
  })
  const open = (clientId: string) => {
    const at = new Date(0)
    const issuer = `http://idp.test:${server.port}`
    const row = providerRow(peopleVault, 'work', issuer, { secret: 'secret', id: randomUUID() })
    const more = { operatorId: randomUUID(), edgeId: randomUUID(), onLogout: '', createdAt: at, updatedAt: at }
    const provider: IdentityProvider = { ...row, ...more, clientId }
    return async () =>
      askAgain({ log: silentLog }, await clients(provider), 'token', { subjectClaim: 'sub', sub: 'U1' })
  }
  return { asked, open }
}

describe('askAgain', () => {
  it('sends the refresh token with the authentication of the client', async () => {
    const { asked, open } = await startProvider('nobody')
    expect(await open('acme')()).toEqual({ kind: 'vouched', refreshToken: 'next' })
    expect(asked).toEqual(['acme refresh_token token'])
  })

  it('still asks for an operator when the same provider refuses the requests for another operator', async () => {
    const { asked, open } = await startProvider('tired')
    const [ask, askForOther] = [open('tired'), open('acme')]
    for (let times = 0; times < 6; times += 1) expect(await refusalOf(ask())).toBe('PROVIDER_UNAVAILABLE')
    // The circuit of the first operator is open.
    expect(asked).toHaveLength(5)
    expect(await askForOther()).toMatchObject({ kind: 'vouched' })
  })

  it.each(['invalid_grant', 'interaction_required', 'login_required', 'consent_required'])(
    'takes %s as a word that the person must sign in again',
    async (error) => {
      const { open } = await startProvider('nobody', { error }, 400)
      expect(await open('acme')()).toEqual({ kind: 'refused' })
    },
  )

  it.each(['invalid_client', 'temporarily_unavailable', 'invalid_request', 'invalid_grant '])(
    'takes %j as no word about the person',
    async (error) => {
      const { open } = await startProvider('nobody', { error }, 400)
      expect(await refusalOf(open('acme')())).toBe('PROVIDER_UNAVAILABLE')
    },
  )
})
