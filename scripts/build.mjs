// npm run build: the addon (Release), then the TypeScript.
import { setup } from './setup.mjs';

await setup();
console.log('Built build/Release/kvs_frames.node and dist/.');
