import { DEVICE_CODE } from '../../../people/index.ts'
import { parseDeviceRequest } from '../../for-users/domain/user-token-request.ts'
import { redeemDeviceCode } from '../../for-users/redeem-device-code.ts'
import { type Grant, userToken } from './grant.ts'

/** The first access token of a device for which a user has answered in a browser (RFC 8628 section 3.4). */
export const deviceCode: Grant = {
  type: DEVICE_CODE,
  isFor: () => true,
  answer: async (deps, request, call) =>
    userToken(deps, await redeemDeviceCode(deps, parseDeviceRequest(request), call)),
}
