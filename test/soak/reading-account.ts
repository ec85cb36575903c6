import { FLAG, SEEN, type ReadingKind, type ReadingTotals } from './messages';
import type { Picture, SentLog } from './sent-log';

/** A frame as the reader told of it. */
export interface SeenFrame {
  /** −1 where the pixels show none. */
  stamp: number;
  width: number;
  timestampMs: number;
  gapMs: number;
  flags: number;
  index: number;
}

/** `undated`: lists have no dates, or wrong ones. `spoilt`: bits of pictures are wrong, of which not all leave a trace in libav. */
export type Weather = 'undated' | 'spoilt';

/** Frames out of the numbers that a message has. */
export function* framesIn(numbers: readonly number[]): Generator<SeenFrame> {
  for (let at = 0; at < numbers.length; at += SEEN.length) {
    const [stamp, width, timestampMs, gapMs, flags, index] = numbers.slice(at, at + SEEN.length) as [
      number,
      number,
      number,
      number,
      number,
      number,
    ];
    yield { stamp, width, timestampMs, gapMs, flags, index };
  }
}

/** What a reading had of what its camera sent, pictures unless it says ms. */
export interface Sums {
  /** Sent from the first picture that was seen to the last, both counted. */
  sent: number;
  frames: number;
  synthetic: number;
  /** Pictures that were not seen, and how long they and the camera's own silences lasted. */
  missing: number;
  missingMs: number;
  silentMs: number;
  /** What frames said to be missing right before them. */
  toldMs: number;
  /** How long the frames last. */
  mediaMs: number;
  /** Came late into a hole that was told: they are not missing. */
  late: number;
  /** Of what is missing, where frames that are late are dropped: what was not told as a hole. */
  droppedMs: number;
  /** The same where dates said nothing: dropped, or a hole or silence that nobody could tell. */
  undatedMs: number;
  /** Missing where dates said nothing: the camera's clock was set, or the list had none. */
  undatedMissing: number;
  holes: number;
  /** Too damaged to be told which they were. */
  unreadable: number;
  /** Frames of pictures that were seen before, or that were never sent. */
  repeated: number;
}

export const newSums = (): Sums => ({
  ...{ sent: 0, frames: 0, synthetic: 0, missing: 0, missingMs: 0, silentMs: 0, toldMs: 0, mediaMs: 0 },
  ...{ late: 0, droppedMs: 0, undatedMs: 0, undatedMissing: 0, holes: 0, unreadable: 0, repeated: 0 },
});

/** Dates of lists have whole ms, and of MPEG-TS whole ticks. */
const DATE_MS = 2;
/** Silences below 50 ms are none to the reader; pictures are counted whole. */
const JOIN_MS = 60;
/** Holes that late pictures may still fill. */
const REMEMBERED_HOLES = 16;
/** Media that is decoded, or dropped, and was not handed over when a reading ended, at most. */
const UNDELIVERED_MS = 15_000;

/** Frames that are decoded and were not handed over when a reading ended, at most: what the buffer holds, twice. */
const UNDELIVERED_FRAMES = 24;
/** How old the first picture may be that a reading begins with: what lists show, and what is caught up with. */
const BACKLOG_MS = 90_000;
/** Of a reading's media: what the lengths of pictures in containers are rounded by, and half pictures at damaged places. */
const MEDIA_SHARE = 0.01;
const MEDIA_MS = 1_000;

/** One reading, held against what its camera sent: every frame once, in order, rightly dated; what is missing was told. */
export class ReadingAccount {
  readonly sums = newSums();
  /** When the last frame was taken, by a clock that nobody set; `null` before the first. */
  lastTrueMs: number | null = null;
  readonly #log: SentLog;
  readonly #kind: ReadingKind;
  readonly #mayBe: (weather: Weather) => boolean;
  #first: Picture | undefined;
  #last: Picture | undefined;
  #isLastUndated = false;
  /** Dates could not tell once what was missing. */
  #wasUnsure = false;
  #lastIndex = -1;
  #isSpoilt = false;
  /** Since the last picture that is known. */
  #unread = 0;
  /** Pictures sent before the reading began. */
  readonly #sentBefore: number;
  /** How long the pictures lasted that came late. */
  #lateMs = 0;
  /** Frames that told of something missing. */
  #tellers = 0;
  #toldMs = 0;
  #isMarked = false;
  #holes: { from: number; to: number }[] = [];
  /** The frame before was none of the pictures that were to come: what goes on being wrong is told once. */
  #isAstray = false;

