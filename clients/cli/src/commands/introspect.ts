import { isJsonObject } from '@auth4agent/core/encoding/strict-json'
import { createAgent, type Introspection } from '@auth4agent/sdk'
import { loadSigningAgent } from '../agent-key.ts'
import { defineCommand } from '../command.ts'
import { agentKeyFlag, serverFlags } from '../common-flags.ts'
import { serverOf } from '../parties.ts'
import { readToken } from '../secrets.ts'
import { shared } from '../shared-flags.ts'
import { compact, lines } from '../text.ts'
import { writeTime } from '../times.ts'

/** `token introspect`: asks the server, as an agent, whether a token is active. */
export const introspect = defineCommand({
  help: [
    'Asks the server whether a token is active (RFC 7662), in the name of the agent of agent.json. The server says so only about tokens of agents of the same operator, and about tokens for audiences of that operator; it says that any other token is not active. The exit code is 0 if the token is active and 1 if it is not.',
    'The server compares neither audience nor scope, and checks no DPoP proof. `auth4agent token verify --online` does, and needs no agent. A chain of grants is never active here; `auth4agent grant inspect` looks at chains. For a delegated token, the answer names the agents that act, the last one first.',
  ],
  examples: [
    { does: 'a token in a file', line: 'auth4agent token introspect --token @token.txt' },
    { does: 'a token from a pipe, as JSON', line: 'auth4agent token introspect --token - --json < token.txt' },
  ],
  flags: {
    ...serverFlags,
    ...agentKeyFlag,
    token: {
      ...shared.token,
      required: true,
    },
  },
  async run(context) {
    const { flags, fetch, signal, progress, answer } = context
    const { agent, key, store } = await loadSigningAgent(context)
    const token = await readToken(flags.required('token'), context)
    const client = createAgent({ ...serverOf(agent, context), did: agent.did, key: store ?? key, fetch })
    const told = await progress('asking the server', client.introspect(token, { signal }))
    answer(told, toText(told), told.active ? 'active' : 'not active')
    return told.active ? 'ok' : 'refused'
  },
})

function toText(told: Introspection): string {
  const { active, sub, aud, scope, operator_id, token_type, cnf, iat, exp, jti, act, may_act } = told
  const actors = actorsOf(act)
  const said = {
    active,
    subject: sub,
    'acts for it': actors.length > 0 ? `[${actors.join(' ')}]` : undefined,
    'may exchange it': actorsOf(may_act)[0],
    audience: aud && `[${aud.join(' ')}]`,
    scope,
    details: told.authorization_details === undefined ? undefined : compact(told.authorization_details),
    operator_id,
    token_type,
    bound_to: isJsonObject(cnf) && typeof cnf.jkt === 'string' ? cnf.jkt : undefined,
    issued_at: writeIfGiven(iat),
    expires_at: writeIfGiven(exp),
    jti,
  }
  return `token introspection\n\n${lines(said)}`
}

/** Returns the agents in `act`, the one that acts first. */
function actorsOf(act: unknown): readonly string[] {
  if (!isJsonObject(act) || typeof act['sub'] !== 'string') return []
  return [act['sub'], ...actorsOf(act['act'])]
}

function writeIfGiven(seconds: number | null | undefined): string | undefined {
  return seconds === undefined || seconds === null ? undefined : writeTime(seconds)
}
