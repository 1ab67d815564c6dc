import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { fingerprint, formatDid, parseDid } from '@auth4agent/core/identity/did'
import type { Signer } from '@auth4agent/sdk'
import {
  type AgentConfig,
  loadSigner,
  type OperatorConfig,
  readAgentConfig,
  readOperatorConfig,
} from '@auth4agent/sdk/node'
import { hasRootKey, type OwnOperatorKey } from '../own-keys.ts'
import { type Finding, ok, problem, warning } from './finding.ts'
import { inspectKeys } from './inspect-keys.ts'
import type { Party } from './party.ts'

/** The readable content of a folder, and the findings about it. */
export interface Inspected {
  readonly findings: readonly Finding[]
  readonly agent: Party<AgentConfig> | undefined
  readonly operator: Party<OperatorConfig> | undefined
  /** The usable keys of the operator: its root key and operational keys. */
  readonly operatorKeys: readonly OwnOperatorKey[]
}

const OTHERS = 0o077

/** Checks the folder, its files and keys. Never rejects, and no finding contains any part of a private key. */
export async function inspectFolder(folder: string): Promise<Inspected> {
  const [found, agent, operator] = await Promise.all([
    checkFolder(folder),
    inspectParty('agent', folder, () => readAgentConfig(folder), agentFaults),
    inspectParty(
      'operator',
      folder,
      () => readOperatorConfig(folder),
      () => [],
    ),
  ])
  const { findings: ofKeys, keys: operatorKeys } = await inspectKeys(folder, operator.party)
  const isEmpty = agent.party === undefined && operator.party === undefined
  const nothing = isEmpty && agent.findings.length + operator.findings.length === 0
  const init = warning(
    'folder',
    `${folder} contains neither agent.json nor operator.json`,
    'Create an agent: `auth4agent init --domain …`; add --operator for an operator.',
  )
  return {
    findings: [...(nothing ? [init] : found), ...operator.findings, ...ofKeys, ...agent.findings],
    agent: agent.party,
    operator: operator.party,
    operatorKeys,
  }
}

async function checkFolder(folder: string): Promise<readonly Finding[]> {
  const paths = [folder, join(folder, 'keys')]
  const open = await Promise.all(paths.map(async (path) => ((await isOpen(path)) ? [path] : [])))
  const [first, ...others] = open.flat()
  if (first === undefined) return [ok('folder', folder)]
  const names = [first, ...others].map((path) => `'${path}'`).join(' ')
  return [warning('folder', `other users of this machine can read ${names}`, `Deny them access: chmod 700 ${names}`)]
}

/** Tells whether other users can read a folder. Windows has no such permissions. */
async function isOpen(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => undefined)
  return process.platform !== 'win32' && found !== undefined && (found.mode & OTHERS) !== 0
}

async function inspectParty<C extends AgentConfig | OperatorConfig>(
  name: string,
  folder: string,
  read: () => Promise<C | undefined>,
  faults: (config: C, signer: Signer) => readonly Finding[],
): Promise<{ readonly findings: readonly Finding[]; readonly party: Party<C> | undefined }> {
  const check = `${name} key`
  let config: C | undefined
  try {
    config = await read()
  } catch (error) {
    return {
      findings: [
        problem(
          `${name}.json`,
          messageOf(error),
          'Restore the file from a backup, or create a new one: `auth4agent init`.',
        ),
      ],
      party: undefined,
    }
  }
  if (config === undefined) return { findings: [], party: undefined }
  // A member of a team may have only operational keys, which are checked one by one.
  if ('domain' in config && !hasRootKey(config)) return { findings: [], party: { config, signer: undefined } }
  try {
    const signer = await loadSigner(folder, config)
    const found = faults(config, signer)
    const findings =
      found.length > 0 ? found : [ok(check, 'the key matches its configuration, and only its owner can read it')]
    return { findings, party: { config, signer } }
  } catch (error) {
    const cure =
      'Restore the key file of this configuration, readable only by its owner (chmod 600), or create a new key: `auth4agent init`.'
    return { findings: [problem(check, messageOf(error), cure)], party: { config, signer: undefined } }
  }
}

function agentFaults({ did, did_document, public_key }: AgentConfig, { publicKey }: Signer): readonly Finding[] {
  const parsed = parseDid(did)
  // The DID names only the first key. After a rotation, the configuration has no document or names an older key.
  const isFirst = did_document !== undefined && public_key === Buffer.from(publicKey).toString('base64')
  if (parsed !== undefined && (!isFirst || formatDid(parsed.domain, fingerprint(publicKey)) === did)) return []
  const message = did === '' ? 'agent.json has no DID' : `the DID ${did} does not match the key`
  return [
    problem('agent key', message, 'Restore agent.json, or create a new key and DID: `auth4agent init --domain …`.'),
  ]
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
