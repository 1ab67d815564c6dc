import { expect, it } from 'vitest'
import { thumbprint } from './thumbprint.ts'

it('thumbprint returns the thumbprint of RFC 8037 appendix A.3', () => {
  const rawKey = Buffer.from('11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo', 'base64url')
  expect(thumbprint(rawKey)).toBe('kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k')
})
