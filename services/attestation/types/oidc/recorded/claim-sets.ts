import type { PresetName } from '../domain/presets.ts'

/** Claims of a token of a platform, as its documentation describes them. Values are invented. */
export interface ClaimSet {
  readonly preset: PresetName
  readonly name: string
  /** The configuration besides the keys. */
  readonly config: object
  /** The members of the payload besides `aud` and the times. */
  readonly payload: object
  /** The claims that rules see. */
  readonly verified: object
}

const UUID = '3f0f8a52-1c5e-4b7e-9c1d-2a6b7d8e9f10'
const TENANT = '11111111-2222-4333-8444-555555555555'
const OBJECT = '66666666-7777-4888-9999-aaaaaaaaaaaa'
const APPLICATION = 'bbbbbbbb-cccc-4ddd-8eee-ffffffffffff'
const SHA = '5d1a0c2b7e3f4a6b8c9d0e1f2a3b4c5d6e7f8a9b'
const VM = '/subscriptions/s-1/resourcegroups/agents/providers/Microsoft.Compute/virtualMachines/vm-1'

const kubernetes = {
  iss: 'https://oidc.cluster.example/id/1',
  jti: UUID,
  sub: 'system:serviceaccount:agents:reader',
  'kubernetes.io': {
    namespace: 'agents',
    node: { name: 'node-7', uid: '0c5b2f6e-4f0a-4d7c-8a53-8a1c1f0e7b11' },
    pod: { name: 'reader-6d5c7b-x2x9v', uid: '9a7d8c35-6a55-43b9-9f3c-3f1f5d0f8a22' },
    serviceaccount: { name: 'reader', uid: 'd7f8b1a4-2f4f-4a44-bb67-0a8d2bb45c33' },
    warnafter: 1_795_780_807,
  },
}

const github = {
  iss: 'https://token.actions.githubusercontent.com',
  jti: UUID,
  sub: 'repo:acme@123/robot@456:environment:production',
  actor: 'robin',
  actor_id: '789',
  base_ref: '',
  environment: 'production',
  event_name: 'push',
  head_ref: '',
  job_workflow_ref: 'acme/flows/.github/workflows/deploy.yml@refs/tags/v1',
  job_workflow_sha: SHA,
  ref: 'refs/heads/main',
  ref_type: 'branch',
  repository: 'acme/robot',
  repository_id: '456',
  repository_owner: 'acme',
  repository_owner_id: '123',
  repository_visibility: 'private',
  run_attempt: '1',
  run_id: '10000000001',
  run_number: '12',
  runner_environment: 'github-hosted',
  sha: SHA,
  workflow: 'deploy',
  workflow_ref: 'acme/robot/.github/workflows/main.yml@refs/heads/main',
  workflow_sha: SHA,
}

const gitlab = {
  iss: 'https://gitlab.com',
  jti: UUID,
  sub: 'project_path:acme/robot:ref_type:branch:ref:main',
  namespace_id: '72',
  namespace_path: 'acme',
  project_id: '20',
  project_path: 'acme/robot',
  project_visibility: 'private',
  job_namespace_id: '72',
  job_namespace_path: 'acme',
  job_project_id: '20',
  job_project_path: 'acme/robot',
  user_id: '1',
  user_login: 'robin',
  user_access_level: 'developer',
  pipeline_id: '574',
  pipeline_source: 'push',
  job_id: '302',
  ref: 'main',
  ref_type: 'branch',
  ref_path: 'refs/heads/main',
  ref_protected: 'true',
  environment: 'production',
  environment_protected: 'true',
  deployment_tier: 'production',
  runner_id: 1,
  runner_environment: 'self-hosted',
  sha: SHA,
  ci_config_ref_uri: 'gitlab.com/acme/robot//.gitlab-ci.yml@refs/heads/main',
}

const instance = {
  instance_confidentiality: 1,
  instance_creation_timestamp: 1_795_000_000,
  instance_id: '4570000000000000001',
  instance_name: 'agent-1',
  license_id: ['1000204', '1000205'],
  project_id: 'acme-agents',
  project_number: 739_419_398_126,
  zone: 'us-central1-c',
}
const gcp = {
  iss: 'https://accounts.google.com',
  azp: '112000000000000000001',
  email: 'agents@acme-agents.iam.gserviceaccount.com',
  email_verified: true,
  sub: '112000000000000000001',
}

