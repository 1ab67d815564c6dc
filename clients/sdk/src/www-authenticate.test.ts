import { expect, it } from 'vitest'
import { namesInvalidToken } from './www-authenticate.ts'

it.each([
  'Bearer error="invalid_token"',
  'bearer realm="x", error="invalid_token", error_description="expired"',
  'Bearer realm="x",error = "invalid_token"',
  'Bearer error=invalid_token',
  'Basic realm="x", Bearer error="invalid_token"',
])('namesInvalidToken is true for %s', (header) => {
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
])('namesInvalidToken is false for %s', (header) => {
  expect(namesInvalidToken(header)).toBe(false)
})
