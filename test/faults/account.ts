import type { GapCause } from '../../lib/index';
import {
  CLIP_PICTURES,
  OTHER_PICTURES,
  PICTURE_MS,
  PICTURES,
  type RowRecord,
  type SeenFrame,
} from './run-fault';
import type { Expectation } from './expectations/expectation';

/** What a row's pictures, times and ledger say, each for itself. */
export interface Account {
  /** Pictures that the camera sent, between the first and the last that were seen, and that were not. */
  picturesMissing: number;
  /** Of the told holes, recovered ones left out: by cause, ms. */
  ledgerMs: Readonly<Partial<Record<GapCause, number>>>;
  recoveredMs: number;
  /** Ms from the fault's end to the next frame; `null` if there was none. */
  recoveryMs: number | null;
}

interface Hole {
  /** Frame behind it. */
  frame: SeenFrame;
  pictures: number;
}

/** What is wrong with a row whatever its fault was; empty if nothing is. */
export function violations(row: RowRecord, expected: Expectation): string[] {
  const { frames } = row;
  const { jumps, reordered } = expected;
  const { holes, wrong } = holesOf(row, expected);
  return [
    ...wrong,
    ...frames.flatMap((frame, i) => (frame.index === i ? [] : [`frame ${i} has index ${frame.index}`])),
    ...holes.flatMap((hole) => untold(hole)),
    ...(jumps === true || reordered === true ? [] : timeViolations(row)),
    ...ledgerViolations(row, holes, expected),
    ...leaks(row),
  ];
}

/** Sums up a row. */
export function accountOf(row: RowRecord, expected: Expectation): Account {
  const ledgerMs: Partial<Record<GapCause, number>> = {};
  for (const { cause, ms, recovered } of row.gaps)
    if (!recovered) ledgerMs[cause] = (ledgerMs[cause] ?? 0) + ms;
  const endedAtMs = row.window?.endedAtMs ?? Infinity;
  const next = row.frames.find((frame) => frame.arrivedAtMs > endedAtMs);
  return {
    picturesMissing: holesOf(row, expected).holes.reduce((sum, { pictures }) => sum + pictures, 0),
    ledgerMs,
    recoveredMs: row.gaps.reduce((sum, { ms, recovered }) => sum + (recovered ? ms : 0), 0),
    recoveryMs: next === undefined ? null : next.arrivedAtMs - endedAtMs,
  };
}

/** Where the pixels say that pictures are missing, and where that they come twice or in the wrong order. */
function holesOf(
  { frames: asTheyCame, sent }: RowRecord,
  { reordered }: Expectation,
): { holes: Hole[]; wrong: string[] } {
  const frames = reordered === true ? [...asTheyCame].sort(byNumber) : asTheyCame;
  const holes: Hole[] = [];
  const wrong: string[] = [];
  let known: SeenFrame | undefined;
  // Pictures too damaged to be read: they are there, but not in which place.
  let unread = 0;
  let isSpoilt = false;
  for (const frame of frames) {
    if (frame.keyFrame) isSpoilt = false;
    isSpoilt ||= frame.damaged;
    if (frame.number === null) {
      if (!isSpoilt) wrong.push(`frame ${frame.index} can't be read, and no picture it leans on is damaged`);
      unread += 1;
      continue;
    }
    if (known !== undefined) {
      const step = stepBetween(known, frame, sent);
      if (step < 1) wrong.push(`frame ${frame.index} shows picture ${frame.number} after ${known.number}`);
      if (step - 1 > unread) holes.push({ frame, pictures: step - 1 - unread });
    }
    known = frame;
    unread = 0;
  }
  return { holes, wrong };
}

const byNumber = (a: SeenFrame, b: SeenFrame): number => (a.number ?? 0) - (b.number ?? 0);

/** By how many pictures a camera went on from one to the other; below 1 where it did not. */
function stepBetween(before: SeenFrame, after: SeenFrame, sent: RowRecord['sent']): number {
  const [from, to] = [before.number ?? 0, after.number ?? 0];
  if (before.width === after.width) {
    const pictures = before.width === PICTURES.width ? CLIP_PICTURES : OTHER_PICTURES;
    const step = (to - from + pictures) % pictures;
    return step > pictures / 2 ? step - pictures : step;
  }
  // Another camera took over: its pictures count from 0.
  const ofBefore = sent.filter(({ width }) => width === before.width);
  const sentBefore = ofBefore.reduce((sum, { frames }) => sum + frames, 0);
  return sentBefore - from + to;
}

