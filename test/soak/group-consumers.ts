import { FrameSourceGroup, type FrameBatch, type FrameSourceError } from '../../lib/index';
import type { SoakCameraName } from './cameras';
import type { Studio } from './studio';
import type { Reading } from './witness';

const GROUPED: readonly SoakCameraName[] = ['group-plain', 'group-ts', 'group-encoded', 'group-catch-up'];
const BATCHED: readonly SoakCameraName[] = ['batch-one', 'batch-two'];
const BATCH_LENGTH = 6;
/** How long one group is read before the loop is left and another group made; and between comings and goings. */
const GROUP_MS = [30_000, 90_000] as const;
const CHANGE_MS = [2_000, 9_000] as const;
/** Of those that leave, so many are read on by themselves for a moment. */
const READ_ON = 0.3;

/** The members of one group: added, taken out, and added anew, as long as the group lives. */
class Members {
  readonly #studio: Studio;
  readonly #group: FrameSourceGroup;
  readonly #names: readonly SoakCameraName[];
  readonly #isBatched: boolean;
  readonly #present = new Map<SoakCameraName, Reading>();
  /** By `cameraId`, which each life has for itself: a batch may hold frames of one that has left. */
  readonly #byId = new Map<string, Reading>();
  /** Those that are on their way out. */
  readonly #leaving = new Set<Promise<void>>();
  #isLeft = false;

  constructor(studio: Studio, group: FrameSourceGroup, names: readonly SoakCameraName[], isBatched: boolean) {
    this.#studio = studio;
    this.#group = group;
    this.#names = names;
    this.#isBatched = isBatched;
    group.on('leave', ({ cameraId, reason, error }) => {
      if (reason === 'removed') return;
      const reading = this.reading(cameraId);
      this.#drop(reading, reading.end(error ?? undefined));
    });
  }

  reading(cameraId: string): Reading {
    const reading = this.#byId.get(cameraId);
    if (reading === undefined) throw new Error(`${cameraId} gives frames and is no member`);
    return reading;
  }

  addAll(): void {
    for (const name of this.#names) this.#add(name);
  }

  /** Lets members come and go until the group is done with. */
  async change(): Promise<void> {
    const { chance, calm, over, witness } = this.#studio;
    for (;;) {
      await this.#studio.pause(chance.between(...CHANGE_MS));
      if (this.#isLeft || over.aborted) return;
      const missing = this.#names.filter((name) => !this.#present.has(name));
      if (missing.length > 0) {
        for (const name of calm.aborted ? missing : [chance.pick(missing)]) this.#add(name);
      } else if (!calm.aborted) {
        try {
          await this.#takeOut(chance.pick(this.#names));
        } catch (error) {
          // Who leaves the loop stops the group, also under whoever is being taken out.
          if (this.#isLeft) return;
          throw error;
        }
        witness.count('sources taken out of a group');
      }
    }
  }

  /** The group's loop is about to be left: nobody joins or goes any more. */
  leave(): void {
    this.#isLeft = true;
  }

  async close(): Promise<void> {
    this.leave();
    for (const reading of this.#present.values()) this.#drop(reading, reading.end());
    await Promise.all(this.#leaving);
  }

  #add(name: SoakCameraName): void {
    const source = this.#studio.kvs(name, `${name}.${this.#byId.size}`);
    const reading = this.#studio.witness.begin(name, source, this.#isBatched);
    this.#studio.sources.add(source);
    this.#present.set(name, reading);
    this.#byId.set(source.cameraId, reading);
    this.#group.add(source);
  }

  async #takeOut(name: SoakCameraName): Promise<void> {
    const reading = this.#present.get(name);
    // It gave up while its turn was being chosen.
    if (reading === undefined) return;
    const isReadOn = !this.#isBatched && this.#studio.chance.happens(READ_ON);
    // What it still handed over comes before it is out.
    await this.#group.remove(reading.source, { stop: !isReadOn });
    const rest = isReadOn ? this.#readOn(reading) : reading.end();
    this.#drop(reading, rest);
    await rest;
  }

  async #readOn({ source, saw, end }: Reading): Promise<void> {
    const { chance, over } = this.#studio;
    const untilMs = performance.now() + chance.between(500, 4_000);
    let failure: unknown;
    try {
      while (performance.now() < untilMs && !over.aborted) {
        const frame = await source.read({ timeoutMs: 500 }).catch(nothingInTime);
        if (frame === null) break;
        if (frame !== undefined) saw(frame);
      }
    } catch (error) {
      failure = error;
    }
    await end(failure);
  }

  #drop(reading: Reading, rest: Promise<void>): void {
    for (const [name, present] of this.#present) if (present === reading) this.#present.delete(name);
    this.#studio.sources.delete(reading.source);
    const left = rest.finally(() => this.#leaving.delete(left));
    this.#leaving.add(left);
  }
}

/** `undefined` where there was no frame in time. */
function nothingInTime(error: unknown): undefined {
  if ((error as FrameSourceError).code !== 'READ_TIMEOUT') throw error;
}

/** Reads the group of single frames, one group after the other. */
export async function readGroups(studio: Studio): Promise<void> {
  const pace = studio.pace(30);
  await inGroups(studio, GROUPED, async (group, members, isDone) => {
    for await (const frame of group.frames({ signal: studio.over })) {
      members.reading(frame.cameraId).saw(frame);
      await pace();
      if (isDone()) break;
    }
  });
}

/** Reads the group of batches, one group after the other; keeps a batch now and then. */
export async function readBatches(studio: Studio): Promise<void> {
  const { chance, calm, over } = studio;
  const pace = studio.pace(120);
  await inGroups(studio, BATCHED, async (group, members, isDone) => {
    const kept: FrameBatch[] = [];
    try {
      for await (const batch of group.batches(BATCH_LENGTH, { maxWaitMs: 1_500, signal: over })) {
        for (const frame of batch.frames) members.reading(frame.cameraId).saw(frame);
        if (chance.happens(0.1) && kept.length === 0) kept.push(batch.retain());
        else if (calm.aborted || chance.happens(0.3)) kept.pop()?.release();
        await pace();
        if (isDone()) break;
      }
    } finally {
      for (const batch of kept) batch.release();
    }
  });
}

async function inGroups(
  studio: Studio,
  names: readonly SoakCameraName[],
  read: (group: FrameSourceGroup, members: Members, isDone: () => boolean) => Promise<void>,
): Promise<void> {
  const { chance, calm, over, witness } = studio;
  while (!over.aborted) {
    const group = new FrameSourceGroup([], { endWhenEmpty: false });
    const isBatched = names === BATCHED;
    const members = new Members(studio, group, names, isBatched);
    const untilMs = performance.now() + chance.between(...GROUP_MS);
    members.addAll();
    const changing = members.change();
    try {
      await read(group, members, () => {
        const isDone = !calm.aborted && performance.now() > untilMs;
        if (isDone) members.leave();
        return isDone;
      });
    } catch (error) {
      if (!over.aborted) throw error;
    }
    witness.count('groups left');
    await members.close();
    await group.stop();
    await changing;
  }
}
