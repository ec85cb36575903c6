#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command, CommanderError, Option } from 'commander';
import { ConfigError, FrameSourceError } from '../errors.js';
import { frameCount, framesPerSecond, numberIn, portNumber } from './arguments.js';
import { addReadFlags } from './read-flags.js';
import { redact } from '../redact.js';
import { safeUsageError } from './usage-error.js';

/** 0: all went well, also after Ctrl-C. 1: it failed. 2: the command line is wrong. 130: a second Ctrl-C. */
const USAGE_ERROR = 2;

// The SDK warns that its later versions need a later Node: true, but for who maintains this package, not for who runs it.
process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true';

// `kvs-frames read | head` closes the pipe: that is an end, not a failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  process.stderr.write(`Standard output can't be written to: ${error.message}\n`);
  process.exit(1);
});
// There is nowhere left to tell of it, and what is read is not the worse for it.
process.stderr.on('error', () => {});

function packageVersion(): string {
  const path = join(__dirname, '..', '..', 'package.json');
  return (JSON.parse(readFileSync(path, 'utf8')) as { version: string }).version;
}

const collect = (value: string, earlier: string[] = []): string[] => [...earlier, value];

const program = new Command('kvs-frames')
  .description('Frames of AWS Kinesis Video Streams, and a local look-alike to try them on')
  .version(packageVersion())
  .exitOverride()
  .configureOutput({ outputError: (text, write) => write(safeUsageError(text)) })
  .showHelpAfterError('(add --help for what there is)');

/** Runs a command with its flags as commander parsed them, and takes its answer for the exit code. */
function runs<Flags>(command: (flags: Flags) => Promise<number>): (flags: Flags) => Promise<void> {
  return async (flags) => {
    process.exitCode = await command(flags);
  };
}

addReadFlags(
  program
    .command('read')
    .description('read a camera, count its frames, tell how it goes; Ctrl-C ends with a report'),
).action(runs(async (flags) => (await import('./read.js')).read(flags as never)));

program
  .command('demo')
  .description(
    'run a local Kinesis Video Streams with four test cameras, read them, and show them on a live page',
  )
  .option('--max-frames <n>', 'end after this many frames of all cameras together', frameCount)
  .option('--no-display', 'no page, and no line each second')
  .option('--port <port>', 'port of the page; 0 takes a free one (default: 9464)', portNumber)
  .option('--json', 'write one JSON object a line; the last is the report')
  .option('--verbose', 'write what the readers say to standard error')
  .action(runs(async (flags) => (await import('./demo.js')).demo(flags as never)));

program
  .command('monitor')
  .description(
    'read cameras, and show them on a live page, with metrics and health beside it; Ctrl-C ends it',
  )
  .option('--stream-name <name>', 'Kinesis video stream; may be given several times', collect)
  .option('--stream-arn <arn>', 'the same by ARN; may be given several times', collect)
  .option('--url <[id=]hls>', 'HLS URL, with a name for it; may be given several times', collect)
  .option('--region <region>', 'AWS region (default: AWS_REGION, or the profile)')
  .option('--host <host>', 'address to listen on; others than 127.0.0.1 need a token', '127.0.0.1')
  .option('--port <port>', 'port to listen on; 0 takes a free one', portNumber, 9464)
  .option(
    '--token <token>',
    'who looks must know it, at least 16 characters; better given as KVS_FRAMES_TOKEN, which no list of processes shows',
  )
  .option(
    '--allowed-host <name>',
    "a name it is reached by besides its address and this machine's own, such as a proxy's; may be given several times",
    collect,
  )
  .option('--target-fps <f>', 'decode frames at this even rate by capture time', framesPerSecond)
  .option('--json', 'write one JSON object a line; the last is the report')
  .option('--verbose', 'write what the readers say to standard error')
  .action(runs(async (flags) => (await import('./monitor.js')).monitor(flags as never)));

program
  .command('simulate')
  .description('run a local Kinesis Video Streams for the AWS SDK and any HLS player')
  .option(
    '--stream-name <name>',
    'a stream with a camera; may be given several times (default: front-door)',
    collect,
  )
  .option('--region <region>', 'the region it pretends to be', 'eu-west-1')
  .option('--port <port>', 'port to listen on; 0 takes a free one', portNumber, 4567)
  .option('--host <host>', 'address to listen on', '127.0.0.1')
  .option('--input <input>', 'any file or ffmpeg input of H.264 or H.265, instead of the test camera')
  .addOption(
    new Option('--codec <codec>', "the test camera's codec").choices(['h264', 'h265']).default('h264'),
  )
  .option('--width <pixels>', "the test camera's width", numberIn(160, 8192, true), 640)
  .option('--height <pixels>', "the test camera's height", numberIn(90, 8192, true), 360)
  .option('--fps <fps>', "the test camera's frames per second", numberIn(1, 120, false), 15)
  .option('--fragment-seconds <s>', 'length of a fragment', numberIn(0.1, 20, false), 1)
  .option('--b-frames <n>', 'B-frames in a row', numberIn(0, 4, true), 0)
  .option(
    '--session-lifetime <s>',
    'real life of a session, whatever was asked for',
    numberIn(0.1, 43200, false),
  )
  .option('--fault <name>', 'make this go wrong; may be given several times', collect)
  .option(
    '--fault-after <s>',
    'when it begins, after the first session (default: 5; faults of an opening: from the start)',
    numberIn(0, 86400, false),
  )
  .option('--list-faults', 'list the faults there are, and end')
  .option('--json', 'write the endpoint and the environment, or the list of faults, as JSON')
  .action(runs(async (flags) => (await import('./simulate.js')).simulate(flags as never)));

program
  .command('doctor')
  .description(
    'check the addon, libav, credentials, endpoint, session, first frame and clocks; say why, and how to mend it',
  )
  .option('--stream-name <name>', 'the stream to try')
  .option('--stream-arn <arn>', 'the same by ARN')
  .option('--region <region>', 'AWS region (default: AWS_REGION, or the profile)')
  .option('--endpoint <url>', "a control plane other than AWS's own, e.g. that of kvs-frames simulate")
  .option('--url <hls>', 'an HLS URL to try instead of a stream')
  .option('--json', 'write one JSON object a line')
  .action(runs(async (flags) => (await import('./doctor.js')).doctor(flags as never)));

async function main(): Promise<void> {
  try {
    await program.parseAsync();
  } catch (error) {
    if (error instanceof CommanderError) {
      process.exitCode = error.exitCode === 0 ? 0 : USAGE_ERROR;
      return;
    }
    const code = error instanceof FrameSourceError ? `${error.code}: ` : '';
    const message = error instanceof Error ? error.message : String(error);
    process.stderr.write(`${code}${redact(message)}\n`);
    process.exitCode = error instanceof ConfigError ? USAGE_ERROR : 1;
  }
}

void main();
