import { hasWrongBits, hasWrongDates, isThrottling, soakCameraNames, type SoakCameraName } from './cameras';
import type { ReaderMessage, ReadingKind, ReadingTotals, WorldMessage } from './messages';
import { framesIn, newSums, ReadingAccount, type Sums } from './reading-account';
import { SentLog } from './sent-log';

/** What the cameras send is told by one process and what is seen by another: so long it is waited for the first to have told. */
const HEARD_AFTER_MS = 2_000;
/** Frames of a batch may be handed over after their source has left. */
const SETTLED_AFTER_MS = 8_000;
/** Lists show fragments of wrong dates for so long after the fault, and slow consumers see them. */
const AFTERMATH_MS = 30_000;
/** A camera that is well gives frames after so long at the latest: silent ones are looked for every 7 s, reconnections wait 2 s. */
const STALLED_AFTER_MS = 30_000;
/** The same for peaces taken together, of which each may be too short by itself. */
const STALLED_IN_ALL_MS = 60_000;
/** Whom the service throttled asks again after up to a minute, and once more: until then not all is well. */
const THROTTLED_FOR_MS = 100_000;
/** Of a kind of violation so many are kept word by word. */
const KEPT = 40;

/** What a camera's readings have come to. */
export interface CameraResult {
  sent: number;
  readings: number;
  gaveUp: Record<string, number>;
  faults: number;
  sums: Sums;
  renewals: number;
  reconnects: number;
  readErrors: number;
  recoveredMs: number;
  /** Longest time without a frame while all was well, that of several peaces taken together, ms. */
  longestWaitMs: number;
}

interface Reading {
  camera: SoakCameraName;
  account: ReadingAccount;
  endedAtMs: number | null;
  totals: ReadingTotals | null;
}

interface Camera {
  log: SentLog;
  /** Faults that are set now, and those set last. */
  faults: readonly string[];
  recentFaults: readonly string[];
  undatedUntilMs: number;
  spoiltUntilMs: number;
  throttledUntilMs: number;
  wait: Wait;
  result: CameraResult;
}

/** How long a camera's readings have had no frame while all was well: faults interrupt it, and only a frame ends it. */
interface Wait {
  /** Counted up to then. */
  atMs: number;
  /** Readings that go on. */
  readings: number;
  /** In this peace, and in all of them, ms. */
  peaceMs: number;
  allMs: number;
  isTold: boolean;
}

type Pending = { atMs: number; message: Extract<ReaderMessage, { type: 'seen' | 'ended' }> };

/** Holds what the reader saw against what the cameras sent, as both tell of it, in bounded memory. */
export class Judge {
  readonly violations: string[] = [];
  violationCount = 0;
  readonly #cameras = new Map<SoakCameraName, Camera>();
  readonly #readings = new Map<number, Reading>();
  #pending: Pending[] = [];
  /** The cameras stop: no frame is to come. */
  #isSilent = false;
  readonly #say: (line: string) => void;
  readonly #now: () => number;

  /** @param say hears of violations at once */
  constructor(say: (line: string) => void, now: () => number = () => performance.now()) {
    this.#say = say;
    this.#now = now;
    for (const name of soakCameraNames) this.#cameras.set(name, newCamera());
  }

  /** What goes wrong where no camera is to blame. */
  complain(text: string): void {
    this.violationCount += 1;
    if (this.violations.length >= KEPT) return;
    this.violations.push(text);
    this.#say(`! ${text}`);
  }

  world(message: Extract<WorldMessage, { type: 'sent' | 'fault' }>): void {
    const camera = this.#camera(message.camera);
    if (message.type === 'sent') {
      for (const sent of message.sent) camera.log.add(sent);
      camera.result.sent = camera.log.pictures;
      return;
    }
    const { faults, isOver } = message;
    const nowMs = this.#now();
    this.#count(camera, nowMs);
    camera.wait.peaceMs = 0;
    camera.faults = isOver ? [] : faults;
    camera.recentFaults = faults;
    if (!isOver) camera.result.faults += faults.length;
    else if (faults.some(isThrottling)) camera.throttledUntilMs = nowMs + THROTTLED_FOR_MS;
    const untilMs = isOver ? nowMs + AFTERMATH_MS : Infinity;
    if (faults.some(hasWrongDates)) camera.undatedUntilMs = untilMs;
    if (faults.some(hasWrongBits)) camera.spoiltUntilMs = untilMs;
  }

  reader(message: Extract<ReaderMessage, { type: 'began' | 'seen' | 'ended' }>): void {
    const nowMs = this.#now();
    if (message.type === 'began') this.#begin(message, nowMs);
    else {
      if (message.type === 'seen') {
        for (const [id] of message.seen) this.#arrived(this.#camera(this.#reading(id).camera), nowMs);
      } else this.#end(this.#reading(message.id), nowMs);
      this.#pending.push({ atMs: nowMs, message });
    }
  }

