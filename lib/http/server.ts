import type { Registry } from 'prom-client';
import type { FrameSourceGroup } from '../frame-source-group.js';
import type { FrameSource } from '../frame-source.js';
import type { Logger } from '../logger.js';

/** What is shown: sources, groups of them, or a function that answers them each time, where they come and go. */
export type Shown =
  Iterable<FrameSource | FrameSourceGroup> | (() => Iterable<FrameSource | FrameSourceGroup>);

/** Options of {@link serveHttp}. */
export interface HttpOptions {
  /** Whose health and frames are shown. */
  sources: Shown;
  /**
   * Address to listen on, or a name that is looked up once; `0.0.0.0` and `::` are all of this machine's. Default `127.0.0.1`, which
   * no other machine reaches.
   */
  host?: string;
  /** 0–65535; 0 takes a free one. Default 9464. */
  port?: number;
  /**
   * Who asks must show it: as `Authorization: Bearer …`, or once as `?token=…`, which becomes a cookie. At least 16
   * characters. Not asked for at `/healthz` and `/readyz`. Default: none, which with `page` is for loopback addresses only.
   */
  token?: string;
  /**
   * Names and addresses, without ports, by which it is reached besides localhost, `host`, and the address that a connection
   * comes in at: such as a service's, a proxy's, or those of a container's host. Where other machines reach it, the host's name
   * (`os.hostname()`, with and without a domain) is among them anyway. A request for another name is answered 421, since a
   * foreign web page may have pointed that name here. Default: none.
   */
  allowedHosts?: readonly string[];
  /** What `/metrics` shows. Default: prom-client's default registry. */
  registry?: Registry;
  /** Also serves the live page, at `/`. Default false. */
  page?: boolean;
  /** Default: silent. */
  logger?: Logger;
}

/** A running server. */
export interface HttpServer extends AsyncDisposable {
  /**
   * With the port that was got and without a slash at the end, e.g. `http://127.0.0.1:9464`; of loopback if it listens on
   * all addresses.
   */
  readonly url: string;
  /** Answers `/readyz` with 503 from now on, ends streams, lets requests under way end within a second. Idempotent. */
  close(): Promise<void>;
}
