/** `grant_type` of a request with a device code (RFC 8628 section 3.4). */
export const DEVICE_CODE = 'urn:ietf:params:oauth:grant-type:device_code'
