import { createServer } from 'node:net';

/** Below what Linux takes for outgoing connections and for port 0, so that nobody takes it while its owner is away. */
const FROM = 20_000;
const TO = 32_000;

/** A free port that stays free for who closes it and opens it again. */
export async function quietPort(): Promise<number> {
  for (;;) {
    const port = FROM + Math.floor(Math.random() * (TO - FROM));
    const isFree = await new Promise<boolean>((resolve) => {
      const server = createServer();
      server.once('error', () => resolve(false));
      server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
    });
    if (isFree) return port;
  }
}
