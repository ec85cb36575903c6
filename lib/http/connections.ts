import type { Socket } from 'node:net';

interface Place {
  readonly address: string | undefined;
  /** Requests whose answers are not all written. */
  underWay: number;
  /** One of those may be made by holders of the token alone. */
  isTrusted: boolean;
}

/**
 * The connections of a server, of which there are so many at most. One that comes when all places are taken gets that of, in this order:
 *
 * 1. the oldest that has no request under way, whatever it has asked for before;
 * 2. the oldest with a request under way that needs no token, of an address that holds more than half of all places;
 * 3. the oldest with such a request, of any address.
 *
 * Where every place has a request under way that needed the token, it is dropped itself: nobody without the token takes the place of one
 * who uses it, or keeps others out by holding connections.
 */
export class Connections {
  readonly #max: number;
  /** Oldest first. */
  readonly #places = new Map<Socket, Place>();

  constructor(max: number) {
    this.#max = max;
  }

  get all(): Socket[] {
    return [...this.#places.keys()];
  }

  /** Those that have no request under way. */
  get idle(): Socket[] {
    return this.all.filter((socket) => this.#places.get(socket)?.underWay === 0);
  }

  /** Takes up a connection that has come, or drops it. */
  welcome(socket: Socket): void {
    if (this.#places.size >= this.#max) {
      const leaving = this.#nextToLeave() ?? socket;
      this.#places.delete(leaving);
      leaving.destroy();
      if (leaving === socket) return;
    }
    this.#places.set(socket, { address: socket.remoteAddress, underWay: 0, isTrusted: false });
    socket.once('close', () => this.#places.delete(socket));
  }

  /** A request has come. */
  begin(socket: Socket): void {
    const place = this.#places.get(socket);
    if (place !== undefined) place.underWay += 1;
  }

  /** Its request under way needs the token, and has shown it. */
  trust(socket: Socket): void {
    const place = this.#places.get(socket);
    if (place !== undefined) place.isTrusted = true;
  }

  /** An answer is all written, or given up. */
  end(socket: Socket): void {
    const place = this.#places.get(socket);
    if (place === undefined) return;
    place.underWay -= 1;
    // What it asks for next may need no token.
    if (place.underWay === 0) place.isTrusted = false;
  }

  #nextToLeave(): Socket | undefined {
    const [idle] = this.idle;
    if (idle !== undefined) return idle;
    const held = new Map<string | undefined, number>();
    for (const { address } of this.#places.values()) held.set(address, (held.get(address) ?? 0) + 1);
    const others = [...this.#places].filter(([, { isTrusted }]) => !isTrusted);
    const greedy = others.find(([, { address }]) => (held.get(address) ?? 0) > this.#max / 2);
    return (greedy ?? others[0])?.[0];
  }
}
