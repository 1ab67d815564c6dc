import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { type Deployment, startDeployment } from '../../support/deployment.ts'
import { type DnsServer, startDnsServer } from '../../support/dns-server.ts'
import { newKeys } from '../../support/parties.ts'
import { expectStatus } from '../../support/story.ts'

let deployment: Deployment
let resolvers: readonly DnsServer[] = []
let count = 0
let operatorId: string
let name: string
let record: string

/** Starts a deployment that asks three resolvers. */
beforeAll(async () => {
  resolvers = await Promise.all([startDnsServer(), startDnsServer(), startDnsServer()])
  const addresses = resolvers.map(({ address }) => address).join(',')
  deployment = await startDeployment({
    env: { AUTH4AGENT_DNS_SERVERS: addresses, AUTH4AGENT_DNS_TIMEOUT: '3s' },
  })
})
afterAll(async () => {
  await deployment?.stop()
  await Promise.all(resolvers.map((resolver) => resolver.close()))
})

beforeEach(async () => {
  count += 1
  const { client } = deployment
  operatorId = String(expectStatus(201, await client.registerOperator(`agents-${count}.example.com`, newKeys())).id)
  const { txt_record_name, txt_record_value } = expectStatus(200, await client.instructions(operatorId))
  name = String(txt_record_name)
  record = String(txt_record_value)
})

type Behaviour = (resolver: DnsServer) => void
const answers: Behaviour = (resolver) => resolver.setTxt(name, [record])
const answersInPieces: Behaviour = (resolver) => resolver.setTxt(name, [[record.slice(0, 7), record.slice(7)]])
const knowsNothing: Behaviour = (resolver) => resolver.clear(name)
const fails: Behaviour = (resolver) => resolver.fail(name, 'SERVFAIL')
const isSilent: Behaviour = (resolver) => resolver.silence(name)
const showsAnother: Behaviour = (resolver) => resolver.setTxt(name, [record.replace(/rk=.*/, 'rk=another')])

it.each<readonly [string, readonly Behaviour[], boolean, string]>([
  ['all three show the record, one of them in several strings', [answers, answersInPieces, answers], true, ''],
  ['two show the record and one fails', [answers, fails, answers], true, ''],
  ['two show the record and one does not have it yet', [answers, answers, knowsNothing], true, ''],
  ['one shows the record and two fail', [answers, fails, fails], false, 'DNS_UNAVAILABLE'],
  ['one shows the record and two are silent', [answers, isSilent, isSilent], false, 'DNS_UNAVAILABLE'],
  ['all fail', [fails, fails, fails], false, 'DNS_UNAVAILABLE'],
  ['two do not have the record', [answers, knowsNothing, knowsNothing], false, 'TXT_RECORD_NOT_FOUND'],
  ['all show the record of another key', [showsAnother, showsAnother, showsAnother], false, 'TXT_RECORD_MISMATCH'],
])('confirm with three resolvers: %s', async (_name, behaviours, verified, reason) => {
  for (const [index, resolver] of resolvers.entries()) behaviours[index]?.(resolver)
  const answer = expectStatus(200, await deployment.client.confirm(operatorId))
  expect(answer).toMatchObject({ verified, reason })
  const { status } = expectStatus(200, await deployment.client.getOperator(operatorId))
  expect(status).toBe(verified ? 'active' : 'pending')
})
