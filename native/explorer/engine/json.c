/* json.c - text as JSON. */
#define _GNU_SOURCE
#include "findings.h"

void json_string(FILE *file, const char *text)
{
    fputc('"', file);
    for (; *text != 0; ++text) {
        unsigned char c = (unsigned char)*text;
        if (c == '"' || c == '\\') {
            fprintf(file, "\\%c", c);
        } else if (c < 0x20) {
            fprintf(file, "\\u%04x", c);
        } else {
            fputc(c, file);
        }
    }
    fputc('"', file);
}
