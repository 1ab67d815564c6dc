/**
 * An agent that enrols itself with the token of its pod, and then gets tokens for an API. It writes one line of JSON
 * for each event. Replace `work` by what your agent does.
 */
import process from 'node:process'
import { setTimeout as pause } from 'node:timers/promises'
import { createAgent } from '@auth4agent/sdk'
import { kubernetes } from '@auth4agent/sdk/enrol'

const say = (event) => process.stdout.write(`${JSON.stringify({ at: new Date().toISOString(), ...event })}\n`)
const { SERVER, ISSUER, OPERATOR_ID, SCOPES = '', AUDIENCE, TOKEN_FILE, ATTESTOR, RULE, EVERY_S = '30' } = process.env

/** Gets a token, and says what it allows. `agent.fetch` sends it with a request. */
async function work(agent) {
  const { scope, expiresAt } = await agent.issued()
  say({ event: 'token', scope, expiresAt })
}

const agent = await createAgent({
  server: SERVER,
  issuer: ISSUER,
  operator: OPERATOR_ID,
  enrol: kubernetes({ tokenFile: TOKEN_FILE, attestor: ATTESTOR }),
  rule: RULE,
  scopes: SCOPES.split(/[\s,]+/).filter(Boolean),
  audience: AUDIENCE,
}).catch((error) => {
  // Kubernetes starts the container again, with growing pauses.
  say({ event: 'refused', reason: error.reason, message: error.message })
  process.exit(1)
})
process.on('SIGTERM', () => {
  agent.close()
  process.exit(0)
})
const { did, enrolment } = agent
say({ event: 'enrolled', did, rule: enrolment.rule, scopes: enrolment.scopes })

for (;;) {
  await work(agent).catch(({ reason, message }) => say({ event: 'failed', reason, message }))
  await pause(Number(EVERY_S) * 1000)
}
