import { inspect } from 'node:util';
import { Registry } from 'prom-client';
import {
  FrameSourceError,
  type Frame,
  type Gap,
  type KvsHlsFrameSourceOptions,
  type SourceHealth,
  type SourceMetrics,
  type SourcePhase,
} from '../../lib/index';
import {
  readStamp,
  type CatalogueFault,
  type FaultRow,
  type FaultScript,
  type FaultWindow,
  type FragmentInfo,
  type Simulator,
  type StreamOptions,
} from '../../lib/simulator/index';
import { setStage, STREAM } from '../support/camera';
import { everythingOf, printsOf, Secrets } from '../support/secrets';
import { quietPort } from './quiet-port';

export type Container = CatalogueFault['containers'][number];

/** Long enough that a picture's number is unambiguous over the longest row, with half-second fragments of ten pictures. */
export const PICTURES = { width: 320, height: 180, fps: 20, fragmentSeconds: 0.5, seconds: 60 } as const;
export const PICTURE_MS = 1000 / PICTURES.fps;
export const CLIP_PICTURES = PICTURES.fps * PICTURES.seconds;
/** Pictures in a run of the other camera that some scripts bring: ten seconds at the same pace. */
export const OTHER_PICTURES = 200;

/** Good frames that prove that all is well: before the fault, and after it. */
const GOOD_BEFORE = PICTURES.fps;
const GOOD_AFTER = 3 * PICTURES.fps;
const GOOD_AFTER_MS = 3_000;
const LOOK_EVERY_MS = 50;
const CREDENTIALS = {
  accessKeyId: 'AKIDFAULTSUITE00',
  secretAccessKey: 'nobody/may+see/this/secret/access/key/00',
  sessionToken: `FwoGZXIvYXdzEFAULTSUITE${'x+/9'.repeat(80)}==`,
};

/** How a row is run, where it is not like the others. */
export interface RowSettings {
  source?: Partial<KvsHlsFrameSourceOptions>;
  stream?: Partial<StreamOptions>;
  /** For faults that do not end: how long they are watched, ms. */
  watchMs?: number;
  /** Longest time for the whole row, ms. Default 60,000. */
  deadlineMs?: number;
}

/** A frame, and what its pixels say. */
export interface SeenFrame {
  arrivedAtMs: number;
  /** Number of the picture within its camera's clip; `null` if it can't be read from the pixels. */
  number: number | null;
  width: number;
  index: number;
  timestampMs: number;
  keyFrame: boolean;
  discontinuity: boolean;
  gapMs: number;
  damaged: boolean;
}

/** Everything that was seen of one row. */
export interface RowRecord {
  fault: CatalogueFault;
  container: Container;
  /** All that came out, in the order in which they did. */
  frames: readonly SeenFrame[];
  gaps: readonly Gap[];
  phases: readonly SourcePhase[];
  /** Codes of what reconnections were made for. */
  reconnects: readonly string[];
  /** Messages of `fault` events. */
  mediaFaults: readonly string[];
  /** What ended the source, and its cause; `null` if it still played. */
  error: { code: string; cause: string | null; message: string } | null;
  /** GetDataEndpoint and GetHLSStreamingSessionURL since the script was set. */
  controlCalls: number;
  window: FaultWindow | null;
  setAtMs: number;
  /** The row's time was over before all was well. */
  isOverdue: boolean;
  health: SourceHealth;
  metrics: SourceMetrics;
  sent: readonly (FragmentInfo & { width: number })[];
  /** The log's lines from `info` up, redacted by nobody but the reader. */
  log: readonly string[];
  /** Secrets that were found in all of the above and more. */
  leaks: readonly string[];
  /** What was secret in it. */
  secrets: Secrets;
}

/** Reads a camera through one fault of the catalogue, until all is well again, the source gives up, or time is over. */
export async function runFault(
  fault: CatalogueFault,
  container: Container,
  settings: RowSettings = {},
): Promise<RowRecord> {
  const registry = new Registry();
  const log = new Log();
  const needsPort = fault.script.rows.some(({ what }) => what.type === 'refuse-connections');
  await using stage = await setStage({
    clip: PICTURES,
    stream: { ...settings.stream },
    simulator: needsPort ? { port: await quietPort() } : {},
  });
  const { simulator } = stage;
  const opening = fault.startsAt === 'opening';
  await using source = stage.source({
    // A copy: the SDK adds to it.
    credentials: { ...CREDENTIALS },
    containerFormat: container,
    registry,
    logger: log,
    reconnectDelaySeconds: 0.2,
    maxReconnectDelaySeconds: 2,
    // As many seconds as ten fragments of one second, which is what a reader with its defaults has.
    maxMediaPlaylistFragmentResults: 20,
    ...settings.source,
  });
  const frames: SeenFrame[] = [];
  const gaps: Gap[] = [];
  const phases: SourcePhase[] = [];
  const reconnects: string[] = [];
  const mediaFaults: string[] = [];
  const events: unknown[] = [];
  source.on('gap', (gap) => gaps.push(gap));
  source.on('state', (change) => void (phases.push(change.phase), events.push(change)));
  source.on('reconnect', (news) => void (reconnects.push(news.error.code), events.push(news)));
  source.on('fault', (news) => void (mediaFaults.push(`${news.stage}: ${news.message}`), events.push(news)));
  source.on('session', (news) => void events.push(news));

  const turn = new Turn(simulator, fault.script, settings);
  if (opening) turn.begin();
  const ending = new AbortController();
  const look = (): Facts => ({ phases: [...phases], health: source.health(), metrics: source.getMetrics() });
  let facts: Facts | null = null;
  const watch = setInterval(() => {
    if (facts !== null || !turn.isOver(frames)) return;
    // Before the end changes them.
    facts = look();
    ending.abort();
  }, LOOK_EVERY_MS);
  let thrown: unknown = null;
  try {
    for await (const frame of source.frames({ signal: ending.signal })) {
      frames.push(see(frame));
      if (!turn.hasBegun && frames.length >= GOOD_BEFORE) turn.begin();
    }
  } catch (error) {
    if (!ending.signal.aborted) thrown = error;
  } finally {
    clearInterval(watch);
  }
  facts ??= look();
  const seen = [log.all, events, gaps, mediaFaults, thrown, facts, await registry.metrics()];
  const secrets = secretsOf(simulator);
  return {
    fault,
    container,
    frames,
    gaps,
    ...facts,
    reconnects,
    mediaFaults,
    error: described(thrown),
    controlCalls: turn.controlCalls(),
    window: simulator.faultWindow,
    setAtMs: turn.setAtMs,
    isOverdue: turn.isOverdue,
    sent: simulator.stream(STREAM).fragments.map((one) => ({ ...one, width: widthOf(one) })),
    log: log.told,
    leaks: secrets.findIn([everythingOf(seen), printsOf([thrown, events])].join('\n')),
    secrets,
  };
}

