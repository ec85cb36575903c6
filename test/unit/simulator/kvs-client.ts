import { KinesisVideoClient } from '@aws-sdk/client-kinesis-video';
import {
  GetHLSStreamingSessionURLCommand,
  type GetHLSStreamingSessionURLCommandInput,
  KinesisVideoArchivedMediaClient,
} from '@aws-sdk/client-kinesis-video-archived-media';

import type { Simulator } from '../../../lib/simulator/index.js';

const credentials = { accessKeyId: 'AKIDTESTTESTTEST', secretAccessKey: 'secret' };

type Place = Pick<Simulator, 'endpoint' | 'dataEndpoint' | 'region'>;

/** The real AWS SDK clients, pointed at a simulator by their `endpoint` option. */
export function kvsClients(simulator: Place) {
  const { region } = simulator;
  return {
    control: new KinesisVideoClient({ region, credentials, endpoint: simulator.endpoint }),
    media: new KinesisVideoArchivedMediaClient({ region, credentials, endpoint: simulator.dataEndpoint }),
  };
}

/** Makes a session by the real SDK and answers its master playlist's URL. */
export async function sessionUrl(
  simulator: Place,
  request: GetHLSStreamingSessionURLCommandInput,
): Promise<URL> {
  const { media } = kvsClients(simulator);
  const { HLSStreamingSessionURL } = await media.send(new GetHLSStreamingSessionURLCommand(request));
  return new URL(HLSStreamingSessionURL!);
}

/** A GET of a session's resource: status and bytes. */
export async function get(
  url: URL,
): Promise<{ status: number; text: string; bytes: Buffer; headers: Headers }> {
  const response = await fetch(url);
  const bytes = Buffer.from(await response.arrayBuffer());
  return { status: response.status, bytes, text: bytes.toString('utf8'), headers: response.headers };
}

/** The media playlist of a session, by way of its master playlist, token replaced by `T`. */
export async function mediaPlaylist(master: URL): Promise<{ url: URL; text: string; uris: URL[] }> {
  const { text } = await get(master);
  const url = new URL(
    text.split('\n').find((line) => line.startsWith('getHLSMedia'))!,
    master,
  );
  return readPlaylist(url);
}

export async function readPlaylist(url: URL): Promise<{ url: URL; text: string; uris: URL[] }> {
  const media = await get(url);
  const lines = media.text.split('\n');
  const uris = lines.filter((line) => line !== '' && !line.startsWith('#')).map((line) => new URL(line, url));
  const token = url.searchParams.get('SessionToken')!;
  return { url, uris, text: media.text.replaceAll(token, 'T') };
}
