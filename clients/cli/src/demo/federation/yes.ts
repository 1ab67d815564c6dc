import { columns } from '../../text.ts'
import { findChainsTo, findStatement } from './mend.ts'
import { expectVerdict, explain, type FederationScene, newToken, SCOPE, verdict, verify } from './scene.ts'
import { pathLines, withLetters } from './words.ts'

/** Shows the three deployments and their operators. */
export function showDeployments({ cast, tell }: FederationScene): void {
  const { a, b, c, acme, bolt, cargo, dock, guild, hall } = cast
  const rows = [
    { home: a, operators: [acme, bolt] },
    { home: b, operators: [cargo, dock] },
    { home: c, operators: [guild, hall] },
  ]
  tell({
    step: 'deployments-shown',
    act: 'Three deployments',
    title: 'Each has its own database, signing keys and administrator',
    lines: [
      ...rows.flatMap(({ home: { letter, issuer }, operators }) => [
        `${letter}  ${issuer}`,
        `   ${operators.map(({ domain }) => domain).join(', ')}`,
      ]),
      'B has admitted A and C, and C has admitted A. That alone lets nobody call.',
    ],
    facts: { issuers: [a.issuer, b.issuer, c.issuer] },
  })
}

/** Shows the statements that are in force. */
export async function showStatements({ cast, tell }: FederationScene): Promise<void> {
  const { acme, bolt, cargo, dock, guild, hall } = cast
  const pairs = [
    [cargo, guild],
    [guild, acme],
    [dock, acme],
    [acme, bolt],
    [hall, guild],
  ] as const
  const found = await Promise.all(pairs.map(([signer, subject]) => findStatement(signer, subject)))
  const statements = [...found, await findChainsTo(acme)].flatMap((statement) =>
    statement === undefined ? [] : [statement],
  )
  const rows = statements.map(({ signer, kind, subject }) => [
    signer.domain,
    kind,
    subject.domain || withLetters(cast, subject.home),
  ])
  tell({
    step: 'statements-shown',
    title: 'Operators have signed statements, each with its root key',
    lines: [...columns(rows).split('\n'), 'DNS says which root key belongs to which domain.'],
    facts: { statements: rows.map((row) => row.join(' ')) },
  })
}

/** A token of acme is valid at cargo, in another deployment. Returns it. */
export async function callAbroad(scene: FederationScene): Promise<string> {
  const { cast, tell } = scene
  const { a, acme, cargo } = cast
  const token = await newToken(scene, 'acme', cargo)
  const { valid, trust } = await verify(token, cargo, a)
  expectVerdict(await verdict(token, cargo, a), 'valid')
  tell({
    step: 'token-accepted',
    act: 'A yes, and why',
    title: 'The agent of acme gets a token at A and shows it at B',
    lines: [
      `A signs: ${SCOPE.asked} at ${cargo.audience}`,
      `B says: valid. At this API, ${SCOPE.asked} counts as ${trust?.effective_scope ?? ''}.`,
      'B has never seen this agent. It decides by what it knows, and asks nobody.',
    ],
    facts: { audience: cargo.audience, valid, effective_scope: trust?.effective_scope },
  })
  const explained = await explain(cargo, acme)
  tell({
    step: 'yes-explained',
    title: 'B explains the yes',
    lines: pathLines(cast, explained),
    facts: { allowed: explained.allowed, path: pathLines(cast, explained) },
  })
  return token
}
