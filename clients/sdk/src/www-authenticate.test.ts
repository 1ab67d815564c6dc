import { expect, it } from 'vitest'
import { namesInvalidToken } from './www-authenticate.ts'

it.each([
  'Bearer error="invalid_token"',
  'bearer realm="x", error="invalid_token", error_description="expired"',
  'Bearer realm="x",error = "invalid_token"',
  'Bearer error=invalid_token',
  'Basic realm="x", Bearer error="invalid_token"',
])('%s refuses the token', (header) => {
  expect(namesInvalidToken(header)).toBe(true)
})

it.each([
  '',
  'Bearer',
  'Basic error="invalid_token"',
  'XBearer error="invalid_token"',
  'Bearer error="insufficient_scope"',
  'Bearer xerror="invalid_token"',
  'Bearer error_description="invalid_token"',
  'Bearer error=invalid_token_type',
])('%s does not', (header) => {
  expect(namesInvalidToken(header)).toBe(false)
})
