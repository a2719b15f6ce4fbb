// What the shared library shows; everything else in it is hidden.
#pragma once

#define ANSER_API __attribute__((visibility("default")))
