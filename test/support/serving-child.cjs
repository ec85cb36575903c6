// Reads a simulator's stream and serves what an operator asks for, with the lines that serveHttp's description shows: they are
// the third argument. The first is where the package is, the second how the stream is reached. Messages: the URL once frames
// flow, `collecting` once a scrape is under way, `over` when the loop has ended.
const { Gauge, Registry } = require('prom-client');
const { KvsHlsFrameSource } = require(process.argv[2]);
const http = require(`${process.argv[2]}/http`);

const { streamName, region, endpoint, credentials } = JSON.parse(process.argv[3]);
const registry = new Registry();
const source = new KvsHlsFrameSource({ streamName, region, endpoint, credentials, registry });
let server;

/** The same with a free port, the page, and a metric that takes until the program is told to end. */
async function serveHttp(options) {
  server = await http.serveHttp({ ...options, port: 0, page: true, registry });
  return server;
}

async function main() {
  const AsyncFunction = (async () => {}).constructor;
  await new AsyncFunction('serveHttp', 'source', process.argv[4])(serveHttp, source);
  new Gauge({
    name: 'slow',
    help: 'known once the program is told to end',
    registers: [registry],
    async collect() {
      process.send('collecting');
      await new Promise((resolve) => process.once('SIGTERM', () => setTimeout(resolve, 200)));
      this.set(42);
    },
  });
  for await (const { index } of source) if (index === 0) process.send(server.url);
  process.send('over');
  process.disconnect();
}

void main();
