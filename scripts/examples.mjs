// npm run examples: makes the clone ready, then runs each example, or those that are named: npm run examples -- ocr
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { root, setup } from './setup.mjs';
import { fail, foreground } from './step.mjs';

// Programs, not what they import.
const PARTS = ['camera', 'pp-ocr', 'sharpness-worker'];
const known = readdirSync(join(root, 'examples'))
  .map((file) => file.replace(/\.mjs$/, ''))
  .filter((name) => !PARTS.includes(name));
const named = process.argv.slice(2);
const unknown = named.filter((name) => !known.includes(name));
if (unknown.length > 0) fail(`Unknown: ${unknown.join(', ')}. The examples are: ${known.join(', ')}`);

await setup({ camera: true });
for (const name of named.length > 0 ? named : known) {
  console.log(`- ${name}`);
  // The SDK warns once per process that its later versions need a later Node.
  const env = { AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true' };
  const code = await foreground(process.execPath, [join(root, 'examples', `${name}.mjs`)], { env });
  if (code !== 0) {
    console.error(`${name} ended with ${code}`);
    process.exitCode = 1;
  }
}
