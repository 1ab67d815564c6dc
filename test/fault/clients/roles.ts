import type { Asserter } from '../../support/parties.ts'
import type { OperatorParty } from '../../support/story.ts'
import * as requests from './requests.ts'
import type { HeldToken, Party, Session, Shared } from './session.ts'

/** How many of the newest tokens are verified again and again. */
const RECENT = 60
/** How many tokens are verified at every server right after they were ended. */
const PROBED = 4

/** Runs an agent that gets tokens and, with its operator, ends them. No other client changes this agent. */
export async function runAgent(shared: Shared, session: Session, party: Party): Promise<void> {
  const { random } = session
  while (!shared.stopping.aborted) {
    const held: HeldToken[] = []
    for (let count = random.below(3) + 1; count > 0; count -= 1) {
      const token = await session.issue(party)
      if (token !== undefined) held.push(token)
    }
    await Promise.all(held.map((token) => session.verify(token)))
    await endSome(shared, session, party, held)
    await session.pause(0, 25)
  }
}

async function endSome(shared: Shared, session: Session, party: Party, held: readonly HeldToken[]): Promise<void> {
  const { random } = session
  const { agent, operator } = party
  const [first] = held
  if (first !== undefined && random.chance(0.6)) {
    const request = random.chance(0.5) ? requests.revokeToken(first.jwt) : requests.revokeJti(first.jti, operator)
    await endAndProbe(shared, session, [first], () => session.change('revoke-token', first.jti, request))
  }
  if (random.chance(0.25)) {
    const suspend = () => session.change('suspend-agent', agent.did, requests.suspendAgent(operator, agent))
    await endAndProbe(shared, session, held, suspend)
    await session.issue(party)
    await session.change('reactivate-agent', agent.did, requests.reactivateAgent(operator, agent))
  } else if (random.chance(0.2)) {
    const set = (scopes: readonly string[]) => requests.setScopes(operator, agent, scopes)
    await endAndProbe(shared, session, held, () => session.change('narrow-scopes', agent.did, set(['read'])))
    await session.change('widen-scopes', agent.did, set(['read', 'write']))
  }
}

/** Runs a client that ends all tokens of an operator, or suspends and reinstates it. No other client changes it. */
export async function runAdministrator(
  shared: Shared,
  session: Session,
  operators: readonly OperatorParty[],
  admin: Asserter,
): Promise<void> {
  const { random } = session
  while (!shared.stopping.aborted) {
    await session.pause(100, 400)
    const operator = random.pick(operators)
    const held = shared.tokens.slice(-RECENT).filter((token) => token.operator.id === operator.id)
    if (random.chance(0.5)) {
      const end = () => session.change('end-operator-tokens', operator.id, requests.endOperatorTokens(operator))
      await endAndProbe(shared, session, held, end)
    } else {
      const suspend = () => session.change('suspend-operator', operator.id, requests.suspendOperator(operator, admin))
      await endAndProbe(shared, session, held, suspend)
      await session.change('reinstate-operator', operator.id, requests.reinstateOperator(operator, admin))
    }
  }
}

/** Runs a service that verifies the newest tokens, whether they are valid or ended. */
export async function runVerifier(shared: Shared, session: Session): Promise<void> {
  const { random } = session
  while (!shared.stopping.aborted) {
    const recent = shared.tokens.slice(-RECENT)
    if (recent.length > 0) await session.verify(random.pick(recent))
    await session.pause(1, 10)
  }
}

async function endAndProbe(
  shared: Shared,
  session: Session,
  tokens: readonly HeldToken[],
  end: () => Promise<unknown>,
): Promise<void> {
  for (const { jti } of tokens) shared.touched.add(jti)
  await end()
  await session.probe(tokens.slice(-PROBED))
}
