// What a form is answered with: JSON for programs, and for people a page in the words of the seed's servlet with
// English beside them. Pure.
#pragma once

#include <string>
#include <vector>

#include "net/http_server.h"
#include "upload/form_intake.h"
#include "upload/request.h"

namespace anser::upload {

struct FormAnswer {
  struct File {
    std::string field;
    domain::FileRecord record;
    std::string removal_key;
  };
  FormIntake::Fields fields;
  std::vector<File> files;
};

// 201, as the client prefers.
net::HttpResponse answer_of(const FormAnswer& answer, std::string_view address, const net::HttpRequest& request);

// The page's five sentences.
enum class Sentence : std::uint8_t { no_access, no_directory, no_form, reading, storing };
net::HttpResponse refusal_of(Sentence sentence, const Problem& problem, const net::HttpRequest& request);

}  // namespace anser::upload
