import type { FrameSourceError } from '../errors.js';
import type { MendingRow } from './mending-row.js';
import { awsHost, failedOrigin, regionOf, type Subject } from './subject.js';

const urlOf = (subject: Subject, error: FrameSourceError): URL => new URL(failedOrigin(subject, error));

/** With its port, also where that is the usual one. */
function hostAndPort({ host, hostname, port, protocol }: URL): string {
  return port === '' ? `${hostname}:${protocol === 'http:' ? 80 : 443}` : host;
}

/** Hosts that must be reachable. */
function hosts(subject: Subject, error: FrameSourceError): string {
  const url = urlOf(subject, error);
  const aws = awsHost(subject);
  return url.host === aws ? `${aws} and *.${aws}, port 443` : hostAndPort(url);
}

const whoAnswers = (subject: Subject, error: FrameSourceError): string =>
  `See who answers: openssl s_client -connect ${hostAndPort(urlOf(subject, error))} </dev/null`;

const proxyHint = (subject: Subject): string[] =>
  subject.hasProxy === true
    ? [
        'The environment names a proxy (HTTPS_PROXY), which neither the AWS SDK nor the reader uses: this host needs a direct way, ' +
          'or in AWS an interface endpoint (com.amazonaws.REGION.kinesisvideo).',
      ]
    : [];

/** It was reached, and answered that it can't. */
export const serviceFails: MendingRow = {
  status: /^5\d\d$/,
  explain: (subject, error) => {
    const { urlOrigin, endpoint } = subject;
    const { status, requestId } = error;
    const isAws = urlOrigin === undefined && endpoint === undefined;
    return {
      why: `${hostAndPort(urlOf(subject, error))} was reached and answered ${status}: it is failing; nothing is wrong with this host or the request.`,
      mend: [
        'Wait, and try again: such failures pass as a rule, and a reader tries again by itself, with pauses.',
        isAws
          ? `See whether AWS knows of it: https://health.aws.amazon.com/health/status (Kinesis Video Streams, ${regionOf(subject)})`
          : 'See what that server, or a proxy before it, logs.',
        ...(isAws && requestId !== undefined
          ? [`If it lasts, give AWS Support the id of the request: ${requestId}`]
          : []),
      ],
    };
  },
};

/** Causes of a connection that fails, by Node's and OpenSSL's names of them. */
export const networkRows: readonly MendingRow[] = [
  serviceFails,
  {
    sign: /ENOTFOUND|EAI_AGAIN/,
    explain: (subject, error) => ({
      why: 'The name of the host could not be resolved: no such host, wrong region, or DNS does not answer.',
      mend: [
        `See whether it resolves here: getent hosts ${urlOf(subject, error).hostname}`,
        'Check region and endpoint for misspellings, and that Kinesis Video Streams is there in that region.',
        ...proxyHint(subject),
      ],
    }),
  },
  {
    message: /wrong.version.number|packet.length.too.long/i,
    explain: (subject, error) => ({
      why: `What answers at ${hostAndPort(urlOf(subject, error))} does not speak TLS: it is a server of plain http, or something in between.`,
      mend: [
        whoAnswers(subject, error),
        'If it is a server of your own without TLS, give its address with http:// instead of https://.',
        ...proxyHint(subject),
      ],
    }),
  },
  {
    sign: /CERT|SELF_SIGNED|DEPTH_ZERO|UNABLE_TO_|ERR_TLS|ERR_SSL|EPROTO/,
    explain: (subject, error) => ({
      why: "The host's TLS certificate is not trusted, or something in between answers in its place.",
      mend: [
        whoAnswers(subject, error),
        'If a proxy of your own inspects TLS, make Node trust it: NODE_EXTRA_CA_CERTS=/path/to/its/ca.pem',
        "Check this host's clock: a certificate is refused before and after its time (timedatectl)",
      ],
    }),
  },
  {
    sign: /ECONNREFUSED|EHOSTUNREACH|ENETUNREACH|ECONNRESET|EPIPE|ETIMEDOUT|Timeout/,
    explain: (subject, error) => ({
      why: 'The host was not reached, or it did not answer in time.',
      mend: [
        `Let this host reach ${hosts(subject, error)}: firewall, security group, routes, NAT.`,
        `See whether it does: curl -sS -o /dev/null -w '%{http_code}\\n' ${urlOf(subject, error).origin}`,
        ...proxyHint(subject),
      ],
    }),
  },
];

/** The rest of them. */
export const networkFailed = (subject: Subject, error: FrameSourceError): string[] => [
  `See whether this host reaches ${hosts(subject, error)}.`,
  'Try again: a failure of the service passes, and a reader waits for that by itself.',
  ...proxyHint(subject),
];
