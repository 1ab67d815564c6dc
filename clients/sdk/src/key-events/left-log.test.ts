import { type KeyChange, signKeyEvent } from '@auth4agent/core/key-events/sign-key-event'
import { beforeEach, describe, expect, it } from 'vitest'
import { KeyLogServer } from '../../../../test/support/sdk/key-log.ts'
import { createAgent } from '../create-agent.ts'
import { generateKey } from '../keys/signers.ts'
import { openCalls } from '../open-calls.ts'

const SERVER = 'http://localhost:1'
const key = await generateKey()
const nowS = Math.floor(Date.now() / 1000)

let log: KeyLogServer
let moved: string

beforeEach(async () => {
  log = new KeyLogServer(key.publicKey)
  moved = log.did.replace('acme', 'other')
  await append(moveTo(moved))
})

function moveTo(to: string): KeyChange {
  return { type: 'move', to, operatorId: '0b5c9a2e-7f3d-8c1a-9e4b-2d6f8a0c4e6b', issuer: SERVER }
}

async function append(change: KeyChange): Promise<void> {
  log.append(await signKeyEvent(key, log.state, change, nowS))
}
const read = () => openCalls({ server: SERVER, fetch: log.fetch }).keyEvents(log.did)

describe('the log of a DID that the agent has left', () => {
  it('ends with the move, and is about the new DID', async () => {
    const { did, state } = await read()
    expect([did, state?.did, state?.previousDids]).toEqual([log.did, moved, [log.did]])
  })

  it('cannot be changed any more', async () => {
    const agent = createAgent({ server: SERVER, did: log.did, key, fetch: log.fetch })
    const rotated = agent.rotateKey({ key: await generateKey() })
    await expect(rotated).rejects.toMatchObject({ reason: 'AGENT_MOVED', status: 0 })
    expect(log.count('append event')).toBe(0)
    agent.close()
  })

  it.each<[string, () => KeyChange]>([
    ['any other event', () => ({ type: 'deactivate' })],
    ['another move', () => moveTo(log.did.replace('acme', 'third'))],
  ])('is refused if %s follows the move', async (_name, change) => {
    await append(change())
    await expect(read()).rejects.toMatchObject({ reason: 'UNEXPECTED_ANSWER' })
  })
})