const azure = {
  iss: `https://sts.windows.net/${TENANT}/`,
  appid: APPLICATION,
  idtyp: 'app',
  oid: OBJECT,
  roles: ['Agents.Enrol'],
  sub: OBJECT,
  tid: TENANT,
  ver: '1.0',
  xms_mirid: VM,
}
const azureConfig = { tenant: TENANT, audience: 'api://attest.acme.example' }

const without = (claims: object, ...names: readonly string[]) =>
  Object.fromEntries(Object.entries(claims).filter(([name]) => !names.includes(name)))

/** Claim sets of all presets. */
export const CLAIM_SETS: readonly ClaimSet[] = [
  {
    preset: 'kubernetes',
    name: 'a pod of a cluster',
    config: { issuer: kubernetes.iss },
    payload: kubernetes,
    verified: {
      sub: kubernetes.sub,
      namespace: 'agents',
      service_account: 'reader',
      service_account_uid: 'd7f8b1a4-2f4f-4a44-bb67-0a8d2bb45c33',
      pod: 'reader-6d5c7b-x2x9v',
      pod_uid: '9a7d8c35-6a55-43b9-9f3c-3f1f5d0f8a22',
      node: 'node-7',
      node_uid: '0c5b2f6e-4f0a-4d7c-8a53-8a1c1f0e7b11',
    },
  },
  {
    preset: 'kubernetes',
    name: 'a service account without a pod',
    config: { issuer: kubernetes.iss },
    payload: {
      ...without(kubernetes, 'jti'),
      'kubernetes.io': without(kubernetes['kubernetes.io'], 'pod', 'node', 'warnafter'),
    },
    verified: {
      sub: kubernetes.sub,
      namespace: 'agents',
      service_account: 'reader',
      service_account_uid: 'd7f8b1a4-2f4f-4a44-bb67-0a8d2bb45c33',
    },
  },
  { preset: 'github-actions', name: 'a job', config: {}, payload: github, verified: without(github, 'iss', 'jti') },
  {
    preset: 'github-actions',
    name: 'a job of an enterprise with its own issuer',
    config: { issuer: `${github.iss}/acme-inc` },
    payload: { ...github, iss: `${github.iss}/acme-inc`, enterprise: 'acme-inc', enterprise_id: '9' },
    verified: { ...without(github, 'iss', 'jti'), enterprise: 'acme-inc', enterprise_id: '9' },
  },
  {
    preset: 'gitlab',
    name: 'a job whose pipeline is defined elsewhere',
    config: {},
    payload: { ...gitlab, ci_config_sha: null, user_identities: [{ provider: 'github', extern_uid: '7' }] },
    verified: without(gitlab, 'iss', 'jti'),
  },
  {
    preset: 'gcp',
    name: 'a virtual machine, in the format full',
    config: {},
    payload: { ...gcp, google: { compute_engine: instance } },
    verified: { ...without(gcp, 'iss'), ...instance },
  },
  {
    preset: 'gcp',
    name: 'a service account, in the format standard',
    config: {},
    payload: without(gcp, 'email', 'email_verified'),
    verified: { sub: gcp.sub, azp: gcp.azp },
  },
  {
    preset: 'azure',
    name: 'the managed identity of a virtual machine',
    config: azureConfig,
    payload: { ...azure, uti: 'opaque', aio: 'opaque', appidacr: '2' },
    verified: without(azure, 'iss'),
  },
  {
    preset: 'azure',
    name: 'an application that gets tokens of version 2',
    config: { ...azureConfig, issuer: `https://login.microsoftonline.com/${TENANT}/v2.0` },
    payload: {
      ...without(azure, 'appid', 'xms_mirid'),
      iss: `https://login.microsoftonline.com/${TENANT}/v2.0`,
      azp: APPLICATION,
      ver: '2.0',
    },
    verified: { ...without(azure, 'iss', 'appid', 'xms_mirid'), azp: APPLICATION, ver: '2.0' },
  },
]
