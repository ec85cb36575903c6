import { checkBatchable } from './batches.js';
import type { Clock } from './clock.js';
import { ConfigError } from './errors.js';
import type { FrameBatch } from './frames/batch.js';
import { BlockAssembler } from './frames/block-assembler.js';
import type { Frame } from './frames/frame.js';
import type { RingSupply } from './frames/ring.js';
import { SharedRings } from './frames/shared-rings.js';
import type { Member } from './group-roster.js';
import type { Outlet } from './outlet.js';

/** What frames of a group must have in common, to lie in one piece of memory. */
function formOf({ cameraId, options }: Outlet): { cameraId: string; text: string } {
  const { format, dataType, width, height } = options.choice.output;
  if (width === 0 || height === 0) {
    throw new ConfigError(
      `batches() of a group need output.width and output.height, as cameras may differ in size; ${cameraId} lacks ` +
        (width === 0 && height === 0 ? 'both' : width === 0 ? 'output.width' : 'output.height'),
    );
  }
  const isPlanar = format === 'rgb-chw' || format === 'bgr-chw';
  const text = `${format}${isPlanar ? ` ${dataType}` : ''} ${width}×${height}, memory ${options.memory}`;
  return { cameraId, text };
}

/** Batches of frames of several cameras, which all write to one ring. */
export class GroupBatches {
  readonly length: number;
  readonly #bufferedBatches: number;
  readonly #frames: BlockAssembler;
  /** That of the first camera is every camera's. */
  #form: { cameraId: string; text: string } | undefined;
  #rings: SharedRings | undefined;

  constructor(length: number, bufferedBatches: number, clock: Clock) {
    this.length = length;
    this.#bufferedBatches = bufferedBatches;
    this.#frames = new BlockAssembler(clock, (writer) => this.#rings?.isGone(writer) ?? false);
  }

  set maxWaitMs(ms: number) {
    this.#frames.maxWaitMs = ms;
  }

  /** In how many ms a batch is complete though frames are missing; `undefined` if that is not to be expected. */
  get dueInMs(): number | undefined {
    return this.#frames.dueInMs;
  }

  /** Lets a camera write here. Throws `ConfigError` if its frames are of another form, or lie elsewhere already. */
  join(outlet: Outlet): RingSupply {
    this.#check(outlet);
    this.#rings ??= new SharedRings(this.length, this.#bufferedBatches, outlet.options.memory);
    const supply = this.#rings.supply();
    outlet.useRings(supply);
    return supply;
  }

  /** The same for those of a group that was not read yet: all of them, or none. */
  joinAll(members: readonly Member[]): void {
    for (const { outlet } of members) this.#check(outlet);
    for (const member of members) member.supply = this.join(member.outlet);
  }

  /** A camera's engine has ended. */
  leave(supply: RingSupply): void {
    this.#rings?.leave(supply);
  }

  /** Takes over the frame's lease. */
  add(frame: Frame): void {
    this.#frames.add(frame);
  }

  /** The next batch; with `isLast` of what there is, as no frame will be added. */
  next(isLast: boolean): FrameBatch | undefined {
    return this.#frames.next(isLast);
  }

  release(): void {
    this.#frames.release();
  }

  #check(outlet: Outlet): void {
    checkBatchable(outlet);
    const form = formOf(outlet);
    this.#form ??= form;
    if (this.#form.text === form.text) return;
    throw new ConfigError(
      `batches() of a group need one form of output: that of ${this.#form.cameraId} is ${this.#form.text}, that of ` +
        `${form.cameraId} is ${form.text}`,
    );
  }
}
