import type { FrameSourceErrorCode } from '../errors.js';
import { row, type MendingRow, type MendingRows } from './mending-row.js';
import { networkFailed, networkRows } from './mending-network.js';
import { cliTarget, leastPrivilegePolicy, regionOf, streamNameOf } from './subject.js';

const CLOCK = "Set this host's clock by NTP: timedatectl, chronyc tracking";

/** The same whether a session or a playlist is refused for it. */
export const noRetention: MendingRow = {
  explain: (subject) => ({
    why: 'The stream keeps no data (its retention is 0 hours), and HLS plays what is kept.',
    mend: [
      `Keep some, 1 hour at least:\naws kinesisvideo update-data-retention ${cliTarget(subject)} \\\n` +
        '  --operation INCREASE_DATA_RETENTION --data-retention-change-in-hours 24 \\\n' +
        `  --current-version "$(aws kinesisvideo describe-stream ${cliTarget(subject)} --query StreamInfo.Version --output text)"`,
      'What the camera sends from then on is kept; it may have to connect anew.',
    ],
  }),
};

export const unsupportedMedia = row(
  'The stream has a track that HLS does not carry: it takes H.264 or H.265 video, and AAC audio.',
  'Make the camera send H.264 or H.265, and AAC or no audio at all (G.711 audio beside the video is the usual reason).',
  'In the producer set the codec ids (V_MPEG4/ISO/AVC, V_MPEGH/ISO/HEVC, A_AAC), and restart it.',
);

/** What to do about codec data that is missing, whether a session is refused for it or no picture can be decoded. */
export const codecDataMends = [
  'Let the producer send it as avcC or hvcC, not Annex B; in GStreamer: h264parse ! video/x-h264,stream-format=avc,alignment=au ! kvssink',
  'Restart the producer after that. The service looks at it only when a session is opened, not when media comes in.',
];

const missingCodecData = row(
  'The camera does not send the codec private data (SPS and PPS, for H.265 VPS too) that HLS needs with each fragment.',
  ...codecDataMends,
);

const denied: MendingRow = {
  explain: (subject) => ({
    why: 'These credentials are good, but they may not read this stream.',
    mend: [
      `Give their user or role this policy, the least that suffices${
        subject.streamArn === undefined ? ' (ACCOUNT_ID is the account of the stream)' : ''
      }:\n${leastPrivilegePolicy(subject)}`,
      'See who they are: aws sts get-caller-identity',
      "If it is allowed already, look for a Deny: of a permission boundary, the organisation (SCP), or a VPC endpoint's policy.",
    ],
  }),
};

const noCredentials = row(
  'Nothing gives credentials: no variables, no profile, no role.',
  'On a machine of AWS attach a role to it (instance profile, task role, IRSA).',
  'Elsewhere: export AWS_PROFILE=…, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, and AWS_SESSION_TOKEN if they are temporary.',
  'With single sign-on: aws sso login',
);

const signature: MendingRow = {
  explain: ({ region, endpoint }) => {
    const fits = endpoint === undefined ? '' : `, and that it fits --endpoint (${endpoint})`;
    const regionMend = `Check --region (${region === undefined ? 'not known' : `now ${region}`})${fits}: a signature is for one region.`;
    const mends = [
      CLOCK,
      'Check AWS_SECRET_ACCESS_KEY: no quotes or spaces in it, and of the same pair as AWS_ACCESS_KEY_ID.',
    ];
    return {
      why: 'The signature is refused: the secret access key is wrong, the region is not that of the endpoint, or this host and AWS differ in their clocks.',
      // AWS's own endpoint is made from the region, and fits it.
      mend: endpoint === undefined ? [...mends, regionMend] : [regionMend, ...mends],
    };
  },
};

