# Warnings are errors everywhere, so nobody learns to read past them.
add_library(anser_flags INTERFACE)
target_compile_options(anser_flags INTERFACE -Wall -Wextra -Werror)
if(ANSER_SANITIZE OR ANSER_FUZZ)
  target_compile_options(anser_flags INTERFACE -fno-omit-frame-pointer)  # the reports' stacks; a profiler reads -g1
endif()
target_compile_definitions(anser_flags INTERFACE ANSER_VERSION="${PROJECT_VERSION}")
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # g++ 12 reports these inside libstdc++ and Boost for correct code (GCC bugs 105329, 105651, 107852).
  target_compile_options(anser_flags INTERFACE -Wno-restrict -Wno-maybe-uninitialized -Wno-mismatched-new-delete -Wno-use-after-free -Wno-stringop-overflow
                                               -Wno-array-bounds -Wno-stringop-overread)
  target_compile_options(anser_flags INTERFACE -fpch-preprocess)  # so that ccache understands precompiled headers
  if(ANSER_SANITIZE)
    target_compile_options(anser_flags INTERFACE -Wno-tsan)
  endif()
endif()
if(ANSER_SANITIZE)
  target_compile_options(anser_flags INTERFACE -fsanitize=${ANSER_SANITIZE} -fno-sanitize-recover=all)
  target_link_options(anser_flags INTERFACE -fsanitize=${ANSER_SANITIZE} -fno-sanitize-recover=all)
endif()
if(ANSER_FUZZ)
  # In every layer, for a fuzzer finds its way only by the branches that report to it.
  target_compile_options(anser_flags INTERFACE -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all)
  target_link_options(anser_flags INTERFACE -fsanitize=address,undefined -fno-sanitize-recover=all)
endif()
