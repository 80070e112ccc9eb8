/* check.h - CHECK prints the line and the condition that is false, and ends the test; it is in every build. */
#ifndef RR_CHECK_H
#define RR_CHECK_H

#include <stdio.h>
#include <stdlib.h>

#define CHECK(condition)                                                                    \
    do {                                                                                    \
        if (!(condition)) {                                                                 \
            fprintf(stderr, "%s:%d: false: %s\n", __FILE__, __LINE__, #condition);          \
            abort();                                                                        \
        }                                                                                   \
    } while (0)

#define CHECK_EQUAL(left, right)                                                                              \
    do {                                                                                                      \
        long long left_value = (long long)(left);                                                             \
        long long right_value = (long long)(right);                                                           \
        if (left_value != right_value) {                                                                      \
            fprintf(stderr, "%s:%d: %s is %lld, %s is %lld\n", __FILE__, __LINE__, #left, left_value, #right, \
                    right_value);                                                                             \
            abort();                                                                                          \
        }                                                                                                     \
    } while (0)

#define RUN(test)           \
    do {                    \
        test();             \
        printf("%s\n", #test); \
    } while (0)

#endif
