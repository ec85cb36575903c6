// Fragments, one after the other, through a whole engine: demux, select, decode, convert, or hand
// over as access units. Options of 16 bytes, then pieces.
#include <cmath>
#include <deque>
#include <optional>

#include "engine_harness.h"
#include "fuzz_input.h"

namespace kvs_frames::fuzz {
namespace {

constexpr size_t kMaxPieces = 12;

OutputOptions ReadOutput(FuzzInput* input) {
  OutputOptions output;
  output.format = static_cast<OutputFormat>(input->Byte() % 7);
  const int kind = input->Byte();
  output.float_type = (kind & 1) != 0 ? FloatType::kFloat16 : FloatType::kFloat32;
  output.fit = static_cast<Fit>((kind >> 1) % 3);
  output.width = input->Byte();
  output.height = input->Byte();
  const int x = input->Byte();
  const int y = input->Byte();
  const int width = input->Byte() + 1;
  const int height = input->Byte() + 1;
  if ((kind & 0x40) != 0) output.crop = CropRect{x, y, width, height};
  return output;
}

EngineOptions ReadOptions(FuzzInput* input) {
  EngineOptions options;
  options.output = ReadOutput(input);
  const int kind = input->Byte();
  options.matrix = static_cast<Matrix>((kind & 3) % 3);
  options.framing = static_cast<Framing>(((kind >> 2) & 3) % 3);
  options.hold_on_trouble = (kind & 0x10) != 0;
  options.decoder_threads = (kind & 0xe0) == 0xe0 ? 2 : 1;
  constexpr int64_t kMaxPixels[] = {int64_t{1} << 18, int64_t{1} << 20, int64_t{1} << 14, 1};
  options.max_pixels = kMaxPixels[input->Byte() & 3];
  const int selection = input->Byte();
  options.selection.key_frames_only = (selection & 1) != 0;
  options.selection.every_nth = 1 + ((selection >> 1) & 7);
  options.selection.period_ms = input->Byte() * 4.0;
  return options;
}

// When a fragment's first picture was taken, as a playlist would say it.
struct Dates {
  double start_ms = 0;
  double step_ms = 0;
  bool is_dated = false;
};

void CheckFrames(const testing::Harness& harness, const EngineOptions& options) {
  for (const auto& entry : harness.rings) FUZZ_CHECK(entry.second->GuardsHold());
  for (const Record& layout : harness.layouts) {
    if (options.framing != Framing::kNone) break;
    FUZZ_CHECK(layout[5] * layout[6] <= static_cast<double>(options.max_pixels));
    FUZZ_CHECK(layout[1] >= 1 && layout[2] >= 1);
  }
  for (const testing::Frame& frame : harness.frames) {
    FUZZ_CHECK(std::isfinite(frame.pts_ms) && std::isfinite(frame.dts_ms));
    FUZZ_CHECK(std::isfinite(frame.offset_ms) && frame.offset_ms >= 0);
    FUZZ_CHECK(std::isfinite(frame.duration_ms) && frame.duration_ms >= 0);
    FUZZ_CHECK(frame.bytes <= harness.rings.at(frame.ring_id)->slot_bytes);
  }
}

void Run(const uint8_t* data, size_t size) {
  FuzzInput input(data, size);
  EngineOptions options = ReadOptions(&input);
  Dates dates;
  const int kind = input.Byte();
  dates.is_dated = (kind & 1) != 0;
  dates.step_ms = (kind >> 1) * 16.0;
  const int floor = input.Byte();
  const int limits = input.Byte();
  options.max_frames_per_fragment = (limits & 1) != 0 ? 2 : 1000;
  options.max_decode_seconds = (limits & 2) != 0 ? 0.001 : 10;
  input.Take(1);
  const std::vector<Piece> pieces = PiecesOf(&input, kMaxPieces);

  std::deque<std::vector<uint8_t>> memory;  // outlives the engine
  const std::vector<uint8_t> nothing;
  const std::vector<uint8_t>* init = &nothing;
  testing::Harness harness(options, /*slots=*/2);
  harness.read_pixels = false;
  if (floor != 0) harness.engine().SetFloor(floor * 16.0);
  int64_t pushed = 0;
  for (size_t i = 0; i < pieces.size(); ++i) {
    const int tag = pieces[i].tag & 3;
    if (tag == kCopy) continue;
    memory.push_back(Exact(pieces[i].bytes));
    const std::vector<uint8_t>& bytes = memory.back();
    if (tag == kInit) {
      init = &bytes;
      continue;
    }
    const std::vector<uint8_t>* const its_init = tag == kMedia ? init : &nothing;
    const bool has_copy = i + 1 < pieces.size() && (pieces[i + 1].tag & 3) == kCopy;
    const std::vector<uint8_t> copy =
        has_copy ? Exact(pieces[i + 1].bytes) : std::vector<uint8_t>();
    memory.push_back(copy);
    const std::vector<uint8_t>& kept_copy = memory.back();
    harness.on_trouble = [&](int64_t) {
      if (has_copy) return harness.Retry(*its_init, kept_copy);
      harness.GiveUp();
    };
    ++pushed;
    FUZZ_CHECK(harness.engine().Push({pushed, testing::Span(*its_init), testing::Span(bytes),
                                      std::make_shared<int>(0), dates.start_ms, dates.is_dated}) ==
               Engine::PushResult::kQueued);
    dates.start_ms += dates.step_ms;
    // Idle, and so drained, between some of the fragments.
    if ((pieces[i].tag & 4) == 0 || has_copy || options.hold_on_trouble) {
      FUZZ_CHECK(harness.PumpUntilIdle());
    } else {
      FUZZ_CHECK(harness.PumpUntilFragments(static_cast<size_t>(pushed)));
    }
  }
  harness.on_trouble = nullptr;
  harness.engine().Finish();
  FUZZ_CHECK(harness.PumpUntilEnded());
  FUZZ_CHECK(harness.fragments.size() == static_cast<size_t>(pushed));
  for (int64_t id = 1; id <= pushed; ++id) FUZZ_CHECK(harness.fragments[id - 1] == id);
  CheckFrames(harness, options);
}

}  // namespace
}  // namespace kvs_frames::fuzz

// Of media_mutator.cc.
extern const size_t kOptionBytes = 16;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  kvs_frames::fuzz::Run(data, size);
  return 0;
}
