import { beforeAll, describe, expect, it } from '@jest/globals';
import { join } from 'node:path';
import { ROOT, runNode } from '../support/child';

const TREE = '/home/ci/kvs-frames/build/tsan/tree';
const NODE_WRITE = `  Write of size 8 at 0x7b30 by thread T3:
    #0 operator delete(void*, unsigned long) tsan_new_delete.cpp:150 (libtsan.so+0x86c3d)
    #1 v8::platform::DefaultJobWorker::~DefaultJobWorker() <null> (node+0x1d5aa65)
`;
const OUR_THREAD = `  Thread T3 'kvs-frames' (tid=7, running) created by main thread at:
    #0 pthread_create tsan_interceptors_posix.cpp:1001 (libtsan.so+0x5e686)
    #1 std::thread::_M_start_thread() <null> (libstdc++.so.6+0xd4578)
    #2 <null> <null> (kvs_frames.node+0x1ad63)
`;
const RING = `  Location is heap block of size 1382400 at 0x7f24 allocated by main thread:
    #0 calloc tsan_interceptors_posix.cpp:667 (libtsan.so+0x3ee50)
    #1 node::NodeArrayBufferAllocator::Allocate(unsigned long) <null> (node+0xbbe4d0)
    #2 <null> <null> (kvs_frames.node+0x13725)
`;
const OUR_WRITE = `  Write of size 8 at 0x7f24 by thread T3:
    #0 <null> <null> (kvs_frames.node+0x7a3a3)
    #1 <null> <null> (libstdc++.so.6+0xd44a2)
`;

const race = (...paragraphs: string[]) => report('data race', paragraphs);
const report = (kind: string, paragraphs: string[]) => `
WARNING: ThreadSanitizer: ${kind} (pid=1)
${paragraphs.join('\n')}
SUMMARY: ThreadSanitizer: ${kind} kvs_frames.node
`;
const access = (...frames: string[]) =>
  ['  Previous atomic read of size 1 at 0x7b31 by main thread (mutexes: write M1):', ...frames, ''].join(
    '\n',
  );

