import { expect, it } from 'vitest'
import { tokenKind } from './domain/key-kinds.ts'
import type { KeyProvider, KeyRow } from './key-provider.ts'
import { createPrivateKeys } from './private-keys.ts'

/** A provider that only records its calls. */
function provider(name: string, asked: string[]): KeyProvider {
  const note = async (what: string) => {
    asked.push(`${name} ${what}`)
    throw new Error(name)
  }
  return {
    generate: () => note('generate'),
    open: () => note('open'),
    destroy: async () => asked.push(`${name} destroy`) > 0,
    close: async () => void asked.push(`${name} close`),
  }
}

const row = (externalRef: KeyRow['externalRef']): KeyRow => ({
  kid: 'k',
  purpose: 'access_token',
  alg: 'EdDSA',
  publicJwk: {},
  wrappedKey: null,
  kekId: null,
  externalRef,
})
const sealedRow = row(null)
const externalRow = row({ id: 'aa' })

function both() {
  const asked: string[] = []
  const keys = createPrivateKeys({ sealed: provider('sealed', asked), external: provider('external', asked) })
  return { asked, keys }
}

it('createPrivateKeys generates keys in the hardware token, and opens each key where its row says', async () => {
  const { keys, asked } = both()
  await expect(keys.generate(tokenKind('EdDSA'))).rejects.toThrow('external')
  await expect(keys.open(sealedRow)).rejects.toThrow('sealed')
  await expect(keys.open(externalRow)).rejects.toThrow('external')
  expect(asked).toEqual(['external generate', 'sealed open', 'external open'])
})

it('createPrivateKeys destroys only keys in the hardware token, and closes the hardware token', async () => {
  const { keys, asked } = both()
  expect(await keys.destroy(sealedRow)).toBe(true)
  expect(asked).toEqual([])
  expect(await keys.destroy(externalRow)).toBe(true)
  await keys.close()
  expect(asked).toEqual(['external destroy', 'external close'])
})

it('createPrivateKeys without a hardware token generates keys in the database, and cannot open or destroy other keys', async () => {
  const asked: string[] = []
  const keys = createPrivateKeys({ sealed: provider('sealed', asked), external: undefined })
  await expect(keys.generate(tokenKind('EdDSA'))).rejects.toThrow('sealed')
  await expect(keys.open(externalRow)).rejects.toThrow('set the AUTH4AGENT_PKCS11_* settings')
  expect(await keys.destroy(externalRow)).toBe(false)
  await keys.close()
})
