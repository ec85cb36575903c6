// media-server.mjs FOLDER: a folder over HTTP in a process of its own, so that serving is not counted. Prints its URL,
// ends with its parent. What follows "?" in a URL is ignored.
import { createReadStream, statSync } from 'node:fs';
import { createServer } from 'node:http';
import { basename, join } from 'node:path';

const folder = process.argv[2];
const server = createServer((request, response) => {
  const path = join(folder, basename(new URL(request.url, 'http://x').pathname));
  const size = statSync(path, { throwIfNoEntry: false })?.size;
  if (size === undefined) {
    response.writeHead(404).end();
    return;
  }
  response.writeHead(200, { 'content-length': size });
  createReadStream(path).pipe(response);
});
server.listen(0, '127.0.0.1', () => console.log(`http://127.0.0.1:${server.address().port}`));
process.stdin.on('end', () => process.exit()).resume();
