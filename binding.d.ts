/**
 * The whole boundary between TypeScript and the native addon (`build/Release/kvs_frames.node`).
 *
 * Bytes of whole fragments go in, records about frames written into ring slots come out. The addon
 * opens no socket and no file. Nothing here is public API: `lib/frames/engine.ts` is its only caller.
 */

/** Versions of the libraries the addon runs with, for `kvs-frames doctor` and bug reports. */
export interface LibraryVersions {
  /** FFmpeg release text, e.g. `5.1.9-0+deb12u1`. */
  ffmpeg: string;
  /** What libavcodec says of its licence, e.g. `GPL version 2 or later`: it depends on how it was configured. */
  license: string;
  /** Run-time library versions as `major.minor.micro`. */
  avformat: string;
  avcodec: string;
  avutil: string;
  swscale: string;
  /** libyuv's version number, or `null` when the addon was built without it. */
  libyuv: string | null;
  /** The converter's instruction set on this processor: `avx2` or `scalar`. */
  simd: string;
}

export const versions: LibraryVersions;

/** Limits and choices of one engine, fixed for its life. The caller has validated them. */
export interface EngineOptions {
  /** Colour matrix: `auto` follows the stream; unspecified means 709 from 720 lines up, 601 below. */
  matrix: 'auto' | 'bt601' | 'bt709';
  /** libavcodec threads, 1–16. 1 keeps no frame back; more suits one big camera on many cores. */
  decoderThreads: number;
  /** Fragments that may wait, 1–1024, the one being decoded not counted. */
  maxQueuedFragments: number;
  /** Bytes (media + init) that may wait. One fragment is always accepted by an empty queue. */
  maxQueuedBytes: number;
  /** Largest picture, width × height, that is decoded; larger ones become a fault. */
  maxPixels: number;
  /** Pictures of a fragment that are decoded; what is behind them becomes a fault. Demuxing is bounded by a million samples. */
  maxFramesPerFragment: number;
  /** How long a fragment may keep the decoder busy, 0–86400 s; see `maxDecodeSeconds` in lib/limits.ts. */
  maxDecodeSeconds: number;
  /** What frames look like in their slots. */
  output: EngineOutput;
  /** Which pictures are wanted; the others are not decoded where that can be helped, and never converted. */
  selection: Selection;
  /** Slots receive access units as they were coded, in decoding order, instead of pictures: with start codes and the
   *  parameter sets before each key frame (`annexb`), or with lengths of 4 bytes (`avcc`). `null`: pictures. */
  encoded: 'annexb' | 'avcc' | null;
  /** Where pictures are decoded. `auto`: on the first device that works; without one, in software. */
  hwaccel: 'none' | 'auto' | 'cuda' | 'vaapi';
  /** At the first sign of trouble with a fragment, write a `trouble` record and wait for
   *  {@link Engine.retry} or {@link Engine.giveUp}. Default `false`: go on at once. */
  holdOnTrouble?: boolean;
}

/** How a picture is written to its slot; native/core/output.h has the layout of each format. */
export interface EngineOutput {
  format: 'bgr24' | 'rgb24' | 'gray8' | 'nv12' | 'i420' | 'rgb-chw' | 'bgr-chw';
  /** Of the `-chw` formats. */
  dataType: 'float32' | 'float16';
  /** 0–8192; 0: the (cropped) picture's own, or what its aspect ratio makes of the other side. */
  width: number;
  height: number;
  fit: 'stretch' | 'contain' | 'cover';
  /** The part of the picture that is used, in its pixels; `null`: all of it. */
  crop: { x: number; y: number; width: number; height: number } | null;
  /** Colour of the padding: red, green, blue, 0–255. */
  pad: readonly [number, number, number];
  /** Of the `-chw` formats: value = level × factor + offset for red, green, blue; the level is 0–255. */
  factor: readonly [number, number, number];
  offset: readonly [number, number, number];
}

