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
constexpr std::array<Table, 10> kTables = {{{"trun", 8},
                                            {"stsz", 12},
                                            {"stz2", 12},
                                            {"stco", 8},
                                            {"co64", 8},
                                            {"stsc", 8},
                                            {"stts", 8},
                                            {"ctts", 8},
                                            {"stss", 8},
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

uint64_t ReadNumber(const uint8_t* data, size_t bytes) {
  uint64_t number = 0;
  for (size_t i = 0; i < bytes; ++i) number = number << 8 | data[i];
  return number;
}

bool Is(const Table& table, const char* name) {
  return std::memcmp(table.name, name, kNameBytes) == 0;
}

void AddChunkRuns(const uint8_t* entries, size_t bytes, uint64_t count, Claims* claims) {
  const uint64_t whole = std::min<uint64_t>(count, bytes / kChunkRunBytes);
  // Tables that lie over one another would be read over and over.
  claims->chunk_runs += whole;
  if (claims->chunk_runs > kMaxClaimed) return;
  for (uint64_t i = 0; i < whole; ++i) {
    const uint64_t samples = ReadNumber(entries + i * kChunkRunBytes + 4, 4);
    claims->per_chunk = std::max(claims->per_chunk, samples);
  }
}

// `data` is at the name of a table.
void Add(const Table& table, const uint8_t* data, size_t bytes, Claims* claims) {
  if (bytes < table.count_at + 4) return;
  const uint64_t count = ReadNumber(data + table.count_at, 4);
  claims->largest = std::max(claims->largest, count);
  if (Is(table, "trun")) claims->fragment_samples += count;
  if (Is(table, "stsz") || Is(table, "stz2")) claims->samples += count;
  if (Is(table, "stco") || Is(table, "co64")) claims->chunks += count;
  if (Is(table, "elst")) claims->edits += count;
  if (Is(table, "stsc")) {
    const size_t entries_at = table.count_at + 4;
    AddChunkRuns(data + entries_at, bytes - entries_at, count, claims);
  }
}

void Scan(const uint8_t* data, size_t bytes, Claims* claims) {
  for (size_t at = 0; at + kNameBytes <= bytes; ++at) {
    const uint8_t first = data[at];
    if (first != 't' && first != 's' && first != 'c' && first != 'e') continue;
    if (std::memcmp(data + at, "cmov", kNameBytes) == 0) claims->compressed = true;
    for (const Table& table : kTables) {
      if (std::memcmp(data + at, table.name, kNameBytes) == 0) {
        Add(table, data + at, bytes - at, claims);
      }
    }
  }
}

// Scans the boxes of `span` but `mdat`. `skipped`: of its first bytes, those that belong to an
// `mdat` before it. Answers the same for what follows.
uint64_t ScanBoxes(ByteSpan span, uint64_t skipped, Claims* claims) {
  uint64_t at = skipped;
  while (at < span.size) {
    const uint8_t* const box = span.data + at;
    const uint64_t left = span.size - at;
    uint64_t size = left;
    bool is_media = false;
    if (left >= kHeaderBytes) {
      is_media = std::memcmp(box + kNameBytes, "mdat", kNameBytes) == 0;
      const uint64_t given = ReadNumber(box, 4);
      const bool is_large = given == 1 && left >= kLargeHeaderBytes;
      if (is_large) size = ReadNumber(box + kHeaderBytes, 8);
      if (!is_large && given != 0) size = given;
      if (size < kHeaderBytes) size = left;
    }
    if (!is_media) {
      size = std::min(size, left);
      Scan(box, size, claims);
    }
    // What claims to be longer than anything is.
    if (size > UINT64_MAX - at) return 0;
    at += size;
  }
  return at - span.size;
}

}  // namespace

std::optional<Fault> CheckClaimedTables(ByteSpan init, ByteSpan media) {
  if (init.size == 0) return std::nullopt;  // MPEG-TS
  Claims claims;
  const uint64_t skipped = ScanBoxes(init, 0, &claims);
  ScanBoxes(media, skipped, &claims);
  if (!claims.compressed && !claims.IsTooMuch()) return std::nullopt;
  return Fault{Stage::kDemux, AVERROR_INVALIDDATA,
               claims.compressed ? "the init section is compressed (cmov), which is not supported"
                                 : "the tables of the fragment claim more than " +
                                       std::to_string(kMaxClaimed) + " samples"};
}

}  // namespace kvs_frames
