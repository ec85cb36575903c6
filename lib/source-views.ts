import type { Clock } from './clock.js';
import type { FrameEngine } from './frames/engine.js';
import { healthOf, type SourceHealth } from './health.js';
import type { SourceReading } from './metrics/reading.js';
import type { Ledger } from './policy/ledger.js';
import type { SessionLoop } from './session-loop.js';
import type { SourceAccount } from './source-account.js';
import type { SourceMetrics } from './source-metrics.js';
import type { SourceParts } from './source-parts.js';

/** What a source can be asked about. */
export interface Viewed {
  account: SourceAccount;
  ledger: Ledger;
  loop: SessionLoop;
  engine: FrameEngine | undefined;
  parts: SourceParts;
  /** Frames decoded and not yet asked for. */
  bufferedFrames: number;
  isBegun: boolean;
  isStopping: boolean;
  clock: Clock;
}

/** Whether frames flow, and if not, why. */
export function healthView({
  account,
  ledger,
  loop,
  engine,
  parts,
  bufferedFrames,
  isBegun,
  clock,
}: Viewed): SourceHealth {
  const now = clock.monotonic();
  const nowMs = clock.now();
  const { phaseMs, flowMs, progressMs } = account.since;
  const ago = (ms: number | null): number | null => (ms === null ? null : now - ms);
  const { renewAtMs, connectAtMs, awaitedSinceMs, renewal } = loop.plan;
  const endsAtMs = loop.session?.endsAtMs ?? Infinity;
  const ring = engine?.ring() ?? null;
  const { decoder, lastFault, newestCaptureMs, renewals, reconnectsLastHour } = account;
  return healthOf({
    nowMs,
    state: loop.state.connection,
    phase: loop.state.phase,
    isStarted: isBegun,
    consecutiveErrors: loop.consecutiveErrors,
    lastFault,
    phaseAgoMs: now - phaseMs,
    flowAgoMs: now - flowMs,
    lastFrameAgoMs: ago(account.decodedAtMs),
    progressAgoMs: ago(progressMs),
    lastFrameAgeMs: newestCaptureMs === null ? null : nowMs - newestCaptureMs,
    bufferedFrames,
    isAllOnLoan: ring !== null && ring.usedSlots === ring.slots,
    agedPictures: ledger.drops.age.frames - account.agedPicturesBefore,
    framePeriodMs: engine?.framePeriodMs ?? 0,
    rhythm: account.rhythm(parts.fragments.stallLimitMs),
    renewals,
    reconnectsLastHour,
    renewInMs: renewAtMs === null ? null : renewAtMs - now,
    connectInMs: connectAtMs === null ? null : connectAtMs - now,
    awaitedForMs: ago(awaitedSinceMs),
    renewal,
    sessionEndsInMs: endsAtMs === Infinity ? null : endsAtMs - now,
    decoder,
  });
}

/** Numbers for the program. */
export function metricsView(viewed: Viewed): SourceMetrics {
  const { account, ledger, loop, engine, parts, bufferedFrames, isStopping } = viewed;
  const { frames, syntheticFrames, fragments, fragmentBytes, variant, reconnects, readErrors } = account;
  const { connection, phase } = loop.state;
  const { session, consecutiveErrors } = loop;
  const { bytesByKind, bandwidthBytesPerSecond } = parts.loads.read();
  return {
    frames,
    fragments,
    fragmentBytes,
    fetchedBytes: Object.values(bytesByKind).reduce((sum, bytes) => sum + bytes, 0),
    bandwidthBytesPerSecond,
    calls: parts.calls.read(),
    variant,
    reconnects,
    urlRefreshes: account.urlRefreshes,
    renewals: account.renewals,
    readErrors,
    faultsByClass: { ...account.faultsByClass },
    consecutiveErrors,
    mediaMs: ledger.deliveredMs,
    gaps: ledger.gaps,
    gapMs: ledger.gapMs,
    gapsByCause: structuredClone(ledger.totals),
    recoveredMs: ledger.recoveredMs,
    droppedMs: ledger.droppedMs,
    dropsByCause: structuredClone(ledger.drops),
    refetchedFragments: engine?.refetched ?? 0,
    repairedFragments: engine?.repaired ?? 0,
    syntheticFrames,
    bufferedFrames,
    lastFrameTimestampMs: frames === 0 ? null : account.lastFrameTimestampMs,
    picture: account.picture,
    connectionState: connection,
    phase,
    session: session === undefined ? null : { id: session.id, expiresAtMs: session.expiresAtMs },
    engine: isStopping ? null : (engine?.stats() ?? null),
  };
}

/** Numbers for a scrape. */
export function readingView(viewed: Viewed): SourceReading {
  const { account, ledger, loop, engine, parts, bufferedFrames, clock } = viewed;
  const { frames, syntheticFrames, reconnects, readErrors, fragments, fragmentBytes } = account;
  const { status, healthy } = healthView(viewed);
  const endsAtMs = loop.session?.endsAtMs ?? Infinity;
  const sessionAgeMs = account.sessionAgeMs(loop.session);
  return {
    frames,
    syntheticFrames,
    reconnects,
    urlRefreshes: account.urlRefreshes,
    readErrors,
    consecutiveErrors: loop.consecutiveErrors,
    lastFrameTimestampSeconds: account.lastFrameTimestampMs / 1000,
    connectionState: loop.state.connection,
    status,
    healthy,
    frameAge: account.frameAge.read(),
    gapsByCause: structuredClone(ledger.totals),
    recoveredSeconds: ledger.recoveredMs / 1000,
    dropsByCause: structuredClone(ledger.drops),
    faultsByClass: { ...account.faultsByClass },
    calls: parts.calls.read(),
    loads: parts.loads.read(),
    session:
      sessionAgeMs === null
        ? null
        : {
            ageSeconds: sessionAgeMs / 1000,
            expiresInSeconds: endsAtMs === Infinity ? null : (endsAtMs - clock.monotonic()) / 1000,
          },
    fragments,
    fragmentBytes,
    refetchedFragments: engine?.refetched ?? 0,
    repairedFragments: engine?.repaired ?? 0,
    bufferedFrames,
    ring: engine?.ring() ?? null,
    picture: account.picture,
    engine: engine?.stats() ?? null,
  };
}
