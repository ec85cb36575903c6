import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Clock } from '../clock.js';
import { ConfigError } from '../errors.js';
import type { Logger } from '../logger.js';
import type { Access } from './access.js';
import { Refusal, sendText, STRICT_HEADERS } from './answer.js';
import type { OriginGuard } from './origin.js';
import type { HttpRequest, Route } from './route.js';
import { parseTarget, type Target } from './target.js';

/** A body of more is refused. */
const MAX_BODY_BYTES = 4096;
/** An answer that has not begun by then is given up. */
const BEGIN_MS = 30_000;
/** A client that has not taken all of a finished answer by then is cut off. */
const TAKE_MS = 10_000;

export interface ExchangeParts {
  readonly routes: readonly Route[];
  readonly access: Access;
  readonly origins: OriginGuard;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Told when the request is for something that needs the token, and has shown it. */
  readonly onTrust: () => void;
}

/** One request and its answer. */
export class Exchange {
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #parts: ExchangeParts;
  readonly #gone = new AbortController();
  #cancelLimit: () => void = () => {};
  #isOver = false;

  constructor(request: IncomingMessage, response: ServerResponse, parts: ExchangeParts) {
    this.#request = request;
    this.#response = response;
    this.#parts = parts;
    for (const [name, value] of Object.entries(STRICT_HEADERS)) response.setHeader(name, value);
    // A route that writes on after the end, such as of a HEAD, must not end the program.
    response.on('error', (error) => parts.logger.debug(`An answer broke: ${String(error)}`));
  }

  get socket(): IncomingMessage['socket'] {
    return this.#request.socket;
  }