function untold({ frame, pictures }: Hole): string[] {
  const missingMs = pictures * PICTURE_MS;
  const where = `frame ${frame.index}, behind ${pictures} missing pictures,`;
  return [
    ...(frame.discontinuity ? [] : [`${where} is not marked as discontinuous`]),
    ...(frame.gapMs >= missingMs - PICTURE_MS ? [] : [`${where} says that ${frame.gapMs} ms are missing`]),
  ];
}

/** Times go on, and frames and ledger add up to what went by. */
function timeViolations({ frames, gaps }: RowRecord): string[] {
  const wrong: string[] = [];
  for (const [i, frame] of frames.entries()) {
    const before = frames[i - 1];
    if (before === undefined) continue;
    const aheadMs = frame.timestampMs - before.timestampMs - PICTURE_MS;
    if (frame.timestampMs <= before.timestampMs)
      wrong.push(`frame ${i}: the time steps back by ${-aheadMs} ms`);
    if (aheadMs > PICTURE_MS && Math.abs(aheadMs - frame.gapMs) > PICTURE_MS) {
      wrong.push(`frame ${i}: ${aheadMs} ms went by unseen, gapMs is ${frame.gapMs}`);
    }
  }
  const first = frames[0];
  const last = frames.at(-1);
  if (first === undefined || last === undefined) return wrong;
  const spanMs = last.timestampMs + PICTURE_MS - first.timestampMs;
  const toldMs = frames.reduce((sum, frame) => sum + frame.gapMs, 0);
  const restMs = spanMs - frames.length * PICTURE_MS - toldMs;
  if (Math.abs(restMs) > (gaps.length + 1) * PICTURE_MS) {
    wrong.push(
      `${frames.length} frames and ${toldMs} ms of ledger do not add up to ${spanMs} ms: ${restMs} ms are left`,
    );
  }
  return wrong;
}

/** What the ledger says to be missing, but for what the camera never sent, is what the pixels say to be missing. */
function ledgerViolations(
  { gaps, frames, error }: RowRecord,
  holes: readonly Hole[],
  { unlisted, reordered }: Expectation,
): string[] {
  const wrong: string[] = [];
  const missingMs = holes.reduce((sum, { pictures }) => sum + pictures, 0) * PICTURE_MS;
  const all = gaps.filter(({ recovered }) => !recovered);
  // What a source that gave up tells last lies behind the last frame.
  const told = error !== null && all.length > framesWithGap(frames) ? all.slice(0, -1) : all;
  const isCamera = ({ cause }: { cause: GapCause }): boolean => cause === 'producer' && unlisted !== true;
  // What comes late fills a hole that was told.
  const filledMs = reordered === true ? sumMs(gaps.filter(({ recovered }) => recovered)) : 0;
  const ledgerMs = sumMs(told.filter((gap) => !isCamera(gap))) - filledMs;
  if (Math.abs(ledgerMs - missingMs) > (holes.length + told.length) * PICTURE_MS) {
    wrong.push(`the ledger lacks ${ledgerMs} ms, the pictures ${missingMs} ms`);
  }
  const onFramesMs = frames.reduce((sum, { gapMs }) => sum + gapMs, 0);
  const toldMs = sumMs(told);
  if (Math.abs(onFramesMs - toldMs) > 1) {
    wrong.push(`gap events tell of ${toldMs} ms, frames of ${onFramesMs} ms`);
  }
  return wrong;
}

const sumMs = (gaps: readonly { ms: number }[]): number => gaps.reduce((sum, { ms }) => sum + ms, 0);

function framesWithGap(frames: readonly SeenFrame[]): number {
  return frames.filter(({ gapMs }) => gapMs > 0).length;
}

/** Secrets in what the reader said. */
function leaks({ leaks: found }: RowRecord): string[] {
  return found.map((leak) => `a secret is in what the reader says: ${leak}`);
}
