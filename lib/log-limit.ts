import { types } from 'node:util';
import type { Clock } from './clock.js';
import { safeDetails } from './log-details.js';
import { silentLogger, type Logger } from './logger.js';
import { redact } from './redact.js';

/** Lines of one kind that may come at once. */
const BURST = 5;
/** After them, one of the kind in so long, in ms; as long a silence gives back one of the burst. */
const PAUSE_MS = 60_000;
/** Kinds that are told apart at a time. The reader has some fifty sentences of its own; libav has any number. */
const MAX_KINDS = 200;
/** Of a message, what its kind is told by. */
const MAX_KIND_LENGTH = 300;
/** Of a line that was left out, what is remembered. */
const MAX_LAST_LENGTH = 500;

type Level = keyof Logger;

/** A {@link Logger} that tells no kind of message too often. */
export interface LimitedLogger extends Logger {
  /** Tells at once what was left out and not told yet: one line for each kind. For the end, when no next line comes. */
  flush(): void;
}

const silent: LimitedLogger = { ...silentLogger, flush() {} };

/** Messages that only differ in numbers, or in names with digits in them, are of one kind. */
function kindOf(message: string): string {
  return message.slice(0, MAX_KIND_LENGTH).replace(/\b\w*\d[\w.:]*/g, '#');
}

/** Lines of one kind: a bucket of what may come, and a count of what did not. */
class Kind {
  readonly level: Level;
  #tokens = BURST;
  #filledMs: number;
  /** Lines since the last that came through. */
  leftOut = 0;
  /** The newest of them. */
  last = '';

  constructor(level: Level, nowMs: number) {
    this.level = level;
    this.#filledMs = nowMs;
  }

  /** Whether a line may come now; it then counts. */
  admits(nowMs: number): boolean {
    this.#fill(nowMs);
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }

  leaveOut(message: string, count = 1): void {
    this.leftOut += count;
    this.last = message.slice(0, MAX_LAST_LENGTH);
  }

  /** Forgetting it would change nothing. */
  isIdle(nowMs: number): boolean {
    this.#fill(nowMs);
    return this.leftOut === 0 && this.#tokens === BURST;
  }

  #fill(nowMs: number): void {
    const more = Math.floor((nowMs - this.#filledMs) / PAUSE_MS);
    this.#tokens = Math.min(BURST, this.#tokens + more);
    // While it is full, time is not saved up.
    this.#filledMs = this.#tokens === BURST ? nowMs : this.#filledMs + more * PAUSE_MS;
  }
}

class LogLimit implements LimitedLogger {
  readonly #logger: Logger;
  readonly #clock: Clock;
  readonly #kinds = new Map<string, Kind>();
  #forgottenMs = -Infinity;

  constructor(logger: Logger, clock: Clock) {
    this.#logger = logger;
    this.#clock = clock;
  }

  debug(message: string, ...details: unknown[]): void {
    // Whoever turns this level on wants each line; it is the only one that tells of what goes well.
    this.#pass(this.#kind('debug', 'debug'), message, details);
  }

  info(message: string, ...details: unknown[]): void {
    this.#limit('info', message, details);
  }

  warn(message: string, ...details: unknown[]): void {
    this.#limit('warn', message, details);
  }

  error(message: string, ...details: unknown[]): void {
    this.#limit('error', message, details);
  }

  flush(): void {
    for (const kind of this.#kinds.values()) {
      if (kind.leftOut === 0) continue;
      kind.leftOut -= 1;
      this.#pass(kind, kind.last, []);
    }
  }

  #limit(level: Level, message: string, details: unknown[]): void {
    const kind = this.#kind(level, `${level} ${kindOf(message)}`);
    if (kind.admits(this.#clock.monotonic())) this.#pass(kind, message, details);
    else kind.leaveOut(message);
  }

  #kind(level: Level, name: string): Kind {
    const known = this.#kinds.get(name);
    if (known !== undefined) return known;
    const nowMs = this.#clock.monotonic();
    if (this.#kinds.size >= MAX_KINDS) this.#forgetIdle(nowMs);
    // While all places are taken by kinds that still count, those that are new share one.
    if (this.#kinds.size >= MAX_KINDS && name !== level) return this.#kind(level, level);
    const kind = new Kind(level, nowMs);
    this.#kinds.set(name, kind);
    return kind;
  }

  /** Not at each new kind: where they come in a flood, none becomes idle meanwhile. */
  #forgetIdle(nowMs: number): void {
    if (nowMs - this.#forgottenMs < PAUSE_MS) return;
    this.#forgottenMs = nowMs;
    for (const [name, kind] of this.#kinds) if (kind.isIdle(nowMs)) this.#kinds.delete(name);
  }

  /** A logger that fails must not break the reader: its line counts as left out. */
  #pass(kind: Kind, message: string, details: unknown[]): void {
    const { leftOut } = kind;
    kind.leftOut = 0;
    const onFailure = (): void => kind.leaveOut(message, leftOut + 1);
    try {
      const told = leftOut === 0 ? message : `${message} (${leftOut} like it left out)`;
      // As a method: pino and winston need their `this`.
      const answer: unknown = this.#logger[kind.level](redact(told), ...safeDetails(details));
      if (types.isPromise(answer)) answer.catch(onFailure);
    } catch {
      onFailure();
    }
  }
}

/**
 * A logger that passes on at most {@link BURST} lines of a kind at once and then one a minute, each as soon as it comes, and tells with
 * the next one how many of its kind were left out. Errors too: the first of a kind always comes through, and a damaged stream
 * has libav say the same hundreds of times a second. `debug` has no limit.
 *
 * Secrets are taken out of each message and of its details. A logger that throws, or whose promise rejects, is put up with. Of a bounded size, whatever
 * is told: while {@link MAX_KINDS} kinds are being counted, new ones count as one.
 *
 * @returns for {@link silentLogger} one that does nothing either
 */
export function limited(logger: Logger, clock: Clock): LimitedLogger {
  return logger === silentLogger ? silent : new LogLimit(logger, clock);
}
