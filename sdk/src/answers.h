// How a manager gives the application what it waits for.
#pragma once

#include <type_traits>
#include <utility>

#include "sdk/src/channel.h"

namespace anser::sdk {

// To the application, if it wants to know. As with every call of it: see Channel::call.
template <class T>
void give(Channel& channel, const std::function<void(Result<T>)>& done, std::type_identity_t<Result<T>> result) {
  if (done) channel.call([&] { done(std::move(result)); });
}

// Of an answer that says nothing but that it was done.
inline Result<void> outcome(const Result<IQ>& answer) {
  if (!answer) return pass(answer);
  return {};
}

}  // namespace anser::sdk
