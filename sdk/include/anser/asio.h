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
#include <vector>

#include "anser/archive.h"
#include "anser/connection.h"
#include "anser/file_transfer.h"
#include "anser/socket.h"

namespace anser::sdk {

namespace detail {

// Completes on the handler's executor; with Errc::closed when the connection was destroyed before there was an answer.
template <class T, class Handler>
class Completion {
 public:
  explicit Completion(Handler handler)
      : handler_(std::move(handler)),
        work_(boost::asio::make_work_guard(boost::asio::get_associated_executor(handler_))) {}
  Completion(const Completion&) = delete;
  Completion& operator=(const Completion&) = delete;
  ~Completion() {
    if (!done_) complete(tl::make_unexpected(Error{Errc::closed, "the connection was destroyed"}));
  }

  void complete(T result) {
    done_ = true;
    auto call = [handler = std::move(handler_), result = std::move(result)]() mutable {
      std::move(handler)(std::move(result));
    };
    boost::asio::dispatch(work_.get_executor(), std::move(call));
  }

 private:
  using Executor = boost::asio::associated_executor_t<Handler>;

  Handler handler_;
  boost::asio::executor_work_guard<Executor> work_;
  bool done_ = false;
};

// A std::function must be copyable, handlers are moved only.
template <class T, class Handler>
std::function<void(T)> completion(Handler handler) {
  auto kept = std::make_shared<Completion<T, Handler>>(std::move(handler));
  return [kept](T result) { kept->complete(std::move(result)); };
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

template <class Token>
auto async_upload(Connection& connection, Upload upload, Token&& token) {
  auto start = [&connection](auto handler, Upload upload) {
    connection.file_transfers().upload(std::move(upload), detail::completion<Result<UploadedFile>>(std::move(handler)));
  };
  return boost::asio::async_initiate<Token, void(Result<UploadedFile>)>(std::move(start), token, std::move(upload));
}

template <class Token>
auto async_download(Connection& connection, Download download, Token&& token) {
  auto start = [&connection](auto handler, Download download) {
    connection.file_transfers().download(std::move(download),
                                         detail::completion<Result<DownloadedFile>>(std::move(handler)));
  };
  return boost::asio::async_initiate<Token, void(Result<DownloadedFile>)>(std::move(start), token, std::move(download));
}

template <class Token>
auto async_open(Socket& socket, Token&& token) {
  auto start = [&socket](auto handler) { socket.open(detail::completion<Result<void>>(std::move(handler))); };
  return boost::asio::async_initiate<Token, void(Result<void>)>(std::move(start), token);
}

template <class Token>
auto async_history(Socket& socket, SocketHistoryQuery query, Token&& token) {
  auto start = [&socket](auto handler, SocketHistoryQuery query) {
    socket.history(std::move(query), detail::completion<Result<SocketHistoryPage>>(std::move(handler)));
  };
  return boost::asio::async_initiate<Token, void(Result<SocketHistoryPage>)>(std::move(start), token, std::move(query));
}

template <class Token>
auto async_contacts(Socket& socket, Token&& token) {
  auto start = [&socket](auto handler) {
    socket.contacts(detail::completion<Result<std::vector<SocketContact>>>(std::move(handler)));
  };
  return boost::asio::async_initiate<Token, void(Result<std::vector<SocketContact>>)>(std::move(start), token);
}

}  // namespace anser::sdk
