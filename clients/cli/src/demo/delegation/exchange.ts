import type { Scene } from '../parties.ts'
import { unexpected } from '../until-refused.ts'
import type { Cast } from './cast.ts'
import type { Holders } from './hand-on.ts'
import { pay, refusalOf, send } from './send.ts'

/** The worker exchanges its chain for a delegated token, which names everybody in the chain. */
export async function exchange({ tell }: Scene, cast: Cast, { worker }: Holders): Promise<void> {
  const { api, audience, orchestrator, planner, worker: actor } = cast
  const { token, lifetimeS } = await worker.exchange({ audience })
  const { sub, act } = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())
  const isRight = sub === orchestrator.did && act?.sub === actor.did && act?.act?.sub === planner.did
  if (!isRight) throw unexpected('the server', 200, JSON.stringify({ sub, act }))
  const paid = await send(worker, api, pay(5), audience)
  if (paid.status !== 200) throw unexpected('the API', paid.status, paid.body)
  const { told } = refusalOf(await send(worker, api, pay(60), audience), 'ARGUMENT_REFUSED')
  tell({
    step: 'chain-exchanged',
    title: 'For an API that accepts no chains, the worker exchanges its chain for a delegated token',
    lines: [
      'It is an access token with the orchestrator in sub, and in act the worker, through the planner.',
      `It is bound to the key of the worker, and expires after ${lifetimeS} seconds, with the grant.`,
      `This API accepts it too. POST /payments {"amount":5}: 200. {"amount":60}: ${told[0]}`,
    ],
    facts: { principal: sub, actor: act.sub, through: [planner.did], lifetime_seconds: lifetimeS, status: paid.status },
  })
}