/** Which pictures are wanted. */
export interface Selection {
  /** Every so many pictures one, in presentation order across fragments; ≥ 1. */
  everyNth: number;
  /** Pictures at least evenly so far apart by capture time, in ms; 0: all. See {@link Engine.setPeriod}. */
  periodMs: number;
  /** Only pictures coded on their own. */
  keyFramesOnly: boolean;
}

/** One whole fragment. Its bytes are referenced, not copied, and must not change until consumed. */
export interface FragmentBytes {
  /** The caller's number for it, a safe integer; every record about it carries it. */
  id: number;
  /** fMP4: the init section (`ftyp` + `moov`). MPEG-TS: `null`, which is what selects that container. */
  init: Uint8Array | null;
  /** When its first picture was taken, Unix ms. */
  startMs: number;
  /** `startMs` is the stream's own word; else it is a guess, and pictures are counted on from the fragment before. */
  isDated: boolean;
  /** fMP4: the `moof` + `mdat` run. MPEG-TS: whole 188-byte packets. Complete and checked by the caller. */
  media: Uint8Array;
}

/** Another copy of a fragment whose first copy is in trouble; referenced like the first. */
export type SecondCopy = Pick<FragmentBytes, 'init' | 'media'>;

/** The memory frames are written to: allocated by JavaScript, used until replaced or closed. */
export interface Ring {
  /** The caller's number for it; frame records carry it. */
  id: number;
  /** `states.length × slotBytes` bytes, over a SharedArrayBuffer or an ArrayBuffer. */
  pixels: Uint8Array;
  /**
   * One state per slot: 0 free, 1 being written by the engine, 2 holds a frame that JavaScript owns.
   * The engine takes the first free slot and moves it 0 → 1 → 2; whoever is done with the frame, on
   * any thread, stores 0 atomically. 1–65536 slots, in memory apart from the pixels. With `blockSlots`
   * also 3, taken and given up without a frame, and 4, of a block that is being filled; and the number
   * of the engine that took the slot, `writer`, × 8 is added to states 1, 2 and 3.
   *
   * JavaScript may set bits 19–30 of a frame's state, one for each thread that it shares the frame with. Who is done
   * with the frame then clears its own bit, or all below 19 where it is the thread that took the record: 0 comes of the last.
   */
  states: Int32Array;
  /** Distance between slots in bytes; at least what the `layout` record asked for. */
  slotBytes: number;
  /**
   * Fills blocks of so many consecutive slots, one block after the other, instead of any free slot; 0: not. Begun is the
   * next block in the ring's order all of whose slots are in state 0 or 3; blocks before it, which are in use, are left out.
   * A divisor of `states.length`.
   */
  blockSlots: number;
  /**
   * With `blockSlots`: two elements and one for each block, in shared memory, for all engines that write to this ring
   * (several may), else `null`.
   *
   * The first counts slots that were taken or left out, modulo the largest multiple of `states.length` up to 2³⁰; that modulo `states.length` is
   * the slot taken next. Who moves it on atomically from within a block to the start of the next closes the block early,
   * and stores 0 in the states of the slots that were left out. The second counts the engines that have something
   * to write: of a block each of them takes its share first, and more when nobody else took a slot for 20 ms.
   *
   * Each block's element is what the first was when the block was begun last, as its first slot's count: in the order of these
   * the blocks were begun. It is written before the first moves past it, and is -1 for a block that was not begun; JavaScript
   * puts -1 there when it is done with what the block got, and before the first engine gets the ring.
   */
  cursor: Int32Array | null;
  /** With `blockSlots`: the engine's number among those that write to this ring, 0–65535. Default 0. */
  writer?: number;
}

/** What became of the decoder; see {@link Engine.takeDecoder}. */
export interface DecoderOpening {
  /** Where it decodes. */
  hwaccel: 'none' | 'cuda' | 'vaapi';
  /** Why not where it was asked to, or `''`. Says what failed, with libav's words. */
  fallbackReason: string;
}

