// What the shared library shows; everything else in it is hidden. ANSER_HIDDEN is for insides that are nested in what
// is shown.
#pragma once

#define ANSER_API __attribute__((visibility("default")))
#define ANSER_HIDDEN __attribute__((visibility("hidden")))
