import type { FrameSourceErrorCode } from '../errors.js';
import { row, type MendingRows } from './mending-row.js';
import { codecDataMends, noRetention, unsupportedMedia } from './mending-kvs.js';
import { networkFailed, networkRows, serviceFails } from './mending-network.js';

const ENCODER = "Look at the camera's encoder, and what is between it and here: what arrives is damaged.";

/** What to do, by error code. */
export const hlsMending = {
  HLS_STATUS: [
    { sign: /^NoDataRetention/, ...noRetention },
    { sign: /^UnsupportedStreamMediaType/, ...unsupportedMedia },
    {
      message: /answered 3\d\d/,
      ...row(
        'The server redirects, which the reader does not follow: it would carry the token of the session elsewhere.',
        'Give the URL that it redirects to.',
        'Or in the program allow some with the option limits.maxRedirects, and their origins with allowedOrigins.',
      ),
    },
    {
      message: /answered 401/,
      ...row('The server wants a name and password.', 'Put them into the URL: https://NAME:PASSWORD@host/…'),
    },
    {
      message: /answered 429|Throttl|LimitExceeded/,
      ...row(
        'The session, or the stream, is asked for more than it allows.',
        'Let each reader have a session of its own, and fewer readers the stream.',
      ),
    },
    {
      message: /answered 404/,
      ...row(
        'The playlist or fragment is not there: the camera sends nothing any more, or the URL is wrong.',
        'See whether the camera sends.',
        'Check the URL: a playlist ends in .m3u8 as a rule.',
      ),
    },
    serviceFails,
    row(
      'The server answered a playlist, init section or fragment with an error.',
      'Look for the reason in the log of that server, or ask who runs it.',
    ),
  ],
  HLS_SESSION_EXPIRED: [
    {
      explain: ({ urlOrigin }) =>
        urlOrigin === undefined
          ? {
              why: 'The session is refused though it was opened just now.',
              mend: [
                "Look for a proxy or an inspection of TLS that changes URLs: the session's token is in them.",
                "Set this host's clock by NTP: timedatectl, chronyc tracking",
                'Try again; a session that is refused once is replaced by the reader itself.',
              ],
            }
          : {
              why: 'The server refuses the URL (403): its token has expired, or it is not for you.',
              mend: [
                'Get a new URL. URLs with tokens do not last: to read a Kinesis video stream give --stream-name instead.',
              ],
            },
    },
  ],
  HLS_NETWORK: [
    ...networkRows,
    {
      explain: (subject, error) => ({
        why: 'The connection for a playlist or fragment failed.',
        mend: networkFailed(subject, error),
      }),
    },
  ],
  HLS_TIMEOUT: [
    {
      explain: (subject, error) => ({
        why: 'A playlist or fragment did not come in time: the way is too slow for the stream, or blocked.',
        mend: [
          ...networkFailed(subject, error),
          "Compare the camera's bit rate with the bandwidth of this host; lower it, or its resolution.",
        ],
      }),
    },
  ],
  HLS_TOO_LARGE: [
    row(
      'A playlist or fragment is larger than what is taken.',
      "Shorten the fragments: set the encoder's key frame interval to 1 or 2 s; or lower its bit rate.",
      'Or in the program raise the limit that the error names, with the option limits.',
    ),
  ],
  HLS_TRUNCATED: [
    row(
      'Fragments end too early, or their parts do not add up.',
      ENCODER,
      'Look for a proxy that cuts answers short.',
    ),
  ],
  HLS_PLAYLIST_INVALID: [
    row(
      'What came is no HLS playlist.',
      'Look at it: curl the URL; it should begin with #EXTM3U. A page of a login or a proxy is the usual reason.',
    ),
  ],
  HLS_UNDECODABLE: [
    {
      sign: /CodecPrivateData/,
      ...row(
        'The init section has no codec data (SPS and PPS, for H.265 VPS too), and without it no picture can be made of the fragments.',
        ...codecDataMends,
      ),
    },
    row(
      'Fragments come whole, but no picture can be made of them.',
      ENCODER,
      'See whether VLC or ffplay shows the stream.',
    ),
  ],
  HLS_UNSUPPORTED: [
    {
      message: /is compressed/,
      ...row(
        'The server compresses what it is asked for uncompressed.',
        'Turn the compression of playlists and fragments off at the server, or at the proxy before it.',
      ),
    },
    row(
      'The media is of a form that is not read: encrypted, without video, or neither H.264 nor H.265.',
      'Make the camera send H.264 or H.265, unencrypted.',
    ),
  ],
  HLS_FOREIGN_ORIGIN: [
    row(
      'The playlist points to another host, which the reader does not trust by itself.',
      'In the program allow it with the option allowedOrigins.',
    ),
  ],
  HLS_STALLED: [
    row(
      'The playlist stands still: the camera has stopped sending.',
      'See whether the camera sends. A reader waits for it, for ever.',
    ),
  ],
} as const satisfies Record<Extract<FrameSourceErrorCode, `HLS_${string}`>, MendingRows>;
