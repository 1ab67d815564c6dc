import type { Deployment, Reached } from '../../support/deployment.ts'
import { type ProtocolClient, protocolClient } from '../../support/protocol-client.ts'
import { stubsOf } from '../grpc-stubs/stubs.ts'

/** One way to ask whether a token is valid. */
export interface Witness {
  /** The name of the process and the transport. */
  readonly name: string
  /** Resolves with `true`, with `false` and the reason, or with the status and reason of an error. */
  readonly ask: (token: string) => Promise<string>
}

/** The ways to ask for a verdict: every gateway and every process that verifies, over REST and gRPC. */
export interface Witnesses {
  readonly all: readonly Witness[]
  /** The witnesses of each process that verifies, in the order of `deployment.processes.authn`. */
  readonly ofVerifiers: readonly (readonly Witness[])[]
  close(): void
}

/** Demands of a verification, without the token. They have the names of REST. */
type Demands = Readonly<Record<string, unknown>>

/** Finds all ways to ask a deployment. Every question has the same demands. */
export async function witnessesOf(deployment: Deployment, demands: Demands = {}): Promise<Witnesses> {
  const stubs: { close(): void }[] = []
  const waysOf = (who: string, { server, client }: Pick<Reached, 'server' | 'client'>): readonly Witness[] => {
    const stub = stubsOf(server.grpcAddress)
    stubs.push(stub)
    const overGrpc = async (token: string): Promise<string> => {
      const outcome = await stub.call('auth4agent.v1.AuthnService/VerifyToken', { ...inStubs(demands), token })
      return outcome.ok ? verdictOf(outcome.message) : outcome.code
    }
    return [
      { name: `${who} over REST`, ask: (token) => askOverRest(client, { ...demands, token }) },
      { name: `${who} over gRPC`, ask: overGrpc },
    ]
  }
  const verifiers = await deployment.verifiers()
  const ofVerifiers = verifiers.map((way, index) => waysOf(`verifier ${index + 1}`, way))
  const known = new Set(verifiers.map(({ server }) => server))
  const ofGateways = deployment.servers
    .filter((server) => !known.has(server))
    .map((server, index) => waysOf(`gateway ${index + 1}`, { server, client: protocolClient(server.baseUrl) }))
  return {
    all: [...ofVerifiers, ...ofGateways].flat(),
    ofVerifiers,
    close() {
      for (const stub of stubs) stub.close()
    },
  }
}

/** Asks all witnesses at once. Returns their answers by name. */
export async function askAll(witnesses: readonly Witness[], token: string): Promise<Record<string, string>> {
  const answers = await Promise.all(witnesses.map(async ({ name, ask }) => [name, await ask(token)] as const))
  return Object.fromEntries(answers)
}

/** Returns the answers of askAll when every witness gives the same verdict. */
export function unanimously(witnesses: readonly Witness[], verdict: string): Record<string, string> {
  return Object.fromEntries(witnesses.map(({ name }) => [name, verdict]))
}

const camel = (name: string) => name.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase())

/** Returns demands under the names of the stubs. */
function inStubs(demands: Demands): Demands {
  return Object.fromEntries(Object.entries(demands).map(([name, value]) => [camel(name), value]))
}

async function askOverRest(client: ProtocolClient, request: Demands): Promise<string> {
  const { status, body } = await client.post('/v1/verify', request)
  return status === 200 ? verdictOf(body) : String(status)
}

function verdictOf({ valid, reason }: { readonly valid?: unknown; readonly reason?: unknown }): string {
  return valid === true ? 'true' : `${String(valid)} ${String(reason)}`
}
