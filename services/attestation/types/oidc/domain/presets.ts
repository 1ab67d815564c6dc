import { isJsonObject, type JsonObject } from '@auth4agent/core/encoding/strict-json'
import type { AttestorTypeName } from '../../attestor-type.ts'
import type { ClaimMapping } from './expose-claims.ts'

/** Types that are the type `oidc` with a fixed mapping of claims. */
export type PresetName = Extract<AttestorTypeName, 'kubernetes' | 'github-actions' | 'gitlab' | 'gcp' | 'azure'>

/** What a platform fixes, so that an operator need not configure it. */
export interface Preset {
  /** Members of the configuration that only this preset has. */
  readonly members: readonly string[]
  /** Returns the issuer of a configuration, or undefined if the configuration names none that is right. */
  readonly issuerOf: (config: JsonObject) => unknown
  /** The member of the configuration that says which issuer it is, and what it must be. */
  readonly issuerDemand: readonly [member: string, demand: string]
  readonly claims: ClaimMapping
  /** Whether the platform fixes the audience of its tokens, so that none can be for the agent's key. */
  readonly hasFixedAudience?: true
  /** How old a token may be by default, in milliseconds. */
  readonly maxTokenAgeMs?: number
  /** Returns what else the token must be, or undefined if it is. */
  readonly demandOf?: (payload: JsonObject, issuer: string) => string | undefined
}

const GITHUB = 'https://token.actions.githubusercontent.com'
const GITHUB_ISSUER = /^https:\/\/token\.actions\.githubusercontent\.com(?:\/[A-Za-z0-9-]+)?$/
const GITLAB = 'https://gitlab.com'
const GOOGLE = 'https://accounts.google.com'
const TENANT = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
/** Azure keeps the token of a managed identity for up to a day. */
const AZURE_AGE_MS = 25 * 3_600_000

/** The presets. Claims are those that the platforms document, under the same names where these are identifiers. */
export const PRESETS: Readonly<Record<PresetName, Preset>> = {
  kubernetes: {
    members: ['issuer'],
    issuerOf: ({ issuer }) => issuer,
    issuerDemand: ['issuer', "must be the cluster's service account issuer, an https URL"],
    claims: {
      sub: '/sub',
      namespace: '/kubernetes.io/namespace',
      service_account: '/kubernetes.io/serviceaccount/name',
      service_account_uid: '/kubernetes.io/serviceaccount/uid',
      pod: '/kubernetes.io/pod/name',
      pod_uid: '/kubernetes.io/pod/uid',
      node: '/kubernetes.io/node/name',
      node_uid: '/kubernetes.io/node/uid',
    },
    demandOf: isServiceAccount,
  },
  'github-actions': {
    members: ['issuer'],
    issuerOf: ({ issuer = GITHUB }) => (typeof issuer === 'string' && GITHUB_ISSUER.test(issuer) ? issuer : undefined),
    issuerDemand: ['issuer', `must be ${GITHUB}, or this with the name of an enterprise as its path`],
    claims: sameNames(
      'sub repository repository_id repository_owner repository_owner_id repository_visibility',
      'ref ref_type base_ref head_ref sha event_name environment',
      'workflow workflow_ref workflow_sha job_workflow_ref job_workflow_sha runner_environment',
      'run_id run_number run_attempt check_run_id actor actor_id enterprise enterprise_id',
    ),
  },
  gitlab: {
    members: ['issuer'],
    issuerOf: ({ issuer = GITLAB }) => issuer,
    issuerDemand: ['issuer', 'must be the https URL of a GitLab instance'],
    claims: sameNames(
      'sub namespace_id namespace_path project_id project_path project_visibility',
      'job_namespace_id job_namespace_path job_project_id job_project_path job_id job_source',
      'ref ref_type ref_path ref_protected sha ci_config_ref_uri ci_config_sha',
      'pipeline_id pipeline_source environment environment_protected environment_action deployment_tier',
      'runner_id runner_environment user_id user_login user_access_level',
    ),
  },
  gcp: {
    members: [],
    issuerOf: () => GOOGLE,
    issuerDemand: ['issuer', `is ${GOOGLE}`],
    claims: {
      ...sameNames('sub azp email email_verified'),
      project_id: '/google/compute_engine/project_id',
      project_number: '/google/compute_engine/project_number',
      zone: '/google/compute_engine/zone',
      instance_id: '/google/compute_engine/instance_id',
      instance_name: '/google/compute_engine/instance_name',
      instance_creation_timestamp: '/google/compute_engine/instance_creation_timestamp',
      instance_confidentiality: '/google/compute_engine/instance_confidentiality',
      license_id: '/google/compute_engine/license_id',
    },
    demandOf: hasProvenEmail,
  },
  azure: {
    members: ['issuer', 'tenant'],
    issuerOf: azureIssuer,
    issuerDemand: [
      'tenant',
      'must be a UUID in lower case, and issuer https://sts.windows.net/<tenant>/ (the default) or https://login.microsoftonline.com/<tenant>/v2.0',
    ],
    claims: sameNames('sub oid tid appid azp idtyp roles ver xms_mirid xms_az_rid'),
    hasFixedAudience: true,
    maxTokenAgeMs: AZURE_AGE_MS,
    demandOf: isOfTenant,
  },
}

function sameNames(...names: readonly string[]): ClaimMapping {
  return Object.fromEntries(names.flatMap((line) => line.split(' ')).map((name) => [name, `/${name}`]))
}

/** Managed identities get tokens of version 1, unless the application that they call wants version 2. */
function azureIssuer({ tenant, issuer }: JsonObject): unknown {
  if (typeof tenant !== 'string' || !TENANT.test(tenant)) return undefined
  const issuers = [`https://sts.windows.net/${tenant}/`, `https://login.microsoftonline.com/${tenant}/v2.0`]
  return issuer === undefined ? issuers[0] : issuers.find((each) => each === issuer)
}

/** A cluster's issuer may sign other tokens too. */
function isServiceAccount({ sub, 'kubernetes.io': claims }: JsonObject): string | undefined {
  const { namespace, serviceaccount } = isJsonObject(claims) ? claims : {}
  const name = isJsonObject(serviceaccount) ? serviceaccount['name'] : undefined
  const isNamed = typeof namespace === 'string' && typeof name === 'string'
  return isNamed && sub === `system:serviceaccount:${namespace}:${name}`
    ? undefined
    : 'must be that of a service account: its sub must be the one that the claim kubernetes.io names'
}

function hasProvenEmail({ email, email_verified: isVerified }: JsonObject): string | undefined {
  return email === undefined || isVerified === true ? undefined : 'must not have an email that is not verified'
}

function isOfTenant({ tid }: JsonObject, issuer: string): string | undefined {
  return typeof tid === 'string' && new URL(issuer).pathname.split('/')[1] === tid
    ? undefined
    : 'must have the tenant of its issuer as tid'
}