/** What went wrong with one fragment. The fragments after it are not affected. */
export interface EngineFault {
  /** `open`: container not readable; `demux`: packet not readable; `decode`: codec refused; `convert`:
   *  picture form not supported; `limit`: picture larger than `maxPixels`, or more of the fragment than
   *  `maxFramesPerFragment` or `maxDecodeSeconds` allows. At most one of each a fragment; encrypted media is an `open` or `demux` fault whose message says so. */
  stage: 'open' | 'demux' | 'decode' | 'convert' | 'limit';
  /** The fragment's number as given to {@link Engine.push}. */
  fragmentId: number;
  /** libav's error code (negative), or 0 where the fault is not libav's. */
  code: number;
  /** libav's name of the code, e.g. `AVERROR_INVALIDDATA`, or `''`. */
  codeName: string;
  /** What failed, with which value. */
  message: string;
  /** What libav logged (warnings and worse) since the last fault and the last `log` record, oldest first, at most 16 lines. */
  log: string[];
}

/** Counters since construction. Times are CPU seconds of the engine thread, without those of libav's
 *  own threads (`decoderThreads` above 1). */
export interface EngineStats {
  fragments: number;
  packets: number;
  /** Pictures that came out of the decoder. */
  pictures: number;
  /** Frames written into slots. */
  frames: number;
  /** Pictures that were not wanted, whether decoded or not, and those dropped because of {@link Engine.setFloor} and
   *  {@link Engine.setPeriod}. */
  unselected: number;
  late: number;
  /** Packets that did not have to be decoded. */
  skippedPackets: number;
  faults: number;
  /** Decoder openings; 1 for a stream that never changes. */
  decoderOpens: number;
  /** Drains because the queue ran dry (see docs/architecture.md, drain on idle). */
  idleDrains: number;
  /** How often JavaScript was woken. */
  wakes: number;
  queuedFragments: number;
  queuedBytes: number;
  demuxCpuSeconds: number;
  /** This and all below: as of the last fragment, or the last drain. */
  decodeCpuSeconds: number;
  convertCpuSeconds: number;
  /** What each picture that came out of the decoder took: all decoding since the one before, that of packets without a picture
   *  among it. The sum is `decodeCpuSeconds` without what was spent since the last picture. None with `encoded`. */
  decodeTimes: TimeCounts;
  /** What each picture that became a frame took, and those without a frame before it. The sum is `convertCpuSeconds` without what
   *  pictures since the last frame took. None with `encoded`. */
  convertTimes: TimeCounts;
  /** Bytes of picture buffers that the decoder holds, those it keeps to be used again among them: all in which a picture of the
   *  present form came out, since libavcodec lets go of none before the form changes. 0 once the decoder is closed, and where
   *  pictures lie on a device. */
  pictureBytes: number;
  /** Grows by one when the thread calls libav and when it is back: odd while it is there. */
  libavCalls: number;
}

/** How often something took how long. */
export interface TimeCounts {
  /** Counts by {@link timeBounds}: of values up to each bound and above the one before; the last is of those above all. */
  counts: number[];
  /** Of all values, in seconds. */
  sum: number;
}

/** Upper bounds of {@link TimeCounts}, seconds, ascending. */
export const timeBounds: readonly number[];

/** A line that libav logged. */
export interface LogLine {
  /** libav's level of it: panic, fatal and error are `error`, warning is `warn`. */
  level: 'error' | 'warn';
  /** Without secrets. */
  message: string;
}

/**
 * One native thread that demuxes, decodes and converts.
 *
 * It keeps the event loop alive from {@link push} or {@link finish} until the thread has done all its
 * work and the last record was taken (so also while it waits for a slot, a ring or the answer to a
 * `trouble` record, and while records lie there that nobody takes), and while a {@link close} is pending. Idle, it does not. It lives
 * until {@link close} or the end of its environment, referenced or not. All methods are called on the
 * JavaScript thread that constructed it; none of them blocks. What `onWake` throws becomes an uncaught
 * exception. Wrong arguments throw a TypeError or RangeError.
 */
export class Engine {
  /**
   * @param onWake called on the JavaScript thread when records wait to be taken; once per burst, and
   *   again only after a {@link take} that emptied the outbox.
   */
  constructor(options: EngineOptions, onWake: () => void);

