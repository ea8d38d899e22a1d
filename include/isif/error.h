/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ISIF_ERROR_H
#define ISIF_ERROR_H

/**
 * Errors of the library. Every function that can fail returns one of these (or NULL where it
 * makes an object and only memory can be short).
 */
enum isif_error {
	ISIF_OK = 0,
	ISIF_NO_MEMORY,	  /**< out of memory; nothing changed */
	ISIF_NOT_FOUND,	  /**< no such file, object or device */
	ISIF_NO_ACCESS,	  /**< the kernel refused: not root, or a capability is missing */
	ISIF_IO,	  /**< reading or writing failed */
	ISIF_INCOMPLETE,  /**< a record without its end line: somebody is writing it */
	ISIF_INVALID,	  /**< not in the form that it must have */
	ISIF_TOO_LONG,	  /**< over the bound that this object has */
	ISIF_AMBIGUOUS,	  /**< more than one fits and none may be chosen */
	ISIF_OVERFLOW,	  /**< events were lost: read everything again */
	ISIF_UNAVAILABLE, /**< the kernel or the host does not offer it (now) */
	ISIF_LIMIT,	  /**< a limit of the system is reached, such as inotify watches */
	ISIF_EXISTS,	  /**< it is there already */
	ISIF_CHANGED,	  /**< somebody changed it meanwhile */
	ISIF_LOCKED,	  /**< somebody else holds the lock */
	ISIF_FULL,	  /**< no space is left on the disk */
	ISIF_IN_USE,	  /**< disks are in use, or it is not known whether they are */
	ISIF_UNDO_FAILED, /**< a write failed, and what was written before could not be put back */
};

/** A short text for people, never NULL; static storage. */
const char *isif_error_text(enum isif_error error);

/** The error that an errno value stands for (0 is ISIF_OK). */
enum isif_error isif_error_from_errno(int number);

#endif
