/** Options of {@link tpm}. */
export interface TpmOptions {
  /** The device of the TPM, by default /dev/tpmrm0. */
  readonly device?: string | undefined
  /** How tpm2-tools reach the TPM, if not by a device: a TCTI, such as `swtpm:path=/run/swtpm.sock`. */
  readonly tcti?: string | undefined
  /**
   * The folder of the attestation key, which only this TPM can use. By default ~/.auth4agents/tpm. Only one process
   * may use a folder.
   */
  readonly folder?: string | undefined
  /** The PCRs that the quote has, of the bank SHA-256; by default 0, 2, 4 and 7. */
  readonly pcrs?: readonly number[] | undefined
  /** The DER file of the EK certificate. By default, it is read from the TPM. */
  readonly ekCertificateFile?: string | undefined
  /** The PEM file of the issuers of the EK certificate, the issuer of the certificate first. By default none. */
  readonly ekChainFile?: string | undefined
  /** The event log of the firmware. By default none is sent. It must be small, because evidence has at most 32 KiB. */
  readonly eventLogFile?: string | undefined
  /** The name of the attestor, by default `tpm`. */
  readonly attestor?: string | undefined
}
