// For programs that use Boost.Asio: the library's asynchronous calls with Asio's completion tokens, so also as
// coroutines.
//
//   Result<IQ> answer = co_await sdk::async_request(connection, iq, boost::asio::use_awaitable);
//
// The completion runs on the token's associated executor if it has one, else on the connection's thread.
#pragma once

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <chrono>
#include <memory>
#include <string>
#include <utility>

#include "anser/archive.h"
#include "anser/connection.h"

namespace anser::sdk {

namespace detail {

// A std::function must be copyable, handlers are moved only.
template <class T, class Handler>
std::function<void(T)> completion(Handler handler) {
  auto kept = std::make_shared<Handler>(std::move(handler));
  auto work = boost::asio::make_work_guard(boost::asio::get_associated_executor(*kept));
  return [kept, work](T result) {
    auto complete = [kept, result = std::move(result)]() mutable { std::move (*kept)(std::move(result)); };
    boost::asio::dispatch(work.get_executor(), std::move(complete));
  };
}

}  // namespace detail

template <class Token>
auto async_connect(Connection& connection, Token&& token) {
  auto start = [&connection](auto handler) {
    connection.connect(detail::completion<Result<void>>(std::move(handler)));
  };
  return boost::asio::async_initiate<Token, void(Result<void>)>(std::move(start), token);
}

template <class Token>
auto async_login(Connection& connection, std::string username, std::string password, std::string resource,
                 Token&& token) {
  auto start = [&connection](auto handler, std::string username, std::string password, std::string resource) {
    connection.login(std::move(username), std::move(password), std::move(resource),
                     detail::completion<Result<void>>(std::move(handler)));
  };
  return boost::asio::async_initiate<Token, void(Result<void>)>(std::move(start), token, std::move(username),
                                                                std::move(password), std::move(resource));
}

template <class Token>
auto async_request(Connection& connection, IQ iq, Token&& token, std::chrono::milliseconds limit = {}) {
  auto start = [&connection, limit](auto handler, IQ iq) {
    connection.request(std::move(iq), detail::completion<Result<IQ>>(std::move(handler)), limit);
  };
  return boost::asio::async_initiate<Token, void(Result<IQ>)>(std::move(start), token, std::move(iq));
}

template <class Token>
auto async_query(Connection& connection, ArchiveQuery query, Token&& token) {
  auto start = [&connection](auto handler, ArchiveQuery query) {
    connection.archive_manager().query(query, detail::completion<Result<ArchivePage>>(std::move(handler)));
  };
  return boost::asio::async_initiate<Token, void(Result<ArchivePage>)>(std::move(start), token, std::move(query));
}

}  // namespace anser::sdk
