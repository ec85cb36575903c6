#include "claimed_tables.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>

#include "av.h"

namespace kvs_frames {
namespace {

// Samples of all tracks: 20 s of sound whose every sample has an entry of its own (48 kHz).
constexpr uint64_t kMaxClaimed = 1'000'000;

constexpr size_t kNameBytes = 4;
constexpr size_t kHeaderBytes = 8;
constexpr size_t kLargeHeaderBytes = 16;
constexpr size_t kChunkRunBytes = 12;  // an entry of `stsc`

struct Table {
  const char* name;
  size_t count_at;  // from the name
};

// Those whose entries libavformat makes room for by their number (ISO/IEC 14496-12, 8.6 to 8.8).
constexpr std::array<Table, 11> kTables = {{{"trun", 8},
                                            {"stsz", 12},
                                            {"stz2", 12},
                                            {"stco", 8},
                                            {"co64", 8},
                                            {"stsc", 8},
                                            {"stts", 8},
                                            {"ctts", 8},
                                            {"stss", 8},
                                            {"stps", 8},
                                            {"elst", 8}}};

// What is claimed in all. Samples of an `stbl` are claimed twice: by their number, and by that of
// chunks times the largest number in a chunk. Each edit lists them once more.
struct Claims {
  uint64_t largest = 0;
  uint64_t fragment_samples = 0;
  uint64_t samples = 0;
  uint64_t chunks = 0;
  uint64_t chunk_runs = 0;
  uint64_t per_chunk = 0;
  uint64_t edits = 0;
  bool compressed = false;

  // No overflow: each factor is checked on its own before.
  bool IsTooMuch() const {
    for (const uint64_t one :
         {largest, fragment_samples, samples, chunks, chunk_runs, per_chunk, edits}) {
      if (one > kMaxClaimed) return true;
    }
    const uint64_t indexed = std::max(samples, chunks * per_chunk);
    return indexed > kMaxClaimed || indexed * std::max<uint64_t>(edits, 1) > kMaxClaimed;
  }
};

// The init section and the media behind it, as libavformat reads them: in one piece. What a box
// holds may lie behind its end, and behind that of the init section.
class Joined {
 public:
  Joined(ByteSpan init, ByteSpan media) : init_(init), media_(media) {}

  uint64_t size() const { return static_cast<uint64_t>(init_.size) + media_.size; }

  // Behind the end there are zeros.
  uint8_t At(uint64_t at) const {
    if (at < init_.size) return init_.data[at];
    at -= init_.size;
    return at < media_.size ? media_.data[at] : 0;
  }

  uint64_t Number(uint64_t at, size_t bytes) const {
    uint64_t number = 0;
    for (size_t i = 0; i < bytes; ++i) number = number << 8 | At(at + i);
    return number;
  }

  bool Has(const char* name, uint64_t at) const {
    for (size_t i = 0; i < kNameBytes; ++i) {
      if (At(at + i) != static_cast<uint8_t>(name[i])) return false;
    }
    return true;
  }

 private:
  const ByteSpan init_;
  const ByteSpan media_;
};

bool Is(const Table& table, const char* name) {
  return std::memcmp(table.name, name, kNameBytes) == 0;
}

void AddChunkRuns(const Joined& bytes, uint64_t entries_at, uint64_t count, Claims* claims) {
  if (entries_at >= bytes.size()) return;
  const uint64_t whole = std::min(count, (bytes.size() - entries_at) / kChunkRunBytes);
  // Tables that lie over one another would be read over and over.
  claims->chunk_runs += whole;
  if (claims->chunk_runs > kMaxClaimed) return;
  for (uint64_t i = 0; i < whole; ++i) {
    const uint64_t samples = bytes.Number(entries_at + i * kChunkRunBytes + 4, 4);
    claims->per_chunk = std::max(claims->per_chunk, samples);
  }
}

// `at`: where the name of the table is.
void Add(const Table& table, const Joined& bytes, uint64_t at, Claims* claims) {
  const uint64_t count = bytes.Number(at + table.count_at, 4);
  claims->largest = std::max(claims->largest, count);
  if (Is(table, "trun")) claims->fragment_samples += count;
  if (Is(table, "stsz") || Is(table, "stz2")) claims->samples += count;
  if (Is(table, "stco") || Is(table, "co64")) claims->chunks += count;
  if (Is(table, "elst")) claims->edits += count;
  if (Is(table, "stsc")) AddChunkRuns(bytes, at + table.count_at + 4, count, claims);
}

void Scan(const Joined& bytes, uint64_t from, uint64_t to, Claims* claims) {
  for (uint64_t at = from; at + kNameBytes <= to; ++at) {
    const uint8_t first = bytes.At(at);
    if (first != 't' && first != 's' && first != 'c' && first != 'e') continue;
    if (bytes.Has("cmov", at)) claims->compressed = true;
    for (const Table& table : kTables) {
      if (bytes.Has(table.name, at)) Add(table, bytes, at, claims);
    }
  }
}

// Scans all boxes but `mdat`.
void ScanBoxes(const Joined& bytes, Claims* claims) {
  for (uint64_t at = 0; at < bytes.size();) {
    const uint64_t left = bytes.size() - at;
    uint64_t size = left;
    bool is_media = false;
    if (left >= kHeaderBytes) {
      is_media = bytes.Has("mdat", at + 4);
      const uint64_t given = bytes.Number(at, 4);
      const bool is_large = given == 1 && left >= kLargeHeaderBytes;
      if (is_large) size = bytes.Number(at + kHeaderBytes, 8);
      if (!is_large && given != 0) size = given;
      if (size < kHeaderBytes || size > left) size = left;
    }
    if (!is_media) Scan(bytes, at, at + size, claims);
    at += size;
  }
}

}  // namespace

std::optional<Fault> CheckClaimedTables(ByteSpan init, ByteSpan media) {
  if (init.size == 0) return std::nullopt;  // MPEG-TS
  Claims claims;
  ScanBoxes(Joined(init, media), &claims);
  if (!claims.compressed && !claims.IsTooMuch()) return std::nullopt;
  return Fault{Stage::kDemux, AVERROR_INVALIDDATA,
               claims.compressed ? "the init section is compressed (cmov), which is not supported"
                                 : "the tables of the fragment claim more than " +
                                       std::to_string(kMaxClaimed) + " samples"};
}

}  // namespace kvs_frames
