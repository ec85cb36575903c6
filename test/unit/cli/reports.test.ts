import { describe, expect, it } from '@jest/globals';
import { Tally, type Report } from '../../../lib/cli/report';
import { summed, together } from '../../../lib/cli/reports';
import { camerasOf } from '../../../lib/cli/monitored-cameras';
import { Registry } from 'prom-client';

const nothing: Report = new Tally(0).report(
  camerasOf({ url: ['http://127.0.0.1:1/x.m3u8'] }, new Registry())[0]!.open(),
  0,
);

describe('reports of many cameras', () => {
  it('add up, but for frames, ages and times, which are their own', () => {
    const door: Report = {
      ...nothing,
      frames: 3,
      gaps: 1,
      gapSeconds: 2,
      gapsByCause: { producer: 1 },
      gapSecondsByCause: { producer: 2 },
      fetchedBytes: 1000,
      calls: [
        { api: 'GetDataEndpoint', result: 'ok', count: 1 },
        { api: 'GetHLSStreamingSessionURL', result: 'KVS_THROTTLED', count: 2 },
      ],
    };
    const yard: Report = {
      ...door,
      gapsByCause: { producer: 2, outage: 1 },
      gapSecondsByCause: { producer: 1, outage: 5 },
      calls: [{ api: 'GetDataEndpoint', result: 'ok', count: 4 }],
    };
    expect(summed({ ...nothing, frames: 6, meanAgeMs: 10 }, [door, yard])).toEqual({
      ...nothing,
      frames: 6,
      meanAgeMs: 10,
      gaps: 2,
      gapSeconds: 4,
      gapsByCause: { producer: 3, outage: 1 },
      gapSecondsByCause: { producer: 3, outage: 5 },
      fetchedBytes: 2000,
      calls: [
        { api: 'GetDataEndpoint', result: 'ok', count: 5 },
        { api: 'GetHLSStreamingSessionURL', result: 'KVS_THROTTLED', count: 2 },
      ],
    });
  });
});

describe('time and rate of many cameras', () => {
  it('are the longest and the sum', () => {
    const door = { ...nothing, seconds: 10, fps: 15 };
    expect(together([door, { ...nothing, seconds: 4, fps: 20 }, nothing])).toEqual({ seconds: 10, fps: 35 });
    expect(together([])).toEqual({ seconds: 0, fps: 0 });
  });
});

describe('cameras of the monitor', () => {
  const idsOf = (flags: Parameters<typeof camerasOf>[0]): string[] =>
    camerasOf(flags, new Registry()).map(({ cameraId, open }) => {
      expect(open().cameraId).toBe(cameraId);
      return cameraId;
    });

  it('are called by their stream, their host, or the name they are given', () => {
    expect(
      idsOf({
        streamName: ['front-door'],
        streamArn: ['arn:aws:kinesisvideo:eu-west-1:111122223333:stream/yard/1700000000000'],
        url: ['https://example.com/live.m3u8?a=b', 'gate=https://example.com/gate.m3u8?a=b'],
        region: 'eu-west-1',
      }),
    ).toEqual(['front-door', 'yard', 'example.com', 'gate']);
  });

  it('have a name each, also where two would be called the same', () => {
    const url = ['https://example.com/a.m3u8', 'https://example.com/b.m3u8', 'https://example.com/c.m3u8'];
    expect(idsOf({ url })).toEqual(['example.com', 'example.com-2', 'example.com-3']);
  });

  it('are to be given', () => {
    expect(() => camerasOf({}, new Registry())).toThrow(/--stream-name, --stream-arn or --url/);
  });
});
