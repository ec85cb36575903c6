import {
  fragmentNotFound,
  noFragments,
  ServiceError,
  streamNotFound,
  tokenExpired,
  unknownOperation,
} from '../errors.js';
import type { SimulatorRequest, SimulatorResponse } from '../exchange.js';
import type { FaultResource, ResponseEffect } from './script.js';

type Refusal = Extract<ResponseEffect, { type: 'refuse' | 'unknown-operation' | 'redirect' }>;

/** What the service says with a status, if a row does not say it. */
const errorsByStatus: Readonly<Record<number, readonly [name: string, message: string]>> = {
  400: ['InvalidArgumentException', 'The request has an invalid argument.'],
  401: ['NotAuthorizedException', 'The caller is not authorized to perform this operation.'],
  429: ['TooManyRequestsException', 'Too many requests.'],
  500: ['InternalFailure', 'The request processing has failed because of an unknown error.'],
  502: ['BadGateway', 'Bad gateway.'],
  503: ['ServiceUnavailable', 'The request has failed due to a temporary failure of the server.'],
  504: ['GatewayTimeout', 'Gateway timeout.'],
};

/** The error of a status; 403 and 404 mean different things to a signed call and to a session's resource. */
function errorOf(status: number, resource: FaultResource): ServiceError {
  if (status === 403) {
    if (resource !== 'endpoint' && resource !== 'session-url') return tokenExpired();
    const message = 'The caller is not authorized to perform this action on the stream.';
    return new ServiceError(403, 'AccessDeniedException', message);
  }
  if (status === 404) {
    if (resource === 'endpoint') return streamNotFound();
    return resource === 'init' || resource === 'fragment' ? fragmentNotFound() : noFragments();
  }
  return new ServiceError(status, ...(errorsByStatus[status] ?? ['InternalFailure', 'Refused.']));
}

/** The answer in the place of the right one. */
export function refusal(
  effect: Refusal,
  resource: FaultResource,
  request: SimulatorRequest,
): SimulatorResponse {
  switch (effect.type) {
    case 'unknown-operation':
      return unknownOperation;
    case 'redirect': {
      const query = request.rawQuery === '' ? '' : `?${request.rawQuery}`;
      return { status: 302, headers: { location: `${request.path}${query}` }, body: Buffer.alloc(0) };
    }
    case 'refuse': {
      const usual = errorOf(effect.status, resource);
      const { errorName = usual.errorName, message = usual.message } = effect;
      const response = new ServiceError(effect.status, errorName, message).toResponse();
      if (effect.retryAfterSeconds === undefined) return response;
      return {
        ...response,
        headers: { ...response.headers, 'retry-after': String(effect.retryAfterSeconds) },
      };
    }
  }
}
