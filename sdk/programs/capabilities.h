// What the terminal can do, as terminfo says. Apart, because the headers that know it are full of macros.
#pragma once

namespace anser::programs {

// Both ends are a terminal that moves its cursor up and clears what is below: all that drawing above the input needs.
bool can_edit();

// Whether the terminal has colours and nobody minds (https://no-color.org).
bool wants_colours(int out);

}  // namespace anser::programs
