import type { KinesisVideoClientConfig } from '@aws-sdk/client-kinesis-video';
import { KinesisVideoClient, ListStreamsCommand } from '@aws-sdk/client-kinesis-video';
import { expect, it } from '@jest/globals';
import pino from 'pino';
import type { Logger } from '../../lib/index';
import type { RequestCondition, SimulatorResponse } from '../../lib/simulator/index';
import { setStage, STREAM } from '../support/camera';

/** What pino writes of a line. */
interface Line {
  level: number;
  msg?: string;
  time: number;
}

const { debug, warn } = pino.levels.values;

/** A pino logger of the given level, and what it wrote. */
function pinoLogger(level: string): { logger: pino.Logger; lines: Line[] } {
  const lines: Line[] = [];
  const write = (line: string): void => void lines.push(JSON.parse(line) as Line);
  return { logger: pino({ level }, { write }), lines };
}

it('of pino fits as it is: lines of libav, of the network thread and of the policy come with level and message', async () => {
  await using stage = await setStage();
  const fragment = (from: number): RequestCondition => ({
    resource: 'fragment',
    fragments: { from, count: 1 },
  });
  stage.simulator.setFaults({
    name: 'trouble',
    summary: 'A fragment is gone, another one is damaged.',
    rows: [
      { when: fragment(1), what: { type: 'refuse', status: 404 } },
      { when: fragment(3), what: { type: 'damage-fragment', damage: { type: 'no-pictures' } } },
    ],
  });
  const { logger, lines } = pinoLogger('debug');
  await using source = stage.source({ logger });
  let discontinuities = 0;
  for await (const frame of source.frames({ maxFrames: 100 })) {
    if (frame.discontinuity && frame.index > 0) discontinuities += 1;
    if (discontinuities === 2) break;
  }
  await source.stop();
  expect(lines).toContainEqual(
    expect.objectContaining({
      level: warn,
      msg: expect.stringMatching(/^Fragment \d+ of session 1 is lost: .*404/),
    }),
  );
  expect(lines).toContainEqual(
    expect.objectContaining({ level: warn, msg: expect.stringMatching(/^front-door: \d+ ms of media/) }),
  );
  expect(lines).toContainEqual(
    expect.objectContaining({ level: warn, msg: expect.stringMatching(/^front-door: libav: \S/) }),
  );
  expect(lines).toContainEqual(
    expect.objectContaining({ level: debug, msg: expect.stringMatching(/^Following session 1/) }),
  );
});

it('hears of a kind of trouble five times, and when the source ends of how much more there was', async () => {
  const lost = 8;
  const asked: string[] = [];
  const gone: SimulatorResponse = { status: 404, headers: {}, body: Buffer.from('{}') };
  await using stage = await setStage({
    camera: { backlogFragments: 20 },
    simulator: {
      intercept: ({ kind, query }, response) => {
        const number = query.get('FragmentNumber') ?? '';
        if (kind !== 'GetMP4MediaFragment') return response;
        if (!asked.includes(number)) asked.push(number);
        return asked.indexOf(number) % 2 === 1 ? gone : response;
      },
    },
  });
  const { fragments } = stage.simulator.stream(STREAM);
  const { logger, lines } = pinoLogger('warn');
  await using source = stage.source({
    logger,
    playbackMode: 'ON_DEMAND',
    startTimestamp: new Date(fragments[0]!.producerMs),
    endTimestamp: new Date(fragments[2 * lost]!.producerMs + 1),
  });
  let frames = 0;
  for await (const { index } of source) frames = index + 1;
  await source.stop();
  expect(frames).toBe(((lost + 1) * stage.clip.frames) / stage.clip.fragments.length);
  const told = lines.flatMap(({ msg = '' }) => (/^Fragment \d+ of session 1 is lost/.test(msg) ? [msg] : []));
  expect(told).toHaveLength(6);
  expect(told.at(-1)).toMatch(/404.* \(2 like it left out\)$/);
});

it('is the one that clients of the AWS SDK take, so that one serves both', async () => {
  await using stage = await setStage();
  const { logger, lines } = pinoLogger('info');
  const [ours]: Logger[] = [logger, console];
  const { environment, endpoint, region } = stage.simulator;
  const config: KinesisVideoClientConfig = {
    logger: ours!,
    region,
    endpoint,
    credentials: {
      accessKeyId: environment.AWS_ACCESS_KEY_ID ?? '',
      secretAccessKey: environment.AWS_SECRET_ACCESS_KEY ?? '',
    },
  };
  const client = new KinesisVideoClient(config);
  await client.send(new ListStreamsCommand({}));
  client.destroy();
  expect(lines).toContainEqual(expect.objectContaining({ commandName: 'ListStreamsCommand' }));
});
