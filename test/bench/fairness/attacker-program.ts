import { setPriority } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import { ISSUER } from '../../support/deployment.ts'
import { keysOf, newAgentParty, operatorAsserter } from '../../support/parties.ts'
import { signedBody } from '../../support/story.ts'
import { type Source, sourceAt } from './client.ts'
import type { Attack, Flood } from './ways.ts'

/**
 * Attacks a server until its parent ends it: `node attacker-program.ts <server> <attack as JSON>`. It is a process of
 * its own with the lowest priority, because a real attacker does not use the processors of those who measure.
 */

const [baseUrl = '', text = '{}'] = process.argv.slice(2)
const { floods } = JSON.parse(text) as Attack
setPriority(19)
const answers = new Map<number, number>()
process.once('SIGTERM', () => {
  process.stdout.write(JSON.stringify(Object.fromEntries(answers)), () => process.exit(0))
})
await Promise.all(floods.flatMap((flood) => Array.from({ length: flood.parallel }, () => keepCalling(flood))))

async function keepCalling(flood: Flood): Promise<never> {
  const call = callOf(flood, sourceAt(baseUrl, flood.source))
  for (;;) {
    const begun = performance.now()
    const status = await call().catch(() => 0)
    answers.set(status, (answers.get(status) ?? 0) + 1)
    // A refused caller waits as it is told, because refusals alone would measure only how fast the server refuses.
    const pauseMs = status === 429 ? 1_000 : (flood.everyMs ?? 0) - (performance.now() - begun)
    if (pauseMs > 0) await delay(pauseMs)
  }
}

/** Returns a function that makes one call and returns its status. */
function callOf({ request, signer, token }: Flood, source: Source): () => Promise<number> {
  if (token !== undefined) {
    const agent = newAgentParty(token.domain, keysOf(token.key))
    return async () => {
      const challenge = await source.send('POST', '/v1/challenge', { did: agent.did })
      if (challenge.status !== 200) return challenge.status
      const { audience } = token
      return (await source.send('POST', '/v1/token', { ...signedBody(agent, challenge.body), audience })).status
    }
  }
  if (request === undefined) throw new RangeError('A flood must have a request or a token')
  const { method, path, body } = request
  const asserter = signer && operatorAsserter(keysOf(signer.key), signer.id, ISSUER)
  const [pathOnly] = path.split('?')
  return async () => {
    const authorization = asserter?.assert(method === 'GET' ? undefined : `${method} ${pathOnly}`)
    return (await source.send(method, path, body, authorization)).status
  }
}
