// A test library of one page: TEST(Name) { CHECK(…); CHECK_EQ(a, b); }, one executable per file.
// A failed check tells its place and values and ends the program with status 1 once all tests ran.
#pragma once

#include <cstdio>
#include <exception>
#include <iostream>
#include <string>
#include <vector>

namespace kvs_frames::testing {

struct Test {
  const char* name;
  void (*run)();
};

inline std::vector<Test>& Tests() {
  static std::vector<Test> tests;
  return tests;
}

inline int failures = 0;

inline bool Register(const char* name, void (*run)()) {
  Tests().push_back({name, run});
  return true;
}

inline std::ostream& Fail(const char* file, int line) {
  ++failures;
  return std::cerr << file << ":" << line << ": ";
}

inline int RunAll() {
  for (const Test& test : Tests()) {
    const int before = failures;
    try {
      test.run();
    } catch (const std::exception& error) {
      Fail(test.name, 0) << "threw: " << error.what() << "\n";
    }
    std::cout << (failures == before ? "ok      " : "FAILED  ") << test.name << std::endl;
  }
  return failures == 0 ? 0 : 1;
}

}  // namespace kvs_frames::testing

#define TEST(name)                                       \
  static void Test##name();                              \
  [[maybe_unused]] static const bool registered_##name = \
      kvs_frames::testing::Register(#name, Test##name);  \
  static void Test##name()

#define CHECK(condition)                                                                   \
  do {                                                                                     \
    if (!(condition)) kvs_frames::testing::Fail(__FILE__, __LINE__) << #condition << "\n"; \
  } while (false)

#define CHECK_EQ(actual, expected)                                                    \
  do {                                                                                \
    const auto& actual_value = (actual);                                              \
    const auto& expected_value = (expected);                                          \
    if (!(actual_value == expected_value)) {                                          \
      kvs_frames::testing::Fail(__FILE__, __LINE__)                                   \
          << #actual << " is " << actual_value << ", not " << expected_value << "\n"; \
    }                                                                                 \
  } while (false)

// As CHECK, but ends the test: what follows relies on it.
#define REQUIRE(condition)                                                 \
  do {                                                                     \
    if (!(condition)) {                                                    \
      kvs_frames::testing::Fail(__FILE__, __LINE__) << #condition << "\n"; \
      return;                                                              \
    }                                                                      \
  } while (false)
