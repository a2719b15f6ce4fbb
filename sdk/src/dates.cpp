#include "sdk/src/dates.h"

#include <fmt/format.h>

namespace anser::sdk {
namespace {

using namespace std::chrono;

constexpr int kFirstYear = 1678, kLastYear = 2261;  // whole years of nanoseconds in 64 bits

// Reads fields one after the other; once one was wrong, everything is.
struct Fields {
  std::string_view rest;
  bool ok = true;

  int number(std::size_t digits) {
    int value = 0;
    for (std::size_t i = 0; i < digits; ++i) value = value * 10 + digit();
    return value;
  }
  int digit() {
    if (rest.empty() || rest[0] < '0' || rest[0] > '9') return ok = false, 0;
    const int value = rest[0] - '0';
    rest.remove_prefix(1);
    return value;
  }
  bool skip(char expected) {
    if (!rest.starts_with(expected)) return false;
    rest.remove_prefix(1);
    return true;
  }
  void need(char expected) { ok = skip(expected) && ok; }
  bool at_digit() const { return !rest.empty() && rest[0] >= '0' && rest[0] <= '9'; }
};

// Behind the point.
microseconds read_fraction(Fields& fields) {
  int value = 0, unit = 100000;
  value = fields.digit() * unit;
  for (unit /= 10; fields.ok && fields.at_digit(); unit /= 10) value += fields.digit() * unit;
  return microseconds{value};
}

minutes read_zone(Fields& fields) {
  if (fields.skip('Z')) return {};
  const bool east = fields.skip('+');
  if (!east) fields.need('-');
  const int hour = fields.number(2);
  fields.need(':');
  const int minute = fields.number(2);
  if (hour > 14 || minute > 59) fields.ok = false;
  return minutes{(east ? 1 : -1) * (hour * 60 + minute)};
}

std::optional<TimePoint> read(std::string_view text, bool old) {
  Fields fields{text};
  const int y = fields.number(4);
  if (!old) fields.need('-');
  const int m = fields.number(2);
  if (!old) fields.need('-');
  const int d = fields.number(2);
  fields.need('T');
  const int hour = fields.number(2);
  fields.need(':');
  const int minute = fields.number(2);
  fields.need(':');
  const int second = fields.number(2);  // 60 is a leap second
  const microseconds fraction = !old && fields.skip('.') ? read_fraction(fields) : microseconds{};
  const minutes zone = old ? minutes{} : read_zone(fields);

  const year_month_day date{year{y}, month{static_cast<unsigned>(m)}, day{static_cast<unsigned>(d)}};
  if (!fields.ok || !fields.rest.empty() || !date.ok() || hour > 23 || minute > 59 || second > 60) return std::nullopt;
  if (y < kFirstYear || y > kLastYear) return std::nullopt;
  return sys_days{date} + hours{hour} + minutes{minute} + seconds{second} + fraction - zone;
}

}  // namespace

std::optional<TimePoint> parse_date(std::string_view text) { return read(text, /*old=*/false); }
std::optional<TimePoint> parse_old_date(std::string_view text) { return read(text, /*old=*/true); }

std::string format_date(TimePoint time) {
  const auto midnight = floor<days>(time);
  const year_month_day date{midnight};
  const hh_mm_ss clock{floor<microseconds>(time) - midnight};
  const std::string fraction =
      clock.subseconds() == microseconds{0} ? "" : fmt::format(".{:06}", clock.subseconds().count());
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}{}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), clock.hours().count(),
                     clock.minutes().count(), clock.seconds().count(), fraction);
}

}  // namespace anser::sdk
