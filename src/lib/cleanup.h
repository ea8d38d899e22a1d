/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ISIF_LIB_CLEANUP_H
#define ISIF_LIB_CLEANUP_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Scope-bound release, so that no function needs a ladder of gotos. */

static inline void cleanup_free_pointer(void *pointer)
{
	free(*(void **)pointer);
}

static inline void cleanup_close_descriptor(const int *descriptor)
{
	if (*descriptor >= 0)
		close(*descriptor);
}

#define CLEANUP(function) __attribute__((cleanup(function)))
#define CLEANUP_FREE	  CLEANUP(cleanup_free_pointer)
#define CLEANUP_CLOSE	  CLEANUP(cleanup_close_descriptor)

/** Defines cleanup_NAME() for an object that is released with one call. */
#define DEFINE_CLEANUP(type, name, release)                                                        \
	static inline void cleanup_##name(type **pointer)                                          \
	{                                                                                          \
		if (*pointer)                                                                      \
			release(*pointer);                                                         \
	}                                                                                          \
	struct cleanup_##name##_needs_semicolon

DEFINE_CLEANUP(FILE, file, fclose);
#define CLEANUP_FILE CLEANUP(cleanup_file)

/** Hands an object over: the caller's variable forgets it. */
#define TAKE(pointer)                                                                              \
	__extension__({                                                                            \
		__typeof__(pointer) taken_ = (pointer);                                            \
		(pointer) = NULL;                                                                  \
		taken_;                                                                            \
	})

/** The same for a descriptor. */
#define TAKE_DESCRIPTOR(descriptor)                                                                \
	__extension__({                                                                            \
		int taken_ = (descriptor);                                                         \
		(descriptor) = -1;                                                                 \
		taken_;                                                                            \
	})

#endif
