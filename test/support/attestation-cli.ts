import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runCli } from './cli.ts'
import { newKeys } from './parties.ts'

/** The operator of the commands. */
const OPERATOR = '0f7e9f3c-62d1-8a55-9b60-5f3d2c1b0a99'
/** The id of a join token. */
export const TOKEN = '5f09097b-6e5b-4b14-bf8d-0760fa0f7fc7'
/** The path of the operator. */
export const BASE = `/v1/operators/${OPERATOR}`
/** A text in the form of a certificate. */
export const PEM = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n'
/** The key of the operator. */
export const key = newKeys()
const pem = String(key.privateKey.export({ format: 'pem', type: 'pkcs8' }))

/** An attestor, as the server tells it. */
export const attestor = { name: 'kubernetes', type: 'kubernetes', config: { audience: 'a' }, result_ttl: 600 }
const rule = { name: 'pods', all_of: ['kubernetes'], any_of: [], when: '', scopes: ['orders:read'], max_agents: 10 }
const requirement = { name: 'fresh', all_of: [], any_of: ['kubernetes', 'ci'], scopes: ['pay:*'], level: 'bound' }
const joinToken = { id: TOKEN, label: 'rack-7', expires_at: '2026-11-27T18:00:00Z', used_by: '' }
const result = {
  attestor: 'kubernetes',
  type: 'kubernetes',
  level: 'bearer',
  claims: { namespace: 'billing' },
  verified_at: '2026-11-27T17:00:00Z',
  expires_at: '2026-11-27T17:10:00Z',
}
const condition = {
  condition: 'claims.kubernetes.namespace == "orders"',
  outcome: 'false',
  seen: ['claims.kubernetes.namespace = "billing"'],
}
const met = { condition: 'kubernetes', outcome: 'true', seen: [] }
/** The answer to a dry run with evidence that meets no rule. */
export const refusedRun = {
  evidence: [{ attestor: 'kubernetes', result, refusal: '', missing: ['A nonce of the server'] }],
  rules: [{ rule: 'pods', met: false, conditions: [met, condition], label: '', scopes: [] }],
  chosen_rule: '',
  refusal: 'The claims meet no rule\u001b[2J',
}
const goodRun = {
  evidence: [{ attestor: 'kubernetes', result, refusal: '', missing: [] }],
  rules: [{ rule: 'pods', met: true, conditions: [met], label: 'billing/api', scopes: ['orders:read'] }],
  chosen_rule: 'pods',
  refusal: '',
}
/** The answers of the server, by method and path. */
export const usual: Readonly<Record<string, unknown>> = {
  [`PUT ${BASE}/attestors/kubernetes`]: { attestor },
  [`GET ${BASE}/attestors`]: { attestors: [attestor] },
  [`DELETE ${BASE}/attestors/kubernetes`]: { deleted_results: 3 },
  [`POST ${BASE}/attestors/join_token/join-tokens`]: { secret: 'the-secret', join_token: joinToken },
  [`GET ${BASE}/attestors/join_token/join-tokens`]: { join_tokens: [joinToken] },
  [`PUT ${BASE}/enrolment-rules/pods`]: { rule },
  [`GET ${BASE}/enrolment-rules`]: { rules: [rule] },
  [`PUT ${BASE}/attestation-requirements/fresh`]: { requirement },
  [`GET ${BASE}/attestation-requirements`]: { requirements: [requirement] },
  [`POST ${BASE}/rules:dry-run`]: goodRun,
}

/** Files of evidence and settings, and the tool with a fake server. */
export interface AttestationTool extends AsyncDisposable {
  readonly folder: string
  /** Returns the path of a file. */
  at(name: string): string
  /** Runs a command of the operator. A word `#name`, or `flag=#name`, is a file. */
  ran(
    line: string,
    more?: readonly string[],
    answers?: typeof usual,
  ): Promise<Awaited<ReturnType<typeof runCli>> & { readonly sent: readonly Sent[] }>
}

/** A request that the fake server has received. */
interface Sent {
  readonly call: string
  readonly body: unknown
}

/** Writes the files, and returns the tool. */
export async function openAttestationTool(): Promise<AttestationTool> {
  const folder = await mkdtemp(join(tmpdir(), 'auth4agent-cli-'))
  const at = (name: string) => join(folder, name)
  await writeFile(at('token'), 'a.b.c\n')
  await writeFile(at('binary'), Buffer.from([0xd2, 0x84, 0x0a]))
  await writeFile(at('ca.pem'), PEM + PEM)
  await writeFile(at('jwks.json'), '{"keys":[]}')
  await writeFile(at('rule.json'), JSON.stringify({ all_of: ['kubernetes'], scopes: ['x'] }))
  await writeFile(at('list.json'), '[1]')
  await writeFile(at('empty'), ' \n')
  return {
    folder,
    at,
    async ran(line, more = [], answers = usual) {
      const sent: Sent[] = []
      const fetch: typeof globalThis.fetch = async (input, init) => {
        const request = new Request(input, init)
        const body = await request.text()
        const call = `${request.method} ${new URL(request.url).pathname}`
        sent.push({ call, body: body === '' ? undefined : JSON.parse(body) })
        return Response.json(answers[call] ?? {})
      }
      const words = line
        .split(' ')
        .map((word) => word.replace(/(^|=@?)#(.*)$/, (_, begin: string, name: string) => begin + at(name)))
      const where = ['--server', 'http://localhost:1234', '--operator-id', OPERATOR, '--key', '-', ...more]
      const ended = await runCli([...words, ...where], { fetch, readStdin: async () => pem })
      return { ...ended, sent }
    },
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true }),
  }
}
