import { Auth4AgentError, createOperator, type Operator, type OperatorSigner, type Signer } from '@auth4agent/sdk'
import { generatePrivateKey } from '@auth4agent/sdk/node'
import { type Deployment, startDeployment } from './deployment.ts'
import type { Environment } from './server.ts'
import { startTcpProxy, targetOf } from './tcp-proxy.ts'

/** A deployment of two instances whose issuer is a real address: a proxy in front of the first instance. */
export interface PublicServer {
  readonly issuer: string
  readonly deployment: Deployment
  /** Makes the server unreachable at its issuer. */
  leave(): Promise<void>
  stop(): Promise<void>
}

/** Starts a server that other servers and clients know by its issuer. */
export async function startPublicServer(env: Environment = {}): Promise<PublicServer> {
  const proxy = await startTcpProxy({ host: '127.0.0.1', port: 0 })
  const issuer = `http://localhost:${proxy.port}`
  const deployment = await startDeployment({ instances: 2, env: { ...env, AUTH4AGENT_BASE_URL: issuer } })
  proxy.repoint(targetOf(deployment.server.baseUrl))
  const leave = () => proxy.close()
  return {
    issuer,
    deployment,
    leave,
    async stop() {
      await leave()
      await deployment.stop()
    },
  }
}

/** Registers an operator of a server, and proves its domain. */
export async function provenOperatorAt(
  { issuer, deployment }: PublicServer,
  domain: string,
  key: Signer = generatePrivateKey().signer,
): Promise<Operator> {
  const operator = createOperator({ server: issuer, domain, key })
  await operator.register()
  const { txt_record_name, txt_record_value } = await operator.verification.instructions()
  deployment.dns.setTxt(txt_record_name, [txt_record_value])
  const { verified, message } = await operator.verification.confirm()
  if (!verified) throw new Error(`${domain} was not confirmed: ${message}`)
  return operator
}

/** Returns the calls of an operator at each instance of a server. */
export function operatorEverywhere(
  { issuer, deployment }: PublicServer,
  operatorId: string,
  key: OperatorSigner,
): readonly Operator[] {
  return deployment.servers.map(({ baseUrl }) => createOperator({ server: baseUrl, issuer, operatorId, key }))
}

/** Returns the reason with which a call of the SDK rejects, or `done`. */
export function reasonOfCall(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => 'done',
    (error: unknown) => (error instanceof Auth4AgentError ? error.reason : String(error)),
  )
}
