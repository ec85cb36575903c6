import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { sleep, systemClock } from '../../lib/clock';

/** A place where connections get stuck. */
export interface DeadEnd {
  /** `127.0.0.1:port` */
  host: string;
  /** Resolves once somebody is stuck there. */
  reached(): Promise<void>;
  close(): Promise<void>;
}

/** Takes connections and never says a word: a TLS handshake that never ends. */
export async function muteServer(): Promise<DeadEnd> {
  const sockets = new Set<Socket>();
  const waiting = new Set<() => void>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {}).on('close', () => sockets.delete(socket));
    socket.once('data', () => {
      for (const resolve of waiting) resolve();
      waiting.clear();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    reached: () => new Promise((resolve) => waiting.add(resolve)),
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Listens and never accepts, with the queue of connections full: whoever connects waits for an answer to the SYN. */
export async function fullServer(): Promise<DeadEnd> {
  const listening = `
    const server = require('node:net').createServer().listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
      require('node:fs').writeSync(1, String(server.address().port));
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
    });`;
  const child = spawn(process.execPath, ['-e', listening], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [told] = (await once(child.stdout, 'data')) as [Buffer];
  const port = Number(told.toString());
  const fillers: Socket[] = [];
  const waitingPorts = (): number[] => connecting(port);
  while (waitingPorts().length === 0) {
    const filler = connect(port, '127.0.0.1').on('error', () => {});
    fillers.push(filler);
    // Either it is let in, or it waits and the queue is full.
    while (filler.connecting && waitingPorts().length === 0) await sleep(systemClock, 5);
  }
  const own = new Set(waitingPorts());
  return {
    host: `127.0.0.1:${port}`,
    reached: async () => {
      while (waitingPorts().every((other) => own.has(other))) await sleep(systemClock, 5);
    },
    close: async () => {
      for (const filler of fillers) filler.destroy();
      child.kill('SIGKILL');
      await once(child, 'close');
    },
  };
}

/** Local ports whose connection to this port of 127.0.0.1 has sent its SYN and waits. */
function connecting(port: number): number[] {
  const remote = `0100007F:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const SYN_SENT = '02';
  return readFileSync('/proc/net/tcp', 'utf8')
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter(([, , to, state]) => to === remote && state === SYN_SENT)
    .map(([, from]) => parseInt(from?.split(':')[1] ?? '', 16));
}
