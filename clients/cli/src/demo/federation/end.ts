import { unexpected } from '../until-refused.ts'
import { type CallAbroad, refusalOfFetch } from './call-abroad.ts'
import { enableHome, findAdmission, findStatement, mend } from './mend.ts'
import {
  expectVerdict,
  explain,
  type FederationScene,
  newToken,
  until,
  untilAllowed,
  untilFresh,
  verdict,
} from './scene.ts'

/** Knowledge of another deployment's revocations may be this old, in milliseconds. Twice of it, for a slow machine. */
const HEARD_WITHIN_MS = 10_000

/** Tokens of acme for three APIs. */
export interface AcmeTokens {
  readonly cargo: string
  readonly dock: string
  readonly hall: string
}

/** guild ends the membership of acme at C, and B refuses acme too. */
export async function endMembership(scene: FederationScene, { cargo: token, dock: direct, hall: near }: AcmeTokens) {
  const { cast, tell, pause } = scene
  const { a, acme, cargo, dock, guild, hall } = cast
  const membership = await findStatement(guild, acme)
  if (membership === undefined) throw unexpected('C', 200, 'no membership')
  for (const [each, at] of [
    [token, cargo],
    [direct, dock],
    [near, hall],
  ] as const)
    expectVerdict(await verdict(each, at, a), 'valid')
  await guild.operator.trust.revoke(membership.jti, 'demo')
  const atC = expectVerdict(await verdict(near, hall, a), 'TRUST_NOT_FOUND', 'TRUST_ENDED')
  const { answer: atB, ms } = await until(
    () => verdict(token, cargo, a),
    (found) => found !== 'valid',
    { pause, withinMs: HEARD_WITHIN_MS },
  )
  expectVerdict(atB, 'TRUST_NOT_FOUND', 'TRUST_ENDED')
  const atDock = expectVerdict(await verdict(direct, dock, a), 'valid')
  const { missing, cures = [] } = (await explain(cargo, acme)).legs.find(({ ok }) => !ok) ?? {}
  tell({
    step: 'membership-ended',
    act: 'An end is an end',
    title: 'guild ends the membership of acme, at C',
    lines: [
      `acme at hall, C:     ${atC}, when the call returns`,
      `acme at cargo, B:    ${atB}, ${ms} ms later. The limit is 5 seconds`,
      `acme at dock, B:     ${atDock}, because dock itself lets acme call`,
      `Who can mend it:     ${cures.map(({ who }) => who).join(' or ')}`,
    ],
    facts: { at_c: atC, at_b: atB, heard_after_ms: ms, at_dock: atDock, missing },
  })
}

/** B disables A, which ends all its tokens, and no token of B. */
export async function disableIssuer(scene: FederationScene, { dock: direct }: AcmeTokens, call: CallAbroad) {
  const { cast, tell } = scene
  const { a, b, cargo, dock, administrator } = cast
  const admitted = await findAdmission(cast)
  if (admitted === undefined) throw unexpected('B', 200, 'A is not admitted')
  const own = await newToken(scene, 'cargo', cargo)
  const began = performance.now()
  await administrator.issuers.disable(admitted.id, 'demo')
  const ms = Math.round(performance.now() - began)
  const foreign = expectVerdict(await verdict(direct, dock, a), 'ISSUER_DISABLED')
  const byFetch = expectVerdict(await refusalOfFetch(call), 'GRANT_NOT_ACCEPTED')
  const ours = expectVerdict(await verdict(own, cargo, b), 'valid')
  tell({
    step: 'issuer-disabled',
    title: 'The administrator of B disables A',
    lines: [
      `The call takes ${ms} ms. When it returns, no token of A is valid at B:`,
      `acme at dock:        ${foreign}`,
      `the same by fetch:   ${byFetch}. Its token of B has ended`,
      `An agent of cargo:   ${ours}. B's own tokens go on.`,
    ],
    facts: { took_ms: ms, foreign, by_fetch: byFetch, own: ours },
  })
}

/** B enables A. Only tokens count that are younger, beyond what clocks may differ. */
export async function enableIssuer(scene: FederationScene, { dock: direct }: AcmeTokens): Promise<void> {
  const { cast, tell } = scene
  const { a, dock } = cast
  await enableHome(cast)
  const old = expectVerdict(await verdict(direct, dock, a), 'ISSUER_DISABLED')
  const ms = await untilFresh(scene, dock)
  tell({
    step: 'issuer-enabled',
    title: 'B enables A again, which revives no token',
    lines: [
      `acme at dock:        ${old} with the token from before`,
      `                     valid with one of ${Math.round(ms / 1_000)} s later. Clocks may differ by 10 s`,
    ],
    facts: { old, fresh: 'valid', accepted_after_ms: ms },
  })
}

/** guild names acme again, and B learns it when it reads the statements of C. */
export async function nameAgain(scene: FederationScene): Promise<void> {
  const { cast, tell } = scene
  const { a, acme, cargo } = cast
  await mend(cast)
  const { ms } = await untilAllowed(scene, cargo, acme)
  const atCargo = expectVerdict(await verdict(await newToken(scene, 'acme', cargo), cargo, a), 'valid')
  tell({
    step: 'membership-back',
    title: 'guild names acme again, at C',
    lines: [
      `acme at cargo, B:    ${atCargo}, ${Math.round(ms / 1_000)} s later.`,
      'B hears of an end at once, and reads what is new every 30 seconds.',
    ],
    facts: { at_cargo: atCargo, read_after_ms: ms },
  })
}
