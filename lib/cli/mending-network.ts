import type { MendingRow } from './mending-row.js';
import { controlHost, type Subject } from './subject.js';

const hostOf = (subject: Subject): string => subject.urlHost ?? controlHost(subject);

/** Host without port, for commands that take none. */
const nameOf = (subject: Subject): string => new URL(`http://${hostOf(subject)}`).hostname;

/** Hosts that must be reachable. */
function hosts(subject: Subject): string {
  const host = hostOf(subject);
  const isAws = subject.urlHost === undefined && subject.endpoint === undefined;
  return isAws ? `${host} and *.${host}, port 443` : host;
}

const proxyHint = (subject: Subject): string[] =>
  subject.hasProxy === true
    ? [
        'The environment names a proxy (HTTPS_PROXY), which neither the AWS SDK nor the reader uses: this host needs a direct way, ' +
          'or in AWS an interface endpoint (com.amazonaws.REGION.kinesisvideo).',
      ]
    : [];

/** Causes of a connection that fails, by Node's and OpenSSL's names of them. */
export const networkRows: readonly MendingRow[] = [
  {
    sign: /ENOTFOUND|EAI_AGAIN/,
    explain: (subject) => ({
      why: 'The name of the host could not be resolved: no such host, wrong region, or DNS does not answer.',
      mend: [
        `See whether it resolves here: getent hosts ${nameOf(subject)}`,
        'Check region and endpoint for misspellings, and that Kinesis Video Streams is there in that region.',
        ...proxyHint(subject),
      ],
    }),
  },
  {
    sign: /CERT|SELF_SIGNED|DEPTH_ZERO|UNABLE_TO_|ERR_TLS|ERR_SSL|EPROTO/,
    explain: (subject) => ({
      why: "The host's TLS certificate is not trusted, or something in between answers in its place.",
      mend: [
        `See who answers: openssl s_client -connect ${nameOf(subject)}:443 -servername ${nameOf(subject)} </dev/null`,
        'If a proxy of your own inspects TLS, make Node trust it: NODE_EXTRA_CA_CERTS=/path/to/its/ca.pem',
        "Check this host's clock: a certificate is refused before and after its time (timedatectl)",
      ],
    }),
  },
  {
    sign: /ECONNREFUSED|EHOSTUNREACH|ENETUNREACH|ECONNRESET|EPIPE|ETIMEDOUT|Timeout/,
    explain: (subject) => ({
      why: 'The host was not reached, or it did not answer in time.',
      mend: [
        `Let this host reach ${hosts(subject)}: firewall, security group, routes, NAT.`,
        `See whether it does: curl -sS -o /dev/null -w '%{http_code}\\n' ${
          subject.endpoint ?? `https://${hostOf(subject)}`
        }`,
        ...proxyHint(subject),
      ],
    }),
  },
];

/** The rest of them. */
export const networkFailed = (subject: Subject): string[] => [
  `See whether this host reaches ${hosts(subject)}.`,
  'Try again: a failure of the service passes, and a reader waits for that by itself.',
  ...proxyHint(subject),
];
