export type { AccessTokenClaims } from '@auth4agent/core/claims'
