import type { Delivery } from '../delivery.js';
import type { ClipOptions } from '../clip.js';
import type { FragmentDamage } from './fragment-damage.js';
import type { InitDamage } from './init-damage.js';
import type { PlaylistEdit } from './playlist-edit.js';

/** What a reader asks for, by what it is rather than by AWS's name of the action. */
export const faultResources = ['endpoint', 'session-url', 'master', 'playlist', 'init', 'fragment'] as const;

export type FaultResource = (typeof faultResources)[number];

/** Numbers from `from` on, so many of them; for ever without `count`. */
export interface Span {
  readonly from: number;
  readonly count?: number;
}

/** Which requests a row means; what is absent does not matter. */
export interface RequestCondition {
  readonly resource: FaultResource | readonly FaultResource[];
  /** Of the requests that meet all else in this condition, 1 the first since the script was set, counted per stream. */
  readonly requests?: Span;
  /** Fragments of the stream, 0 the first that the camera sent after the script was set. Only for `fragment`. */
  readonly fragments?: Span;
  /** Time since the script was set, in ms. */
  readonly fromMs?: number;
  readonly untilMs?: number;
  /** Time since the session of the request was made, in ms. Only for what a session serves. */
  readonly sessionAgeFromMs?: number;
  readonly sessionAgeUntilMs?: number;
  /**
   * Sessions of the stream, 1 the first made after the script was set; those before it are 0, −1 … Only for what a
   * session serves.
   */
  readonly sessions?: Span;
}

/** When, since the script was set, a row's deed is done, in ms. */
export interface MomentCondition {
  readonly atMs: number;
}

/** How one request is answered otherwise than it should be. */
export type ResponseEffect =
  /** An error in AWS's terms; without a name, the one that AWS uses for the status. */
  | {
      readonly type: 'refuse';
      readonly status: number;
      readonly errorName?: string;
      readonly message?: string;
      readonly retryAfterSeconds?: number;
    }
  /** 200 with `UnknownOperationException`, as AWS answers a path in the wrong case. */
  | { readonly type: 'unknown-operation' }
  /** 302 to the same resource. */
  | { readonly type: 'redirect' }
  /** The session of the request is over, for good. */
  | { readonly type: 'expire' }
  /** The URL in the answer leads to a host without an address, or speaks TLS to a port that does not. */
  | { readonly type: 'lead-astray'; readonly to: 'unresolvable' | 'tls' }
  /** The right answer, delivered badly. */
  | { readonly type: 'deliver'; readonly delivery: Delivery }
  | { readonly type: 'edit-playlist'; readonly edit: PlaylistEdit }
  | { readonly type: 'damage-fragment'; readonly damage: FragmentDamage }
  | { readonly type: 'damage-init'; readonly damage: InitDamage };

/** What happens to the service or the camera by itself. */
export type FaultDeed =
  /** Nobody listens for so long; connections that stood are gone. */
  | { readonly type: 'refuse-connections'; readonly forMs: number }
  /** All sessions made so far are over. */
  | { readonly type: 'expire-sessions' }
  | { readonly type: 'stop-camera' }
  /** The camera is back; or another one with other pictures, which also takes over from one that runs. */
  | { readonly type: 'start-camera'; readonly pictures?: ClipOptions }
  /** The camera sends its last fragment a second time. */
  | { readonly type: 'repeat-fragment' }
  /** The camera's clock is set: dates jump by so much, pictures and media times go on. */
  | { readonly type: 'set-producer-clock'; readonly byMs: number };

export type FaultRow =
  | { readonly when: RequestCondition; readonly what: ResponseEffect }
  | { readonly when: MomentCondition; readonly what: FaultDeed };

/** What goes wrong, and when: a value that `SimulatorOptions.faults` and `simulator.setFaults` take. */
export interface FaultScript {
  /** In kebab case. */
  readonly name: string;
  /** One sentence. */
  readonly summary: string;
  readonly rows: readonly FaultRow[];
}

/** From the first effect of the scripts set last to the one applied most recently, Unix ms of the simulator's clock. */
export interface FaultWindow {
  readonly beganAtMs: number;
  readonly endedAtMs: number;
}
