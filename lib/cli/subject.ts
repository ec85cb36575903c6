import type { FrameSourceError } from '../errors.js';

/** What a command is about, as far as it is known: what advice needs to be to the point. */
export interface Subject {
  streamName?: string | undefined;
  streamArn?: string | undefined;
  /** As the calls use it; absent while it is not known. */
  region?: string | undefined;
  /** A control plane other than AWS's own. */
  endpoint?: string | undefined;
  /** Where sessions are opened, once it is known: scheme, host and port. */
  dataOrigin?: string | undefined;
  /** Where the playlists and fragments of a session are, once there was one. */
  sessionOrigin?: string | undefined;
  /** Where the HLS URL is that is read instead of a stream. */
  urlOrigin?: string | undefined;
  /** The environment names an HTTP proxy. */
  hasProxy?: boolean;
}

interface ArnParts {
  partition: string;
  region: string;
  account: string;
  /** `stream/NAME/CREATION-TIME`. */
  resource: string;
}

function arnParts(arn: string): ArnParts {
  const [, partition = '', , region = '', account = '', ...rest] = arn.split(':');
  return { partition, region, account, resource: rest.join(':') };
}

/** Names AWS's parts of the world by their regions' names. */
function partitionOf(region: string): string {
  if (region.startsWith('cn-')) return 'aws-cn';
  return region.startsWith('us-gov-') ? 'aws-us-gov' : 'aws';
}

export function regionOf({ region, streamArn }: Subject): string {
  return region ?? (streamArn === undefined ? 'REGION' : arnParts(streamArn).region);
}

export function streamNameOf({ streamName, streamArn }: Subject): string {
  return (
    streamName ??
    (streamArn === undefined ? 'STREAM' : (arnParts(streamArn).resource.split('/')[1] ?? 'STREAM'))
  );
}

/** Names the stream, and where it is, to the AWS command line. */
export function cliTarget(subject: Subject): string {
  const { streamName, streamArn, endpoint } = subject;
  const stream =
    streamName === undefined && streamArn !== undefined
      ? `--stream-arn ${streamArn}`
      : `--stream-name ${streamNameOf(subject)}`;
  const at = endpoint === undefined ? '' : ` --endpoint-url ${endpoint}`;
  return `${stream} --region ${regionOf(subject)}${at}`;
}

/** AWS's control plane. Sessions and media are on hosts of their own below it. */
export function awsHost(subject: Subject): string {
  const region = regionOf(subject);
  return `kinesisvideo.${region}.amazonaws.com${region.startsWith('cn-') ? '.cn' : ''}`;
}

/** Scheme, host and port that an error is about, as far as they are known. */
export function failedOrigin(subject: Subject, { code, resource }: FrameSourceError): string {
  const { urlOrigin, sessionOrigin, dataOrigin, endpoint } = subject;
  const control = endpoint === undefined ? `https://${awsHost(subject)}` : new URL(endpoint).origin;
  if (urlOrigin !== undefined) return urlOrigin;
  if (code.startsWith('HLS_')) return sessionOrigin ?? dataOrigin ?? control;
  return resource === 'GetHLSStreamingSessionURL' ? (dataOrigin ?? control) : control;
}

/**
 * The least that a reader of this stream must be allowed, as an IAM policy. Streams that are made anew under a name get another
 * creation time: a policy for a name is for any.
 */
export function leastPrivilegePolicy(subject: Subject): string {
  const region = regionOf(subject);
  const resource =
    subject.streamArn ??
    `arn:${partitionOf(region)}:kinesisvideo:${region}:ACCOUNT_ID:stream/${streamNameOf(subject)}/*`;
  const policy = {
    Version: '2012-10-17',
    Statement: [
      {
        Effect: 'Allow',
        Action: ['kinesisvideo:GetDataEndpoint', 'kinesisvideo:GetHLSStreamingSessionURL'],
        Resource: resource,
      },
    ],
  };
  return JSON.stringify(policy, null, 2);
}