/** The credentials, and every token that was given out. */
function secretsOf(simulator: Simulator): Secrets {
  const secrets = new Secrets();
  for (const [name, value] of Object.entries(CREDENTIALS)) secrets.add(name, value);
  for (const session of simulator.sessions) {
    secrets.add(`token of session ${session.id}`, (session as unknown as { token: string }).token);
  }
  return secrets;
}

type Facts = Pick<RowRecord, 'phases' | 'health' | 'metrics'>;

/** The time of a row's fault: when it begins, when enough was seen of it. */
class Turn {
  readonly #simulator: Simulator;
  readonly #script: FaultScript;
  readonly #settings: RowSettings;
  readonly #startedAtMs = Date.now();
  #callsBefore = 0;
  setAtMs = 0;
  isOverdue = false;

  constructor(simulator: Simulator, script: FaultScript, settings: RowSettings) {
    this.#simulator = simulator;
    this.#script = script;
    this.#settings = settings;
  }

  get hasBegun(): boolean {
    return this.setAtMs > 0;
  }

  begin(): void {
    this.#callsBefore = this.#calls();
    this.setAtMs = Date.now();
    this.#simulator.setFaults(this.#script);
  }

  controlCalls(): number {
    return this.#calls() - this.#callsBefore;
  }

  isOver(frames: readonly SeenFrame[]): boolean {
    const nowMs = Date.now();
    const { watchMs, deadlineMs = 60_000 } = this.#settings;
    if (nowMs - this.#startedAtMs > deadlineMs) return (this.isOverdue = true);
    if (!this.hasBegun) return false;
    if (watchMs !== undefined) return nowMs - this.setAtMs >= watchMs;
    const { faultWindow } = this.#simulator;
    if (faultWindow === null || nowMs < this.setAtMs + scriptMs(this.#script)) return false;
    const { endedAtMs } = faultWindow;
    const good = frames.filter((frame) => frame.arrivedAtMs > endedAtMs).length;
    return nowMs - endedAtMs >= GOOD_AFTER_MS && good >= GOOD_AFTER;
  }

  #calls(): number {
    const { GetDataEndpoint, GetHLSStreamingSessionURL } = this.#simulator.requests.counts;
    return GetDataEndpoint + GetHLSStreamingSessionURL;
  }
}

/** When the last thing that a script does by the clock is done, ms. */
function scriptMs(script: FaultScript): number {
  const lengthOf = ({ when, what }: FaultRow): number => {
    if ('atMs' in when) return when.atMs + (what.type === 'refuse-connections' ? what.forMs : 0);
    return when.untilMs ?? 0;
  };
  return Math.max(0, ...script.rows.map(lengthOf));
}

function see(frame: Frame): SeenFrame {
  const { width, height, stride, index, timestampMs, keyFrame, discontinuity, gapMs, damaged } = frame;
  const number = readStamp(frame.data, width, height, stride)?.frameNumber ?? null;
  return {
    arrivedAtMs: Date.now(),
    number,
    width,
    index,
    timestampMs,
    keyFrame,
    discontinuity,
    gapMs,
    damaged,
  };
}

function described(thrown: unknown): RowRecord['error'] {
  if (thrown === null) return null;
  if (!(thrown instanceof FrameSourceError)) {
    throw new Error('A source ended with an error that is none of its own', { cause: thrown });
  }
  const { code, message, cause } = thrown;
  return { code, message, cause: cause instanceof FrameSourceError ? cause.code : null };
}

/** What the stream keeps of a fragment's picture size; no part of what the simulator promises. */
function widthOf(fragment: FragmentInfo): number {
  return (fragment as unknown as { init: { width: number } }).init.width;
}

class Log {
  readonly all: string[] = [];
  readonly told: string[] = [];
  readonly debug = (...words: unknown[]): void => void this.#keep('debug', words);
  readonly info = (...words: unknown[]): void => void this.#keep('info', words);
  readonly warn = (...words: unknown[]): void => void this.#keep('warn', words);
  readonly error = (...words: unknown[]): void => void this.#keep('error', words);

  #keep(level: string, words: readonly unknown[]): void {
    const line = `${level}: ${words.map((word) => (typeof word === 'string' ? word : inspect(word))).join(' ')}`;
    this.all.push(line);
    if (level !== 'debug') this.told.push(line);
  }
}
