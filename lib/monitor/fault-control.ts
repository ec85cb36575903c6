/** Something that can be made to go wrong, for a button. */
export interface FaultAction {
  /** E.g. `expire-session`. */
  id: string;
  /** On the button, e.g. `Expire the session`. */
  label: string;
  /** What it does and what one should see, in a sentence. */
  help: string;
}

/** Makes cameras fail on demand: the simulator behind a demo. */
export interface FaultControl {
  readonly actions: readonly FaultAction[];
  /** What is being done to a camera now, as `actions` names it; `null`: nothing. */
  active(cameraId: string): string | null;
  /** Begins it; another one that was under way ends. It ends by itself. Throws `ConfigError` for a camera or action there is not. */
  apply(cameraId: string, actionId: string): Promise<void>;
}
