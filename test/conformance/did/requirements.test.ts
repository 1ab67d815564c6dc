import { expect, it } from 'vitest'
import { hasTest } from '../oauth/support/find-titles.ts'
import { problemsOf } from '../oauth/support/requirement.ts'
import { didCore } from './did-core.ts'

it('each check of the W3C test suite for DIDs has a test that exists, or a reason why it is not ours', () => {
  expect(didCore.flatMap((row) => problemsOf(row, hasTest))).toEqual([])
})