const REPORTS: [title: string, ours: boolean, text: string][] = [
  [
    'a race of which one access is of the addon',
    true,
    race(NODE_WRITE, access('    #0 <null> <null> (kvs_frames.node+0x7a3a3)')),
  ],
  [
    'a race of which one stack is lost and the other of the addon',
    true,
    race(OUR_WRITE, access('    [failed to restore the stack]'), OUR_THREAD),
  ],
  [
    'a race that our code made by a function of libc',
    true,
    race(
      NODE_WRITE,
      access(
        '    #0 memcpy sanitizer_common_interceptors.inc:827 (libtsan.so.2+0x5dda6)',
        '    #1 std::string::assign(char const*) <null> (libstdc++.so.6+0x14)',
        `    #2 kvs_frames::Inbox::Push() ${TREE}/native/core/inbox.cc:20 (engine_test+0x1)`,
      ),
    ),
  ],
  [
    'a race in a callback that libav called',
    true,
    race(
      NODE_WRITE,
      access(
        '    #0 std::vector<int>::push_back(int&&) /usr/include/c++/12/stl_vector.h:9 (log_sink_test+0x9)',
        '    #1 av_log <null> (libavutil.so.57+0x55c9e)',
      ),
    ),
  ],
  [
    'a race that libav made for us',
    false,
    race(
      NODE_WRITE,
      access(
        '    #0 free tsan_interceptors_posix.cpp:706 (libtsan.so.2+0x47e82)',
        '    #1 av_buffer_unref <null> (libavutil.so.57+0x1)',
        `    #2 kvs_frames::Decoder::Close() ${TREE}/native/core/decoder.cc:9 (decoder_test+0x9)`,
      ),
    ),
  ],
  [
    'a picture that a thread of libav made and we read',
    false,
    race(
      OUR_WRITE,
      access(
        '    #0 posix_memalign tsan_interceptors_posix.cpp:839 (libtsan.so.2+0x3ef28)',
        '    #1 av_malloc <null> (libavutil.so.57+0x57b8c)',
      ),
    ),
  ],
  [
    'a race that V8 made when we called it',
    false,
    race(
      NODE_WRITE,
      access(
        '    #0 strcmp sanitizer_common_interceptors.inc:457 (libtsan.so+0x62cc8)',
        '    #1 v8::platform::tracing::TracingController::GetCategoryGroupEnabled(char const*) <null> (node+0x1d6)',
        '    #2 <null> <null> (kvs_frames.node+0x2b1ff)',
      ),
    ),
  ],
  [
    "a race of node's, with a thread and memory that we made",
    false,
    race(
      NODE_WRITE,
      access('    #0 uv__fs_open ../deps/uv/src/unix/fs.c:386 (node+0x18b03cb)'),
      '  Location is heap block of size 8 allocated by main thread:\n    #0 <null> <null> (kvs_frames.node+0x1)\n',
      OUR_THREAD,
    ),
  ],
  [
    "a race of a test's tools",
    false,
    race(
      access('    #0 <null> <null> (d2574eb7.node+0x17d6229)'),
      access('    #0 <null> <null> (d2574eb7.node+0xea062e)'),
    ),
  ],
  [
    'a picture written where JavaScript read the one before',
    false,
    race(OUR_WRITE, access('    #0 v8::internal::ValueSerializer::Write() <null> (node+0x14)'), RING),
  ],
  [
    'a picture written into an ArrayBuffer that was freed',
    true,
    race(
      OUR_WRITE,
      access(
        '    #0 free tsan_interceptors_posix.cpp:706 (libtsan.so+0x47e82)',
        '    #1 <null> <null> (node+0x1)',
      ),
      RING,
    ),
  ],
  [
    'locks of ours taken in two orders',
    true,
    report('lock-order-inversion (potential deadlock)', [
      '  Cycle in lock order graph: M1 (0x1) => M2 (0x2) => M1\n',
      `  Mutex M2 acquired here while holding mutex M1 in thread T1:
    #0 pthread_mutex_lock sanitizer_common_interceptors.inc:4324 (libtsan.so.2+0x558e1)
    #1 kvs_frames::Engine::Push() ${TREE}/native/core/engine.cc:1 (kvs_frames.node+0x1)
`,
    ]),
  ],
  [
    "locks of node's taken in two orders",
    false,
    report('lock-order-inversion (potential deadlock)', [
      '  Mutex M2 acquired here while holding mutex M1 in thread T1:\n    #0 uv_mutex_lock <null> (node+0x1)\n',
    ]),
  ],
  ['a thread of ours that nobody joined', true, report('thread leak', [OUR_THREAD])],
  [
    'a use after free found by AddressSanitizer',
    true,
    `
=================================================================
==418==ERROR: AddressSanitizer: heap-use-after-free on address 0x602000000011 at pc 0x55e192b7e1e4
READ of size 1 at 0x602000000011 thread T0
    #0 0x55e192b7e1e3 in kvs_frames::Demuxer::Read() demuxer.cc:2
`,
  ],
  [
    'an overflow found by UndefinedBehaviorSanitizer',
    true,
    `clock.cc:2:48: runtime error: signed integer overflow: 2147483647 + 1 cannot be represented in type 'int'
    #0 0x55d576658178 in kvs_frames::PictureClock::Next() clock.cc:2
`,
  ],
];

/** What the module says of each text: the reports in it, and whether each is ours. */
async function judge(texts: string[]): Promise<boolean[][]> {
  const module = JSON.stringify(join(ROOT, 'scripts', 'sanitizer-reports.mjs'));
  const program = `import(${module}).then(({ isOurs, reportsIn }) => console.log(JSON.stringify(
    ${JSON.stringify(texts)}.map((text) => reportsIn(text).map((report) => isOurs(report, '${TREE}'))))))`;
  const result = await runNode(['-e', program]);
  expect(result).toMatchObject({ code: 0, stderr: '' });
  return JSON.parse(result.stdout) as boolean[][];
}

describe('what sanitizers report', () => {
  let verdicts: boolean[][];

  beforeAll(async () => {
    verdicts = await judge(REPORTS.map(([, , text]) => text));
  });

  it.each(REPORTS.map(([title, ours], index) => ({ title, ours, index })))(
    'counts $title: $ours',
    ({ ours, index }) => {
      expect(verdicts[index]).toEqual([ours]);
    },
  );

  it('is told apart where one process had several', async () => {
    const line = '='.repeat(18);
    const [ours, theirs] = [race(OUR_WRITE, OUR_THREAD), race(NODE_WRITE)];
    const text = `${line}${ours}${line}\n${line}${theirs}${line}\nThreadSanitizer: reported 2 warnings\n`;
    expect(await judge([text, ''])).toEqual([[true, false], []]);
  });
});
