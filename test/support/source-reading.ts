import type { EngineStats } from '../../binding';
import { loadAddon } from '../../lib/frames/addon';
import { LoadStatistics } from '../../lib/hls/load-statistics';
import { Histogram } from '../../lib/metrics/histogram';
import { FRAME_AGE_BOUNDS, type SourceReading } from '../../lib/metrics/reading';
import { faultClasses, type FaultClass } from '../../lib/policy/fault';
import { Ledger } from '../../lib/policy/ledger';
import { ConnectionState } from '../../lib/policy/supervisor';

/** What a source shows before it is started, or with these changes. */
export function newReading(changes: Partial<SourceReading> = {}): SourceReading {
  const { totals, drops } = new Ledger();
  return {
    frames: 0,
    syntheticFrames: 0,
    reconnects: 0,
    urlRefreshes: 0,
    readErrors: 0,
    consecutiveErrors: 0,
    lastFrameTimestampSeconds: 0,
    connectionState: ConnectionState.DISCONNECTED,
    status: 'not-started',
    healthy: false,
    frameAge: new Histogram(FRAME_AGE_BOUNDS).read(),
    gapsByCause: totals,
    recoveredSeconds: 0,
    dropsByCause: drops,
    faultsByClass: Object.fromEntries(faultClasses.map((one) => [one, 0])) as Record<FaultClass, number>,
    calls: [],
    loads: new LoadStatistics().read(),
    session: null,
    fragments: 0,
    fragmentBytes: 0,
    refetchedFragments: 0,
    repairedFragments: 0,
    bufferedFrames: 0,
    ring: null,
    picture: null,
    engine: null,
    ...changes,
  };
}

/** What an engine counts before its first fragment, or with these changes. */
export function newEngineStats(changes: Partial<EngineStats> = {}): EngineStats {
  const noTimes = { counts: Array<number>(loadAddon().timeBounds.length + 1).fill(0), sum: 0 };
  return {
    fragments: 0,
    packets: 0,
    pictures: 0,
    frames: 0,
    unselected: 0,
    late: 0,
    skippedPackets: 0,
    faults: 0,
    decoderOpens: 0,
    idleDrains: 0,
    wakes: 0,
    queuedFragments: 0,
    queuedBytes: 0,
    demuxCpuSeconds: 0,
    decodeCpuSeconds: 0,
    convertCpuSeconds: 0,
    decodeTimes: noTimes,
    convertTimes: noTimes,
    pictureBytes: 0,
    libavCalls: 0,
    ...changes,
  };
}
