import { eventually } from '../../support/eventually.ts'
import { expectStatus } from '../../support/story.ts'
import type { ProxyWorld } from './proxy-world.ts'
import type { Asked } from './upstream.ts'

/**
 * Revokes a token that a proxy has just accepted. Calls the API with it until the proxy refuses, and prints how long
 * that took. Returns the answer that refuses.
 */
export async function untilRefused(
  { deployment }: ProxyWorld,
  proxy: string,
  token: string,
  ask: () => Promise<Asked>,
): Promise<Asked> {
  const before = await ask()
  if (before.status !== 200) throw new Error(`${proxy} refuses the token before it is revoked: ${before.status}`)
  expectStatus(200, await deployment.client.revokeToken(token))
  const revoked = performance.now()
  const refused = await eventually(async () => {
    const answer = await ask()
    if (answer.status === 200) throw new Error(`${proxy} still accepts the revoked token`)
    return answer
  })
  const took = Math.round(performance.now() - revoked)
  process.stdout.write(`${proxy}: the first refusal ended ${took} ms after the revocation had returned\n`)
  return refused
}
