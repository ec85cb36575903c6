import { afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import {
  APIName,
  CreateStreamCommand,
  DescribeStreamCommand,
  GetDataEndpointCommand,
  KinesisVideoClient,
  ListStreamsCommand,
} from '@aws-sdk/client-kinesis-video';
import {
  GetHLSStreamingSessionURLCommand,
  type GetHLSStreamingSessionURLCommandInput,
  KinesisVideoArchivedMediaClient,
} from '@aws-sdk/client-kinesis-video-archived-media';

import { ConfigError } from '../../lib/errors.js';
import {
  type Clip,
  clipCamera,
  prepareClip,
  type Simulator,
  type SimulatorOptions,
  startSimulator,
} from '../../lib/simulator/index.js';
import { parseFragment } from '../../lib/simulator/mp4-fragment.js';
import { get, kvsClients, mediaPlaylist, sessionUrl } from '../unit/simulator/kvs-client.js';
import { FakeClock } from '../support/fake-clock.js';

let clip: Clip;
let h265: Clip;
let simulator: Simulator;

beforeAll(async () => {
  clip = await prepareClip({ width: 160, height: 90, seconds: 2 });
  h265 = await prepareClip({ width: 160, height: 90, seconds: 2, codec: 'h265' });
});

afterEach(() => simulator?.close());

async function simulate(options: Partial<SimulatorOptions> = {}): Promise<FakeClock> {
  const clock = new FakeClock();
  const streams = [{ name: 'front-door', camera: clipCamera({ clip }) }];
  simulator = await startSimulator({ clock, streams, ...options });
  return clock;
}

const live: GetHLSStreamingSessionURLCommandInput = { StreamName: 'front-door' };

describe('The AWS SDK, unmodified', () => {
  const before = { ...process.env };
  afterEach(() => {
    for (const name of Object.keys(process.env)) if (!(name in before)) delete process.env[name];
    Object.assign(process.env, before);
  });

  test('finds endpoint, region and credentials in the environment and plays a stream', async () => {
    await simulate({ clock: undefined, verifySignatures: true, region: 'ap-south-1' });
    Object.assign(process.env, simulator.environment);
    const control = new KinesisVideoClient({});
    const { DataEndpoint } = await control.send(
      new GetDataEndpointCommand({
        StreamName: 'front-door',
        APIName: APIName.GET_HLS_STREAMING_SESSION_URL,
      }),
    );
    expect(DataEndpoint).toBe(simulator.endpoint);
    const media = new KinesisVideoArchivedMediaClient({ endpoint: DataEndpoint });
    const { HLSStreamingSessionURL } = await media.send(new GetHLSStreamingSessionURLCommand(live));
    expect(HLSStreamingSessionURL).toMatch(
      /^http:\/\/127\.0\.0\.1:\d+\/hls\/v1\/getHLSMasterPlaylist\.m3u8\?SessionToken=Ci[\w-]{149}~$/,
    );
    const { uris, text, url } = await mediaPlaylist(new URL(HLSStreamingSessionURL!));
    expect(uris).toHaveLength(3);
    const map = /MAP:URI="(.*)"/.exec(text)![1]!.replace('=T&', `=${url.searchParams.get('SessionToken')}&`);
    const init = await get(new URL(map, url));
    expect(init.bytes).toEqual(clip.init.bytes);
    const fragments = await Promise.all(uris.map((uri) => get(uri)));
    expect(fragments.map(({ bytes }) => parseFragment(clip.init, bytes).samples.length)).toEqual([
      15, 15, 15,
    ]);
    expect(fragments[0]!.headers.get('content-type')).toBe('video/mp4');
  });

  test('describes, lists and creates streams', async () => {
    const names = Array.from({ length: 12 }, (_, n) => `cam-${n + 10}`);
    await simulate({ streams: names.map((name) => ({ name })) });
    const { control } = kvsClients(simulator);
    const { StreamInfo } = await control.send(new DescribeStreamCommand({ StreamName: 'cam-10' }));
    expect(StreamInfo).toMatchObject({ StreamName: 'cam-10', Status: 'ACTIVE', DataRetentionInHours: 24 });
    expect(StreamInfo!.StreamARN).toBe(simulator.stream('cam-10').arn);
    expect(StreamInfo!.StreamARN).toContain(`/${StreamInfo!.CreationTime!.getTime()}`);

    const first = await control.send(new ListStreamsCommand({}));
    expect(first.StreamInfoList).toHaveLength(10);
    const rest = await control.send(new ListStreamsCommand({ NextToken: first.NextToken }));
    expect(rest.StreamInfoList!.map((info) => info.StreamName)).toEqual(['cam-20', 'cam-21']);
    const found = await control.send(
      new ListStreamsCommand({
        MaxResults: 100,
        StreamNameCondition: { ComparisonOperator: 'BEGINS_WITH', ComparisonValue: 'cam-2' },
      }),
    );
    expect(found.StreamInfoList).toHaveLength(2);

    const { StreamARN } = await control.send(
      new CreateStreamCommand({ StreamName: 'porch', DataRetentionInHours: 2 }),
    );
    expect(simulator.stream('porch').arn).toBe(StreamARN);
    const twice = control.send(new CreateStreamCommand({ StreamName: 'porch' }));
    await expect(twice).rejects.toMatchObject({ name: 'ResourceInUseException' });
  });

  test('names a stream by its ARN', async () => {
    await simulate();
    const { arn } = simulator.stream('front-door');
    await expect(sessionUrl(simulator, { StreamARN: arn })).resolves.toBeInstanceOf(URL);
    const other = arn.replace(/\d$/, (digit) => String((Number(digit) + 1) % 10));
    await expect(sessionUrl(simulator, { StreamARN: other })).rejects.toMatchObject({
      name: 'ResourceNotFoundException',
    });
  });

  test.each<[string, GetHLSStreamingSessionURLCommandInput, number, string, string]>([
    [
      'a short Expires',
      { ...live, Expires: 60 },
      400,
      'InvalidArgumentException',
      'greater than or equal to 300',
    ],
    ['a bad stream name', { StreamName: 'no spaces' }, 400, 'InvalidArgumentException', 'regular expression'],
    ['no stream name', {}, 400, 'InvalidArgumentException', 'Either StreamName or StreamARN'],
    ['a bad ARN', { StreamARN: 'arn:aws:s3:::x' }, 400, 'InvalidArgumentException', 'regular expression'],
    [
      'a stream that does not exist',
      { StreamName: 'nowhere' },
      404,
      'ResourceNotFoundException',
      'The requested stream is not found or not active.',
    ],
    [
      'a stream without retention',
      { StreamName: 'forgetful' },
      400,
      'NoDataRetentionException',
      'retention period above 0',
    ],
    [
      'a stream without data',
      { StreamName: 'silent' },
      404,
      'ResourceNotFoundException',
      'No fragments found in the stream for the streaming request.',
    ],
    [
      'H.265 in MPEG-TS',
      { StreamName: 'modern', ContainerFormat: 'MPEG_TS' },
      400,
      'UnsupportedStreamMediaTypeException',
      'container format',
    ],
    [
      'a range without fragments',
      {
        ...live,
        PlaybackMode: 'ON_DEMAND',
        HLSFragmentSelector: {
          FragmentSelectorType: 'PRODUCER_TIMESTAMP',
          TimestampRange: { StartTimestamp: new Date(1000), EndTimestamp: new Date(2000) },
        },
      },
      404,
      'ResourceNotFoundException',
      'No fragments found',
    ],
  ])('shows %s as AWS does', async (_, request, status, name, message) => {
    await simulate({
      streams: [
        { name: 'front-door', camera: clipCamera({ clip }) },
        { name: 'modern', camera: clipCamera({ clip: h265 }) },
        { name: 'forgetful', retentionHours: 0 },
        { name: 'silent' },
      ],
    });
    const failure = sessionUrl(simulator, request);
    await expect(failure).rejects.toMatchObject({ name, $metadata: { httpStatusCode: status, attempts: 1 } });
    await expect(failure).rejects.toThrow(message);
    await failure.catch((error: { $metadata: { requestId: string } }) => {
      expect(error.$metadata.requestId).toMatch(/^[0-9a-f-]{36}$/);
    });
    expect(simulator.requests.recent.at(-1)).toMatchObject({ status, errorName: name });
  });

  test('is refused for a wrong APIName, region, key, secret and clock', async () => {
    await simulate({ clock: undefined, verifySignatures: true });
    const credentials = {
      accessKeyId: simulator.environment['AWS_ACCESS_KEY_ID']!,
      secretAccessKey: simulator.environment['AWS_SECRET_ACCESS_KEY']!,
    };
    const base = { endpoint: simulator.endpoint, region: simulator.region, credentials };
    const describeWith = (changes: object): Promise<unknown> =>
      new KinesisVideoClient({ ...base, ...changes }).send(
        new DescribeStreamCommand({ StreamName: 'front-door' }),
      );
    await expect(describeWith({})).resolves.toBeDefined();
    const withSlash = { endpoint: `${simulator.endpoint}/` };
    await expect(describeWith(withSlash)).resolves.toBeDefined();
    await expect(describeWith({ region: 'us-east-1' })).rejects.toThrow("valid region, not 'us-east-1'");
    await expect(
      describeWith({ credentials: { ...credentials, accessKeyId: 'AKIDSOMEONEELSE0' } }),
    ).rejects.toMatchObject({ name: 'UnrecognizedClientException', $metadata: { httpStatusCode: 403 } });
    await expect(
      describeWith({ credentials: { ...credentials, secretAccessKey: 'x' } }),
    ).rejects.toMatchObject({
      name: 'InvalidSignatureException',
    });
    await expect(describeWith({ systemClockOffset: -3_600_000 })).rejects.toMatchObject({
      name: 'RequestExpired',
    });
    const wrongApi = new KinesisVideoClient(base).send(
      new GetDataEndpointCommand({ StreamName: 'front-door', APIName: 'GET_ALL' as APIName }),
    );
    await expect(wrongApi).rejects.toMatchObject({ name: 'InvalidArgumentException' });
  });

  test('is told when it exceeds the quotas, if these are enforced', async () => {
    const clock = await simulate({ enforceQuotas: true });
    const { control } = kvsClients(simulator);
    const call = (): Promise<unknown> =>
      control.send(new DescribeStreamCommand({ StreamName: 'front-door' }));
    for (let n = 0; n < 5; n++) await call();
    await expect(call()).rejects.toMatchObject({
      name: 'ClientLimitExceededException',
      message: "Limit exceeded on number of requests for DescribeStream API for resource 'front-door'",
      $metadata: { httpStatusCode: 400, attempts: 1 },
    });
    clock.step(1000);
    await call();
    const { url } = await mediaPlaylist(await sessionUrl(simulator, live));
    const statuses = await Promise.all([1, 2, 3, 4, 5].map(async () => (await get(url)).status));
    expect(statuses.sort()).toEqual([200, 200, 200, 200, 400]);
  });

  test('gets the answers of separate hosts when the data endpoint is separate', async () => {
    await simulate({ separateDataEndpoint: true });
    const { control, media } = kvsClients(simulator);
    const { DataEndpoint } = await control.send(
      new GetDataEndpointCommand({ StreamName: 'front-door', APIName: 'GET_HLS_STREAMING_SESSION_URL' }),
    );
    expect(DataEndpoint).not.toBe(simulator.endpoint);
    const { HLSStreamingSessionURL } = await media.send(new GetHLSStreamingSessionURLCommand(live));
    expect(HLSStreamingSessionURL!.startsWith(`${DataEndpoint}/hls/v1/`)).toBe(true);
    const forgotten = new KinesisVideoArchivedMediaClient({
      endpoint: simulator.endpoint,
      region: simulator.region,
      credentials: { accessKeyId: 'AKIDTESTTESTTEST', secretAccessKey: 'secret' },
    });
    await expect(forgotten.send(new GetHLSStreamingSessionURLCommand(live))).rejects.toMatchObject({
      $metadata: { httpStatusCode: 403 },
    });
    const direct = await fetch(`${simulator.endpoint}/getHLSStreamingSessionURL`, { method: 'POST' });
    expect(await direct.text()).toContain('Unable to determine service/operation name to be authorized');
  });
});

describe('The wire', () => {
  test('answers a path in the wrong case with 200 and UnknownOperationException', async () => {
    await simulate();
    const response = await fetch(`${simulator.endpoint}/GetDataEndpoint`, { method: 'POST', body: '{}' });
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({
      Output: { __type: 'com.amazon.coral.service#UnknownOperationException' },
      Version: '1.0',
    });
  });

  test('refuses calls that are not signed, or not signed as AWS wants', async () => {
    await simulate();
    const post = async (headers: Record<string, string>): Promise<[number, string | null, unknown]> => {
      const response = await fetch(`${simulator.endpoint}//describeStream`, {
        method: 'POST',
        headers,
        body: '{}',
      });
      return [response.status, response.headers.get('x-amzn-errortype'), await response.json()];
    };
    const suffix = ':https://kinesisvideo.amazonaws.com/doc/2017-09-30/';
    expect(await post({})).toEqual([
      403,
      `MissingAuthenticationToken${suffix}`,
      { Message: 'Missing Authentication Token' },
    ]);
    const date = { 'x-amz-date': '20261122T101500Z' };
    const signed = (scope: string, signedHeaders = 'host;x-amz-date'): Record<string, string> => ({
      ...date,
      authorization:
        `AWS4-HMAC-SHA256 Credential=AKID/${scope}, ` +
        `SignedHeaders=${signedHeaders}, Signature=${'a'.repeat(64)}`,
    });
    const named = async (headers: Record<string, string>): Promise<string> =>
      (await post(headers))[1]!.replace(suffix, '');
    expect(await named({ ...date, authorization: 'Basic abc' })).toBe('IncompleteSignature');
    expect(await named({ authorization: signed('x')['authorization']! })).toBe('IncompleteSignature');
    expect(await named(signed('20261122/eu-west-1/kinesisvideo'))).toBe('IncompleteSignature');
    expect(await named(signed('20261121/eu-west-1/kinesisvideo/aws4_request'))).toBe(
      'InvalidSignatureException',
    );
    expect(await named(signed('20261122/eu-west-1/kinesis/aws4_request'))).toBe('InvalidSignatureException');
    expect(await named(signed('20261122/eu-west-1/kinesisvideo/aws4_request', 'host'))).toBe(
      'InvalidSignatureException',
    );
    expect(await named(signed('20261122/eu-west-1/kinesisvideo/aws4_request'))).toBe(
      'InvalidArgumentException',
    );
  });

  test('takes Range: bytes=0- and keeps connections alive', async () => {
    await simulate();
    const { uris } = await mediaPlaylist(await sessionUrl(simulator, live));
    const response = await fetch(uris[0]!, { headers: { range: 'bytes=0-' } });
    expect(response.status).toBe(200);
    expect(response.headers.get('connection')).toBe('keep-alive');
    expect((await response.arrayBuffer()).byteLength).toBe(Number(response.headers.get('content-length')));
  });

  test('shows every answer to an interceptor, which may give another', async () => {
    await simulate({
      intercept: (request, response) =>
        request.kind === 'GetMP4MediaFragment' && request.query.get('FragmentNumber') === '1'
          ? { ...response, status: 500, body: Buffer.alloc(0) }
          : response,
    });
    const { uris } = await mediaPlaylist(await sessionUrl(simulator, live));
    const statuses = await Promise.all(uris.map(async (uri) => (await get(uri)).status));
    expect(statuses).toEqual([200, 500, 200]);
  });

  test('logs requests by kind and number, without tokens', async () => {
    await simulate();
    const { uris, url } = await mediaPlaylist(await sessionUrl(simulator, live));
    await get(uris[1]!);
    expect(simulator.requests.counts).toMatchObject({
      GetHLSStreamingSessionURL: 1,
      GetHLSMasterPlaylist: 1,
      GetHLSMediaPlaylist: 1,
      GetMP4MediaFragment: 1,
      GetTSFragment: 0,
    });
    expect(simulator.requests.recent.at(-1)).toMatchObject({
      kind: 'GetMP4MediaFragment',
      stream: 'front-door',
      sessionId: 1,
      fragmentNumber: '1',
      status: 200,
    });
    const token = url.searchParams.get('SessionToken')!;
    expect(JSON.stringify([simulator.requests, simulator.sessions.map((s) => s.parameters)])).not.toContain(
      token,
    );
  });
});

describe('Wrong options', () => {
  test.each([
    [{ streams: [{ name: 'a b' }] }, 'stream name'],
    [{ streams: [{ name: 'a' }, { name: 'a' }] }, 'twice'],
    [{ streams: [{ name: 'a', retentionHours: -1 }] }, 'retentionHours'],
  ])('%j are refused', async (options, message) => {
    await expect(startSimulator(options)).rejects.toThrow(message);
    await expect(startSimulator(options)).rejects.toBeInstanceOf(ConfigError);
  });
});