  /** Lets an answer that has not begun be the last one of its connection. */
  closeAfterwards(): void {
    if (!this.#response.headersSent) this.#response.setHeader('connection', 'close');
  }

  /** Fires the request's signal. */
  abort(reason: Error): void {
    this.#gone.abort(reason);
  }

  /** The answer is written, or nobody takes it any more. */
  end(): void {
    this.#isOver = true;
    this.#cancelLimit();
    this.abort(new Error('The request has ended'));
  }

  /** Answers, whatever happens. */
  async serve(): Promise<void> {
    const { clock } = this.#parts;
    this.#cancelLimit = clock.after(BEGIN_MS, () => {
      if (this.#response.writableEnded) this.socket.destroy();
      if (this.#response.headersSent) return;
      this.abort(new Error('The answer took too long'));
      this.#fail(new Refusal(503, 'The answer took too long\n'));
    });
    try {
      await this.#answer();
    } catch (error) {
      this.#fail(error);
    }
    if (this.#isOver) return;
    // A stream has its own pace.
    if (this.#response.headersSent) this.#cancelLimit();
    if (this.#response.writableEnded) {
      this.#cancelLimit = clock.after(TAKE_MS, () => this.socket.destroy());
    }
  }

  async #answer(): Promise<void> {
    const request = this.#request;
    const { access, origins, routes } = this.#parts;
    origins.check(request);
    const target = parseTarget(request.url ?? '');
    const isTrusted = access.admits(request.headers);
    const found = find(routes, target.path);
    if (found.length > 0 && this.#login(target, isTrusted)) return;
    const granted = isTrusted ? found : found.filter(({ route }) => route.isOpen);
    if (!isTrusted && granted.length === 0) {
      throw new Refusal(401, 'Send the token as "Authorization: Bearer …", or open the page as /?token=…\n', {
        'www-authenticate': 'Bearer realm="kvs-frames"',
      });
    }
    const method = request.method === 'HEAD' ? 'GET' : request.method;
    const match = granted.find(({ route }) => route.method === method);
    if (match === undefined) throw this.#notHere(granted);
    const { route, parameters } = match;
    if (access.isGuarded && route.isOpen !== true) this.#parts.onTrust();
    // Routes have no use for what gave access, or was to.
    target.query.delete('token');
    const { authorization: _token, cookie: _cookie, ...headers } = request.headers;
    const asked: HttpRequest = {
      method: request.method as HttpRequest['method'],
      path: target.path,
      parameters,
      query: target.query,
      headers,
      json: await this.#readJson(),
      isTrusted,
      signal: this.#gone.signal,
    };
    try {
      const handled = route.handle(asked, this.#response);
      // Its headers are all that a HEAD of a stream is for.
      if (asked.method === 'HEAD' && this.#response.headersSent) this.#response.end();
      await handled;
    } catch (error) {
      if (error instanceof ConfigError) throw new Refusal(400, `${error.message}\n`);
      if (!(error instanceof Refusal) && !this.#gone.signal.aborted) {
        // The route's own pattern: what was asked for may be anything.
        this.#parts.logger.error(`${route.method} ${String(route.path)} failed: ${String(error)}`);
      }
      throw error;
    }
  }

  /** Whoever opens the page with the token is sent to the same URL without it, with a cookie. */
  #login({ path, query }: Target, isTrusted: boolean): boolean {
    const { access } = this.#parts;
    const token = query.get('token');
    if (!access.isGuarded || this.#request.method !== 'GET' || path !== '/' || token === null) return false;
    const isToken = access.isToken(token);
    if (!isToken && !isTrusted) return false;
    if (isToken) this.#response.setHeader('set-cookie', access.setCookie);
    query.delete('token');
    const rest = query.toString();
    this.#response.setHeader('location', rest === '' ? '/' : `/?${rest}`);
    sendText(this.#response, 303, 'Go on without the token\n');
    return true;
  }

  #notHere(found: readonly Found[]): Refusal {
    if (found.length === 0) {
      const paths = this.#parts.routes.map(({ path }) => path).filter((path) => /^\/\w*$/.test(String(path)));
      return new Refusal(404, `Not found. Here are: ${paths.join(' ')}\n`);
    }
    const methods = found.flatMap(({ route }) => (route.method === 'GET' ? ['GET', 'HEAD'] : ['POST']));
    const allow = [...new Set(methods)].join(', ');
    return new Refusal(405, `Only ${allow} is possible here\n`, { allow });
  }

  async #readJson(): Promise<unknown> {
    const request = this.#request;
    const { 'content-length': length = '0', 'transfer-encoding': encoding } = request.headers;
    const close = { connection: 'close' };
    if (request.method !== 'POST') {
      if (length === '0' && encoding === undefined) return undefined;
      throw new Refusal(400, `A ${request.method} takes no body\n`, close);
    }
    const tooLarge = new Refusal(413, `The body may be ${MAX_BODY_BYTES} bytes long\n`, close);
    if (Number(length) > MAX_BODY_BYTES) throw tooLarge;
    const body = await readBody(request, tooLarge);
    if (body.length === 0) return undefined;
    try {
      return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
    } catch {
      throw new Refusal(400, 'The body is not JSON\n');
    }
  }

  #fail(error: unknown): void {
    const response = this.#response;
    // Half an answer can't be taken back, but it must not look whole.
    if (response.headersSent) {
      if (this.#gone.signal.aborted) response.end();
      else if (!response.writableEnded) this.socket.destroy();
      return;
    }
    const { status, message, headers } =
      error instanceof Refusal ? error : new Refusal(500, 'Something went wrong; the log says what\n');
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
    sendText(response, status, message);
  }
}

interface Found {
  route: Route;
  parameters: readonly string[];
}

/** Routes at this path, for whichever method. */
function find(routes: readonly Route[], path: string): Found[] {
  return routes.flatMap((route) => {
    if (typeof route.path === 'string') return route.path === path ? [{ route, parameters: [] }] : [];
    const match = route.path.exec(path);
    return match?.[0] === path ? [{ route, parameters: match.slice(1).map((text) => text ?? '') }] : [];
  });
}

/** Not by `for await`: leaving that early would end the connection before the answer. */
function readBody(request: IncomingMessage, tooLarge: Refusal): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > MAX_BODY_BYTES) reject(tooLarge);
      else chunks.push(chunk);
    });
    request.once('end', () => resolve(Buffer.concat(chunks)));
    request.once('error', reject);
    request.once('close', () => reject(new Error('The request broke off')));
  });
}
