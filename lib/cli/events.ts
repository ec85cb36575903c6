import type { FrameSource } from '../frame-source.js';
import type { Output } from './output.js';
import { seconds } from './words.js';

/** Tells what happens to the source while it is read. */
export function tellEvents(source: FrameSource, output: Pick<Output, 'say'>): void {
  source.on('format', (format) =>
    output.say('format', { ...format }, `Pictures are ${format.width}×${format.height}`),
  );
  source.on('session', ({ id, expiresAtMs, renewal }) => {
    const isFinite = Number.isFinite(expiresAtMs);
    const life = isFinite ? `, until ${new Date(expiresAtMs).toISOString()}` : '';
    output.say(
      'session',
      { id, expiresAtMs: isFinite ? expiresAtMs : null, renewal },
      `Session ${id}${renewal ? ' takes over' : ''}${life}`,
    );
  });
  let wasOffline = false;
  source.on('state', ({ phase }) => {
    if (phase === 'offline') output.say('state', { phase }, 'The camera sends nothing; waiting for it');
    else if (wasOffline && phase === 'connected') output.say('state', { phase }, 'The camera sends again');
    wasOffline = phase === 'offline';
  });
  source.on('reconnect', ({ afterMs, error }) =>
    output.say(
      'reconnect',
      { afterMs, code: error.code, message: error.message },
      `${error.message}; next try in ${seconds(afterMs)}`,
    ),
  );
  source.on('gap', (gap) =>
    output.say(
      'gap',
      { ...gap },
      `${seconds(gap.ms)} of media ${gap.recovered ? 'had after all' : 'missing'} (${gap.cause})`,
    ),
  );
  source.on('fault', (fault) => {
    output.say('fault', { stage: fault.stage, message: fault.message }, `Damaged fragment: ${fault.message}`);
  });
}