  /** To be called every second or so. */
  look(): void {
    const nowMs = this.#now();
    this.#hear(nowMs - HEARD_AFTER_MS);
    for (const [id, reading] of this.#readings) {
      if (reading.totals !== null && nowMs - reading.endedAtMs! > SETTLED_AFTER_MS) this.#settle(id, reading);
    }
    for (const [name, camera] of this.#cameras) this.#watch(name, camera, nowMs);
  }

  /** The cameras stop. */
  expectSilence(): void {
    this.look();
    this.#isSilent = true;
  }

  /** All was sent and seen: what each reading that still goes on saw last must be what was sent last. */
  checkEnds(): void {
    this.#hear(Infinity);
    for (const { camera, account, endedAtMs } of this.#readings.values()) {
      const { pictures } = this.#camera(camera).log;
      const missing = pictures - 1 - (account.lastSerial ?? -1);
      if (endedAtMs !== null || missing === 0) continue;
      this.complain(`${camera}: ${missing} of ${pictures} pictures were still to come when all was over`);
    }
  }

  /** Nothing more will be told. */
  finish(): Record<SoakCameraName, CameraResult> {
    this.#hear(Infinity);
    for (const [id, reading] of this.#readings) this.#settle(id, reading);
    const results = [...this.#cameras].map(([name, { result }]) => [name, result]);
    return Object.fromEntries(results) as Record<SoakCameraName, CameraResult>;
  }

  #begin({ id, camera, how }: { id: number; camera: SoakCameraName; how: ReadingKind }, nowMs: number): void {
    const place = this.#camera(camera);
    const account = new ReadingAccount(place.log, how, (weather) => this.#now() < place[`${weather}UntilMs`]);
    this.#readings.set(id, { camera, account, endedAtMs: null, totals: null });
    this.#count(place, nowMs);
    place.wait.readings += 1;
    place.result.readings += 1;
  }

  #end(reading: Reading, nowMs: number): void {
    reading.endedAtMs = nowMs;
    const camera = this.#camera(reading.camera);
    this.#count(camera, nowMs);
    camera.wait.readings -= 1;
  }

  #arrived(camera: Camera, nowMs: number): void {
    this.#count(camera, nowMs);
    Object.assign(camera.wait, { peaceMs: 0, allMs: 0, isTold: false });
  }

  /** Counts the time since the last call, if somebody reads and all is well. */
  #count({ faults, throttledUntilMs, wait, result }: Camera, nowMs: number): void {
    const wellMs = nowMs - Math.max(wait.atMs, throttledUntilMs);
    wait.atMs = nowMs;
    if (wait.readings === 0 || faults.length > 0 || this.#isSilent || wellMs <= 0) return;
    wait.peaceMs += wellMs;
    wait.allMs += wellMs;
    result.longestWaitMs = Math.max(result.longestWaitMs, wait.allMs);
  }

  #hear(untilMs: number): void {
    const later = this.#pending.findIndex(({ atMs }) => atMs > untilMs);
    for (const { message } of this.#pending.splice(0, later === -1 ? this.#pending.length : later)) {
      if (message.type === 'seen') {
        for (const [id, numbers] of message.seen) {
          const { camera, account } = this.#reading(id);
          for (const frame of framesIn(numbers)) this.#tell(camera, account.frame(frame));
        }
        continue;
      }
      const reading = this.#reading(message.id);
      reading.totals = message.totals;
      const { gaveUp } = this.#camera(reading.camera).result;
      if (message.code !== null) gaveUp[message.code] = (gaveUp[message.code] ?? 0) + 1;
    }
  }

  #settle(id: number, { camera, account, totals }: Reading): void {
    this.#readings.delete(id);
    if (totals === null) {
      this.complain(`${camera}: a source did not end`);
      return;
    }
    this.#tell(camera, account.end(totals));
    const { result } = this.#camera(camera);
    const { sums } = result;
    for (const name of Object.keys(sums) as (keyof Sums)[]) sums[name] += account.sums[name];
    result.renewals += totals.renewals;
    result.reconnects += totals.reconnects;
    result.readErrors += totals.readErrors;
    result.recoveredMs += totals.recoveredMs;
  }

  #watch(name: SoakCameraName, camera: Camera, nowMs: number): void {
    this.#count(camera, nowMs);
    const { wait } = camera;
    const isStalled = wait.peaceMs >= STALLED_AFTER_MS || wait.allMs >= STALLED_IN_ALL_MS;
    if (!isStalled || wait.isTold) return;
    wait.isTold = true;
    this.complain(
      `${name} (after ${camera.recentFaults.join(', ')}): no frame for ${Math.round(wait.allMs / 1000)} s although all is well`,
    );
  }

  #tell(camera: SoakCameraName, wrong: readonly string[]): void {
    const { faults, recentFaults } = this.#camera(camera);
    const when = `${faults.length > 0 ? 'under' : 'after'} ${recentFaults.join(', ')}`;
    for (const text of wrong) this.complain(`${camera} (${when}): ${text}`);
  }

  #camera(name: SoakCameraName): Camera {
    return this.#cameras.get(name)!;
  }

  #reading(id: number): Reading {
    const reading = this.#readings.get(id);
    if (reading === undefined) throw new Error(`Reading ${id} is told of, and has not begun or is settled`);
    return reading;
  }
}

function newCamera(): Camera {
  return {
    log: new SentLog(),
    ...{ faults: [], recentFaults: [], undatedUntilMs: -Infinity, spoiltUntilMs: -Infinity },
    throttledUntilMs: -Infinity,
    wait: { atMs: -Infinity, readings: 0, peaceMs: 0, allMs: 0, isTold: false },
    result: {
      ...{ sent: 0, readings: 0, gaveUp: {}, faults: 0, sums: newSums(), renewals: 0, reconnects: 0 },
      ...{ readErrors: 0, recoveredMs: 0, longestWaitMs: 0 },
    },
  };
}
