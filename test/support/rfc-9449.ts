import type { DpopRules } from '@auth4agent/core/dpop/dpop-proof'

const HEADER =
  'eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRjQ' +
  'yVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19'

/** An example of RFC 9449: the text of a proof, its jti, and the request that it is for. */
export interface ProofExample {
  readonly proof: string
  readonly jti: string
  readonly request: Omit<DpopRules, 'skewS'>
}

/** The thumbprint of the P-256 key of both examples (section 6.1). */
export const EXAMPLE_JKT = '0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I'

/** The proof of section 4.1, for a token request. Its signature has the higher S. */
export const TOKEN_REQUEST_EXAMPLE: ProofExample = {
  proof:
    `${HEADER}.eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIjoiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3Rva2` +
    'VuIiwiaWF0IjoxNTYyMjYyNjE2fQ.2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUvwnQg4PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37xRZT3Lg',
  jti: '-BwC3ESc6acc2lTc',
  request: { method: 'POST', url: 'https://server.example.com/token', nowS: 1_562_262_616 },
}

/** The proof of section 7.1, for a request with an access token. Its signature has the higher S. */
export const API_REQUEST_EXAMPLE: ProofExample = {
  proof:
    `${HEADER}.eyJqdGkiOiJlMWozVl9iS2ljOC1MQUVCIiwiaHRtIjoiR0VUIiwiaHR1IjoiaHR0cHM6Ly9yZXNvdXJjZS5leGFtcGxlLm9yZy9wcm` +
    '90ZWN0ZWRyZXNvdXJjZSIsImlhdCI6MTU2MjI2MjYxOCwiYXRoIjoiZlVIeU8ycjJaM0RaNTNFc05yV0JiMHhXWG9hTnk1OUlpS0NBcWtzbVFFbyJ' +
    '9.2oW9RP35yRqzhrtNP86L-Ey71EOptxRimPPToA1plemAgR6pxHF8y6-yqyVnmcw6Fy1dqd-jfxSYoMxhAJpLjA',
  jti: 'e1j3V_bKic8-LAEB',
  request: {
    method: 'GET',
    url: 'https://resource.example.org/protectedresource',
    nowS: 1_562_262_618,
    accessToken: 'Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU',
  },
}