  /** Queues a fragment. `false`: no room by count or bytes, or as many `fragment` records wait to be
   *  taken; nothing was kept; try after a `fragment` record. Throws after {@link finish} or
   *  {@link close}. */
  push(fragment: FragmentBytes): boolean;

  /** Tells that no fragment follows: the decoder is drained and one `ended` record comes last. */
  finish(): void;

  /** Gives the engine its (next) ring, as answer to a `layout` record. The previous one is let go.
   *  Throws without a record to answer, and a RangeError if `slotBytes` is less than it asked for;
   *  does nothing after {@link close}. */
  setRing(ring: Ring): void;

  /** Answers a `trouble` record with a fresh copy of its fragment. That is decoded from its start in
   *  place of the first, unless it can't be read any better; pictures that were delivered already are
   *  left out. What is wrong with it is dealt with as after {@link giveUp}. Throws without a record to
   *  answer; does nothing after {@link close}. */
  retry(copy: SecondCopy): void;

  /** Answers a `trouble` record: the engine goes on with what it has, delivers damaged pictures, marked
   *  as such, and tells of the fault. Throws without a record to answer; does nothing after
   *  {@link close}. */
  giveUp(): void;

  /**
   * Moves waiting records, oldest first, into `records` and answers how many. Each takes
   * `recordDoubles` doubles: kind, then:
   *
   * | kind | fields |
   * |---|---|
   * | 1 frame | fragmentId, ringId, slot, bytes, ptsMs, dtsMs, offsetMs, durationMs, flags, placeMs, placeDurationMs |
   * | 2 layout | width, height, stride, bytes per slot, sourceWidth, sourceHeight, sourceX, sourceY, sourceW, sourceH, x, y, w, h, flags |
   * | 3 fragment | fragmentId, packets, media duration in ms (last picture's end − first PTS), troubled |
   * | 4 fault | – (one {@link takeFault} call per record) |
   * | 5 ended | – |
   * | 6 trouble | fragmentId |
   * | 7 dropped | fragmentId, offsetMs, durationMs, pictures, cause |
   * | 8 decoder | – (one {@link takeDecoder} call per record) |
   * | 9 log | – (one {@link takeLog} call per record) |
   *
   * `layout` comes before the first frame of that form. Its `flags`: 1 the engine now waits for {@link setRing} (else the ring in
   * use goes on, only what the frames show changed), 2 full range, + 4 × `matrix`; the last two of `nv12` and `i420` only. The
   * other fields are those of `OutputLayout` in native/core/output.h. With `encoded`, width and height are the coded
   * picture's, stride is 0.
   * `dropped`: a run of pictures that come right after one another and will not be delivered, between the frame before
   * and the next one in presentation order: not selected (cause 1), or older than the floor or too many for
   * {@link setPeriod} (cause 2).
   *
   * `bytes` is the frame's length. `ptsMs` is the PTS as the container carries it, `offsetMs` the PTS minus the smallest PTS of its
   * fragment, both in ms with fractions. `durationMs` is the time from this PTS to the next PTS of the
   * fragment in presentation order, be the next picture decodable or not; for the last one that of its
   * packet, or where the container has none (MPEG-TS) the mean spacing of the fragment's PTSs; 0 for a
   * single picture without duration. `placeMs` and `placeDurationMs` are the stretch of the fragment's time line that the
   * frame accounts for: `offsetMs` and `durationMs`; but of the nth access unit in decoding order those of the nth picture
   * in presentation order, so that each stretch begins where the one before ended. `flags`: 1 key frame, 2 damaged (decoder concealed errors),
   * 4 first frame after the decoder was (re)opened, 8 coded as H.265 (else H.264). `fragment` is
   * written once all packets of the fragment went into the decoder and its bytes are let go; frames of
   * it may still follow. `troubled` is 1 if the copy that was decoded showed a sign of trouble, else 0.
   *
   * Signs of trouble are: the fragment can't be read to its end, the decoder can't be opened, refuses a
   * packet or logs an error with it, a picture comes out damaged, or is skipped by later ones. With
   * `holdOnTrouble` the first of them makes a `trouble` record, once a fragment, before the picture is
   * delivered. None is made where a second copy would not help: when a packet was decoded of a fragment
   * that does not start with an IDR (only an IDR gets over the reset of the decoder that decoding it
   * again takes), when the picture is too large, and when the damage shows only in pictures that were
   * held back until the fragment was done.
   */
  take(records: Float64Array): number;

