/** Node's and OpenSSL's names of what may be wrong with the certificate that a host shows. */
const CERTIFICATE_FAULT = /CERT|SELF_SIGNED|DEPTH_ZERO|UNABLE_TO_/;

/** What to do where a host's certificate is refused; `null` for any other failure. Verification can't be switched off. */
export function certificateAdvice(code: string): string | null {
  if (!CERTIFICATE_FAULT.test(code)) return null;
  return "its TLS certificate does not prove that it is the host; correct the certificate or this host's clock, or name its authority in NODE_EXTRA_CA_CERTS";
}
