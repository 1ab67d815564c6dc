import {
  ANCHOR,
  anchorOf,
  type ChainPlan,
  createKey,
  type FederationKey,
  HOUR_S,
  jwksOf,
  NOW_S,
  planConfiguration,
  planStatement,
  type StatementPlan,
  SUBJECT,
} from '../../support/federation/entities.ts'
import type { Random } from '../revocation/random.ts'

const AS = 'oauth_authorization_server'
const KEYS = Array.from({ length: 12 }, () => createKey('ES256'))
const VALUES = ['x', 'y', 'z']
const HOSTS = ['as.example', 'i1.example', 'i2.example', 'i3.example', '.example', '.other']
const TYPES = [AS, 'other']

/** Draws a chain that may hold, and breaks it in about half of the cases. Names of the breaks show what was drawn. */
export function drawChain(random: Random): ChainPlan & { readonly broken: readonly string[] } {
  const plan = drawSound(random)
  const broken = random.chance(0.5) ? [] : Array.from({ length: 1 + random.below(2) }, () => random.pick(BREAKS))
  for (const [, change] of broken) change(plan, random)
  return { ...plan, broken: broken.map(([name]) => name) }
}

function drawSound(random: Random): ChainPlan {
  const middle = Array.from({ length: random.below(7) }, (_, at) => `https://i${at + 1}.example`)
  const ids = [SUBJECT, ...middle, ANCHOR]
  const keys = ids.map((_, at) => KEYS[at] ?? random.pick(KEYS))
  const key = (at: number) => keys[at] ?? random.pick(KEYS)
  const steps = ids.slice(1).map((id, at) => {
    const claims = random.chance(0.3) ? drawLimits(random, at) : {}
    return planStatement(id, key(at + 1), ids[at] ?? SUBJECT, key(at), claims)
  })
  const configuration = planConfiguration(SUBJECT, key(0), {
    authority_hints: [ids[1]],
    metadata: drawMetadata(random),
  })
  const top = ids.length - 1
  return {
    statements: [configuration, ...steps, planConfiguration(ANCHOR, key(top))],
    keys,
    anchor: anchorOf(ANCHOR, key(top)),
  }
}

function drawMetadata(random: Random): Record<string, object> {
  return {
    [AS]: { issuer: SUBJECT, ...drawParameters(random) },
    ...(random.chance(0.3) && { other: drawParameters(random) }),
    ...(random.chance(0.3) && { federation_entity: {} }),
  }
}

function drawParameters(random: Random): object {
  return { ...(random.chance(0.5) && { a: drawValue(random) }), ...(random.chance(0.5) && { b: drawValue(random) }) }
}

function drawValue(random: Random): unknown {
  return random.chance(0.7) ? drawList(random) : random.pick([...VALUES, 1, true, false])
}

function drawList(random: Random): readonly string[] {
  return random.shuffle(VALUES).slice(0, random.below(VALUES.length + 1))
}

/** Draws constraints, a policy and metadata of a superior. `intermediates` are below the superior. */
function drawLimits(random: Random, intermediates: number): Record<string, unknown> {
  return {
    ...(random.chance(0.4) && { constraints: drawConstraints(random, intermediates) }),
    ...(random.chance(0.7) && { metadata_policy: drawPolicy(random) }),
    ...(random.chance(0.3) && { metadata: { [random.pick(TYPES)]: drawParameters(random) } }),
  }
}

function drawConstraints(random: Random, intermediates: number): object {
  return {
    ...(random.chance(0.5) && { max_path_length: Math.max(0, intermediates + random.below(4) - 1) }),
    ...(random.chance(0.3) && { naming_constraints: drawNaming(random) }),
    ...(random.chance(0.3) && { allowed_entity_types: random.pick([[AS], [AS, 'other'], [AS], ['other'], []]) }),
  }
}

function drawNaming(random: Random): object {
  return random.chance(0.5)
    ? { permitted: [random.pick(HOSTS), ...(random.chance(0.8) ? ['.example'] : [])] }
    : { excluded: [random.pick(HOSTS)] }
}

function drawPolicy(random: Random): object {
  const parameters = random.shuffle(['a', 'b']).slice(0, 1 + random.below(2))
  return {
    [random.chance(0.8) ? AS : 'other']: Object.fromEntries(parameters.map((name) => [name, drawOperators(random)])),
  }
}

