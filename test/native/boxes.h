// Bytes and MP4 boxes made by hand.
#pragma once

#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <iterator>
#include <string>

#include "media.h"

namespace kvs_frames::testing {

inline void AddNumber(uint32_t number, Bytes* bytes) {
  for (int shift = 24; shift >= 0; shift -= 8) {
    bytes->push_back(static_cast<uint8_t>(number >> shift));
  }
}

inline Bytes Numbers(std::initializer_list<uint32_t> numbers) {
  Bytes bytes;
  for (const uint32_t number : numbers) AddNumber(number, &bytes);
  return bytes;
}

inline Bytes Joined(std::initializer_list<Bytes> parts) {
  Bytes joined;
  for (const Bytes& part : parts) std::copy(part.begin(), part.end(), std::back_inserter(joined));
  return joined;
}

inline Bytes Box(const std::string& type, const Bytes& payload) {
  return Joined({Numbers({static_cast<uint32_t>(payload.size() + 8)}),
                 Bytes(type.begin(), type.end()), payload});
}

}  // namespace kvs_frames::testing
