#include "plane_rows.h"

namespace kvs_frames {

void PlaneRows::SetNearest(const SampleForm& form, bool paired, const NearestAxis& columns,
                           const NearestAxis& rows) {
  form_ = form;
  paired_ = paired;
  filtered_ = false;
  columns_ = columns;
  rows_ = rows;
  Allocate(columns.count + 1);
}

void PlaneRows::SetFiltered(const SampleForm& form, bool paired, const Axis& columns,
                            const Axis& rows) {
  if (columns.IsPlain() && rows.IsPlain()) {
    return SetNearest(form, paired, {columns.low, 0, columns.count}, {rows.low, 0, rows.count});
  }
  form_ = form;
  paired_ = paired;
  filtered_ = true;
  column_taps_ = MakeTaps(rows, kColumnWeightBits);
  row_taps_ = PadTaps(MakeTaps(columns, kRowWeightBits));
  Allocate(row_taps_.high - row_taps_.low + row_taps_.taps);
}

void PlaneRows::Allocate(int samples) {
  // Zeros, since taps of weight 0 read some that are never written.
  whole_.assign(static_cast<size_t>(samples) * (paired_ ? 2 : 1), 0);
  first_.assign(paired_ ? samples : 0, 0);
  second_.assign(paired_ ? samples : 0, 0);
}

bool PlaneRows::Repeats(int row) const {
  return !filtered_ && row > 0 &&
         (rows_.start + row) >> rows_.shift == (rows_.start + row - 1) >> rows_.shift;
}

void PlaneRows::ReadNearest(int row, const uint8_t* plane, ptrdiff_t stride, int16_t* first,
                            int16_t* second) {
  const int begin = columns_.start >> columns_.shift;
  const int end = ((columns_.start + columns_.count - 1) >> columns_.shift) + 1;
  const int channels = paired_ ? 2 : 1;
  const int count = (end - begin) * channels;
  const SampleKernels& samples = kernels_.samples;
  const bool repeated = columns_.shift == 1;
  const uint8_t* const from = plane + ((rows_.start + row) >> rows_.shift) * stride +
                              static_cast<ptrdiff_t>(begin) * channels * form_.bytes;
  int16_t* const widened = paired_ || repeated ? whole_.data() : first;
  if (form_.bytes == 1) {
    samples.widen_bytes(from, count, widened);
  } else {
    samples.widen_words(from, form_.right_shift, 15 - form_.depth, count, widened);
  }
  const int phase = columns_.start & 1;
  if (!paired_) {
    if (repeated) samples.repeat(widened, phase, columns_.count, first);
    return;
  }
  if (!repeated) return samples.split(widened, end - begin, first, second);
  samples.split(widened, end - begin, first_.data(), second_.data());
  samples.repeat(first_.data(), phase, columns_.count, first);
  samples.repeat(second_.data(), phase, columns_.count, second);
}

void PlaneRows::Read(int row, const uint8_t* plane, ptrdiff_t stride, int16_t* first,
                     int16_t* second) {
  if (!filtered_) return ReadNearest(row, plane, stride, first, second);
  const int channels = paired_ ? 2 : 1;
  const int begin = row_taps_.low;
  const int samples = row_taps_.high - begin;
  const uint8_t* const from =
      plane + static_cast<ptrdiff_t>(column_taps_.low + column_taps_.starts[row]) * stride +
      static_cast<ptrdiff_t>(begin) * channels * form_.bytes;
  kernels_.resample.columns[form_.bytes - 1](
      {from, stride, 16 - form_.depth - form_.right_shift},
      column_taps_.weights.data() + static_cast<size_t>(row) * column_taps_.taps, column_taps_.taps,
      samples * channels, whole_.data());
  const auto count = static_cast<int>(row_taps_.starts.size());
  const auto filter = [this, count](const std::vector<int16_t>& in, int16_t* out) {
    kernels_.resample.row(in.data(), row_taps_.starts.data(), row_taps_.weights.data(),
                          row_taps_.taps, count, out);
  };
  if (!paired_) return filter(whole_, first);
  kernels_.samples.split(whole_.data(), samples, first_.data(), second_.data());
  filter(first_, first);
  filter(second_, second);
}

}  // namespace kvs_frames
