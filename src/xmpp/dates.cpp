#include "xmpp/dates.h"

#include <chrono>

namespace anser::xmpp {
namespace {

constexpr int kMicrosecondDigits = 6;

// Takes from the front; remembers its first failure.
class Cursor {
 public:
  explicit Cursor(std::string_view text) : rest_(text) {}

  int number(std::size_t digits, int least, int most) {
    int value = 0;
    if (rest_.size() < digits) ok_ = false;
    for (std::size_t i = 0; ok_ && i < digits; ++i) {
      if (rest_[i] < '0' || rest_[i] > '9') ok_ = false;
      value = value * 10 + (rest_[i] - '0');
    }
    if (!ok_ || value < least || value > most) return fail();
    rest_.remove_prefix(digits);
    return value;
  }
  bool is(char wanted) {
    if (!ok_ || rest_.empty() || rest_.front() != wanted) return false;
    rest_.remove_prefix(1);
    return true;
  }
  void expect(char wanted) {
    if (!is(wanted)) fail();
  }
  // Behind the point: as many digits as there are, at least one.
  int microseconds() {
    int value = 0, taken = 0;
    for (; !rest_.empty() && rest_.front() >= '0' && rest_.front() <= '9'; rest_.remove_prefix(1), ++taken) {
      if (taken < kMicrosecondDigits) value = value * 10 + (rest_.front() - '0');
    }
    if (taken == 0) return fail();
    for (; taken < kMicrosecondDigits; ++taken) value *= 10;
    return value;
  }
  bool at_end() const { return ok_ && rest_.empty(); }

 private:
  int fail() {
    ok_ = false;
    return 0;
  }

  std::string_view rest_;
  bool ok_ = true;
};

}  // namespace

Result<Time> parse_xmpp_date(std::string_view text) {
  using std::chrono::day;
  using std::chrono::month;
  using std::chrono::year;
  using std::chrono::year_month_day;
  Cursor cursor{text};
  const int year_number = cursor.number(4, 0, 9999);
  cursor.expect('-');
  const int month_number = cursor.number(2, 1, 12);
  cursor.expect('-');
  const int day_number = cursor.number(2, 1, 31);
  cursor.expect('T');
  const int hour = cursor.number(2, 0, 23);
  cursor.expect(':');
  const int minute = cursor.number(2, 0, 59);
  cursor.expect(':');
  const int second = cursor.number(2, 0, 60);
  const int fraction = cursor.is('.') ? cursor.microseconds() : 0;
  int offset = 0;
  if (!cursor.is('Z')) {
    const bool east = cursor.is('+');
    if (!east) cursor.expect('-');
    const int hours_off = cursor.number(2, 0, 14);
    cursor.expect(':');
    offset = hours_off * 60 + cursor.number(2, 0, 59);
    if (!east) offset = -offset;
  }
  const year_month_day date{year{year_number}, month{static_cast<unsigned>(month_number)},
                            day{static_cast<unsigned>(day_number)}};
  if (!cursor.at_end() || !date.ok()) {
    return anser::fail(Errc::bad_request, "a time is written like 2026-11-22T14:03:05Z (XEP-0082)");
  }
  return Time{std::chrono::duration_cast<Duration>(std::chrono::sys_days{date}.time_since_epoch() +
                                                   std::chrono::hours{hour} + std::chrono::minutes{minute - offset} +
                                                   std::chrono::seconds{second} + std::chrono::microseconds{fraction})};
}

}  // namespace anser::xmpp
