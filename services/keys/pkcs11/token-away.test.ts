import { rename } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { expect, it } from 'vitest'
import { silentLog } from '../../../test/support/database.ts'
import { refusalOf } from '../../../test/support/reason-of.ts'
import { createToken } from '../../../test/support/softhsm.ts'
import { rowOf } from '../../../test/support/token-provider.ts'
import { until } from '../../../test/support/until.ts'
import { tokenKind } from '../domain/key-kinds.ts'
import { openPkcs11Provider } from './pkcs11-provider.ts'

it('a provider signs again when its missing hardware token is back', async () => {
  await using token = await createToken()
  const provider = await openPkcs11Provider({ ...token, log: silentLog, restartIntervalMs: 100 })
  const row = rowOf(await provider.generate(tokenKind('EdDSA')))
  const key = await provider.open(row)
  const tokens = join(dirname(token.env.SOFTHSM2_CONF), 'tokens')
  await rename(tokens, `${tokens}-away`)
  const sign = () => refusalOf(key.sign(Buffer.from('input')))
  expect(await until(sign, (refusal) => refusal !== undefined)).toBe('UNAVAILABLE')
  // There are enough attempts that the provider restarts the module while the hardware token is missing.
  for (let times = 0; times < 20; times += 1) expect(await sign()).toBe('UNAVAILABLE')
  await rename(`${tokens}-away`, tokens)
  expect(await until(sign, (refusal) => refusal === undefined)).toBeUndefined()
  await provider.close()
})
