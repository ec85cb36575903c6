import { describe, expect, it } from '@jest/globals';
import { inspect } from 'node:util';
import { runInNewContext } from 'node:vm';
import { redact } from '../../lib/redact';

/** What no text may show; like a session token, it begins with "Ci" and is padded with "~". */
const TOKEN = 'CiAh3cretT0ken~~';
const URL_WITH_TOKEN = `https://b-1.kinesisvideo.eu-west-1.amazonaws.com/hls/v1/x.m3u8?SessionToken=${TOKEN}&TrackNumber=1`;
/** As long as KVS makes them. */
const LONG_TOKEN = `CiAh3${'aB3-_'.repeat(29)}~~`;
const BASE64 = Buffer.from(`user:${TOKEN}`).toString('base64');

function parsed(text: string): string {
  try {
    JSON.parse(text);
  } catch (error) {
    return String(error);
  }
  throw new Error('It is JSON');
}

describe('redact', () => {
  it.each([
    ['a session token', URL_WITH_TOKEN],
    ['an encoded one', `redirect=%3FSessionToken%3D${TOKEN}`],
    ['one that was encoded twice', `redirect=%253FSessionToken%253D${TOKEN}`],
    ['a signed URL', `https://x/?X-Amz-Security-Token=${TOKEN}&X-Amz-Signature=${TOKEN}`],
    [
      'a URL that is signed in another way',
      `https://x/a.m3u8?hdnea=exp=1~acl=/*~hmac=${TOKEN}&Policy=${TOKEN}`,
    ],
    ['a JSON body', `{"secretAccessKey":"${TOKEN}","sessionToken": "${TOKEN}"}`],
    ['JSON in JSON', JSON.stringify(JSON.stringify({ secretAccessKey: TOKEN, SessionToken: TOKEN }))],
    ['a printed object', inspect({ credentials: { accessKeyId: TOKEN, secretAccessKey: TOKEN } })],
    ['a printed value in two words', inspect({ password: `two ${TOKEN}` })],
    ['environment lines', `AWS_SECRET_ACCESS_KEY=${TOKEN} AWS_SESSION_TOKEN=${TOKEN}`],
    ['variables of a name of their own', `MY_AWS_SECRET_ACCESS_KEY=${TOKEN} KVS_FRAMES_TOKEN=${TOKEN}`],
    ['lines of a file', `aws_secret_access_key = ${TOKEN}\naws_session_token: ${TOKEN}`],
    ['a header line', `x-amz-security-token: ${TOKEN}`],
    ['a header in a table', `X-Amz-Security-Token ${TOKEN}`],
    ['an assignment with spaces', `token = ${TOKEN}, session_token\t=\t${TOKEN}`],
    ['an Authorization header', `AWS4-HMAC-SHA256 Credential=${TOKEN}, Signature=${TOKEN}`],
    [
      'all of an Authorization header',
      `authorization: Digest username=${TOKEN}, response=${TOKEN}\r\nhost: a`,
    ],
    [
      'raw headers',
      inspect(['Authorization', `Custom ${TOKEN}`, 'x-amz-security-token', TOKEN, 'cookie', `a=${TOKEN}`]),
    ],
    ['a bearer', `sent Bearer ${TOKEN}`],
    ['a cookie', `Set-Cookie: a=${TOKEN}; Path=/`],
    ['a user with a password', `https://user:${TOKEN}@host/x and //me:p@${TOKEN}@host`],
    ['an encoded one', `next=https%3A%2F%2Fuser%3A${TOKEN}%40host`],
    ['a printed URL', inspect(new URL(`https://user:${TOKEN}@host/x?SessionToken=${TOKEN}`))],
    ["what JSON's parser quotes", parsed(`{"HLSStreamingSessionURL": ${TOKEN}}`)],
    ["the end of a text that JSON's parser quotes", parsed(`{"a": "SessionToken=${TOKEN}", }`)],
  ])('removes %s', (_, text) => {
    const safe = redact(text);
    for (const part of [TOKEN, TOKEN.slice(0, 10), TOKEN.slice(-12), BASE64])
      expect(safe).not.toContain(part);
  });

  it('removes a basic authorization', () => {
    expect(redact(`headers: { authorization: 'Basic ${BASE64}' }, Basic ${BASE64}`)).not.toContain(BASE64);
  });

  it('removes a token that nothing names', () => {
    expect(redact(`The token ${LONG_TOKEN} is not one of ours.`)).toBe('The token … is not one of ours.');
  });

  it('removes a percent-encoded token or key that nothing names', () => {
    const token = `CiAh3${'aB3-_/+'.repeat(21)}~~`;
    const key = 'cAnArY7Secret/Access+KeyOfFortyCharactrs';
    for (const secret of [encodeURIComponent(token), encodeURIComponent(encodeURIComponent(token))])
      expect(redact(`bad value at /?x ${secret}`)).toBe('bad value at /?x …');
    expect(key).toHaveLength(40);
    expect(redact(`refused: ${encodeURIComponent(key)}`)).toBe('refused: …');
    for (const [before, after] of [
      ['', '%0A'],
      ['', '%22,'],
      ['', '%'],
      ['%22', '%22'],
      ['%2522', '%2522'],
      ['%3D', ' '],
    ]) {
      expect(redact(`k ${before}${key}${after}`)).toBe(`k ${before}…${after}`);
      expect(redact(`k ${before}${encodeURIComponent(key)}${after}`)).toBe(`k ${before}…${after}`);
    }
  });

  it('removes a token with slashes, of which one part looks like a name', () => {
    const token = `FwoGZXIvYXdzE/${'aB3dEfGh1jKl'.repeat(4)}/src/index/${'Zx9yW8vU7t'.repeat(6)}`;
    expect(redact(`${token} is refused`)).toBe('… is refused');
  });

  it('removes a secret access key that nothing names', () => {
    expect(redact("Expected a string but received 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY' of")).toBe(
      "Expected a string but received '…' of",
    );
  });

  it('leaves the rest readable', () => {
    expect(redact(URL_WITH_TOKEN)).toMatch(/x\.m3u8\?SessionToken=…&TrackNumber=1$/);
    for (const plain of [
      'Fragment 91343852333181432392682062607743920397324091823 of session 3 is lost: The fragment at h:1/…/a.mp4 was answered 404',
      'GetDataEndpoint for stream arn:aws:kinesisvideo:eu-west-1:111122223333:stream/front-door/1705489836421 in eu-west-1',
      'credentials are missing or not allowed to; kinesisvideo:GetDataEndpoint is needed',
      'the signature is refused; check the secret access key, the region',
      'Ask for http://127.0.0.1:9464/cameras?size=2 or me@example.com // and @nobody',
      'at Object.<anonymous> (/home/me/node_modules/@aws-sdk/client-kinesis-video/dist-cjs/index.js:1:2)',
      'at load (/home/Me/2024/projects/camera-recorder/node_modules/kvs-frames/dist/simulator/recordings/h264/CameraRecordingFolder/x86_64/session-provider/index.js:1:2)',
      'Basic Constraints of the certificate',
      'sha1 2fd4e1c67a2d28fced849ee1bb76e7391b93eb12 of /home/Me/2024/projects/camera/node_modules/kvs/index.js',
    ])
      expect(redact(plain)).toBe(plain);
  });

  it.each([
    'a',
    '?a',
    '&a=',
    '//',
    '//a',
    '"',
    '"a',
    'token',
    'token ',
    'aB3',
    'Basic a',
    'authorization',
    '%2F%2F',
    '%252F',
    '%25',
    '%41',
  ])('takes no longer than in proportion for %j again and again', (piece) => {
    const text = piece.repeat(Math.ceil(200_000 / piece.length));
    // A pattern that tries each place with each other takes minutes.
    const safe: unknown = runInNewContext('redact(text)', { redact, text }, { timeout: 10_000 });
    expect(safe).not.toBe('');
  });
});
