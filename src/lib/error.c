/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <isif/error.h>

#include <errno.h>

const char *isif_error_text(enum isif_error error)
{
	switch (error) {
	case ISIF_OK:
		return "no error";
	case ISIF_NO_MEMORY:
		return "out of memory";
	case ISIF_NOT_FOUND:
		return "not found";
	case ISIF_NO_ACCESS:
		return "permission denied";
	case ISIF_IO:
		return "input/output error";
	case ISIF_INCOMPLETE:
		return "incomplete: its \"# END RECORD\" line is missing";
	case ISIF_INVALID:
		return "not in the form that it must have";
	case ISIF_TOO_LONG:
		return "too long";
	case ISIF_AMBIGUOUS:
		return "ambiguous";
	case ISIF_OVERFLOW:
		return "events were lost";
	case ISIF_UNAVAILABLE:
		return "not available on this host now";
	case ISIF_LIMIT:
		return "a limit of the system is reached";
	case ISIF_EXISTS:
		return "it is there already";
	case ISIF_CHANGED:
		return "somebody changed it meanwhile";
	case ISIF_LOCKED:
		return "somebody else holds the lock";
	case ISIF_FULL:
		return "no space is left on the disk";
	case ISIF_IN_USE:
		return "its disks are in use, or who uses them is not known";
	case ISIF_UNDO_FAILED:
		return "writing failed, and what was written before could not be put back";
	}
	return "unknown error";
}

enum isif_error isif_error_from_errno(int number)
{
	switch (number) {
	case 0:
		return ISIF_OK;
	case ENOMEM:
		return ISIF_NO_MEMORY;
	case ENOENT:
	case ENOTDIR:
	case ENODEV:
	case ENXIO:
		return ISIF_NOT_FOUND;
	case EACCES:
	case EPERM:
		return ISIF_NO_ACCESS;
	case EINVAL:
	case EISDIR:
	case ELOOP:
		return ISIF_INVALID;
	case ENAMETOOLONG:
	case EFBIG:
		return ISIF_TOO_LONG;
	case ENOBUFS:
		return ISIF_OVERFLOW;
	case ENOTCONN:
	case EAFNOSUPPORT:
	case EPROTONOSUPPORT:
	case EOPNOTSUPP:
	case ENOSYS:
	case ECONNREFUSED:
		return ISIF_UNAVAILABLE;
	case ENOSPC:
	case EMFILE:
	case ENFILE:
		return ISIF_LIMIT;
	default:
		return ISIF_IO;
	}
}
