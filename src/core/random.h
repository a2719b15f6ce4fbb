// Unguessable bytes and names from OpenSSL's generator. Any thread. It never fails: a machine that has no randomness
// stops the process, because everything made after that would be guessable.
#pragma once

#include <cstddef>
#include <string>

namespace anser::core {

std::string random_bytes(std::size_t count);

// `chars` characters of A-Z a-z 0-9 - _, six bits of chance in each: for ids, nonces, tokens in addresses. Drawn from a
// buffer of the calling thread, so it is cheap; the server must not fork without exec, or both would draw the same.
std::string random_id(std::size_t chars = 16);

}  // namespace anser::core
