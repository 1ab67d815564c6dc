import { createHash, generateKeyPairSync, randomUUID, sign } from 'node:crypto'
import type { AgentParty, Asserter } from './parties.ts'
import type { Answer, Json, ProtocolClient } from './protocol-client.ts'
import { expectStatus, type OperatorParty } from './story.ts'

/** The issuer of workload tokens in tests. It is only a name, because its keys are pinned. */
export const WORKLOAD_ISSUER = 'https://kubernetes.default.svc.example.com'

/** A platform that signs tokens for workloads, as the API server of Kubernetes does. */
export interface Platform {
  readonly jwks: Json
  /** Returns a new projected token of a service account. */
  token(claims: { readonly audience: string; readonly namespace: string; readonly serviceAccount: string }): string
}

const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')

/** Creates a platform with one RSA key. */
export function newPlatform(): Platform {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const kid = 'cluster-1'
  return {
    jwks: { keys: [{ ...publicKey.export({ format: 'jwk' }), kid, alg: 'RS256', use: 'sig' }] },
    token({ audience, namespace, serviceAccount }) {
      const iat = Math.floor(Date.now() / 1000)
      const claims = {
        iss: WORKLOAD_ISSUER,
        sub: `system:serviceaccount:${namespace}:${serviceAccount}`,
        aud: [audience],
        iat,
        nbf: iat,
        exp: iat + 600,
        jti: randomUUID(),
        'kubernetes.io': {
          namespace,
          node: { name: 'node-1', uid: randomUUID() },
          pod: { name: `${serviceAccount}-${randomUUID().slice(0, 5)}`, uid: randomUUID() },
          serviceaccount: { name: serviceAccount, uid: randomUUID() },
        },
      }
      const input = `${encode({ alg: 'RS256', kid })}.${encode(claims)}`
      return `${input}.${sign('sha256', Buffer.from(input), privateKey).toString('base64url')}`
    },
  }
}

/** A nonce as the server returned it. */
export interface NonceAnswer {
  readonly nonce: string
  readonly audience: string
  readonly challenge: string
}

/** What an agent sends as evidence. */
export type Evidence = Buffer | ((nonce: NonceAnswer) => Buffer | Promise<Buffer>)

/** The calls of agents that attest. */
export function attesting(client: ProtocolClient, operatorId: string) {
  const askNonce = async ({ publicKey }: AgentParty, purpose: string, extra: object = {}): Promise<NonceAnswer> => {
    const body = { agent_public_key: publicKey, purpose, operator_id: operatorId, ...extra }
    const { nonce, audience, challenge } = expectStatus(200, await client.post('/v1/attest/nonce', body))
    return {
      nonce: String(nonce),
      audience: String(audience),
      challenge: typeof challenge === 'string' ? challenge : '',
    }
  }
  const attestation = async (
    agent: AgentParty,
    purpose: string,
    evidence: Readonly<Record<string, Evidence>>,
    answer?: NonceAnswer,
  ) => {
    const nonce = answer ?? (await askNonce(agent, purpose))
    const sent = []
    for (const [attestor, each] of Object.entries(evidence)) {
      const bytes = typeof each === 'function' ? await each(nonce) : each
      sent.push({ attestor, evidence: bytes.toString('base64'), signature: signatureOf(agent, bytes, nonce.nonce) })
    }
    return { nonce: nonce.nonce, evidence: sent }
  }
  return {
    nonce: askNonce,
    attestation,
    /** Enrols an agent by its evidence. */
    async enrol(agent: AgentParty, evidence: Readonly<Record<string, Evidence>>, rule = ''): Promise<Answer> {
      const sent = { ...(await attestation(agent, 'enrol', evidence)), rule }
      const body = { agent_public_key: agent.publicKey, attestation: sent }
      return client.post(`/v1/operators/${operatorId}/agents`, body)
    },
    /** Attests for a registered agent. */
    async attest(agent: AgentParty, evidence: Readonly<Record<string, Evidence>>, answer?: NonceAnswer) {
      const body = { did: agent.did, attestation: await attestation(agent, 'attest', evidence, answer) }
      return client.post('/v1/attest', body)
    },
  }
}

/** The calls with which an operator says what it demands. */
export function attestationPolicy(client: ProtocolClient, operator: OperatorParty) {
  const base = `/v1/operators/${operator.id}`
  const put = async (path: string, body: object) =>
    expectStatus(200, await client.signed('PUT', `${base}/${path}`, body, operator))
  const remove = async (path: string): Promise<Answer> =>
    client.send('DELETE', `${base}/${path}`, undefined, operator.assert(`DELETE ${base}/${path}`))
  return {
    putAttestor: (name: string, type: string, config: object) => put(`attestors/${name}`, { type, config }),
    putRule: (name: string, rule: object) => put(`enrolment-rules/${name}`, { rule }),
    putRequirement: (name: string, requirement: object) => put(`attestation-requirements/${name}`, { requirement }),
    deleteAttestor: (name: string) => remove(`attestors/${name}`),
    deleteRule: (name: string) => remove(`enrolment-rules/${name}`),
    dryRun: (body: object, by: Asserter = operator) => client.signed('POST', `${base}/rules:dry-run`, body, by),
  }
}

function signatureOf({ privateKey }: AgentParty, evidence: Buffer, nonce: string): string {
  const digest = createHash('sha256').update(evidence).digest('base64url')
  return sign(null, Buffer.from(`auth4agents-attestation:${digest}:${nonce}`), privateKey).toString('base64')
}
