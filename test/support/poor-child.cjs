// Reads a stream with less memory than it wants, says how that ended, and that the process is there. Arguments: where the package
// is, when memory gets scarce (`start`, or `fragment`: when the first has come), how many MiB are left then, and the options of
// the source as JSON.
const { execFileSync } = require('node:child_process');
const { subscribe } = require('node:diagnostics_channel');
const { readFileSync } = require('node:fs');
const { KvsHlsFrameSource } = require(process.argv[2]);

const [, , , when, mebibytes, options] = process.argv;

let isScarce = false;
/** From now on the process gets no more address space than so much. */
function makeScarce() {
  if (isScarce) return;
  isScarce = true;
  const [, kibibytes] = /VmSize:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'));
  const bytes = Number(kibibytes) * 1024 + Number(mebibytes) * 2 ** 20;
  execFileSync('prlimit', ['--pid', String(process.pid), `--as=${bytes}:`]);
}

(async () => {
  const source = new KvsHlsFrameSource({ ...JSON.parse(options), logger: console });
  let outcome = 'frames';
  if (when === 'fragment') subscribe('kvs-frames:fragment', makeScarce);
  else makeScarce();
  try {
    for await (const frame of source) if (frame.index >= 2) break;
  } catch ({ code, message }) {
    outcome = { code, message };
  }
  const { status } = source.health();
  await source.stop();
  process.stdout.write(`${JSON.stringify({ outcome, status })}\n`);
})();
