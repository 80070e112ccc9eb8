/*
 * prelude.h - included before each C++ source. What the library's headers declare to be compiled elsewhere (strings, streams)
 * is compiled with the program instead, so that its accesses are seen.
 */
#ifndef EXPLORER_PRELUDE_H
#define EXPLORER_PRELUDE_H
#if __has_include(<bits/c++config.h>)
#  include <bits/c++config.h>
#  undef _GLIBCXX_EXTERN_TEMPLATE
#  define _GLIBCXX_EXTERN_TEMPLATE 0
#endif
#endif