/** What to do, by error code. */
export const kvsMending = {
  KVS_CALL_FAILED: [
    ...networkRows,
    {
      explain: (subject, error) => ({
        why: 'The service, or something on the way to it, did not answer as it should.',
        mend: networkFailed(subject, error),
      }),
    },
  ],
  KVS_NO_FRAGMENTS: [
    {
      explain: (subject) => ({
        why: 'The stream is there, but nothing came from the camera in the last 30 s.',
        mend: [
          'Switch the camera on, or see what its producer logs.',
          `See what came last:\naws kinesis-video-archived-media list-fragments ${cliTarget({ ...subject, endpoint: undefined })} --max-items 1 \\\n` +
            `  --endpoint-url "$(aws kinesisvideo get-data-endpoint ${cliTarget(subject)} --api-name LIST_FRAGMENTS --query DataEndpoint --output text)"`,
          'In CloudWatch look at PutMedia.IncomingBytes of the stream (namespace AWS/KinesisVideo).',
          'A reader needs nothing: it waits for the camera, for ever.',
        ],
      }),
    },
  ],
  KVS_EMPTY_RANGE: [
    row(
      'Nothing was recorded in the range that was asked for.',
      'Check startTimestamp and endTimestamp (UTC), and whether the camera sent then.',
      'What is older than the retention of the stream is gone.',
    ),
  ],
  KVS_STREAM_NOT_FOUND: [
    {
      explain: (subject) => ({
        why: `There is no stream ${streamNameOf(subject)} in ${regionOf(subject)} in the account of these credentials, or it is not ACTIVE.`,
        mend: [
          `See which streams there are: aws kinesisvideo list-streams --region ${regionOf(subject)} --query 'StreamInfoList[].[StreamName,Status]' --output text`,
          'Streams are in one region: try --region with that of the camera. Names are case-sensitive.',
          'See which account this is: aws sts get-caller-identity',
        ],
      }),
    },
  ],
  KVS_NO_RETENTION: [noRetention],
  KVS_THROTTLED: [
    row(
      'The service was asked too often: 5 times a second for the endpoint of a stream, 25 for its sessions, or more than the account may.',
      'Wait a minute and try again.',
      'Look for what else asks: readers that restart in a loop, players, DescribeStream in a health check.',
      'Readers in one process share their pauses; spread the starts of many processes. Longer sessions (hlsSessionSeconds up to 43200) ask less often.',
    ),
  ],
  KVS_DENIED: [
    { sign: /ProviderError/, ...noCredentials },
    {
      sign: /ExpiredToken/,
      ...row(
        'The credentials were good and are expired.',
        'Get new ones: aws sso login, or whatever made the temporary ones; AWS_SESSION_TOKEN in the environment is never renewed by itself.',
        'In a service use a role, or give the option credentials a function: both renew themselves.',
        CLOCK,
      ),
    },
    { sign: /Signature|RequestExpired/, ...signature },
    {
      sign: /UnrecognizedClient|InvalidClientTokenId|InvalidAccessKeyId|MissingAuthenticationToken/,
      ...row(
        'AWS does not know this access key: it is deleted, misspelt, of another partition (China, GovCloud), or temporary and without its token.',
        'Check AWS_ACCESS_KEY_ID, and that AWS_SESSION_TOKEN belongs to it: set for temporary keys, unset for others.',
        'See who they are: aws sts get-caller-identity',
      ),
    },
    {
      sign: /OptInRequired/,
      ...row(
        'The account has not enabled this region.',
        'Enable it (console: Account, AWS Regions), or use the region of the camera with --region.',
      ),
    },
    denied,
  ],
  KVS_REJECTED: [
    {
      message: /Region is missing|AWS_REGION/,
      ...row(
        'Nothing says in which AWS region the stream is.',
        'Give --region, e.g. --region eu-west-1, or set AWS_REGION, or region in the profile (aws configure).',
      ),
    },
    { sign: /CodecPrivateData/, ...missingCodecData },
    { sign: /UnsupportedStreamMediaType/, ...unsupportedMedia },
    {
      sign: /EndpointError/,
      ...row(
        'No endpoint can be made of these settings.',
        'Check --endpoint, --region, and the variables AWS_ENDPOINT_URL, AWS_USE_FIPS_ENDPOINT and AWS_USE_DUALSTACK_ENDPOINT.',
      ),
    },
    row(
      'The service refuses a parameter of the request.',
      'Change the option that the finding names.',
      'Check the stream: a name of 1–256 letters, digits, _ . and -, or its whole ARN.',
    ),
  ],
  KVS_NO_URL: [
    row(
      'Something answered that is not Kinesis Video Streams, or not the part of it that was asked for.',
      'Check --endpoint and the variables AWS_ENDPOINT_URL and AWS_ENDPOINT_URL_KINESIS_VIDEO: leave them out to reach AWS itself.',
      'If a proxy is in between, let it pass the request unchanged.',
    ),
  ],
} as const satisfies Record<Extract<FrameSourceErrorCode, `KVS_${string}`>, MendingRows>;
