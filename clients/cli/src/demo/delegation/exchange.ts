import type { Scene } from '../parties.ts'
import { unexpected } from '../until-refused.ts'
import type { Cast } from './cast.ts'
import type { Holders } from './hand-on.ts'

/** The worker exchanges its chain for an access token, which names everybody in the chain. */
export async function exchange({ tell }: Scene, cast: Cast, { worker }: Holders): Promise<void> {
  const { audience, orchestrator, planner, worker: actor } = cast
  const { token, lifetimeS } = await worker.exchange({ audience })
  const { sub, act } = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())
  const isRight = sub === orchestrator.did && act?.sub === actor.did && act?.act?.sub === planner.did
  if (!isRight) throw unexpected('the server', 200, JSON.stringify({ sub, act }))
  tell({
    step: 'chain-exchanged',
    title: 'For an API that accepts no chains, the worker exchanges its chain for an access token',
    lines: [
      'The token names the orchestrator in sub, and in act the worker, through the planner.',
      `It is bound to the key of the worker, and expires after ${lifetimeS} seconds, with the grant.`,
    ],
    facts: { principal: sub, actor: act.sub, through: [planner.did], lifetime_seconds: lifetimeS },
  })
}
