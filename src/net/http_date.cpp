#include "net/http_date.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>

namespace anser::net {
namespace {

namespace chrono = std::chrono;

constexpr std::array<std::string_view, 7> kDays{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr std::array<std::string_view, 7> kLongDays{"Sunday",   "Monday", "Tuesday", "Wednesday",
                                                    "Thursday", "Friday", "Saturday"};
constexpr std::array<std::string_view, 12> kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

// Takes what is there from the front of the text, or remembers that it is not.
class Scan {
 public:
  explicit Scan(std::string_view text) : rest_(text) {}

  template <std::size_t n>
  unsigned one_of(const std::array<std::string_view, n>& words) {
    for (std::size_t i = 0; i < n; ++i) {
      if (!rest_.starts_with(words[i])) continue;
      rest_.remove_prefix(words[i].size());
      return static_cast<unsigned>(i);
    }
    good_ = false;
    return 0;
  }
  bool has(std::string_view text) {
    if (!rest_.starts_with(text)) return false;
    rest_.remove_prefix(text.size());
    return true;
  }
  void expect(std::string_view text) { good_ = has(text) && good_; }
  unsigned number(std::size_t digits) {
    unsigned value = 0;
    for (std::size_t i = 0; i < digits; ++i) {
      if (rest_.empty() || rest_.front() < '0' || rest_.front() > '9') {
        good_ = false;
        return 0;
      }
      value = value * 10 + static_cast<unsigned>(rest_.front() - '0');
      rest_.remove_prefix(1);
    }
    return value;
  }
  void time(unsigned& hour, unsigned& minute, unsigned& second) {
    hour = number(2);
    expect(":");
    minute = number(2);
    expect(":");
    second = number(2);
  }
  bool whole() const { return good_ && rest_.empty(); }

 private:
  std::string_view rest_;
  bool good_ = true;
};

struct Fields {
  unsigned day = 0, month = 0, hour = 0, minute = 0, second = 0;
  int year = 0;
};

std::optional<Time> time_of(const Fields& fields) {
  const chrono::year_month_day date{chrono::year{fields.year}, chrono::month{fields.month + 1},
                                    chrono::day{fields.day}};
  // A leap second is the second after it.
  if (!date.ok() || fields.hour > 23 || fields.minute > 59 || fields.second > 60) return std::nullopt;
  return Time{chrono::sys_days{date}} + chrono::hours{fields.hour} + chrono::minutes{fields.minute} +
         chrono::seconds{fields.second};
}

int year_of(Time time) { return static_cast<int>(chrono::year_month_day{chrono::floor<chrono::days>(time)}.year()); }

bool is_long(std::string_view text) { return text.find(',') != std::string_view::npos && text.find('-') < text.size(); }

}  // namespace

std::string to_http_date(Time time) {
  const auto day = chrono::floor<chrono::days>(time);
  const chrono::year_month_day date{day};
  const chrono::hh_mm_ss clock{chrono::floor<chrono::seconds>(time - day)};
  return fmt::format("{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT", kDays[chrono::weekday{day}.c_encoding()],
                     static_cast<unsigned>(date.day()), kMonths[static_cast<unsigned>(date.month()) - 1],
                     static_cast<int>(date.year()), clock.hours().count(), clock.minutes().count(),
                     clock.seconds().count());
}

std::optional<Time> parse_http_date(std::string_view text, Time now) {
  Scan scan{text};
  Fields fields;
  if (text.find(',') == std::string_view::npos) {  // asctime
    scan.one_of(kDays);
    scan.expect(" ");
    fields.month = scan.one_of(kMonths);
    scan.expect(" ");
    fields.day = scan.number(scan.has(" ") ? 1 : 2);
    scan.expect(" ");
    scan.time(fields.hour, fields.minute, fields.second);
    scan.expect(" ");
    fields.year = static_cast<int>(scan.number(4));
  } else if (is_long(text)) {  // RFC 850
    scan.one_of(kLongDays);
    scan.expect(", ");
    fields.day = scan.number(2);
    scan.expect("-");
    fields.month = scan.one_of(kMonths);
    scan.expect("-");
    const int this_year = year_of(now);
    fields.year = this_year - this_year % 100 + static_cast<int>(scan.number(2));
    if (fields.year > this_year + 50) fields.year -= 100;
    scan.expect(" ");
    scan.time(fields.hour, fields.minute, fields.second);
    scan.expect(" GMT");
  } else {
    scan.one_of(kDays);
    scan.expect(", ");
    fields.day = scan.number(2);
    scan.expect(" ");
    fields.month = scan.one_of(kMonths);
    scan.expect(" ");
    fields.year = static_cast<int>(scan.number(4));
    scan.expect(" ");
    scan.time(fields.hour, fields.minute, fields.second);
    scan.expect(" GMT");
  }
  if (!scan.whole()) return std::nullopt;
  return time_of(fields);
}

}  // namespace anser::net