  /** The fault that belongs to the next `fault` record; call it once per such record. */
  takeFault(): EngineFault;

  /** What became of the decoder, for the oldest `decoder` record not asked for yet. */
  takeDecoder(): DecoderOpening;

  /** What libav logged (warnings and worse) that belongs to no fault, for the oldest `log` record not asked for yet; oldest
   *  first, at most 16 lines, a line that repeats the one before left out. Such a record is written at most once a fragment,
   *  before its `fragment` record, and once more before `ended`. What was logged of a first copy that a second one replaced is
   *  not told. */
  takeLog(): LogLine[];

  /** With `encoded`: the codec data of the oldest frame with flag 4 that was not asked about yet and of those behind it, as
   *  the container has it (`avcC`, `hvcC`) or from the packets in Annex B; call it once per such frame. */
  takeParameterSets(): Uint8Array;

  /**
   * From now on pictures taken before `captureMs` (Unix ms) are dropped unconverted, and whole fragments that end before
   * it are not decoded. Also ends the wait for a slot of a picture that is too old now. The last call counts; -Infinity at first.
   */
  setFloor(captureMs: number): void;

  /** Makes pictures `periodMs` apart from the next fragment on, if that is more than `selection.periodMs`; 0 ends it. */
  setPeriod(periodMs: number): void;

  /** Tells the engine that a slot became free on this thread (it finds out by itself within 5 ms). */
  wake(): void;

  /** As of now; once {@link close} has resolved, as of then. */
  stats(): EngineStats;

  /**
   * Stops the thread. Records not yet taken are discarded; `onWake` is not called and no slot is begun
   * from now on. Idempotent.
   *
   * Resolves when the thread has ended, but within 250 ms in any case, without blocking the event loop:
   * libav can't be interrupted inside one picture, which takes milliseconds as a rule and seconds at
   * 8192×8192. Such a thread ends by itself after that picture. Until then it holds on to the ring
   * and the bytes pushed, but does not keep the event loop alive; the end of a worker, or of the process when its event
   * loop runs dry, waits for it (`process.exit` on the main thread does not).
   */
  close(): Promise<void>;
}

/** Doubles per record in {@link Engine.take}. */
export const recordDoubles: 16;

/** A frame's pixels, and the file that is wanted of them. */
export interface ImageRequest {
  /** `jpeg`: JFIF, 4:2:0. `png`: RGB of 8 bits, gray for `gray8`. */
  type: 'jpeg' | 'png';
  /** Of a JPEG, 1–100: how much the quantisation tables of ITU-T T.81 annex K are scaled, as in libjpeg. */
  quality: number;
  /** A whole frame, read until the promise is settled, and kept alive until then. */
  pixels: Uint8Array;
  /** 1–8192. */
  width: number;
  height: number;
  /** Of the file, 1 to the frame's own: smaller ones are averages of the pixels they cover. */
  imageWidth: number;
  imageHeight: number;
  format: EngineOutput['format'];
  /** Of the `-chw` formats, as in {@link EngineOutput}; no factor is 0. */
  dataType: EngineOutput['dataType'];
  factor: EngineOutput['factor'];
  offset: EngineOutput['offset'];
  /** Of `nv12` and `i420`: MatrixCoefficients of ITU-T H.273, and the range. */
  matrix: number;
  fullRange: boolean;
}

/**
 * Encodes a frame on libuv's thread pool. Rejects with libavcodec's words where that refuses. Wrong arguments throw a TypeError
 * or RangeError.
 */
export function encodeImage(request: ImageRequest): Promise<Buffer>;