function drawOperators(random: Random): object {
  const operand: Readonly<Record<string, () => unknown>> = {
    value: () => (random.chance(0.1) ? null : drawValue(random)),
    add: () => drawList(random),
    default: () => drawValue(random),
    one_of: () => (random.chance(0.9) ? VALUES : drawList(random)),
    subset_of: () => (random.chance(0.6) ? VALUES : drawList(random)),
    superset_of: () => drawList(random).slice(0, 1),
    essential: () => random.chance(0.5),
    regexp: () => '^x',
  }
  const names = random.shuffle(Object.keys(operand)).slice(0, 1 + random.below(2))
  return Object.fromEntries(names.map((name) => [name, operand[name]?.()]))
}

type Break = readonly [name: string, change: (plan: ChainPlan, random: Random) => void]

function edit(change: (statement: StatementPlan, random: Random) => void): Break[1] {
  return (plan, random) => {
    if (plan.statements.length > 0) change(random.pick(plan.statements), random)
  }
}

function editClaims(claims: (random: Random) => Record<string, unknown>): Break[1] {
  return edit((statement, random) => {
    statement.claims = { ...statement.claims, ...claims(random) }
  })
}

function disguise(key: FederationKey, kid: string): FederationKey {
  return { ...key, kid, jwk: { ...key.jwk, kid } }
}

/** Gives the third intermediate the name of the first. */
function close({ statements }: ChainPlan): void {
  for (const { claims } of statements) {
    for (const name of ['iss', 'sub']) if (claims[name] === 'https://i3.example') claims[name] = 'https://i1.example'
  }
}

const BREAKS: readonly Break[] = [
  ['a cycle', close],
  ['another signer', edit((statement, random) => Object.assign(statement, { signer: random.pick(KEYS) }))],
  [
    'another signer under the same kid',
    edit((statement, random) =>
      Object.assign(statement, { signer: disguise(random.pick(KEYS), statement.signer.kid) }),
    ),
  ],
  ['other keys', editClaims((random) => ({ jwks: jwksOf(random.pick(KEYS), disguise(random.pick(KEYS), 'k')) }))],
  ['another pin', (plan, random) => Object.assign(plan, { anchor: anchorOf(ANCHOR, random.pick(KEYS)) })],
  ['another anchor', (plan) => Object.assign(plan, { anchor: { ...plan.anchor, entityId: 'https://b.example' } })],
  ['a lost statement', (plan, random) => void plan.statements.splice(random.below(plan.statements.length), 1)],
  [
    'a repeated statement',
    (plan, random) => {
      const at = random.below(plan.statements.length)
      plan.statements.splice(at, 0, ...plan.statements.slice(at, at + 1 + random.below(2)))
    },
  ],
  ['another order', (plan, random) => void plan.statements.splice(0, 9, ...random.shuffle(plan.statements))],
  ['another expiry', editClaims((random) => ({ exp: NOW_S + random.pick([-1, 0, 1, 2 * HOUR_S]) }))],
  ['another issue', editClaims((random) => ({ iat: NOW_S + random.pick([0, 10, 11, HOUR_S]) }))],
  ['another subject', editClaims((random) => ({ sub: random.pick([SUBJECT, ANCHOR, 'https://i1.example']) }))],
  ['another issuer', editClaims((random) => ({ iss: random.pick([SUBJECT, ANCHOR, 'https://i1.example']) }))],
  ['other hints', editClaims((random) => ({ authority_hints: [random.pick([ANCHOR, 'https://i1.example'])] }))],
  [
    'other metadata',
    editClaims((random) => ({ metadata: { other: {}, [random.pick(TYPES)]: drawParameters(random) } })),
  ],
  [
    'other keys of tokens',
    editClaims((random) => ({ metadata: { [AS]: { issuer: SUBJECT, jwks: { keys: [random.below(2)] } } } })),
  ],
  ['constraints', editClaims((random) => ({ constraints: drawConstraints(random, 0) }))],
  ['a policy', editClaims((random) => ({ metadata_policy: drawPolicy(random) }))],
  ['a critical claim', editClaims(() => ({ crit: ['other'], other: 1 }))],
  ['a critical operator', editClaims(() => ({ metadata_policy_crit: ['regexp'] }))],
  ['another typ', edit((statement) => Object.assign(statement, { header: { typ: 'at+jwt' } }))],
  ['no times', editClaims(() => ({ iat: undefined }))],
]
