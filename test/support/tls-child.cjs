// Reads each stream that its arguments name, with the compiled package, and prints what became of it: a line of JSON each.
const { HlsFrameSource, KvsHlsFrameSource } = require('../../dist/index.js');

const common = { maxConsecutiveErrors: 1, reconnectDelaySeconds: 0.05 };
const credentials = {
  accessKeyId: 'AKIDEXAMPLE',
  secretAccessKey: 'CiSECRETKEY',
  sessionToken: 'CiSECRETTOKEN',
};

function open(origin, kind) {
  if (kind === 'hls')
    return new HlsFrameSource({ ...common, url: `${origin}/list.m3u8?SessionToken=CiSECRETTOKEN` });
  return new KvsHlsFrameSource({
    ...common,
    streamName: 'door',
    region: 'eu-west-1',
    endpoint: origin,
    credentials,
  });
}

/** The error, or the one that it counts. */
function told(error) {
  const { code, message, errorName } = error.code === 'TOO_MANY_ERRORS' ? error.cause : error;
  return { code, message, errorName };
}

async function outcomeOf(place) {
  const [kind, origin] = place.split('=');
  const source = open(origin, kind);
  const outcome = await source.read().then(() => ({ code: 'READ' }), told);
  await source.stop();
  return JSON.stringify(outcome);
}

async function main() {
  const outcomes = await Promise.all(process.argv.slice(2).map(outcomeOf));
  console.log(outcomes.join('\n'));
}

void main();
