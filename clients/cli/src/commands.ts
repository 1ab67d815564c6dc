import type { CommandEntry, Noun } from './command.ts'
import { admin } from './nouns/admin.ts'
import { agent } from './nouns/agent.ts'
import { agentKey } from './nouns/agent-key.ts'
import { alone, version } from './nouns/alone.ts'
import { assertion } from './nouns/assertion.ts'
import { attestor } from './nouns/attestor.ts'
import { audit } from './nouns/audit.ts'
import { client } from './nouns/client.ts'
import { connection } from './nouns/connection.ts'
import { consent } from './nouns/consent.ts'
import { context } from './nouns/context.ts'
import { deployment } from './nouns/deployment.ts'
import { dpopProof } from './nouns/dpop-proof.ts'
import { enrolmentRule } from './nouns/enrolment-rule.ts'
import { grant } from './nouns/grant.ts'
import { idJag } from './nouns/id-jag.ts'
import { issuer } from './nouns/issuer.ts'
import { operator } from './nouns/operator.ts'
import { operatorKey } from './nouns/operator-key.ts'
import { policy } from './nouns/policy.ts'
import { provider } from './nouns/provider.ts'
import { request } from './nouns/request.ts'
import { requirement } from './nouns/requirement.ts'
import { revocation } from './nouns/revocation.ts'
import { scope } from './nouns/scope.ts'
import { server } from './nouns/server.ts'
import { signingKey } from './nouns/signing-key.ts'
import { stream } from './nouns/stream.ts'
import { subordinate } from './nouns/subordinate.ts'
import { token } from './nouns/token.ts'
import { trust } from './nouns/trust.ts'
import { trustAnchor } from './nouns/trust-anchor.ts'
import { user } from './nouns/user.ts'

/** Nouns and commands that the help of the tool shows under one title. */
interface Group {
  readonly title: string
  readonly alone: readonly CommandEntry[]
  readonly nouns: readonly Noun[]
}

/** All nouns, in the order of the help. The tool loads each command on demand, so that it starts fast. */
export const groups: readonly Group[] = [
  { title: 'Setup and checks', alone, nouns: [context, server] },
  {
    title: 'Operators',
    alone: [],
    nouns: [
      operator,
      operatorKey,
      request,
      policy,
      assertion,
      audit,
      provider,
      user,
      client,
      consent,
      connection,
      stream,
      trust,
    ],
  },
  { title: 'Agents', alone: [], nouns: [agent, agentKey, scope, attestor, enrolmentRule, requirement] },
  { title: 'Tokens and grants', alone: [], nouns: [token, dpopProof, grant, idJag, revocation] },
  { title: 'Administrators', alone: [], nouns: [signingKey, issuer, trustAnchor, subordinate, deployment, admin] },
]

/** All nouns, without groups. */
export const nouns: readonly Noun[] = groups.flatMap((group) => group.nouns)

/** All commands. */
export const commands: readonly CommandEntry[] = [
  ...groups.flatMap((group) => group.alone),
  ...nouns.flatMap((noun) => noun.commands),
  {
    words: 'completion',
    summary: 'print a script that completes commands and flags in your shell',
    load: async () => (await import('./commands/completion.ts')).createCompletion(commands),
  },
  version,
]
