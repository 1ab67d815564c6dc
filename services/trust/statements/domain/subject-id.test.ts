import { operatorId } from '@auth4agent/core/identity/operator-id'
import { expect, it } from 'vitest'
import { BETA, DRAFTS } from '../../../../test/support/trust/statements.ts'
import { subjectId } from './subject-id.ts'

it('subjectId returns the operator that a statement names', () => {
  expect(subjectId(DRAFTS.member)).toBe(DRAFTS.member.sub)
})

it('subjectId returns an id of the issuer that a chains-to statement names', () => {
  expect(subjectId(DRAFTS['chains-to'])).toBe(operatorId({ issuer: BETA, domain: '', thumbprint: '' }))
})
