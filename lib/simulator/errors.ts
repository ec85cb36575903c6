import type { SimulatorResponse } from './exchange.js';

/** A refusal in AWS's own terms; becomes a response in one place. */
export class ServiceError extends Error {
  /** HTTP status. */
  readonly status: number;
  /** AWS's name, e.g. `ResourceNotFoundException`. */
  readonly errorName: string;

  constructor(status: number, errorName: string, message: string) {
    super(message);
    this.status = status;
    this.errorName = errorName;
  }

  toResponse(): SimulatorResponse {
    return {
      status: this.status,
      headers: {
        'content-type': 'application/json',
        'x-amzn-ErrorType': `${this.errorName}:https://kinesisvideo.amazonaws.com/doc/2017-09-30/`,
      },
      body: Buffer.from(JSON.stringify({ Message: this.message })),
    };
  }
}

export const invalidArgument = (message: string): ServiceError =>
  new ServiceError(400, 'InvalidArgumentException', message);

/** In the form in which AWS reports a member that breaks its model. */
export const invalidMember = (member: string, value: unknown, constraint: string): ServiceError =>
  invalidArgument(
    `1 validation error detected: Value '${String(value)}' at '${member}' failed to satisfy constraint: ` +
      `Member must ${constraint}`,
  );

export const streamNotFound = (): ServiceError =>
  new ServiceError(404, 'ResourceNotFoundException', 'The requested stream is not found or not active.');

export const noFragments = (): ServiceError =>
  new ServiceError(
    404,
    'ResourceNotFoundException',
    'No fragments found in the stream for the streaming request.',
  );

export const fragmentNotFound = (): ServiceError =>
  new ServiceError(404, 'ResourceNotFoundException', 'The requested fragment is not found.');

export const noRetention = (): ServiceError =>
  new ServiceError(
    400,
    'NoDataRetentionException',
    'The stream has no data retention: HLS needs a retention period above 0 hours.',
  );

export const unsupportedMedia = (): ServiceError =>
  new ServiceError(
    400,
    'UnsupportedStreamMediaTypeException',
    'The media type of the stream is not supported with the requested container format.',
  );

/** The answer to an expired session and to an unknown one alike. */
export const tokenExpired = (): ServiceError =>
  new ServiceError(403, 'NotAuthorizedException', 'Streaming session token is expired');

export const limitExceeded = (action: string, resource: string): ServiceError =>
  new ServiceError(
    400,
    'ClientLimitExceededException',
    `Limit exceeded on number of requests for ${action} API for resource '${resource}'`,
  );

export const streamExists = (name: string): ServiceError =>
  new ServiceError(400, 'ResourceInUseException', `The stream ${name} already exists.`);

export const missingAuthentication = (): ServiceError =>
  new ServiceError(403, 'MissingAuthenticationToken', 'Missing Authentication Token');

export const incompleteSignature = (what: string): ServiceError =>
  new ServiceError(400, 'IncompleteSignature', `Authorization header requires ${what}`);

export const invalidSignature = (message: string): ServiceError =>
  new ServiceError(403, 'InvalidSignatureException', message);

export const unrecognizedClient = (): ServiceError =>
  new ServiceError(
    403,
    'UnrecognizedClientException',
    'The security token included in the request is invalid.',
  );

export const requestExpired = (): ServiceError =>
  new ServiceError(400, 'RequestExpired', 'The request signature is older or newer than 15 minutes.');

/** What AWS answers, with status 200, to a path it does not know, including one in the wrong case. */
export const unknownOperation: SimulatorResponse = {
  status: 200,
  headers: { 'content-type': 'application/json' },
  body: Buffer.from(
    '{"Output":{"__type":"com.amazon.coral.service#UnknownOperationException"},"Version":"1.0"}',
  ),
};

/** What AWS answers to a data-plane call on the regional host. */
export const wrongPlane: SimulatorResponse = {
  status: 403,
  headers: { 'content-type': 'application/xml', 'x-amzn-ErrorType': 'AccessDeniedException' },
  body: Buffer.from(
    '<AccessDeniedException>\n' +
      '  <Message>Unable to determine service/operation name to be authorized</Message>\n' +
      '</AccessDeniedException>\n',
  ),
};
