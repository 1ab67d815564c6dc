import { globSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { DescService } from '@bufbuild/protobuf'

/** The services in the order of the document, with their titles. Other services follow in the order of their names. */
const TITLES: Readonly<Record<string, string>> = {
  OperatorRegistryService: 'Operators',
  OperatorKeyService: "Operators' keys",
  IdentityService: 'Agents',
  AgentKeyService: "Agents' keys",
  AgentMoveService: 'Moves',
  AttestationService: 'Attestation',
  AttestationPolicyService: 'Attestation policy',
  AuthnService: 'Tokens',
  OAuthService: 'OAuth',
  DelegationService: 'Grants',
  RevocationService: 'Revocation',
  StatusListService: 'Status lists',
  SignalService: 'Security events',
  PeopleService: 'People',
  TrustService: 'Trust',
  FederationService: 'OpenID Federation',
  KeysService: 'Signing keys',
  DeploymentService: 'Processes and schema',
  IssuerService: 'Foreign issuers',
  FederationAdminService: 'Trust anchors and subordinates',
}
const ORDER = Object.keys(TITLES)

/** Returns the title of a service. One without a title has its name in words. */
export function titleOf({ name }: DescService): string {
  return TITLES[name] ?? name.replace(/Service$/, '').replaceAll(/(?<=[a-z])(?=[A-Z])/g, ' ')
}

/** Returns all services of the public contract, as the generated files describe them. */
export async function readServices(root: string): Promise<readonly DescService[]> {
  const folder = join(root, 'gen/proto/auth4agent/v1')
  const names = globSync('*_pb.ts', { cwd: folder }).toSorted()
  const files = await Promise.all(
    names.map((name): Promise<Record<string, unknown>> => import(pathToFileURL(join(folder, name)).href)),
  )
  return files
    .flatMap((file) => Object.values(file))
    .filter(isService)
    .toSorted((a, b) => rankOf(a) - rankOf(b) || (a.name < b.name ? -1 : 1))
}

function isService(value: unknown): value is DescService {
  return typeof value === 'object' && value !== null && 'kind' in value && value.kind === 'service'
}

function rankOf({ name }: DescService): number {
  const rank = ORDER.indexOf(name)
  return rank < 0 ? ORDER.length : rank
}
