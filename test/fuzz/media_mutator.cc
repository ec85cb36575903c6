// Mutations that know what a fragment is made of: a box is changed and the boxes around it keep
// their right sizes, a transport packet is changed and stays 188 bytes long. Blind ones, which
// mostly end at the first size that does not fit, get their turn too.
#include <algorithm>
#include <array>
#include <cstring>
#include <random>
#include <string>
#include <utility>

#include "fuzz_input.h"

extern "C" size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t max_size);

// Bytes of options before the pieces; each harness has its own.
extern const size_t kOptionBytes;

namespace kvs_frames::fuzz {
namespace {

using Bytes = std::vector<uint8_t>;
using Random = std::minstd_rand;

constexpr size_t kTransportPacketBytes = 188;
constexpr size_t kTransportHeaderBytes = 4;
constexpr size_t kBoxHeaderBytes = 8;
constexpr int kMaxDepth = 10;
// By how much one mutation makes something longer, at most.
constexpr size_t kGrowth = 64;

struct OwnedPiece {
  int tag;
  Bytes bytes;
};

struct Box {
  size_t start;
  size_t size;
  size_t inside;  // where the boxes in it begin, or its payload
  std::vector<size_t> ancestors;
  std::string type;
};

uint32_t Get32(const Bytes& bytes, size_t at) {
  return static_cast<uint32_t>(bytes[at]) << 24 | static_cast<uint32_t>(bytes[at + 1]) << 16 |
         static_cast<uint32_t>(bytes[at + 2]) << 8 | bytes[at + 3];
}

void Add32(Bytes* bytes, size_t at, int64_t delta) {
  const auto value = static_cast<uint32_t>(Get32(*bytes, at) + delta);
  for (size_t i = 0; i < 4; ++i) (*bytes)[at + i] = static_cast<uint8_t>(value >> (24 - 8 * i));
}

// Bytes between the header of a box and the boxes in it; nothing for one without boxes in it.
int InsideOf(const std::string& type) {
  for (const char* const container : {"moov", "trak", "mdia", "minf", "stbl", "mvex", "moof",
                                      "traf", "edts", "dinf", "udta", "sinf", "schi"}) {
    if (type == container) return 0;
  }
  if (type == "stsd" || type == "dref") return 8;
  for (const char* const entry : {"avc1", "avc3", "hvc1", "hev1", "encv"}) {
    if (type == entry) return 78;
  }
  return -1;
}

void CollectBoxes(const Bytes& bytes, size_t from, size_t to, const std::vector<size_t>& ancestors,
                  std::vector<Box>* boxes) {
  for (size_t at = from; at + kBoxHeaderBytes <= to;) {
    const size_t size = Get32(bytes, at);
    if (size < kBoxHeaderBytes || size > to - at) return;
    Box box = {at, size, at + kBoxHeaderBytes, ancestors,
               std::string(bytes.begin() + static_cast<ptrdiff_t>(at) + 4,
                           bytes.begin() + static_cast<ptrdiff_t>(at) + 8)};
    const int inside = InsideOf(box.type);
    boxes->push_back(box);
    if (inside >= 0 && ancestors.size() < kMaxDepth) {
      std::vector<size_t> chain = ancestors;
      chain.push_back(at);
      CollectBoxes(bytes, box.inside + static_cast<size_t>(inside), at + size, chain, boxes);
    }
    at += size;
  }
}

Bytes Mutated(Bytes bytes, size_t growth) {
  const size_t size = bytes.size();
  bytes.resize(size + growth + 1);
  bytes.resize(LLVMFuzzerMutate(bytes.data(), size, size + growth));
  return bytes;
}

// Where samples begin is counted from the start of their moof.
void MoveSamples(Bytes* bytes, size_t moof, int64_t delta) {
  std::vector<Box> boxes;
  CollectBoxes(*bytes, 0, bytes->size(), {}, &boxes);
  for (const Box& box : boxes) {
    const bool is_inside = !box.ancestors.empty() && box.ancestors[0] == moof;
    if (!is_inside || box.type != "trun" || box.size < 20) continue;
    if (((*bytes)[box.start + 11] & 1) != 0) Add32(bytes, box.start + 16, delta);
  }
}

void ReplaceIn(Bytes* bytes, const Box& box, size_t from, size_t to, const Bytes& with) {
  const auto delta = static_cast<int64_t>(with.size()) - static_cast<int64_t>(to - from);
  bytes->erase(bytes->begin() + static_cast<ptrdiff_t>(from),
               bytes->begin() + static_cast<ptrdiff_t>(to));
  bytes->insert(bytes->begin() + static_cast<ptrdiff_t>(from), with.begin(), with.end());
  for (const size_t ancestor : box.ancestors) Add32(bytes, ancestor, delta);
  if (delta != 0 && !box.ancestors.empty()) MoveSamples(bytes, box.ancestors[0], delta);
}

void MutateBoxes(Bytes* bytes, Random* random) {
  std::vector<Box> boxes;
  CollectBoxes(*bytes, 0, bytes->size(), {}, &boxes);
  if (boxes.empty()) {
    *bytes = Mutated(*bytes, kGrowth);
    return;
  }
  const Box& box = boxes[(*random)() % boxes.size()];
  const auto begin = bytes->begin() + static_cast<ptrdiff_t>(box.start);
  const Bytes whole(begin, begin + static_cast<ptrdiff_t>(box.size));
  switch ((*random)() % 8) {
    case 0:
      return ReplaceIn(bytes, box, box.start, box.start + box.size, {});
    case 1:
      return ReplaceIn(bytes, box, box.start, box.start, whole);
    case 2: {  // another box takes its place
      const Box& other = boxes[(*random)() % boxes.size()];
      const auto from = bytes->begin() + static_cast<ptrdiff_t>(other.start);
      const Bytes copy(from, from + static_cast<ptrdiff_t>(other.size));
      return ReplaceIn(bytes, box, box.start, box.start + box.size, copy);
    }
    default:
      break;
  }
  // The payload, its length as it was or not.
  const Bytes payload(whole.begin() + kBoxHeaderBytes, whole.end());
  Bytes with = Mutated(payload, (*random)() % 2 == 0 ? 0 : kGrowth);
  if ((*random)() % 2 == 0) with.resize(payload.size(), 0);
  Bytes made(whole.begin(), whole.begin() + kBoxHeaderBytes);
  made.insert(made.end(), with.begin(), with.end());
  Add32(&made, 0, static_cast<int64_t>(with.size()) - static_cast<int64_t>(payload.size()));
  ReplaceIn(bytes, box, box.start, box.start + box.size, made);
}

void MutatePackets(Bytes* bytes, Random* random) {
  const size_t count = bytes->size() / kTransportPacketBytes;
  if (count == 0) {
    *bytes = Mutated(*bytes, kGrowth);
    return;
  }
  const auto packet = [&](size_t index) {
    return bytes->begin() + static_cast<ptrdiff_t>(index * kTransportPacketBytes);
  };
  const size_t chosen = (*random)() % count;
  const size_t other = (*random)() % count;
  switch ((*random)() % 8) {
    case 0:
      bytes->erase(packet(chosen), packet(chosen + 1));
      return;
    case 1: {
      const Bytes copy(packet(chosen), packet(chosen + 1));
      bytes->insert(packet(other), copy.begin(), copy.end());
      return;
    }
    case 2:
      std::swap_ranges(packet(chosen), packet(chosen + 1), packet(other));
      return;
    default:
      break;
  }
  const size_t kept = (*random)() % 4 == 0 ? 1 : kTransportHeaderBytes;
  Bytes payload(packet(chosen) + static_cast<ptrdiff_t>(kept), packet(chosen + 1));
  payload = Mutated(payload, 0);
  payload.resize(kTransportPacketBytes - kept, 0xff);
  std::copy(payload.begin(), payload.end(), packet(chosen) + static_cast<ptrdiff_t>(kept));
}

void MutatePieces(std::vector<OwnedPiece>* pieces, Random* random) {
  const size_t chosen = (*random)() % pieces->size();
  const size_t other = (*random)() % pieces->size();
  OwnedPiece& piece = (*pieces)[chosen];
  switch ((*random)() % 16) {
    case 0:
      pieces->erase(pieces->begin() + static_cast<ptrdiff_t>(chosen));
      return;
    case 1: {
      const OwnedPiece copy = piece;
      pieces->insert(pieces->begin() + static_cast<ptrdiff_t>(other), copy);
      return;
    }
    case 2:
      std::swap(piece, (*pieces)[other]);
      return;
    case 3:
      piece.tag = static_cast<int>((*random)() & 0xff);
      return;
    case 4:
      if (!piece.bytes.empty()) piece.bytes.resize((*random)() % piece.bytes.size());
      return;
    default:
      break;
  }
  const bool is_transport = !piece.bytes.empty() && piece.bytes[0] == 0x47;
  if (is_transport) return MutatePackets(&piece.bytes, random);
  MutateBoxes(&piece.bytes, random);
}

size_t Mutate(uint8_t* data, size_t size, size_t max_size, unsigned seed) {
  Random random(seed);
  if (size <= kOptionBytes || random() % 8 == 0) return LLVMFuzzerMutate(data, size, max_size);
  if (random() % 8 == 0) {
    LLVMFuzzerMutate(data, kOptionBytes, kOptionBytes);
    return size;
  }
  FuzzInput input(data + kOptionBytes, size - kOptionBytes);
  std::vector<OwnedPiece> pieces;
  for (const Piece& piece : PiecesOf(&input, 64)) {
    pieces.push_back({piece.tag, Exact(piece.bytes)});
  }
  if (pieces.empty()) return LLVMFuzzerMutate(data, size, max_size);
  for (size_t turns = 1 + random() % 3; turns > 0 && !pieces.empty(); --turns) {
    MutatePieces(&pieces, &random);
  }
  Bytes made(data, data + kOptionBytes);
  for (const OwnedPiece& piece : pieces) {
    const size_t length = piece.bytes.size();
    const std::array<size_t, kPieceHeaderBytes> header = {static_cast<size_t>(piece.tag),
                                                          length >> 16, length >> 8, length};
    for (const size_t byte : header) made.push_back(static_cast<uint8_t>(byte));
    made.insert(made.end(), piece.bytes.begin(), piece.bytes.end());
  }
  made.resize(std::min(made.size(), max_size));
  std::copy(made.begin(), made.end(), data);
  return made.size();
}

}  // namespace
}  // namespace kvs_frames::fuzz

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max_size,
                                          unsigned seed) {
  return kvs_frames::fuzz::Mutate(data, size, max_size, seed);
}
