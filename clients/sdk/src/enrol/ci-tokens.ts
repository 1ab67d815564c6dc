import { env } from 'node:process'
import type { EvidenceSource } from '../attestation/evidence-source.ts'
import { fetchToken } from './fetch-token.ts'
import { textEvidence } from './text-evidence.ts'

/** Options of {@link githubActions}. */
export interface GithubActionsOptions {
  /** The name of the attestor, by default `github_actions`. */
  readonly attestor?: string | undefined
}

/** Options of {@link gitlab}. */
export interface GitlabOptions {
  /** The variable that has the token, by default AUTH4AGENT_ID_TOKEN. */
  readonly variable?: string | undefined
  /** The name of the attestor, by default `gitlab`. */
  readonly attestor?: string | undefined
}

/**
 * Gets an ID token of the running job from GitHub Actions. The workflow needs `permissions: id-token: write`.
 *
 * @example
 *
 * ```ts
 * import { githubActions } from '@auth4agent/sdk/enrol'
 *
 * const agent = await createAgent({ server, operator, enrol: githubActions(), scopes: ['deploy'] })
 * ```
 */
export function githubActions({ attestor = 'github_actions' }: GithubActionsOptions = {}): EvidenceSource {
  return {
    attestor,
    async evidence({ audience, fetch, signal }) {
      const { ACTIONS_ID_TOKEN_REQUEST_URL: address, ACTIONS_ID_TOKEN_REQUEST_TOKEN: token } = env
      if (address === undefined || token === undefined)
        throw new Error('The job has no ID token: its workflow needs `permissions: id-token: write`')
      const url = new URL(address)
      url.searchParams.set('audience', audience)
      const answer = await fetchToken(fetch, url, { authorization: `Bearer ${token}` }, signal)
      return textEvidence(memberOf(answer, 'value'), 'The ID token')
    },
  }
}

/**
 * Uses the ID token of a GitLab CI job. `id_tokens` in `.gitlab-ci.yml` names the variable and the audience, which the
 * attestor must expect.
 *
 * @example
 *
 * ```ts
 * import { gitlab } from '@auth4agent/sdk/enrol'
 *
 * const agent = await createAgent({ server, operator, enrol: gitlab({ variable: 'DEPLOY_TOKEN' }) })
 * ```
 */
export function gitlab({ variable = 'AUTH4AGENT_ID_TOKEN', attestor = 'gitlab' }: GitlabOptions = {}): EvidenceSource {
  return {
    attestor,
    evidence: async () => textEvidence(env[variable] ?? '', `The variable ${variable}`),
  }
}

/** Returns a text of a JSON object. Throws Error without quoting the answer, which may have a token in it. */
export function memberOf(json: string, name: string): string {
  let value: unknown
  try {
    value = Object(JSON.parse(json))[name]
  } catch {
    // The message of the parser would quote the answer.
  }
  if (typeof value !== 'string') throw new Error(`The answer has no text "${name}"`)
  return value
}
