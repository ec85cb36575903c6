// The cameras of a soak and what goes wrong with them, in a process of their own: `node world.js SEED`.
import { clipCamera, prepareClip, startSimulator, type Simulator } from '../../lib/simulator/index';
import { quietPort } from '../faults/quiet-port';
import { soakCamera, soakCameraNames, type SoakCameraName } from './cameras';
import { Chance } from './chance';
import { Director } from './director';
import type { Door, Order, WorldMessage } from './messages';
import { SentFragments } from './sent-fragments';
import { tellTroubles } from './troubles';

/** Some minutes of media: catching up reads that. */
const MAX_STORED_BYTES = 4 * 2 ** 20;
/** Sooner than a fragment becomes visible. */
const LOOK_EVERY_MS = 100;
/** A camera that was brought back shows itself to a reader that looks for it every 6 s or so. */
const SILENT_AFTER_MS = 2_000;

interface Place {
  simulator: Simulator;
  sent: SentFragments;
  director: Director;
}

const tell = (message: WorldMessage): void => void process.send?.(message);

async function open(name: SoakCameraName, seed: string): Promise<Place> {
  const { pictures, stream, isSpared } = soakCamera(name);
  const clip = await prepareClip(pictures);
  const usual = (backlogFragments: number) => clipCamera({ clip, backlogFragments });
  const simulator = await startSimulator({
    port: await quietPort(),
    streams: [{ name, camera: usual(3), maxStoredBytes: MAX_STORED_BYTES, ...stream }],
  });
  const sent = new SentFragments(simulator.stream(name), clip);
  const director = new Director({
    simulator,
    sent,
    usual: () => usual(0),
    chance: new Chance(`${seed} ${name}`),
    isSpared: isSpared ?? (() => false),
    onFault: (faults, isOver) => tell({ type: 'fault', camera: name, faults, isOver }),
  });
  return { simulator, sent, director };
}

async function main(seed: string): Promise<void> {
  tellTroubles(tell);
  const places = new Map<SoakCameraName, Place>();
  // One after the other: each makes its clip with all processors, unless it was made before.
  for (const name of soakCameraNames) places.set(name, await open(name, seed));
  const look = (): void => {
    for (const [camera, { sent }] of places) {
      const news = sent.take();
      if (news.length > 0) tell({ type: 'sent', camera, sent: news });
    }
  };
  setInterval(look, LOOK_EVERY_MS);
  const all = [...places.values()];
  const doors = Object.fromEntries(
    [...places].map(([name, { simulator }]) => [
      name,
      { endpoint: simulator.endpoint, region: simulator.region },
    ]),
  ) as Record<SoakCameraName, Door>;
  process.on('message', (order: Order) => {
    if (order.type === 'begin') for (const { director } of all) void director.run();
    else if (order.type === 'calm') void calm();
    else void end();
  });
  const calm = async (): Promise<void> => {
    await Promise.all(all.map(({ director }) => director.stop()));
    tell({ type: 'calm' });
  };
  const end = async (): Promise<void> => {
    await Promise.all(
      all.map(({ simulator }) => Promise.all(simulator.streams.map((one) => one.stopCamera()))),
    );
    await new Promise((resolve) => setTimeout(resolve, SILENT_AFTER_MS));
    look();
    tell({ type: 'silent' });
  };
  tell({ type: 'open', doors });
}

// Whoever asked for the soak has what was to be had, or is gone.
process.once('disconnect', () => process.exit());
void main(process.argv[2] ?? '');
