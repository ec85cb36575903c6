// Whether a frame's cost or the process's memory grows with the frames that were read.
import { runScript, serve } from './child.mjs';
import { hlsFolder } from './scene.mjs';

const SCENE = { width: 160, height: 90, fps: 30, kbps: 150, seconds: 20 };
const ROWS = 10;

export async function growth({ frames }) {
  const perFragment = 2 * SCENE.fps;
  const scene = await hlsFolder(SCENE, [Math.ceil(frames / perFragment)]);
  const server = await serve('media-server.mjs', scene.folder);
  try {
    const url = `${server.line}/${scene.lists[0].name}`;
    const { rows } = await runScript('probes/growth.mjs', url, String(Math.floor(frames / ROWS)));
    return { scene: { ...SCENE, kbps: scene.kbps }, rows };
  } finally {
    await server.end();
  }
}