  /** @param mayBe whether frames of now may be so */
  constructor(log: SentLog, kind: ReadingKind, mayBe: (weather: Weather) => boolean) {
    this.#log = log;
    this.#kind = kind;
    this.#mayBe = mayBe;
    this.#sentBefore = log.pictures;
  }

  /** The last picture that was seen; `null` before the first. */
  get lastSerial(): number | null {
    return this.#last?.serial ?? null;
  }

  /** Answers what is wrong. */
  frame(frame: SeenFrame): string[] {
    const { sums } = this;
    if ((frame.flags & FLAG.synthetic) !== 0) {
      sums.synthetic += 1;
      return [];
    }
    sums.frames += 1;
    const wrong = this.#indexViolations(frame);
    if ((frame.flags & FLAG.keyFrame) !== 0) this.#isSpoilt = false;
    this.#isSpoilt ||= (frame.flags & FLAG.damaged) !== 0;
    this.#toldMs += frame.gapMs;
    if (frame.gapMs > 0) this.#tellers += 1;
    this.#isMarked ||= (frame.flags & FLAG.discontinuity) !== 0;
    if (frame.stamp < 0 && !this.#kind.isEncoded) {
      this.#unread += 1;
      sums.unreadable += 1;
      if (!this.#isSpoilt && !this.#mayBe('spoilt'))
        wrong.push(`frame ${frame.index} can't be read, and no picture it leans on is damaged`);
      return wrong;
    }
    const picture = this.#locate(frame);
    if (picture === undefined) {
      wrong.push(...this.#unplaced(frame));
      return wrong;
    }
    this.#isAstray = false;
    const isUndated = Math.abs(frame.timestampMs - picture.dateMs) > DATE_MS;
    if (isUndated && !this.#mayBe('undated')) {
      const source = (frame.flags & FLAG.received) === 0 ? 'dated' : 'dated by its receipt';
      wrong.push(
        `frame ${frame.index} is picture ${picture.serial} of ${picture.dateMs} and ${source} ${frame.timestampMs}`,
      );
    }
    sums.mediaMs +=
      picture.pictureMs +
      this.#unreadMs(this.#last ?? { ...picture, serial: picture.serial - this.#unread - 1 });
    if (this.#last !== undefined) wrong.push(...this.#step(this.#last, picture, frame, isUndated));
    this.#first ??= picture;
    this.#last = picture;
    this.#isLastUndated = isUndated;
    this.#unread = 0;
    this.#toldMs = 0;
    this.#isMarked = false;
    this.lastTrueMs = picture.trueMs;
    sums.sent = picture.serial - this.#first.serial + 1;
    return wrong;
  }

  /** Holds the source's own figures at its end against what was seen of it. Answers what is wrong. */
  end(totals: ReadingTotals): string[] {
    const { sums } = this;
    const wrong: string[] = [];
    const { isBatched, isEvery } = this.#kind;
    // Frames that wait for a batch to be complete were handed over, to the batch.
    if (isBatched ? totals.frames < sums.frames : totals.frames !== sums.frames) {
      wrong.push(`the source counts ${totals.frames} frames, the program ${sums.frames}`);
    }
    wrong.push(...this.#ledgerViolations(totals));
    const pictureMs = this.#last?.pictureMs ?? 0;
    if (isEvery) {
      // Holes before frames that were not taken any more are in the ledger too, and late pictures that were not. Where dates were wrong,
      // it may have told of a hole and then, by dates within it, that it was filled.
      const unseenMs = Math.min(totals.recoveredMs - this.#lateMs, UNDELIVERED_FRAMES * (pictureMs || 100));
      if (totals.gapMs < sums.toldMs - pictureMs - Math.max(0, unseenMs) && !this.#wasUnsure) {
        wrong.push(
          `the ledger has ${totals.gapMs} ms, its frames told of ${sums.toldMs} ms (${totals.recoveredMs} ms recovered, ${this.#lateMs} ms seen to come late)`,
        );
      }
    } else {
      const restMs = totals.droppedMs - sums.droppedMs;
      if (
        restMs < -(sums.holes + 1) * 2 - pictureMs ||
        restMs > UNDELIVERED_MS + pictureMs + sums.undatedMs
      ) {
        wrong.push(`the source counts ${totals.droppedMs} ms as dropped, the pictures ${sums.droppedMs} ms`);
      }
    }
    return wrong;
  }

  /** The source's ledger has what its frames were and told, and beyond that at most what the camera sent since the last one. */
  #ledgerViolations({ mediaMs, gapMs, gaps }: ReadingTotals): string[] {
    const { sums } = this;
    const wrong: string[] = [];
    const pictureMs = this.#last?.pictureMs ?? 0;
    const seenMs = sums.mediaMs + this.#unread * pictureMs;
    const slackMs = MEDIA_MS + MEDIA_SHARE * seenMs + sums.unreadable * pictureMs;
    if (mediaMs < seenMs - slackMs || mediaMs > seenMs + slackMs + UNDELIVERED_FRAMES * (pictureMs || 100)) {
      wrong.push(`the source counts ${mediaMs} ms of media, the pictures last ${seenMs} ms`);
    }
    const toldMs = sums.toldMs + this.#toldMs;
    const mostMs = toldMs + this.#undeliveredMs() + slackMs;
    if (gapMs > mostMs) {
      wrong.push(`the ledger has ${gapMs} ms, of ${mostMs} ms at most could frames tell or still have told`);
    }
    if (gaps < this.#tellers || (gaps === 0 && gapMs > 0)) {
      wrong.push(`the ledger has ${gaps} holes of ${gapMs} ms, ${this.#tellers} frames told of one`);
    }
    return wrong;
  }

  /** How long the camera has sent what the program did not see any more; `Infinity` where dates say nothing of it. */
  #undeliveredMs(): number {
    const newest = this.#log.picture(this.#log.pictures - 1);
    if (newest === undefined) return 0;
    const last = this.#last;
    if (last !== undefined) {
      const isUnsure = this.#isClockSet(last, newest) || this.#isLastUndated || this.#mayBe('undated');
      return isUnsure ? Infinity : newest.trueMs - last.trueMs;
    }
    const before = this.#log.picture(Math.max(0, this.#sentBefore - 1));
    return before === undefined ? Infinity : newest.trueMs - before.trueMs + BACKLOG_MS;
  }

  #indexViolations({ index }: SeenFrame): string[] {
    const before = this.#lastIndex;
    this.#lastIndex = index;
    const isRight = this.#kind.isEvery ? index === before + 1 : index > before;
    return isRight ? [] : [`frame ${index} comes after frame ${before}`];
  }

  /** Which picture a frame is: one behind the last. */
  #locate({ stamp, width, timestampMs }: SeenFrame): Picture | undefined {
    const last = this.#last;
    if (this.#kind.isEncoded)
      return this.#log.dated(timestampMs).find(({ serial }) => serial > (last?.serial ?? -1));
    if (last !== undefined) {
      const next = this.#log.picture(last.serial + 1 + this.#unread);
      if (next?.stamp === stamp && next.width === width) return next;
    }
    const candidates = this.#log
      .withStamp(stamp, width)
      .filter(({ serial }) => serial > (last?.serial ?? -1));
    const dated = candidates.find(({ dateMs }) => Math.abs(dateMs - timestampMs) <= DATE_MS);
    // A stream is read from its newest fragments on.
    return dated ?? (last === undefined ? candidates.at(-1) : candidates[0]);
  }

  /** A frame that is none of the pictures behind the last: late, or wrong. */
  #unplaced(frame: SeenFrame): string[] {
    const { stamp, width, timestampMs, index } = frame;
    const candidates = this.#kind.isEncoded
      ? this.#log.dated(timestampMs)
      : this.#log.withStamp(stamp, width);
    const late = candidates.find(({ serial }) =>
      this.#holes.some(({ from, to }) => serial >= from && serial <= to),
    );
    if (late === undefined && (this.#isSpoilt || this.#mayBe('spoilt'))) {
      // Where bits are wrong, an older picture shows through, with its stamp.
      this.#unread += 1;
      this.sums.unreadable += 1;
      return [];
    }
    if (late === undefined) {
      this.sums.repeated += 1;
      if (this.#isAstray) return [];
      this.#isAstray = true;
      return [
        `frame ${index} (stamp ${stamp}, ${timestampMs}) is no picture behind ${this.#last?.serial ?? 'the start'}`,
      ];
    }
    this.#holes = this.#holes.flatMap(({ from, to }) =>
      late.serial < from || late.serial > to
        ? [{ from, to }]
        : [
            { from, to: late.serial - 1 },
            { from: late.serial + 1, to },
          ].filter((hole) => hole.from <= hole.to),
    );
    const { sums } = this;
    sums.late += 1;
    this.#lateMs += late.pictureMs;
    sums.missing -= 1;
    sums.missingMs -= late.pictureMs;
    sums.toldMs -= late.pictureMs;
    sums.mediaMs += late.pictureMs;
    this.#toldMs = 0;
    return [];
  }

  #step(last: Picture, picture: Picture, frame: SeenFrame, isUndated: boolean): string[] {
    const { sums } = this;
    const missing = picture.serial - last.serial - 1 - this.#unread;
    const goneMs = picture.trueMs - last.trueMs - last.pictureMs - this.#unreadMs(last);
    const pictureMs = Math.max(last.pictureMs, picture.pictureMs);
    const toldMs = this.#toldMs;
    sums.toldMs += toldMs;
    const isUnsure = this.#isClockSet(last, picture) || isUndated || this.#isLastUndated;
    this.#wasUnsure ||= isUnsure;
    if (missing <= 0 && goneMs <= JOIN_MS && toldMs === 0) return [];
    sums.holes += 1;
    sums.missing += missing;
    sums.missingMs += missing * last.pictureMs;
    sums.silentMs += goneMs - missing * last.pictureMs;
    if (missing > 0) {
      const from = last.serial + 1;
      this.#holes = [...this.#holes, { from, to: picture.serial - 1 }].slice(-REMEMBERED_HOLES);
    }
    const toleranceMs = Math.max(JOIN_MS, 1.6 * pictureMs);
    const where = `frame ${frame.index}, picture ${picture.serial} after ${last.serial}:`;
    const what = `${missing} pictures and ${Math.round(goneMs - missing * last.pictureMs)} ms of silence are missing, ${toldMs} ms were told`;
    if (!this.#kind.isEvery) {
      sums[isUnsure ? 'undatedMs' : 'droppedMs'] += Math.max(0, goneMs - toldMs);
      return toldMs > goneMs + toleranceMs && !isUnsure ? [`${where} ${what}`] : [];
    }
    if (isUnsure) {
      const known = (toldMs + toleranceMs) / last.pictureMs;
      if (missing > known) sums.undatedMissing += missing - Math.floor(toldMs / last.pictureMs);
      return [];
    }
    return [
      ...(missing > 0 && !this.#isMarked ? [`${where} is not marked as discontinuous`] : []),
      ...(Math.abs(toldMs - goneMs) > toleranceMs ? [`${where} ${what}`] : []),
    ];
  }

  /** How long the pictures last that can't be told apart, behind another one; where the camera was changed they are not alike. */
  #unreadMs({ serial, pictureMs }: Picture): number {
    let ms = 0;
    for (let i = 1; i <= this.#unread; i++) ms += this.#log.picture(serial + i)?.pictureMs ?? pictureMs;
    return ms;
  }

  #isClockSet(last: Picture, picture: Picture): boolean {
    return Math.abs(picture.dateMs - picture.trueMs - (last.dateMs - last.trueMs)) > 1;
  }
}
