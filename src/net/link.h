// A ring of links through the objects themselves: joining and leaving allocate nothing. An object that is in no ring is
// a ring of its own. Objects on one core only.
#pragma once

namespace anser::net {

struct Link {
  Link* previous = this;
  Link* next = this;

  Link() = default;
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;

  bool alone() const { return next == this; }

  void unlink() {
    previous->next = next;
    next->previous = previous;
    previous = next = this;
  }

  // As the last of the ring whose head is `head`.
  void join(Link& head) {
    previous = head.previous;
    next = &head;
    previous->next = this;
    head.previous = this;
  }
};

}  // namespace anser::net
