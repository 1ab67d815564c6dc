import type { Certificate } from '../x509/path/certificate.ts'
import { attributesOf } from '../x509/path/names.ts'

/** How the certificate of an endorsement key names the TPM. */
export interface DeviceNames {
  readonly manufacturer?: string
  readonly model?: string
}

/** Attribute types of the TCG EK Credential Profile, section 3.1.2. */
const MANUFACTURER = '2.23.133.2.1'
const MODEL = '2.23.133.2.2'
/** Printable characters, and not too many for a claim. */
const NAME = /^[^\p{C}]{1,256}$/u

/**
 * Reads who made the TPM, such as `id:494E5443`, and its model. Omits a name that is missing, not alone, long or not
 * printable.
 */
export function readDeviceNames({ names }: Certificate): DeviceNames {
  const read = (oid: string) => {
    const [value, ...others] = names.directoryNames.flatMap((name) => attributesOf(name, oid))
    return others.length === 0 && value !== undefined && NAME.test(value) ? value : undefined
  }
  const [manufacturer, model] = [read(MANUFACTURER), read(MODEL)]
  return { ...(manufacturer === undefined ? {} : { manufacturer }), ...(model === undefined ? {} : { model }) }
}
