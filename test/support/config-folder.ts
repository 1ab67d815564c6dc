import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { AgentParty, Keys } from './parties.ts'

/** A configuration folder in the form of existing tools. It is written without the code under test. */
export interface ConfigFolder {
  readonly path: string
  /** Writes `operator.json` and its key. */
  operator(
    config: { readonly id?: string; readonly domain: string; readonly server?: string },
    keys: Keys,
  ): Promise<void>
  /** Writes `agent.json` and its key. */
  agent(config: { readonly operatorId: string; readonly server?: string }, agent: AgentParty): Promise<void>
  remove(): Promise<void>
}

/** Creates an empty folder that only its owner can enter. */
export async function createConfigFolder(): Promise<ConfigFolder> {
  const path = await mkdtemp(join(tmpdir(), 'a4a-config-'))
  await mkdir(join(path, 'keys'), { mode: 0o700 })
  const write = async (name: string, config: object, keys: Pick<Keys, 'privateKey' | 'publicKey'>) => {
    const { d = '' } = keys.privateKey.export({ format: 'jwk' })
    const ref = join(path, 'keys', `${name}.key`)
    const bytes = Buffer.concat([Buffer.from(d, 'base64url'), keys.publicKey])
    await writeFile(ref, bytes.toString('base64'), { mode: 0o600 })
    const text = JSON.stringify({ ...config, key: { provider: 'file', ref } }, undefined, 2)
    await writeFile(join(path, `${name}.json`), text, { mode: 0o600 })
  }
  return {
    path,
    operator: ({ id = '', domain, server = '' }, keys) =>
      write('operator', { id, domain, server_url: server, root_public_key: keys.publicKey.toString('base64') }, keys),
    agent: ({ operatorId, server = '' }, { did, publicKey, rawPublicKey, privateKey, didDocument }) =>
      write(
        'agent',
        { did, operator_id: operatorId, server_url: server, public_key: publicKey, did_document: didDocument },
        { privateKey, publicKey: rawPublicKey },
      ),
    remove: () => rm(path, { recursive: true, force: true }),
  }
}
