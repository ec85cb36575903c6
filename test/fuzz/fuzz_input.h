// What all harnesses share: how an input's bytes are read, and how a broken promise is told.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "memory_io.h"

// A promise of the product that does not hold ends the run, as a fault of memory does.
#define FUZZ_CHECK(condition)                                                      \
  do {                                                                             \
    if (!(condition)) {                                                            \
      std::fprintf(stderr, "%s:%d: broken: %s\n", __FILE__, __LINE__, #condition); \
      std::abort();                                                                \
    }                                                                              \
  } while (false)

namespace kvs_frames::fuzz {

// Reads numbers from the front of an input. Past the end there are zeros.
class FuzzInput {
 public:
  FuzzInput(const uint8_t* data, size_t size) : data_(data), left_(size) {}

  int Byte() {
    if (left_ == 0) return 0;
    --left_;
    return *data_++;
  }

  int Word() {
    const int high = Byte();
    return high << 8 | Byte();
  }

  bool IsEmpty() const { return left_ == 0; }

  // At most so many bytes; they lie in the input.
  ByteSpan Take(size_t count) {
    const ByteSpan span = {data_, std::min(count, left_)};
    data_ += span.size;
    left_ -= span.size;
    return span;
  }

 private:
  const uint8_t* data_;
  size_t left_;
};

// Behind the options of a harness come pieces: a byte that says what it is, three of its length
// (the first is the most significant), and its bytes, cut at the end of the input.
struct Piece {
  int tag;
  ByteSpan bytes;
};

constexpr size_t kPieceHeaderBytes = 4;

inline std::vector<Piece> PiecesOf(FuzzInput* input, size_t at_most) {
  std::vector<Piece> pieces;
  while (!input->IsEmpty() && pieces.size() < at_most) {
    const int tag = input->Byte();
    const int high = input->Byte();
    const auto length = static_cast<size_t>(high << 16 | input->Word());
    pieces.push_back({tag, input->Take(length)});
  }
  return pieces;
}

// Tags of pieces, modulo 4.
enum PieceTag {
  kInit = 0,       // the init section of the fragments that follow
  kMedia = 1,      // a fragment of fMP4
  kTransport = 2,  // a fragment of MPEG-TS
  kCopy = 3,       // the second copy of the fragment before it, asked for at the first trouble
};

// Memory of exactly the bytes given, so that a sanitizer sees every step beyond them.
inline std::vector<uint8_t> Exact(ByteSpan span) { return {span.data, span.data + span.size}; }

}  // namespace kvs_frames::fuzz
