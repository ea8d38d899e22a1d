/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ISIF_LIB_ESCAPE_H
#define ISIF_LIB_ESCAPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/*
 * Texts as fields of our files: what could end a field or a line is written as %XX, no text at
 * all as "%". An odd name cannot make a second line.
 */

/* Writes a blank and the text. */
void escape_write(FILE *file, const char *text, size_t length);

/* Closes a text that was made with open_memstream(); false: not all of it is there. */
bool escape_close(FILE *file);

/*
 * Reads a blank and a text, and steps over both; text gets a NUL at its end. False, and nothing
 * is stepped over, if there is none or it does not fit.
 */
bool escape_read(const char **at, char *text, size_t size, size_t *length);

#endif
